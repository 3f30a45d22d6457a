//! Answers `exemplars`: the traces that stand for a window.
//!
//! The worst are the failed ones, then the slowest; the typical are nearest to the median duration. With few
//! traces the same one may be both. One entry span speaks for each trace: the worst one of the scope.

use std::cmp::Reverse;

use telemetry::answer::{Choice, ExemplarRow};
use telemetry::{Answer, AskError, Scope, Span, Table, Window};

use super::Asking;
use super::select::{Selected, is_entered};
use crate::sketch::exact_quantile;

/// Exemplars of each choice at most.
const LIMIT_MAX: u8 = 10;

pub(super) fn answer(
    selected: Selected,
    window: Window,
    scope: &Scope,
    limit: u8,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let mut candidates: Vec<ExemplarRow> = Vec::new();
    let (_, left_out) = selected.each_complete(asking, |trace, _| {
        let entries = trace.nodes.iter().map(|node| node.span).filter(|span| is_entered(span, window, scope));
        let worst = entries.max_by_key(|span| (span.is_error(), span.duration_ns(), Reverse(span.span_id)));
        candidates.extend(worst.map(row));
    })?;
    let limit = usize::from(limit.min(LIMIT_MAX));
    let mut durations: Vec<i64> = candidates.iter().map(|row| row.duration_ns).collect();
    durations.sort_unstable();
    let median = exact_quantile(&durations, 0.5);
    candidates.sort_by_key(|row| (Reverse((row.is_error, row.duration_ns)), row.trace_id));
    let mut rows: Vec<ExemplarRow> = candidates.iter().take(limit).cloned().collect();
    candidates.sort_by_key(|row| (row.duration_ns.abs_diff(median), row.trace_id));
    rows.extend(candidates.into_iter().take(limit).map(|row| ExemplarRow { choice: Choice::Typical, ..row }));
    Ok(Answer { left_out, ..asking.exact(rows, Table::Exemplars) })
}

fn row(span: &Span) -> ExemplarRow {
    ExemplarRow {
        trace_id: span.trace_id,
        choice: Choice::Worst,
        operation: span.name.to_string(),
        start: span.start,
        duration_ns: span.duration_ns(),
        is_error: span.is_error(),
    }
}
