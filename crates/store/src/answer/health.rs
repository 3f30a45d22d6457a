//! Answers `health`: rate, errors and durations of entry spans over a window.
//!
//! A second counts when it begins inside the window. Services without entry spans are told of by their metrics.

use std::collections::BTreeMap;

use telemetry::answer::HealthRow;
use telemetry::number::Num;
use telemetry::{Answer, AskError, Scope, Table, Window};

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
    let mut merged: BTreeMap<&Key, Figures> = BTreeMap::new();
    let measured = from_metrics::cells(parts, window, scope, asking)?;
    for (_, cells) in parts.rollups(window).chain(measured.seconds()) {
        asking.look_at(cells.len() as u64)?;
        for (key, figures) in cells {
            if scope.admits(&key.service, &key.operation, &key.instance) {
                merged.entry(key).or_default().merge(figures);
            }
        }
    }
    let rows = merged
        .into_iter()
        .map(|(key, figures)| HealthRow {
            subject: key.subject(),
            count: figures.count,
            errors: figures.errors,
            sum_ns: figures.sum_ns,
            p50_ns: figures.durations.quantile(0.5),
            p95_ns: figures.durations.quantile(0.95),
            p99_ns: figures.durations.quantile(0.99),
        })
        .collect();
    let answer = asking.exact(rows, Table::Health);
    Ok(Answer { quantile_error: Num::new(RELATIVE_ERROR), from_metrics: measured.services(), ..answer })
}
