//! Answers `trace`: all spans of one trace, complete or not.

use std::sync::Arc;

use telemetry::rows::of_trace;
use telemetry::trace::assemble;
use telemetry::{Answer, AskError, Span, Table};

use super::Asking;

pub(super) fn answer(spans: &[Arc<Span>], asking: &Asking<'_>) -> Result<Answer, AskError> {
    asking.look_at(spans.len() as u64)?;
    let trace = assemble(spans.iter().map(|span| &**span));
    let left_out = trace.orphans as u64;
    Ok(Answer { left_out, ..asking.exact(of_trace(&trace), Table::Trace) })
}
