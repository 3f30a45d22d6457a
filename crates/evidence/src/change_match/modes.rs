//! Ways in which software fails, as its own messages and figures name them.
//!
//! A failure that no word names is `Unknown`, and then only what a change is about can tell. What brings each way of
//! failing about is in `strength`.

use std::collections::BTreeSet;

use super::vocabulary::{MEASURED, SAID};
use super::words;

/// A way of failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Something was valid until a date, and the date has come.
    Expired,
    /// A party outside the system fails by itself.
    External,
    /// A volume is full, a quota used up.
    Exhausted,
    /// A table or column that is not there.
    MissingRelation,
    /// Text that cannot be read as what it should be.
    Unreadable,
    /// A value that is not there is used.
    Null,
    /// An index or a number out of its bounds.
    OutOfBounds,
    /// Parts that do not fit together.
    Version,
    /// All of a pool is in use.
    Pool,
    /// All attempts are used up.
    Attempts,
    /// Access is refused.
    Denied,
    /// Too many requests, says the other side.
    RateLimited,
    /// Memory runs out.
    Memory,
    /// Computing time runs out.
    Cpu,
    /// Locks are waited for.
    Locked,
    /// A cache is asked in vain.
    CacheMiss,
    /// A query reads too much or takes too long.
    SlowQuery,
    /// More calls or queries than before.
    MoreCalls,
    /// A peer is not where it is looked for.
    Unreachable,
    /// A setting is missing or makes no sense.
    Misconfigured,
    /// Work piles up.
    Backlog,
    /// Somebody waited no longer.
    Deadline,
    /// It takes longer.
    Slow,
    /// It failed, and says nothing else.
    Unknown,
}

impl Mode {
    /// How much this way of failing says about its cause: little, when nearly every fault ends up in it.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::Deadline | Self::Slow | Self::Unreachable => 0.8,
            Self::Unknown => 0.7,
            _ => 1.0,
        }
    }

    /// Whether a service says this when it is another one that fails.
    #[must_use]
    pub fn is_passed_on(self) -> bool {
        matches!(self, Self::Deadline | Self::Slow | Self::Unreachable | Self::Unknown)
    }

    /// In words, for a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Expired => "something was valid until a date that has passed",
            Self::External => "a party outside the system fails by itself",
            Self::Exhausted => "a volume or quota is used up",
            Self::MissingRelation => "a table or column is missing",
            Self::Unreadable => "data cannot be read as what it should be",
            Self::Null => "a missing value is used",
            Self::OutOfBounds => "a number or index is out of bounds",
            Self::Version => "parts do not fit together",
            Self::Pool => "a pool is used up",
            Self::Attempts => "all attempts are used up",
            Self::Denied => "access is refused",
            Self::RateLimited => "too many requests are made",
            Self::Memory => "memory runs out",
            Self::Cpu => "computing time runs out",
            Self::Locked => "locks are waited for",
            Self::CacheMiss => "a cache is asked in vain",
            Self::SlowQuery => "queries read too much or take too long",
            Self::MoreCalls => "more calls or queries are made",
            Self::Unreachable => "a peer cannot be reached",
            Self::Misconfigured => "a setting is missing or wrong",
            Self::Backlog => "work piles up",
            Self::Deadline => "an answer comes too late for who waits",
            Self::Slow => "it takes longer",
            Self::Unknown => "it fails",
        }
    }
}

/// The ways of failing that a message names; `Unknown` when none.
#[must_use]
pub fn said(text: &str) -> BTreeSet<Mode> {
    let words: BTreeSet<String> = words::all(text).into_iter().collect();
    let named = SAID.iter().filter(|(_, any)| any.iter().any(|all| words::holds(&words, all)));
    let found: BTreeSet<Mode> = named.map(|(mode, _)| *mode).collect();
    if found.is_empty() { BTreeSet::from([Mode::Unknown]) } else { found }
}

/// The ways of failing that a figure names by having risen or fallen.
#[must_use]
pub fn measured(metric: &str, has_risen: bool) -> BTreeSet<Mode> {
    let words: BTreeSet<String> = words::all(metric).into_iter().collect();
    let named = MEASURED
        .iter()
        .filter(|(_, rises, any)| *rises == has_risen && any.iter().any(|all| words::holds(&words, all)));
    named.map(|(mode, ..)| *mode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_how_they_fail() {
        for (text, mode) in [
            ("x509: certificate has expired or is not yet valid", Mode::Expired),
            ("relation \"baskets\" does not exist", Mode::MissingRelation),
            ("HikariPool-1 - Connection is not available, pool exhausted", Mode::Pool),
            ("java.lang.OutOfMemoryError: Java heap space", Mode::Memory),
            ("Deadlock found when trying to get lock", Mode::Locked),
            ("dial tcp: lookup db: no such host", Mode::Unreachable),
            ("context deadline exceeded", Mode::Deadline),
            ("it broke", Mode::Unknown),
        ] {
            assert!(said(text).contains(&mode), "{text}: {:?}", said(text));
        }
    }

    #[test]
    fn figures_name_how_they_fail_by_their_direction() {
        assert!(measured("cache_hit_ratio", false).contains(&Mode::CacheMiss));
        assert!(!measured("cache_hit_ratio", true).contains(&Mode::CacheMiss));
    }
}
