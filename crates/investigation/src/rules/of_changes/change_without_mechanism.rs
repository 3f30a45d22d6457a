//! A change that does nothing which brings this failure about is not the cause, however recent.
//!
//! What effects bring about which failures is common knowledge, written down in `change_match::strength`.

use evidence::change_match::judge::{Judged, Verdict};
use telemetry::UnixNanos;

use super::{ChangeRule, name};

/// This rule.
pub const RULE: ChangeRule = ChangeRule {
    id: "change_without_mechanism",
    says: "recency is not a cause: a change none of whose effects brings about what fails is ruled out",
    why,
};

fn why(judged: &Judged, _: UnixNanos) -> Option<String> {
    let what = if judged.does.is_empty() { "does nothing known".to_owned() } else { judged.does.clone() };
    (judged.verdict == Verdict::NoMechanism)
        .then(|| format!("{} {what}: that does not bring about what fails", name(judged)))
}
