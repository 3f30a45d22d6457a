//! The signals of a stretch of the log in memory, indexed for the questions.
//!
//! Holds what that stretch holds and nothing else, and grows until it is frozen (`kept`): nothing leaves it. Takes no lock
//! and reads no clock.

mod past;

use std::collections::BTreeMap;
use std::sync::Arc;

use otlp::Decoded;
use telemetry::{LogRecord, MetricPoint, Span, SpanId, TraceId, UnixNanos};

use crate::derived::Derived;
use crate::estimate::{log_bytes, span_bytes};
use crate::presence::Signals;
use crate::resources::each_stay;
use crate::series::{POINT_BYTES, SeriesIndex};

/// A time further ahead than this of the receipt is a wrong clock; the receive time is taken for the index.
const AHEAD_NS_MAX: i64 = 600_000_000_000;

/// One trace as far as it has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    spans: BTreeMap<SpanId, Arc<Span>>,
    /// When the last span of it was received.
    last_arrival: UnixNanos,
}

impl Trace {
    pub(crate) fn spans(&self) -> impl Iterator<Item = &Arc<Span>> {
        self.spans.values()
    }

    pub(crate) fn len(&self) -> u64 {
        self.spans.len() as u64
    }

    /// This trace with the spans of another part of it.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let mut spans = other.spans.clone();
        spans.extend(self.spans.iter().map(|(id, span)| (*id, Arc::clone(span))));
        Self { spans, last_arrival: self.last_arrival.max(other.last_arrival) }
    }

    pub(crate) fn last_arrival(&self) -> UnixNanos {
        self.last_arrival
    }

    /// When its root began, or its earliest span while there is no root.
    pub(crate) fn start(&self) -> UnixNanos {
        let earliest = |roots_only: bool| {
            self.spans
                .values()
                .filter(|span| !roots_only || span.parent.is_none())
                .map(|span| span.start)
                .min()
        };
        earliest(true).or_else(|| earliest(false)).unwrap_or_default()
    }
}

/// How many of what a head holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) spans: u64,
    pub(crate) logs: u64,
    pub(crate) points: u64,
    pub(crate) bytes: u64,
}

impl Held {
    /// The sum of both.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            spans: self.spans + other.spans,
            logs: self.logs + other.logs,
            points: self.points + other.points,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Where a request stands in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of its file.
    pub(crate) file: u64,
    /// Its number within the store.
    pub(crate) sequence: u64,
}

/// The signals of one stretch of the log of one space.
#[derive(Debug, Default)]
pub(crate) struct Head {
    traces: BTreeMap<TraceId, Trace>,
    /// One entry a request; shared, so that whoever reads them for long does not keep those who write.
    logs: Vec<Arc<Vec<LogRecord>>>,
    series: SeriesIndex,
    derived: Derived,
    /// The latest end of a span.
    watermark: UnixNanos,
    /// The latest end of a span as it was told, and the latest time of a point.
    spans_to: UnixNanos,
    points_to: UnixNanos,
    held: Held,
    /// Estimated bytes of the requests alone.
    request_bytes: u64,
    /// Of the last request.
    place: Place,
    received_to: UnixNanos,
}

impl Head {
    /// Takes in a request that is durable at `place`. Gives the number of spans and points that were here already.
    pub(crate) fn apply(&mut self, decoded: Decoded, received_at: UnixNanos, place: Place) -> u64 {
        self.place = place;
        self.received_to = self.received_to.max(received_at);
        each_stay(&decoded, |resource, from, to| self.derived.lives.observe(resource, from, to));
        let Decoded { spans, logs, points, .. } = decoded;
        let sent = (spans.len() + points.len()) as u64;
        let before = self.held.spans + self.held.points;
        spans.into_iter().for_each(|span| self.insert(Arc::new(span), received_at));
        self.insert_points(points, received_at);
        for log in &logs {
            let at = indexed(log.at, received_at);
            self.derived.presence.add(&log.resource.service, at, &Signals::LOG);
            self.request_bytes += log_bytes(log);
        }
        self.held.logs += logs.len() as u64;
        if !logs.is_empty() {
            self.logs.push(Arc::new(logs));
        }
        self.weigh();
        sent - (self.held.spans + self.held.points - before)
    }

    /// Counts bytes that requests brought and that are kept beside the head.
    pub(crate) fn charge(&mut self, bytes: u64) {
        self.request_bytes += bytes;
        self.weigh();
    }

    /// What is kept once for many requests is counted apart from them.
    fn weigh(&mut self) {
        self.held.bytes = self.request_bytes + self.series.bytes() + self.derived.presence.bytes();
    }

    /// Adds a span to its trace and counts it, unless it is there.
    fn insert(&mut self, span: Arc<Span>, received_at: UnixNanos) {
        let end = indexed(span.end, received_at);
        let trace = self.traces.entry(span.trace_id).or_default();
        trace.last_arrival = trace.last_arrival.max(received_at);
        if trace.spans.contains_key(&span.span_id) {
            return;
        }
        self.request_bytes += span_bytes(&span);
        self.held.spans += 1;
        self.derived.presence.add(&span.resource.service, end, &Signals::of(&span));
        if span.is_entry() {
            self.derived.rollups.add(&span, end);
        }
        self.watermark = self.watermark.max(end);
        self.spans_to = self.spans_to.max(span.end);
        trace.spans.insert(span.span_id, span);
    }

    fn insert_points(&mut self, points: Vec<MetricPoint>, received_at: UnixNanos) {
        let Self { series, derived, points_to, held, .. } = self;
        let before = held.points;
        series.add(points, |service, at| {
            derived.presence.add(service, indexed(at, received_at), &Signals::POINT);
            *points_to = (*points_to).max(at);
            held.points += 1;
        });
        self.request_bytes += (self.held.points - before) * POINT_BYTES;
    }

    /// Whether this span is here.
    pub(crate) fn has_span(&self, span: &Span) -> bool {
        // Of a head of the past it mostly is told without a look at its traces.
        span.end <= self.spans_to
            && self.traces.get(&span.trace_id).is_some_and(|trace| trace.spans.contains_key(&span.span_id))
    }

    /// Whether this point is here.
    pub(crate) fn has_point(&self, point: &MetricPoint) -> bool {
        self.held.points > 0 && point.at <= self.points_to && self.series.has(point)
    }

    /// Where the last request stands that it took in.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// When the last of the requests came.
    pub(crate) fn received_to(&self) -> UnixNanos {
        self.received_to
    }

    /// By id.
    pub(crate) fn traces_by_id(&self) -> std::collections::btree_map::Iter<'_, TraceId, Trace> {
        self.traces.iter()
    }

    pub(crate) fn traces(&self) -> impl Iterator<Item = &Trace> {
        self.traces.values()
    }

    pub(crate) fn trace(&self, id: TraceId) -> Option<&Trace> {
        self.traces.get(&id)
    }

    /// The log records, request by request, in the order in which they came.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &Arc<Vec<LogRecord>>> {
        self.logs.iter()
    }

    pub(crate) fn derived(&self) -> &Derived {
        &self.derived
    }

    pub(crate) fn series(&self) -> &SeriesIndex {
        &self.series
    }

    /// The latest end of a span.
    pub(crate) fn watermark(&self) -> UnixNanos {
        self.watermark
    }

    pub(crate) fn held(&self) -> Held {
        self.held
    }
}

/// The time under which a span is filed.
fn indexed(end: UnixNanos, received_at: UnixNanos) -> UnixNanos {
    if end.since(received_at) > AHEAD_NS_MAX { received_at } else { end }
}
