//! Heads that hold one kind of thing of a segment, so that the questions see the past as they see the present.
//!
//! Rows are not counted into rollups here: those of a segment are kept beside it, and would count twice.

use std::collections::VecDeque;
use std::sync::Arc;

use telemetry::{LogRecord, MetricPoint, Span, TraceId, UnixNanos};

use super::{Batch, Head};
use crate::estimate::{log_bytes, span_bytes};
use crate::incarnation::Incarnations;
use crate::presence::Presence;
use crate::rollup::Rollups;
use crate::series::POINT_BYTES;

/// Estimated bytes of the figures of one subject in one second: keys are shared with nobody here.
const CELL_BYTES: u64 = 400;

impl Head {
    /// The traces of `spans`, the last of which came at `received_at`, and nothing derived from them.
    pub(crate) fn of_spans(spans: Vec<Span>, received_at: UnixNanos) -> Self {
        let mut head = Self::default();
        for span in spans {
            head.held.bytes += span_bytes(&span);
            head.held.spans += 1;
            let trace = head.traces.entry(span.trace_id).or_default();
            trace.last_arrival = received_at;
            trace.spans.insert(span.span_id, Arc::new(span));
        }
        head
    }

    /// These log records.
    pub(crate) fn of_logs(logs: Vec<LogRecord>, received_at: UnixNanos) -> Self {
        let mut head = Self::default();
        head.held.logs = logs.len() as u64;
        head.held.bytes = logs.iter().map(log_bytes).sum();
        let bytes = head.held.bytes;
        let logs = Arc::new(logs);
        head.batches = VecDeque::from([Batch {
            file: 0,
            received_at,
            bytes,
            spans: Vec::new(),
            logs,
            points: Vec::new(),
        }]);
        head
    }

    /// The series of these points.
    pub(crate) fn of_points(points: Vec<MetricPoint>) -> Self {
        let mut head = Self::default();
        head.held.points = head.series.add(points).len() as u64;
        head.held.bytes = head.held.points * POINT_BYTES + head.series.bytes();
        head
    }

    /// What was derived from rows that are elsewhere.
    pub(crate) fn of_derived(rollups: Rollups, presence: Presence) -> Self {
        let mut head = Self { rollups, presence, ..Self::default() };
        let cells: usize = head.rollups.all().map(|(_, cells)| cells.len()).sum();
        head.held.bytes = cells as u64 * CELL_BYTES + head.presence.bytes();
        head
    }

    /// The ids of the traces.
    pub(crate) fn trace_ids(&self) -> impl Iterator<Item = TraceId> {
        self.traces.keys().copied()
    }

    /// Gives up the rows for what was derived from them.
    pub(crate) fn into_derived(self) -> (Rollups, Presence, Incarnations) {
        (self.rollups, self.presence, self.incarnations)
    }

    /// Takes in what segments know: the processes that were seen, and how far the data had come.
    pub(crate) fn remember(&mut self, incarnations: &Incarnations, watermark: UnixNanos) {
        for (service, instance, life) in incarnations.all() {
            self.incarnations.see(service, instance, life.clone());
        }
        self.watermark = self.watermark.max(watermark);
    }
}
