//! The signals of one space in memory, indexed for the questions.
//!
//! Holds what the log holds and nothing else. The oldest batches leave first, and everything derived from them
//! with them. Takes no lock and reads no clock.

mod past;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use otlp::Decoded;
use telemetry::{LogRecord, MetricPoint, Resource, Span, SpanId, TraceId, UnixNanos};

use crate::estimate::{log_bytes, resource_bytes, span_bytes};
use crate::incarnation::Incarnations;
use crate::presence::{Presence, Signals};
use crate::rollup::Rollups;
use crate::series::{Filed, POINT_BYTES, SeriesIndex};

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

/// The signals of one request.
#[derive(Debug)]
struct Batch {
    /// The log file that holds it.
    file: u64,
    received_at: UnixNanos,
    bytes: u64,
    spans: Vec<Arc<Span>>,
    /// Shared, so that whoever reads them for long does not keep those who write.
    logs: Arc<Vec<LogRecord>>,
    points: Vec<Filed>,
}

impl Batch {
    fn items(&self) -> u64 {
        (self.spans.len() + self.logs.len() + self.points.len()) as u64
    }

    /// Hands every signal to `each`: whose it is, when it counts, and as what.
    fn each_signal(&self, mut each: impl FnMut(&Arc<str>, UnixNanos, Signals)) {
        for span in &self.spans {
            each(&span.resource.service, indexed(span.end, self.received_at), Signals::of(span));
        }
        for log in self.logs.iter() {
            each(&log.resource.service, indexed(log.at, self.received_at), Signals::LOG);
        }
        for point in &self.points {
            each(&point.key.service, indexed(point.times.0, self.received_at), Signals::POINT);
        }
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

/// The signals of one space.
#[derive(Debug, Default)]
pub(crate) struct Head {
    traces: BTreeMap<TraceId, Trace>,
    batches: VecDeque<Batch>,
    rollups: Rollups,
    series: SeriesIndex,
    presence: Presence,
    incarnations: Incarnations,
    watermark: UnixNanos,
    held: Held,
    /// Estimated bytes of the requests alone.
    batch_bytes: u64,
}

impl Head {
    /// Takes in a request that is durable in `file`. Gives the number of spans and points that were here already.
    pub(crate) fn apply(&mut self, decoded: Decoded, received_at: UnixNanos, file: u64) -> u64 {
        let mut batch = Batch {
            file,
            received_at,
            bytes: 0,
            spans: Vec::with_capacity(decoded.spans.len()),
            logs: Arc::new(decoded.logs),
            points: Vec::new(),
        };
        self.observe(&decoded.spans, &batch.logs, &decoded.points, &mut batch.bytes);
        let sent = decoded.points.len() as u64;
        batch.points = self.series.add(decoded.points);
        let mut duplicates = sent - batch.points.len() as u64;
        for span in decoded.spans {
            match self.insert(Arc::new(span), received_at) {
                Some(span) => {
                    batch.bytes += span_bytes(&span);
                    batch.spans.push(span);
                }
                None => duplicates += 1,
            }
        }
        batch.bytes += batch.logs.iter().map(log_bytes).sum::<u64>();
        batch.bytes += batch.points.len() as u64 * POINT_BYTES;
        batch.each_signal(|service, at, signals| self.presence.add(service, at, &signals));
        self.held.spans += batch.spans.len() as u64;
        self.held.logs += batch.logs.len() as u64;
        self.held.points += batch.points.len() as u64;
        self.batch_bytes += batch.bytes;
        self.weigh();
        self.batches.push_back(batch);
        duplicates
    }

    /// What is kept once for many requests is counted apart from them.
    fn weigh(&mut self) {
        self.held.bytes = self.batch_bytes + self.series.bytes() + self.presence.bytes();
    }

    /// Adds a span to its trace and to the rollups, unless it is there.
    fn insert(&mut self, span: Arc<Span>, received_at: UnixNanos) -> Option<Arc<Span>> {
        let end = indexed(span.end, received_at);
        let trace = self.traces.entry(span.trace_id).or_default();
        trace.last_arrival = trace.last_arrival.max(received_at);
        if trace.spans.contains_key(&span.span_id) {
            return None;
        }
        trace.spans.insert(span.span_id, Arc::clone(&span));
        if span.is_entry() {
            self.rollups.add(&span, end);
        }
        self.watermark = self.watermark.max(end);
        Some(span)
    }

    /// Tells the incarnations when which resource was seen. Items of one resource stand together.
    fn observe(&mut self, spans: &[Span], logs: &[LogRecord], points: &[MetricPoint], bytes: &mut u64) {
        let spans = spans.iter().map(|span| (&span.resource, span.start, span.end));
        let logs = logs.iter().map(|log| (&log.resource, log.at, log.at));
        let points = points.iter().map(|point| (&point.resource, point.at, point.at));
        let mut current: Option<(&Arc<Resource>, UnixNanos, UnixNanos)> = None;
        for (resource, first, last) in spans.chain(logs).chain(points) {
            current = match current {
                Some((same, from, to)) if Arc::ptr_eq(same, resource) => {
                    Some((same, from.min(first), to.max(last)))
                }
                done => {
                    if let Some((resource, from, to)) = done {
                        *bytes += resource_bytes(resource);
                        self.incarnations.observe(resource, from, to);
                    }
                    Some((resource, first, last))
                }
            };
        }
        if let Some((resource, from, to)) = current {
            *bytes += resource_bytes(resource);
            self.incarnations.observe(resource, from, to);
        }
    }

    /// The newest log file whose requests have to leave so that at most `bytes` are held, as far as requests tell.
    pub(crate) fn file_beyond(&self, bytes: u64) -> Option<u64> {
        let mut held = self.held.bytes;
        let leaves = |batch: &&Batch| {
            let is_over = held > bytes;
            held = held.saturating_sub(batch.bytes);
            is_over
        };
        self.batches.iter().take_while(leaves).last().map(|batch| batch.file)
    }

    /// Drops the requests of the log files up to `file`. Gives the number of items dropped.
    pub(crate) fn leave_through(&mut self, file: u64) -> u64 {
        let mut expired = 0;
        while self.batches.front().is_some_and(|batch| batch.file <= file) {
            let Some(batch) = self.batches.pop_front() else { break };
            expired += batch.items();
            self.batch_bytes -= batch.bytes.min(self.batch_bytes);
            self.held.spans -= batch.spans.len() as u64;
            self.held.logs -= batch.logs.len() as u64;
            self.held.points -= batch.points.len() as u64;
            for span in &batch.spans {
                self.forget(span, batch.received_at);
            }
            for point in &batch.points {
                self.series.take(point);
            }
            batch.each_signal(|service, at, signals| self.presence.take(service, at, &signals));
            self.weigh();
        }
        expired
    }

    fn forget(&mut self, span: &Span, received_at: UnixNanos) {
        if span.is_entry() {
            self.rollups.take(span, indexed(span.end, received_at));
        }
        if let Some(trace) = self.traces.get_mut(&span.trace_id) {
            trace.spans.remove(&span.span_id);
            if trace.spans.is_empty() {
                self.traces.remove(&span.trace_id);
            }
        }
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
        self.batches.iter().map(|batch| &batch.logs).filter(|logs| !logs.is_empty())
    }

    pub(crate) fn rollups(&self) -> &Rollups {
        &self.rollups
    }

    pub(crate) fn series(&self) -> &SeriesIndex {
        &self.series
    }

    pub(crate) fn presence(&self) -> &Presence {
        &self.presence
    }

    pub(crate) fn incarnations(&self) -> &Incarnations {
        &self.incarnations
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
