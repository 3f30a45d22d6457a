//! The traces that stand for an operation: ten of its worst and ten of its most typical ones.

use telemetry::answer::{ExemplarRow, Table, TraceRow};
use telemetry::{Ask, Scope, Window};

use crate::asked;
use crate::tool::Context;

/// Traces of each kind, the most that are told.
const EACH: u8 = 10;

/// The traces of an operation in a window.
pub(super) async fn of(
    context: &Context,
    (service, operation): (&str, &str),
    window: Window,
) -> Vec<Vec<TraceRow>> {
    let scope = Scope { operation: Some(operation.to_owned()), ..Scope::service(service) };
    let exemplars = asked::one(context, Ask::Exemplars { window, scope, limit: EACH }, |table| match table {
        Table::Exemplars(rows) => Some(rows),
        _ => None,
    });
    let exemplars: Vec<ExemplarRow> = exemplars.await.rows;
    let mut ids: Vec<_> = exemplars.iter().map(|row| row.trace_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let asks = ids.into_iter().map(|trace_id| Ask::Trace { trace_id }).collect();
    let answers = asked::each(context, asks).await;
    let rows = answers.into_iter().map(|answers| {
        asked::picked(answers, |table| match table {
            Table::Trace(rows) => Some(rows),
            _ => None,
        })
        .rows
    });
    rows.filter(|rows| !rows.is_empty()).collect()
}
