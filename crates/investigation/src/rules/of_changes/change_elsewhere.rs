//! A change that runs where nothing fails, and that nothing failing calls or is called by, is not the cause.
//!
//! Calls are those seen in traces, or told by a source; an unseen call would be a gap.

use evidence::change_match::judge::{Judged, Verdict};
use telemetry::UnixNanos;

use super::{ChangeRule, name};

/// This rule.
pub const RULE: ChangeRule = ChangeRule {
    id: "change_elsewhere",
    says: "a change acts where it runs: where no service it was deployed to fails, calls what fails or is called by it, it is ruled out",
    why,
};

fn why(judged: &Judged, _: UnixNanos) -> Option<String> {
    let service = judged.landing.as_ref().map_or(judged.change.service.as_str(), |landing| &landing.service);
    (judged.verdict == Verdict::Elsewhere).then(|| {
        format!(
            "{} runs in `{service}`, where nothing fails and which nothing that fails calls",
            name(judged)
        )
    })
}
