//! The report on one screen: what, why, since when, what was done, did it work, what is not known.

use incident::{FactorRole, Report, Verdict};
use telemetry::time::SECOND_NS;

use super::plain;

/// Lines of rule-outs and hypotheses that fit the screen; the page has them all.
const LINES_MAX: usize = 4;

/// The report as plain text of at most about 30 lines.
pub(crate) fn render(report: &Report) -> String {
    let mut lines = vec![String::new(), format!("== {} ==", report.headline)];
    let conclusion = &report.diagnosis;
    push(&mut lines, "cause", &conclusion.statement);
    if let Some(onset) = &conclusion.onset {
        let (early, late) =
            (onset.at.since(onset.earliest) / SECOND_NS, onset.latest.since(onset.at) / SECOND_NS);
        push(&mut lines, "since", &format!("{} (-{early} s, +{late} s)", onset.at.rfc3339()));
    }
    if let Some(trigger) = conclusion.root_cause.as_ref().and_then(|cause| cause.trigger.as_ref()) {
        let change = &trigger.change;
        push(
            &mut lines,
            "trigger",
            &format!("{} {} -> {}, {}", change.service, change.before, change.after, trigger.lead()),
        );
    }
    for factor in conclusion.root_cause.iter().flat_map(|cause| &cause.factors).take(LINES_MAX) {
        let label = match factor.role {
            FactorRole::Contributing => "beside",
            FactorRole::Sustaining => "kept up by",
        };
        push(&mut lines, label, &factor.statement);
    }
    let confidence = conclusion.confidence.map_or_else(|| "unmeasured".to_owned(), |c| in_words(c.get()));
    push(&mut lines, "confidence", &confidence);
    done(report, &mut lines);
    for item in conclusion.ruled_out.iter().take(LINES_MAX) {
        push(&mut lines, "not", &item.why);
    }
    if conclusion.ruled_out.len() > LINES_MAX {
        push(
            &mut lines,
            "not",
            &format!("... and {} more in the report", conclusion.ruled_out.len() - LINES_MAX),
        );
    }
    if conclusion.gaps.is_empty() {
        push(&mut lines, "gaps", "none");
    }
    for gap in conclusion.gaps.iter().take(LINES_MAX) {
        push(&mut lines, "gap", &format!("{} (could change: {})", gap.missing, gap.could_change));
    }
    push(&mut lines, "engine", &format!("{:.0} ms of computing", report.engine_ms.get()));
    push(&mut lines, "incident", &report.incident);
    push(&mut lines, "head", &report.journal_head);
    lines.join("\n")
}

/// A confidence with what it means.
fn in_words(share: f64) -> String {
    let of_100 = (share * 100.0).min(99.0);
    format!("{share:.2}, right in about {of_100:.0} of 100 cases like this (measured on labelled incidents)")
}

fn push(lines: &mut Vec<String>, label: &str, text: &str) {
    lines.push(format!("{label:>10}  {}", plain(text)));
}

fn done(report: &Report, lines: &mut Vec<String>) {
    let Some(resolution) = &report.resolution else {
        push(lines, "done", "nothing");
        return;
    };
    if let Some(why) = &resolution.failed {
        push(lines, "FAILED", why);
    }
    for action in &resolution.actions {
        push(
            lines,
            "done",
            &format!("restart {} with {}", action.instance, orchestrator::report::settings(action)),
        );
    }
    if resolution.actions.is_empty() {
        let why =
            if resolution.failed.is_some() { "nothing that is known of" } else { "nothing: not approved" };
        push(lines, "done", why);
    }
    for record in &resolution.verifications {
        push(lines, "proof", &format!("{} [{}]", record.statement, record.verdict.name()));
    }
    if let Some(why) = &resolution.not_undone {
        push(lines, "ATTENTION", why);
    }
    if resolution.was_undone {
        push(lines, "undone", "the action was taken back, once");
    }
    if let Some(summary) = &report.verification {
        let interval = summary.relative.map_or_else(String::new, |interval| {
            format!(
                ": {:+.0} % latency beyond the untouched sibling, 95 % interval [{:+.0} %, {:+.0} %]",
                interval.estimate.get() * 100.0,
                interval.low.get() * 100.0,
                interval.high.get() * 100.0
            )
        });
        push(lines, "verdict", &format!("{}{interval}{}", summary.verdict.name(), advice(summary.verdict)));
    }
}

fn advice(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotEffective => "; the override is still set, and the cause stands",
        Verdict::RecoveredUnattributed => "; look for who or what healed it",
        Verdict::Inconclusive => "; wait for more traffic and look again",
        Verdict::Effective | Verdict::Worse => "",
    }
}
