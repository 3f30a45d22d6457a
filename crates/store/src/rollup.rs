//! Rate, errors and durations of entry spans, per second of their end and per subject.

use std::collections::BTreeMap;
use std::ops::Bound;

pub(crate) use telemetry::rows::Key;
use telemetry::{Span, SpanKind, UnixNanos, Window};

use crate::sketch::Sketch;

/// Figures of some entry spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) count: u64,
    pub(crate) errors: u64,
    /// Those that took a message from a queue.
    pub(crate) messages: u64,
    pub(crate) sum_ns: i64,
    pub(crate) durations: Sketch,
}

impl Figures {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.messages += other.messages;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.durations.merge(&other.durations);
    }
}

/// All seconds of a space.
#[derive(Debug, Default)]
pub(crate) struct Rollups {
    seconds: BTreeMap<UnixNanos, BTreeMap<Key, Figures>>,
}

impl Rollups {
    /// Counts an entry span that ended at `end`.
    pub(crate) fn add(&mut self, span: &Span, end: UnixNanos) {
        let cells = self.seconds.entry(end.floor_second()).or_default();
        let figures = cells.entry(Key::of(span)).or_default();
        figures.count += 1;
        figures.errors += u64::from(span.is_error());
        figures.messages += u64::from(span.kind == SpanKind::Consumer);
        figures.sum_ns = figures.sum_ns.saturating_add(span.duration_ns());
        figures.durations.add(span.duration_ns());
    }

    /// Adds figures that were counted elsewhere.
    pub(crate) fn merge(&mut self, second: UnixNanos, key: Key, figures: &Figures) {
        self.seconds.entry(second).or_default().entry(key).or_default().merge(figures);
    }

    /// All seconds.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&UnixNanos, &BTreeMap<Key, Figures>)> {
        self.seconds.iter()
    }

    /// The seconds that begin inside `window`.
    pub(crate) fn within(
        &self,
        window: Window,
    ) -> impl Iterator<Item = (UnixNanos, &BTreeMap<Key, Figures>)> {
        let range =
            (window.from < window.to).then_some((Bound::Included(window.from), Bound::Excluded(window.to)));
        range.into_iter().flat_map(|range| self.seconds.range(range)).map(|(second, cells)| (*second, cells))
    }
}
