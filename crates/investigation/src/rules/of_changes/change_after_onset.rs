//! A change that ran only after the onset did not bring it about.
//!
//! The same reasoning as for deploys in `cause_after_onset`, where a commit is told apart from its deploy.

use evidence::change_match::judge::{Judged, Verdict};
use telemetry::UnixNanos;

use super::{ChangeRule, name};

/// This rule.
pub const RULE: ChangeRule = ChangeRule {
    id: "change_after_onset",
    says: "a cause never follows its effect: a change that ran after the onset only, beyond the clock error, is ruled out",
    why,
};

fn why(judged: &Judged, onset: UnixNanos) -> Option<String> {
    let at = judged.landing.as_ref().map_or(judged.change.at, |landing| landing.at);
    let seconds = at.since(onset) as f64 / 1e9;
    (judged.verdict == Verdict::AfterOnset)
        .then(|| format!("{} took effect {seconds:.0} s after the first sign of it", name(judged)))
}
