//! A change that took effect after the onset is not its cause.
//!
//! The clock error is granted; a change inside it is judged by the other rules.

use evidence::measures::changes;
use incident::EvidenceKind;

use super::{Exclusion, Rule, change_candidate, seconds_before};
use crate::findings::Findings;

/// This rule.
pub const RULE: Rule = Rule {
    id: "cause_after_onset",
    says: "a cause never follows its effect: changes after the onset, beyond the clock error, are ruled out",
    apply,
};

fn apply(findings: &Findings) -> Vec<Exclusion> {
    let late = findings
        .rollouts
        .iter()
        .filter(|(rollout, _)| !changes::precedes(&rollout.first, findings.onset.latest));
    late.map(|(rollout, _)| {
        let seconds = -seconds_before(findings, rollout);
        let candidate = change_candidate(rollout);
        Exclusion {
            why: format!(
                "{} of `{}` took effect {seconds:.1} s after the onset: a cause cannot follow its effect",
                candidate.name, candidate.service
            ),
            candidate,
            kind: EvidenceKind::Change,
            numbers: vec![("seconds_after_onset", seconds)],
            questions: vec![findings.views.changes.clone(), findings.onset_question.clone()],
        }
    })
    .collect()
}
