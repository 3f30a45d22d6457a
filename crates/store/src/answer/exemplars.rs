//! Answers `exemplars`: the traces that stand for a window.

use telemetry::rows::Exemplars;
use telemetry::{Answer, AskError, Scope, Table, Window};

use super::Asking;
use super::select::Selected;

pub(super) fn answer(
    selected: Selected,
    window: Window,
    scope: &Scope,
    limit: u8,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let mut exemplars = Exemplars::default();
    let (_, left_out) = selected.each_complete(asking, |trace, _| exemplars.take(trace, window, scope))?;
    Ok(Answer { left_out, ..asking.exact(exemplars.rows(limit), Table::Exemplars) })
}
