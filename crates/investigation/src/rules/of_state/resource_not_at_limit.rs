//! A resource whose use moved and is far from where it does harm.

use evidence::state::Innocence;

use super::StateRule;

/// This rule.
pub const RULE: StateRule = StateRule {
    id: "resource_not_at_limit",
    says: "a resource that is used more than before and far from its limit makes nobody wait: it moved, and is no cause",
    of: Some(Innocence::WithinLimits),
};
