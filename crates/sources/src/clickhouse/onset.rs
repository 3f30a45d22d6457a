//! What is computed where the data lie: requests by the second, and versions.

use telemetry::answer::{OnsetRow, Subject, Table};
use telemetry::recorded::Tables;
use telemetry::{Answer, AskError, Scope, UnixNanos, Window};

use super::rows::{self, Whole};
use super::{Queries, sql};
use crate::fetched::Fetched;
use crate::versions::{Seen, deploys};

/// Seconds that a request may take and still be found: spans are kept by when they began.
const LONGEST_SECONDS: i64 = 600;

/// Seconds before a window in which what runs already is looked for.
const BEFORE_SECONDS: i64 = 600;

/// Service, instance, version and operation of a group.
const SUBJECT: &str = "if(empty(ServiceName), 'unknown_service', ServiceName) AS service, SpanName AS operation, \
                       ResourceAttributes['service.instance.id'] AS instance, \
                       ResourceAttributes['service.version'] AS version";

type Row = (String, String, String, String, Whole, Whole, Whole, Whole, Whole, Whole, Whole);

/// Rate, errors and durations of entry spans by the second in which they ended: exact, quantiles included.
pub(super) async fn answer(queries: &Queries<'_>, window: Window, scope: &Scope) -> Result<Answer, AskError> {
    let (traces, limits) = (&queries.of.names.traces, queries.asking.limits());
    let narrowed: String =
        [("service", &scope.service), ("operation", &scope.operation), ("instance", &scope.instance)]
            .iter()
            .filter_map(|(column, wanted)| {
                wanted.as_ref().map(|wanted| format!(" AND {column} = {}", sql::text(wanted)))
            })
            .collect();
    let place =
        |share: f64| format!("arraySort(groupArray(ns))[greatest(1, toUInt64(ceil({share} * count())))]");
    let statement = format!(
        "SELECT service, operation, instance, version, second, count(), sum(failed), sum(ns), {}, {}, sum(message) \
         FROM (SELECT {SUBJECT}, intDiv(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration), 1000000000) AS second, \
         StatusCode IN ('Error', 'STATUS_CODE_ERROR') AS failed, toInt64(Duration) AS ns, \
         SpanKind IN ('Consumer', 'SPAN_KIND_CONSUMER') AS message FROM {traces} \
         WHERE Timestamp >= {} AND Timestamp < {} \
         AND SpanKind IN ('Server', 'Consumer', 'SPAN_KIND_SERVER', 'SPAN_KIND_CONSUMER')) \
         WHERE second * 1000000000 >= {} AND second * 1000000000 < {}{narrowed} \
         GROUP BY service, operation, instance, version, second \
         ORDER BY service, operation, instance, version, second LIMIT {}",
        place(0.5),
        place(0.95),
        sql::at(window.from.plus_seconds(-LONGEST_SECONDS)),
        sql::at(window.to),
        window.from.0,
        window.to.0,
        limits.rows_max + 1
    );
    let (text, locator) = queries.lines(&statement).await?;
    let found: Vec<Row> = rows::read(&text)?;
    let truncated = found.len() > limits.rows_max;
    let mut table: Vec<OnsetRow> = found.into_iter().take(limits.rows_max).map(row).collect();
    table.sort_by(|a, b| (&a.subject, a.second).cmp(&(&b.subject, b.second)));
    Ok(Answer { truncated, locators: vec![locator], ..Answer::exact(Table::Onset(table)) })
}

fn row(found: Row) -> OnsetRow {
    let (service, operation, instance, version, second, count, errors, sum, p50, p95, messages) = found;
    OnsetRow {
        subject: Subject { service, operation, instance, version },
        second: UnixNanos(0).plus_seconds(second.0),
        count: count.count(),
        errors: errors.count(),
        sum_ns: sum.0,
        p50_ns: p50.0,
        p95_ns: p95.0,
        is_message: messages.0 > 0,
    }
}

/// The deploys of a window, from the versions that spans say they are of.
pub(super) async fn versions(queries: &Queries<'_>, window: Window) -> Result<Fetched, AskError> {
    let rows_max = queries.asking.limits().rows_max;
    let statement = format!(
        "SELECT if(empty(ServiceName), 'unknown_service', ServiceName) AS service, \
         ResourceAttributes['service.instance.id'] AS instance, ResourceAttributes['service.version'] AS version, \
         toUnixTimestamp64Nano(min(Timestamp)) AS first FROM {} WHERE Timestamp >= {} AND Timestamp < {} \
         AND version != '' GROUP BY service, instance, version ORDER BY first, service, instance, version LIMIT {}",
        queries.of.names.traces,
        sql::at(window.from.plus_seconds(-BEFORE_SECONDS)),
        sql::at(window.to),
        rows_max + 1
    );
    let (text, locator) = queries.lines(&statement).await?;
    let found: Vec<(String, String, String, Whole)> = rows::read(&text)?;
    let cut = (found.len() > rows_max).then(|| "versions".to_owned()).into_iter().collect();
    let seen = found.into_iter().map(|(service, instance, version, first)| Seen {
        service,
        instance,
        version,
        first: UnixNanos(first.0),
    });
    let changes = deploys(&seen.collect::<Vec<_>>(), window);
    let tables = Tables { changes, ..Tables::default() };
    Ok(Fetched { tables, cut, locators: vec![locator] })
}
