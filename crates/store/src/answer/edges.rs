//! Answers `edges`: calls from one service to another, and what the callee does not explain of them; and queues.
//!
//! A delivery may come long after the trace of the sender ended, so deliveries are looked for in every trace, not in
//! the window.

use telemetry::rows::Edges;
use telemetry::rows::queues::Deliveries;
use telemetry::{Answer, AskError, Scope, Table, UnixNanos};

use super::Asking;
use super::select::Selected;
use crate::kept::Parts;

/// All deliveries since `from`.
pub(super) fn deliveries(
    parts: &Parts<'_>,
    from: UnixNanos,
    asking: &Asking<'_>,
) -> Result<Deliveries, AskError> {
    let mut found = Deliveries::default();
    for trace in parts.traces() {
        asking.look_at(trace.len())?;
        trace.spans().filter(|span| span.start >= from).for_each(|span| found.take(span));
    }
    Ok(found)
}

pub(super) fn answer(
    selected: Selected,
    deliveries: Deliveries,
    scope: &Scope,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let mut edges = Edges::new(deliveries);
    let (_, left_out) = selected.each_complete(asking, |trace, _| edges.take(trace, scope))?;
    Ok(Answer { left_out, ..asking.exact(edges.rows(), Table::Edges) })
}
