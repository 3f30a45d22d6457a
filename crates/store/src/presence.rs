//! How many of which signal each service sent, second by second.
//!
//! A span counts in the second of its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::signal::attribute;
use telemetry::{Span, UnixNanos, Value, Window};

/// Attributes by which samplers tell that they left spans out, sorted: Honeycomb's rate, Jaeger's parameter, the
/// probability and the threshold of OpenTelemetry's probabilistic samplers, the collector's tail sampling.
pub(crate) const EVIDENCE: [&str; 5] =
    ["SampleRate", "sampler.param", "sampling.probability", "sampling.threshold", "tailsampling.policy"];
/// Estimated bytes of one service in one second: the figures, the name's handle and the shares of two trees.
const CELL_BYTES: u64 = size_of::<Signals>() as u64 + 64;

/// Counts of signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    pub(crate) spans: u64,
    pub(crate) entry_spans: u64,
    pub(crate) logs: u64,
    pub(crate) points: u64,
    /// Spans with each of [`EVIDENCE`].
    pub(crate) sampled: [u64; EVIDENCE.len()],
}

impl Signals {
    /// One log record.
    pub(crate) const LOG: Self = Self { spans: 0, entry_spans: 0, logs: 1, points: 0, sampled: [0; 5] };
    /// One metric point.
    pub(crate) const POINT: Self = Self { spans: 0, entry_spans: 0, logs: 0, points: 1, sampled: [0; 5] };

    /// One span.
    pub(crate) fn of(span: &Span) -> Self {
        Self {
            spans: 1,
            entry_spans: u64::from(span.is_entry()),
            sampled: EVIDENCE.map(|key| u64::from(tells_sampling(span, key))),
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let Self { spans, entry_spans, logs, points, sampled } = self;
        *spans = spans.saturating_add(other.spans);
        *entry_spans = entry_spans.saturating_add(other.entry_spans);
        *logs = logs.saturating_add(other.logs);
        *points = points.saturating_add(other.points);
        for (mine, theirs) in sampled.iter_mut().zip(other.sampled) {
            *mine = mine.saturating_add(theirs);
        }
    }
}

/// A sampler that keeps everything is no sampler.
fn tells_sampling(span: &Span, key: &str) -> bool {
    attribute(&span.attributes, key).map(Value::render).is_some_and(|told| {
        let keeps_all = if key == "sampling.threshold" { "0" } else { "1" };
        told != keeps_all && told != "true" && told != "1.0" && !told.is_empty()
    })
}

/// All seconds of a space.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    seconds: BTreeMap<UnixNanos, BTreeMap<Arc<str>, Signals>>,
    cells: u64,
}

impl Presence {
    /// Counts what `service` sent at `at`.
    pub(crate) fn add(&mut self, service: &Arc<str>, at: UnixNanos, signals: &Signals) {
        let services = self.seconds.entry(at.floor_second()).or_default();
        if let Some(cell) = services.get_mut(service) {
            cell.add(signals);
        } else {
            services.insert(Arc::clone(service), *signals);
            self.cells += 1;
        }
    }

    /// All seconds.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&UnixNanos, &BTreeMap<Arc<str>, Signals>)> {
        self.seconds.iter()
    }

    /// Estimated bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.cells * CELL_BYTES
    }

    /// The seconds that begin inside `window`, one map of services each.
    pub(crate) fn within(&self, window: Window) -> impl Iterator<Item = &BTreeMap<Arc<str>, Signals>> {
        let range = (window.from < window.to).then_some(window.from..window.to);
        range.into_iter().flat_map(|range| self.seconds.range(range)).map(|(_, services)| services)
    }
}
