//! Something that was over before the alert.

use evidence::state::Innocence;

use super::StateRule;

/// This rule.
pub const RULE: StateRule = StateRule {
    id: "over_before_alert",
    says: "what was over before the alert, and whose subject is well since, does not explain what is wrong now",
    of: Some(Innocence::Over),
};
