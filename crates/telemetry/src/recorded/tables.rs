//! The neutral tables that every back end and every dataset is read into, and that questions are answered from.
//!
//! No vendor's and no dataset's own names stand here.

use std::collections::BTreeMap;

use crate::answer::SeriesKind;
use crate::{LogRecord, Span, UnixNanos};
use serde::{Deserialize, Serialize};

/// Everything that was recorded around one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables {
    /// Spans.
    pub spans: Vec<Span>,
    /// Log records.
    pub logs: Vec<LogRecord>,
    /// Metric series.
    pub series: Vec<Series>,
    /// Who calls whom, where the data say so without traces.
    pub calls: Vec<Call>,
    /// Deploys, commits, flags, settings.
    pub changes: Vec<Change>,
    /// What things were at some moment: pods, nodes, databases, monitors.
    pub states: Vec<State>,
}

/// One metric of one instance with one set of attributes, and its points by time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What the points are points of.
    pub key: SeriesKey,
    /// When, and how much; in the unit of the key. A rate is per second already, a mean is a mean.
    pub points: Vec<(UnixNanos, f64)>,
}

/// What tells one series from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`, empty when not told.
    pub instance: String,
    /// The metric's name.
    pub metric: String,
    /// UCUM, empty when not told.
    pub unit: String,
    /// What tells further series of the metric apart, sorted by key.
    pub attributes: BTreeMap<String, String>,
    /// What the values are.
    pub kind: SeriesKind,
}

/// One service calls another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Call {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
}

/// Something that was changed, as those say who changed it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// When it was done.
    pub at: UnixNanos,
    /// `deploy`, `commit`, `flag`, `config`, `scale`, `restart`.
    pub kind: String,
    /// Where; empty when not told.
    pub service: String,
    /// On which instance; empty when all.
    pub instance: String,
    /// What it is known by: a commit, a version, the name of a flag.
    pub id: String,
    /// What was before.
    pub before: String,
    /// What is now.
    pub after: String,
    /// Who did it.
    pub author: String,
    /// What they said about it.
    pub summary: String,
    /// The files it touches.
    pub files: Vec<String>,
    /// The text of the change.
    pub diff: String,
}

/// What something was at some moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// When; 0 when not told: what is seen when the alert is looked at. Of an event, when it happened last.
    pub at: UnixNanos,
    /// Since when it is so, or when it happened first; where that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<UnixNanos>,
    /// The name of a [`crate::answer::StateKind`], which says what the rest means.
    pub kind: String,
    /// The service it belongs to; empty when not told.
    pub service: String,
    /// Its own name.
    pub name: String,
    /// In one word: `Running`, `CrashLoopBackOff`, `NotReady`, `Alert`.
    pub status: String,
    /// What it says about itself.
    pub text: String,
    /// Its figures.
    pub figures: BTreeMap<String, f64>,
    /// Everything else.
    pub attributes: BTreeMap<String, String>,
}

/// What can be taken away from the tables, to see what the rest is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Spans, and the calls that are told without them.
    Traces,
    /// Log records.
    Logs,
    /// Metric series.
    Metrics,
    /// Changes.
    Changes,
    /// States.
    States,
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "traces" => Self::Traces,
            "logs" => Self::Logs,
            "metrics" => Self::Metrics,
            "changes" => Self::Changes,
            "states" => Self::States,
            _ => return None,
        })
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Changes => "changes",
            Self::States => "states",
        }
    }
}

impl Tables {
    /// Leaves `kind` out.
    pub fn remove(&mut self, kind: Kind) {
        match kind {
            Kind::Traces => {
                self.spans.clear();
                self.calls.clear();
            }
            Kind::Logs => self.logs.clear(),
            Kind::Metrics => self.series.clear(),
            Kind::Changes => self.changes.clear(),
            Kind::States => self.states.clear(),
        }
    }

    /// Whether there is anything of `kind`.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::Traces => !self.spans.is_empty() || !self.calls.is_empty(),
            Kind::Logs => !self.logs.is_empty(),
            Kind::Metrics => !self.series.is_empty(),
            Kind::Changes => !self.changes.is_empty(),
            Kind::States => !self.states.is_empty(),
        }
    }

    /// Brings every table into the one order that the same data always has.
    pub fn sort(&mut self) {
        self.spans.sort_by_key(|span| (span.trace_id, span.start, span.span_id));
        self.logs.sort_by_key(|log| log.at);
        self.series.sort_by(|a, b| a.key.cmp(&b.key));
        for series in &mut self.series {
            series.points.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.total_cmp(&b.1)));
        }
        self.calls.sort();
        self.calls.dedup();
        self.changes.sort_by(|a, b| (a.at, &a.kind, &a.id).cmp(&(b.at, &b.kind, &b.id)));
        self.states.sort_by(|a, b| (a.at, &a.kind, &a.name).cmp(&(b.at, &b.kind, &b.name)));
    }
}

/// Series while they are read point by point.
#[derive(Debug, Default)]
pub struct SeriesBuilder(BTreeMap<SeriesKey, Vec<(UnixNanos, f64)>>);

impl SeriesBuilder {
    /// Adds a point; a value that is no number says nothing.
    pub fn add(&mut self, key: SeriesKey, at: UnixNanos, value: f64) {
        if value.is_finite() {
            self.0.entry(key).or_default().push((at, value));
        }
    }

    /// All series, sorted.
    #[must_use]
    pub fn finish(self) -> Vec<Series> {
        self.0.into_iter().map(|(key, points)| Series { key, points }).collect()
    }
}
