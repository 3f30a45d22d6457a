//! A change that could do it gives way to one that does it more directly.
//!
//! The margin is that of the judge; closer than it, both are left open and none is ruled out.

use evidence::change_match::judge::{Judged, Verdict};
use telemetry::UnixNanos;

use super::{ChangeRule, name};

/// This rule.
pub const RULE: ChangeRule = ChangeRule {
    id: "change_outweighed",
    says: "of two changes that could do it, the one that brings the failure about more directly, nearer to it, is the cause",
    why,
};

fn why(judged: &Judged, _: UnixNanos) -> Option<String> {
    (judged.verdict == Verdict::Weaker).then(|| {
        format!("{} {}, which fits what fails less than another change does", name(judged), judged.does)
    })
}
