//! Picks the traces that a question is about, and says which of them are complete.
//!
//! A trace is complete when it is whole and settled: no span of it arrived for 2 s, or the window ended 5 s of
//! data time ago. The second rule lets data that is replayed faster than time be asked at once.

use std::sync::Arc;

use telemetry::rows::is_entered;
use telemetry::time::SECOND_NS;
use telemetry::trace::{AssembledTrace, assemble};
use telemetry::{AskError, Scope, Span, TraceId, UnixNanos, Window};

use super::Asking;
use crate::head::Trace;
use crate::kept::Parts;

/// A trace with no new span for this long is settled.
const QUIET_NS: i64 = 2 * SECOND_NS;
/// A window that ended this long before the watermark is settled.
const PASSED_S: i64 = 5;

/// The traces of a question.
pub(super) struct Selected {
    settled: Vec<Vec<Arc<Span>>>,
    unsettled: u64,
}

/// The traces whose root began in `window`.
pub(super) fn rooted_in(
    parts: &Parts<'_>,
    window: Window,
    asking: &Asking<'_>,
) -> Result<Selected, AskError> {
    meant_in(parts, window, asking, |trace| window.contains(trace.start()))
}

/// The traces with an entry span of `scope` that began in `window`.
pub(super) fn entered_in(
    parts: &Parts<'_>,
    window: Window,
    scope: &Scope,
    asking: &Asking<'_>,
) -> Result<Selected, AskError> {
    meant_in(parts, window, asking, |trace| is_entered_in(trace, window, scope))
}

/// Whether the trace has an entry span of `scope` that began in `window`.
pub(super) fn is_entered_in(trace: &Trace, window: Window, scope: &Scope) -> bool {
    trace.spans().any(|span| is_entered(span, window, scope))
}

/// The spans of one trace.
pub(super) fn one(parts: &Parts<'_>, trace_id: TraceId) -> Vec<Arc<Span>> {
    parts.trace(trace_id).map(|trace| trace.spans().map(Arc::clone).collect()).unwrap_or_default()
}

/// The traces that `is_meant`; `window` says when they are settled.
pub(super) fn meant_in(
    parts: &Parts<'_>,
    window: Window,
    asking: &Asking<'_>,
    is_meant: impl Fn(&Trace) -> bool,
) -> Result<Selected, AskError> {
    let has_passed = window.to.plus_seconds(PASSED_S) <= parts.watermark();
    let quiet_since = UnixNanos(asking.now().0.saturating_sub(QUIET_NS));
    let mut selected = Selected { settled: Vec::new(), unsettled: 0 };
    for trace in parts.traces() {
        asking.look_at(trace.len())?;
        if !is_meant(&trace) {
            continue;
        }
        if has_passed || trace.last_arrival() <= quiet_since {
            selected.settled.push(trace.spans().map(Arc::clone).collect());
        } else {
            selected.unsettled += 1;
        }
    }
    Ok(selected)
}

impl Selected {
    /// Hands every complete trace to `each`, with the start of its root, in the order of the trace ids. Gives
    /// the number of complete traces and of those left out.
    pub(super) fn each_complete(
        self,
        asking: &Asking<'_>,
        mut each: impl FnMut(&AssembledTrace<'_>, UnixNanos),
    ) -> Result<(u64, u64), AskError> {
        let (mut complete, mut left_out) = (0, self.unsettled);
        for spans in &self.settled {
            asking.look_at(0)?;
            let trace = assemble(spans.iter().map(|span| &**span));
            match trace.root.and_then(|root| trace.nodes.get(root)) {
                Some(root) if trace.is_whole() => {
                    complete += 1;
                    each(&trace, root.span.start);
                }
                _ => left_out += 1,
            }
        }
        Ok((complete, left_out))
    }
}
