//! Fix profiles: each recognises one kind of cause that has a known, targeted fix.
//!
//! One file each, listed in [`all`]. A profile names no variable and no value: those are the inventory's.

pub mod slow_query;

use incident::RootCause;

/// A fix profile.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Its name, as the inventory refers to it.
    pub name: &'static str,
    /// What it recognises and what the fix does.
    pub says: &'static str,
    /// Whether the cause is of its kind.
    pub fits: fn(&RootCause) -> bool,
}

/// Every profile, sorted by name.
#[must_use]
pub fn all() -> &'static [Profile] {
    &[slow_query::PROFILE]
}

/// The profile that fits `cause`, if any: "none of these" is an answer.
#[must_use]
pub fn fitting(cause: &RootCause) -> Option<&'static Profile> {
    all().iter().find(|profile| (profile.fits)(cause))
}
