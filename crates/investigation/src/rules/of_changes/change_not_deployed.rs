//! A change that no deploy carried ran nowhere.
//!
//! A deploy carries every earlier commit of its service and of shared code.

use evidence::change_match::judge::{Judged, Verdict};
use telemetry::UnixNanos;

use super::{ChangeRule, name};

/// This rule.
pub const RULE: ChangeRule = ChangeRule {
    id: "change_not_deployed",
    says: "committed is not deployed: a change that no deploy before the alert carried is ruled out",
    why,
};

fn why(judged: &Judged, _: UnixNanos) -> Option<String> {
    (judged.verdict == Verdict::NotDeployed)
        .then(|| format!("{} was committed, and no deploy carried it", name(judged)))
}
