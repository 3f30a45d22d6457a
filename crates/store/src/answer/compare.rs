//! Answers `compare`: the traces of a bad window that went badly against those that did not, over every attribute.
//!
//! Log records are not looked at: the head keeps and counts them, and reads them for no question yet.

use telemetry::rows::Comparison;
use telemetry::{Answer, AskError, Scope, Table, Window};

use super::Asking;
use super::select::Selected;

pub(super) fn answer(
    (good, bad): (Window, Window),
    before: Selected,
    now: Selected,
    scope: &Scope,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let mut comparison = Comparison::new(good, bad);
    let mut left_out = 0;
    for selected in [before, now] {
        left_out += selected.each_complete(asking, |trace, _| comparison.take(trace, [], scope))?.1;
    }
    let mut table = comparison.finish();
    let truncated = asking.cut(&mut table.attributes);
    Ok(Answer { left_out, truncated, ..Answer::exact(Table::Compare(table)) })
}
