//! Answers `onset`: rate, errors and durations of entry spans second by second.
//!
//! Sorted by subject, then by second. A second without spans has no row. Services
//! without entry spans are told of by their metrics.

use telemetry::answer::OnsetRow;
use telemetry::number::Num;
use telemetry::{Answer, AskError, Scope, Table, Window};

use super::{Asking, from_metrics};
use crate::head::Head;
use crate::sketch::RELATIVE_ERROR;

pub(super) fn answer(
    head: &Head,
    window: Window,
    scope: &Scope,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let mut rows: Vec<OnsetRow> = Vec::new();
    let measured = from_metrics::cells(head, window, scope, asking)?;
    for (second, cells) in head.rollups().within(window).chain(measured.seconds()) {
        asking.look_at(cells.len() as u64)?;
        for (key, figures) in cells {
            if scope.admits(&key.service, &key.operation, &key.instance) {
                rows.push(OnsetRow {
                    subject: key.subject(),
                    second,
                    count: figures.count,
                    errors: figures.errors,
                    sum_ns: figures.sum_ns,
                    p50_ns: figures.durations.quantile(0.5),
                    p95_ns: figures.durations.quantile(0.95),
                    is_message: figures.messages > 0,
                });
            }
        }
    }
    rows.sort_by(|a, b| (&a.subject, a.second).cmp(&(&b.subject, b.second)));
    let answer = asking.exact(rows, Table::Onset);
    Ok(Answer { quantile_error: Num::new(RELATIVE_ERROR), from_metrics: measured.services(), ..answer })
}
