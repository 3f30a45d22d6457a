//! Heads that hold one kind of thing of a segment, so that the questions see the past as they see the present.
//!
//! Rows are not counted into rollups here: those of a segment are kept beside it, and would count twice.

use std::sync::Arc;

use telemetry::{LogRecord, MetricPoint, Span, TraceId, UnixNanos};

use super::Head;
use crate::derived::Derived;
use crate::estimate::{log_bytes, span_bytes};
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
    pub(crate) fn of_logs(logs: Vec<LogRecord>) -> Self {
        let mut head = Self::default();
        head.held.logs = logs.len() as u64;
        head.held.bytes = logs.iter().map(log_bytes).sum();
        head.logs = vec![Arc::new(logs)];
        head
    }

    /// The series of these points.
    pub(crate) fn of_points(points: Vec<MetricPoint>) -> Self {
        let mut head = Self::default();
        let Self { series, held, .. } = &mut head;
        series.add(points, |_, _| held.points += 1);
        head.held.bytes = head.held.points * POINT_BYTES + head.series.bytes();
        head
    }

    /// What was derived from rows that are elsewhere.
    pub(crate) fn of_derived(derived: Derived) -> Self {
        let mut head = Self { derived, ..Self::default() };
        let cells: usize = head.derived.rollups.all().map(|(_, cells)| cells.len()).sum();
        head.held.bytes = cells as u64 * CELL_BYTES + head.derived.presence.bytes();
        head
    }

    /// The ids of the traces.
    pub(crate) fn trace_ids(&self) -> impl Iterator<Item = TraceId> {
        self.traces.keys().copied()
    }

    /// Gives up the rows for what was derived from them.
    pub(crate) fn into_derived(self) -> Derived {
        self.derived
    }
}
