//! Answers `self_time`: where the time went and where errors began, in the complete traces of a window.

use telemetry::rows::SelfTimes;
use telemetry::{Answer, AskError, Scope, Table};

use super::Asking;
use super::select::Selected;

pub(super) fn answer(selected: Selected, scope: &Scope, asking: &Asking<'_>) -> Result<Answer, AskError> {
    let mut groups = SelfTimes::default();
    let (_, left_out) = selected.each_complete(asking, |trace, start| groups.take(trace, start, scope))?;
    let mut table = groups.finish(|| asking.look_at(0))?;
    let truncated = asking.cut(&mut table.rows) | asking.cut(&mut table.lanes);
    Ok(Answer { left_out, truncated, ..Answer::exact(Table::SelfTime(table)) })
}
