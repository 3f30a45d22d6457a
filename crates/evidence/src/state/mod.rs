//! State as evidence: what workloads, nodes and databases are, read together with what their metrics and logs say.
//!
//! [`Scene`] is everything that was answered; [`Trouble`] is something wrong with the mechanism that shows it;
//! [`Bystander`] is something that looks guilty and is not, by name and number. The measures that find them stand one a
//! file in `measures`. Which trouble is only the effect of another one is decided in `investigation`.

pub mod database;
#[cfg(test)]
pub(crate) mod planted;
#[cfg(test)]
mod tests;
pub mod wording;
pub mod workload;

use incident::{CandidateKind, Fault};
use telemetry::answer::{LogTemplateRow, SeriesRow, StateKind, StateRow};
use telemetry::time::{SECOND_NS, Window};
use telemetry::{UnixNanos, time};

/// Seconds in which what was seen still counts as being so: Kubernetes forgets a crash after ten minutes of running
/// (back-off reset), and repeated events are told again within five.
pub const FRESH_SECONDS: i64 = 900;

/// Everything that was answered around an alert.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The time of the alert.
    pub at: UnixNanos,
    /// States, and the events of the history.
    pub rows: &'a [StateRow],
    /// Log templates of the last half hour.
    pub logs: &'a [LogTemplateRow],
    /// Metrics by slices of time, the oldest first.
    pub slices: &'a [(Window, &'a [SeriesRow])],
}

/// Where something was seen, so that it can be cited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeenIn {
    /// In the states or events.
    State,
    /// In the metrics.
    Series,
    /// In the logs.
    Logs,
}

/// Something that is wrong when the alert fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// What kind of fault it would be.
    pub fault: Fault,
    /// The workload, database or node; a name that is called when nothing of ours is.
    pub service: String,
    /// Which of its instances, sorted; empty when all or not told.
    pub instances: Vec<String>,
    /// What inside it: a statement, an image, a volume.
    pub resource: String,
    /// Since when, as far as it is told.
    pub since: Option<UnixNanos>,
    /// The sentence for people.
    pub says: String,
    /// Its numbers, unit in the name.
    pub numbers: Vec<(&'static str, f64)>,
    /// Where it was seen.
    pub seen_in: Vec<SeenIn>,
    /// What set it off, in a sentence; empty when not told.
    pub trigger: String,
    /// What lets it happen and is no trigger, in a sentence; empty when not told.
    pub condition: String,
    /// What keeps it going, in a sentence; empty when not told.
    pub sustained_by: String,
    /// What would have to be seen as well and is not there to be looked at; empty when the mechanism is shown.
    pub missing: String,
}

impl Trouble {
    /// Whether its mechanism is shown.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.missing.is_empty()
    }

    /// A trouble with its sentence and nothing else known.
    #[must_use]
    pub fn new(fault: Fault, service: &str, says: String, seen_in: SeenIn) -> Self {
        Self {
            fault,
            service: service.to_owned(),
            instances: Vec::new(),
            resource: String::new(),
            since: None,
            says,
            numbers: Vec::new(),
            seen_in: vec![seen_in],
            trigger: String::new(),
            condition: String::new(),
            sustained_by: String::new(),
            missing: String::new(),
        }
    }
}

/// Why something that looks guilty is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Innocence {
    /// It was over before the alert.
    Over,
    /// A figure moved and is far from the limit at which it does harm.
    WithinLimits,
    /// A figure is at its limit because of something else, which the same data show.
    Effect,
    /// It is being removed on purpose.
    Removed,
    /// It happened at the same time, and nothing shows that it does such harm.
    Coincides,
}

/// Something that looks guilty and is not.
#[derive(Debug, Clone, PartialEq)]
pub struct Bystander {
    /// Why it is not.
    pub innocence: Innocence,
    /// What kind of thing it is.
    pub kind: CandidateKind,
    /// To whom it belongs.
    pub service: String,
    /// What it is called.
    pub name: String,
    /// Why, with the numbers in words.
    pub says: String,
    /// Its numbers, unit in the name.
    pub numbers: Vec<(&'static str, f64)>,
    /// Where it was seen.
    pub seen_in: SeenIn,
}

/// What one measure reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// What is wrong.
    pub troubles: Vec<Trouble>,
    /// What looks guilty and is not.
    pub bystanders: Vec<Bystander>,
    /// What is missing, and what it could change.
    pub gaps: Vec<(String, &'static str)>,
}

impl Reading {
    /// Takes what another measure reads.
    pub fn merge(&mut self, other: Self) {
        self.troubles.extend(other.troubles);
        self.bystanders.extend(other.bystanders);
        self.gaps.extend(other.gaps);
    }
}

impl<'a> Scene<'a> {
    /// The rows of a kind.
    pub fn of(&self, kind: StateKind) -> impl Iterator<Item = &'a StateRow> + use<'a> {
        self.rows.iter().filter(move |row| row.kind == kind)
    }

    /// The events that speak of the object `name`, oldest first.
    pub fn events_of(&self, name: &str) -> impl Iterator<Item = &'a StateRow> {
        self.of(StateKind::Event).filter(move |row| row.name == name)
    }

    /// Whether something seen at `at` still counts when the alert fires.
    #[must_use]
    pub fn is_fresh(&self, at: UnixNanos) -> bool {
        self.at.since(at) <= FRESH_SECONDS * SECOND_NS
    }

    /// Minutes between `at` and the alert.
    #[must_use]
    pub fn minutes_before(&self, at: UnixNanos) -> f64 {
        self.at.since(at) as f64 / (60.0 * time::SECOND_NS as f64)
    }
}
