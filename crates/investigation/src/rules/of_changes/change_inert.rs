//! A change that cannot alter what runs is not the cause, however well its words fit.
//!
//! By the text of the change; a change whose text is not told is never called inert for it.

use evidence::change_match::judge::{Judged, Verdict};
use telemetry::UnixNanos;

use super::{ChangeRule, name};

/// This rule.
pub const RULE: ChangeRule = ChangeRule {
    id: "change_inert",
    says: "comments, logging, tests, documents, looks and moved code alter nothing that runs: such a change is ruled out",
    why,
};

fn why(judged: &Judged, _: UnixNanos) -> Option<String> {
    match judged.verdict {
        Verdict::Inert(because) => Some(format!("{} cannot matter: {because}", name(judged))),
        _ => None,
    }
}
