//! Answers `onset`: rate, errors and durations of entry spans second by second.
//!
//! Sorted by subject, then by second. A second without spans has no row. Services
//! without entry spans are told of by their metrics.

use std::borrow::Cow;
use std::collections::BTreeMap;

use telemetry::answer::OnsetRow;
use telemetry::number::Num;
use telemetry::{Answer, AskError, Scope, Table, UnixNanos, Window};

use super::{Asking, from_metrics};
use crate::kept::Parts;
use crate::rollup::{Figures, Key};
use crate::sketch::RELATIVE_ERROR;

pub(super) fn answer(
    parts: &Parts<'_>,
    window: Window,
    scope: &Scope,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let measured = from_metrics::cells(parts, window, scope, asking)?;
    let mut merged: BTreeMap<(&Key, UnixNanos), Cow<'_, Figures>> = BTreeMap::new();
    for (second, cells) in parts.rollups(window).chain(measured.seconds()) {
        asking.look_at(cells.len() as u64)?;
        for (key, figures) in cells {
            if scope.admits(&key.service, &key.operation, &key.instance) {
                merged
                    .entry((key, second))
                    .and_modify(|known| known.to_mut().merge(figures))
                    .or_insert(Cow::Borrowed(figures));
            }
        }
    }
    let row = |((key, second), figures): ((&Key, UnixNanos), Cow<'_, Figures>)| OnsetRow {
        subject: key.subject(),
        second,
        count: figures.count,
        errors: figures.errors,
        sum_ns: figures.sum_ns,
        p50_ns: figures.durations.quantile(0.5),
        p95_ns: figures.durations.quantile(0.95),
        is_message: figures.messages > 0,
    };
    let mut rows: Vec<OnsetRow> = merged.into_iter().map(row).collect();
    rows.sort_by(|a, b| (&a.subject, a.second).cmp(&(&b.subject, b.second)));
    let answer = asking.exact(rows, Table::Onset);
    Ok(Answer { quantile_error: Num::new(RELATIVE_ERROR), from_metrics: measured.services(), ..answer })
}
