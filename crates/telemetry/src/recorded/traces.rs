//! Answers the questions about traces: `compare`, `edges`, `exemplars`, `self_time`, `trace`.
//!
//! A trace belongs to the window in which its root began, and counts only when it is whole.

use std::collections::BTreeMap;

use crate::answer::{CompareTable, EdgeRow, ExemplarRow, SelfTimeTable, TraceRow};
use crate::rows::queues::Deliveries;
use crate::rows::{self, Comparison, Edges, Exemplars, SelfTimes, is_entered};
use crate::trace::{AssembledTrace, assemble};
use crate::{LogRecord, Scope, Span, TraceId, UnixNanos, Window};

/// The traces of a case, in the order of their ids.
#[derive(Debug)]
pub(super) struct Traces<'a> {
    spans: &'a [Span],
}

impl<'a> Traces<'a> {
    /// The traces of `spans`, which are sorted by trace id.
    pub(super) fn new(spans: &'a [Span]) -> Self {
        Self { spans }
    }

    pub(super) fn self_time(&self, window: Window, scope: &Scope) -> (SelfTimeTable, u64) {
        let mut groups = SelfTimes::default();
        let left_out =
            self.each(|spans| is_rooted(spans, window), |trace, start| groups.take(trace, start, scope));
        let table = groups.finish(|| Ok::<(), std::convert::Infallible>(()));
        match table {
            Ok(table) => (table, left_out),
        }
    }

    pub(super) fn edges(&self, window: Window, scope: &Scope) -> (Vec<EdgeRow>, u64) {
        let mut deliveries = Deliveries::default();
        self.spans.iter().filter(|span| span.start >= window.from).for_each(|span| deliveries.take(span));
        let mut edges = Edges::new(deliveries);
        let left_out = self.each(|spans| is_rooted(spans, window), |trace, _| edges.take(trace, scope));
        (edges.rows(), left_out)
    }

    /// Bad requests against good ones, with what the logs of their traces carry.
    pub(super) fn compare(
        &self,
        (good, bad): (Window, Window),
        logs: &[LogRecord],
        scope: &Scope,
    ) -> (CompareTable, u64) {
        let mut written: BTreeMap<TraceId, Vec<&LogRecord>> = BTreeMap::new();
        for log in logs {
            if let Some(trace_id) = log.trace_id {
                written.entry(trace_id).or_default().push(log);
            }
        }
        let mut comparison = Comparison::new(good, bad);
        let is_meant = |spans: &[Span]| {
            spans.iter().any(|span| is_entered(span, good, scope) || is_entered(span, bad, scope))
        };
        let left_out = self.each(is_meant, |trace, _| {
            let id = trace.nodes.first().map(|node| node.span.trace_id);
            let logs = id.and_then(|id| written.get(&id)).into_iter().flatten().copied();
            comparison.take(trace, logs, scope);
        });
        (comparison.finish(), left_out)
    }

    pub(super) fn exemplars(&self, window: Window, scope: &Scope, limit: u8) -> (Vec<ExemplarRow>, u64) {
        let mut exemplars = Exemplars::default();
        let is_meant = |spans: &[Span]| spans.iter().any(|span| is_entered(span, window, scope));
        let left_out = self.each(is_meant, |trace, _| exemplars.take(trace, window, scope));
        (exemplars.rows(limit), left_out)
    }

    pub(super) fn one(&self, trace_id: TraceId) -> (Vec<TraceRow>, u64) {
        let trace = assemble(self.spans.iter().filter(|span| span.trace_id == trace_id));
        (rows::of_trace(&trace), trace.orphans as u64)
    }

    /// Hands every whole trace that `is_meant` to `take`, with the start of its root; gives the number of those that
    /// are not whole.
    fn each(
        &self,
        is_meant: impl Fn(&[Span]) -> bool,
        mut take: impl FnMut(&AssembledTrace<'_>, UnixNanos),
    ) -> u64 {
        let mut left_out = 0;
        for spans in self.spans.chunk_by(|a, b| a.trace_id == b.trace_id).filter(|spans| is_meant(spans)) {
            let trace = assemble(spans);
            match trace.root.and_then(|root| trace.nodes.get(root)) {
                Some(root) if trace.is_whole() => take(&trace, root.span.start),
                _ => left_out += 1,
            }
        }
        left_out
    }
}

/// Whether the earliest span without a parent, or else the earliest of all, began in `window`, as the store has it.
fn is_rooted(spans: &[Span], window: Window) -> bool {
    let root = spans.iter().find(|span| span.parent.is_none()).or(spans.first());
    root.is_some_and(|root| window.contains(root.start))
}
