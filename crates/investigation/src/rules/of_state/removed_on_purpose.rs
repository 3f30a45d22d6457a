//! Something that is being removed on purpose.

use evidence::state::Innocence;

use super::StateRule;

/// This rule.
pub const RULE: StateRule = StateRule {
    id: "removed_on_purpose",
    says: "a pod that is being removed, as the old replicas of a rollout are, may end as it likes: its end is wanted",
    of: Some(Innocence::Removed),
};
