//! The traces that stand for a window.
//!
//! The worst are the failed ones, then the slowest; the typical are nearest to the median duration. With few
//! traces the same one may be both. One entry span speaks for each trace: the worst one of the scope.

use std::cmp::Reverse;

use super::exact_quantile;
use crate::answer::{Choice, ExemplarRow};
use crate::question::Scope;
use crate::signal::Span;
use crate::time::Window;
use crate::trace::AssembledTrace;

/// Exemplars of each choice at most.
const LIMIT_MAX: u8 = 10;

/// Whether this is an entry span of `scope` that began in `window`.
#[must_use]
pub fn is_entered(span: &Span, window: Window, scope: &Scope) -> bool {
    span.is_entry()
        && window.contains(span.start)
        && scope.admits(&span.resource.service, &span.name, &span.resource.instance)
}

/// Candidates, taken in trace by trace.
#[derive(Debug, Default)]
pub struct Exemplars(Vec<ExemplarRow>);

impl Exemplars {
    /// Takes in a complete trace.
    pub fn take(&mut self, trace: &AssembledTrace<'_>, window: Window, scope: &Scope) {
        let entries = trace.nodes.iter().map(|node| node.span).filter(|span| is_entered(span, window, scope));
        let worst = entries.max_by_key(|span| (span.is_error(), span.duration_ns(), Reverse(span.span_id)));
        self.0.extend(worst.map(row));
    }

    /// The worst, then the typical, `limit` of each at most.
    #[must_use]
    pub fn rows(self, limit: u8) -> Vec<ExemplarRow> {
        let mut candidates = self.0;
        let limit = usize::from(limit.min(LIMIT_MAX));
        let mut durations: Vec<i64> = candidates.iter().map(|row| row.duration_ns).collect();
        durations.sort_unstable();
        let median = exact_quantile(&durations, 0.5);
        candidates.sort_by_key(|row| (Reverse((row.is_error, row.duration_ns)), row.trace_id));
        let mut rows: Vec<ExemplarRow> = candidates.iter().take(limit).cloned().collect();
        candidates.sort_by_key(|row| (row.duration_ns.abs_diff(median), row.trace_id));
        let typical = |row| ExemplarRow { choice: Choice::Typical, ..row };
        rows.extend(candidates.into_iter().take(limit).map(typical));
        rows
    }
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
