//! What is derived from signals, so that most questions need not read them.

use crate::incarnation::Incarnations;
use crate::presence::Presence;
use crate::rollup::Rollups;

/// What a stretch of the log comes to.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    pub(crate) rollups: Rollups,
    pub(crate) presence: Presence,
    /// Which processes were seen when.
    pub(crate) lives: Incarnations,
}

impl Derived {
    /// The first and the last second in which something was counted, nanoseconds.
    pub(crate) fn seconds(&self) -> (i64, i64) {
        let counted = self.rollups.all().map(|(second, _)| second.0);
        let sent = self.presence.all().map(|(second, _)| second.0);
        counted
            .chain(sent)
            .fold((i64::MAX, i64::MIN), |(first, last), second| (first.min(second), last.max(second)))
    }
}
