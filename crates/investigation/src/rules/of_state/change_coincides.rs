//! Something that was done at the same time and cuts or slows nothing by itself.

use evidence::state::Innocence;

use super::StateRule;

/// This rule.
pub const RULE: StateRule = StateRule {
    id: "change_coincides",
    says: "a backup, an announcement or a setting that waits for a restart cuts nothing: that it coincides shows no harm",
    of: Some(Innocence::Coincides),
};
