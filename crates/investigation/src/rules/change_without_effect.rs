//! A change whose new version does its own work as fast as the old one is not the cause, however recent.

use evidence::measures::changes;
use incident::EvidenceKind;

use super::{Exclusion, Rule, change_candidate, seconds_before};
use crate::findings::Findings;

/// This rule.
pub const RULE: Rule = Rule {
    id: "change_without_effect",
    says: "recency is not a cause: a deploy whose own exclusive time per call did not rise is ruled out",
    apply,
};

fn apply(findings: &Findings) -> Vec<Exclusion> {
    let mut found = Vec::new();
    for (rollout, contrast) in &findings.rollouts {
        let Some(contrast) = contrast.as_ref().filter(|contrast| !contrast.is_raised()) else {
            continue;
        };
        if !changes::precedes(&rollout.first, findings.onset.latest) {
            continue;
        }
        let share = findings.share_of(&rollout.first.service);
        let seconds = seconds_before(findings, rollout);
        // The onset is known to the second; within it the order of the two cannot be told.
        let when = if seconds < 1.0 {
            "at the onset".to_owned()
        } else {
            format!("{seconds:.1} s before the onset")
        };
        let candidate = change_candidate(rollout);
        found.push(Exclusion {
            why: format!(
                "{} of `{}` came {when}, but its {} went from {:.2} ms \
                 ({} calls) to {:.2} ms ({} calls) and explains {:.0} % of the extra time",
                candidate.name,
                candidate.service,
                contrast.subject(),
                contrast.old_ms,
                contrast.old_calls,
                contrast.new_ms,
                contrast.new_calls,
                share * 100.0
            ),
            candidate,
            kind: EvidenceKind::VersionContrast,
            numbers: vec![
                ("old_version_ms_per_call", contrast.old_ms),
                ("new_version_ms_per_call", contrast.new_ms),
                ("old_version_calls", contrast.old_calls as f64),
                ("new_version_calls", contrast.new_calls as f64),
                ("p_value", contrast.p_value),
                ("share_of_excess", share),
                ("seconds_before_onset", seconds),
            ],
            questions: vec![
                findings.views.changes.clone(),
                findings.views.self_time.0.clone(),
                findings.views.self_time.1.clone(),
            ],
        });
    }
    found
}
