//! Rules that rule out what state shows: effects of something else, what is over, and what does no harm.
//!
//! One file each; a rule is listed in [`all`]. They see what the measures read, never raw answers.

pub mod change_coincides;
pub mod effect_of;
pub mod over_before_alert;
pub mod removed_on_purpose;
pub mod resource_not_at_limit;

use evidence::state::Innocence;

/// A rule that rules out what state shows.
#[derive(Debug, Clone, Copy)]
pub struct StateRule {
    /// Its name, as reports cite it.
    pub id: &'static str,
    /// What it rules out, and why that is sound.
    pub says: &'static str,
    /// What must have been seen of a candidate by itself; nothing when the rule compares candidates.
    pub(crate) of: Option<Innocence>,
}

/// Every rule, sorted by id.
#[must_use]
pub fn all() -> &'static [StateRule] {
    &[
        change_coincides::RULE,
        effect_of::RULE,
        over_before_alert::RULE,
        removed_on_purpose::RULE,
        resource_not_at_limit::RULE,
    ]
}

/// The rule that rules out what was seen so.
pub(crate) fn ruling(innocence: Innocence) -> &'static str {
    all().iter().find(|rule| rule.of == Some(innocence)).map_or(effect_of::RULE.id, |rule| rule.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_and_say_something() {
        assert!(all().windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(all().iter().all(|rule| rule.says.len() > 20));
        assert_eq!(ruling(Innocence::Over), "over_before_alert");
        assert_eq!(ruling(Innocence::Effect), "effect_of");
    }
}
