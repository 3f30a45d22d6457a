//! Requests of services that have no entry spans, from the minutes that Elastic APM adds up: Elastic keeps these when it
//! keeps no transactions.
//!
//! Counts, sums and failures are exact and belong to whole minutes. A summary has no percentiles, so the quantiles are the
//! minute's mean, and the answer names the services that this holds for. What a service calls (`service_destination`) says
//! nothing about the service itself and is not read.

use std::collections::BTreeMap;

use serde_json::json;
use telemetry::answer::{Locator, OnsetRow, Subject};
use telemetry::{AskError, Scope, UnixNanos, Window};

use super::document::Document;
use super::search::{Searches, Wanted};

/// Documents that are read.
const DOCUMENTS_MAX: usize = 20_000;
/// The finest of the intervals that each set is kept in; the others are the same requests again.
const INTERVAL: &str = "1m";
const INTERVAL_SECONDS: i64 = 60;
/// The sets that count transactions, the one that knows their names first.
const SETS: [&str; 2] = ["transaction", "service_transaction"];
/// The types of transactions that are entries.
const ENTRIES: [&str; 2] = ["request", "messaging"];
const FIELDS: &[&str] = &[
    "@timestamp",
    "_doc_count",
    "event.outcome",
    "event.success_count",
    "metricset",
    "service",
    "transaction.duration",
    "transaction.name",
    "transaction.type",
];

/// Rows of minutes.
#[derive(Debug, Default)]
pub(super) struct Minutes {
    pub(super) rows: Vec<OnsetRow>,
    /// The services that they are of, sorted.
    pub(super) services: Vec<String>,
    /// Whether there were more documents than are read; there are then no rows.
    pub(super) is_cut: bool,
    pub(super) locator: Option<Locator>,
}

/// The minutes of services that are not among `with_spans`.
pub(super) async fn minutes(
    searches: &Searches<'_>,
    window: Window,
    scope: &Scope,
    with_spans: &[String],
) -> Result<Minutes, AskError> {
    let mut filters = vec![
        json!({"terms": {"metricset.name": SETS}}),
        // The oldest versions kept no other interval and did not say it.
        json!({"bool": {"minimum_should_match": 1, "should": [
            {"term": {"metricset.interval": INTERVAL}},
            {"bool": {"must_not": [{"exists": {"field": "metricset.interval"}}]}},
        ]}}),
        json!({"bool": {"must_not": [{"terms": {"service.name": with_spans}}]}}),
    ];
    filters.extend(scope.service.as_ref().map(|name| json!({"term": {"service.name": {"value": name}}})));
    let wanted = Wanted {
        indices: &searches.of.names.metrics,
        filters,
        time: "@timestamp",
        window: (window.from.plus_seconds(-INTERVAL_SECONDS), window.to),
        fields: FIELDS,
        most: DOCUMENTS_MAX,
    };
    let (found, has_more) = searches.documents(&wanted).await?;
    let locator = (!found.is_empty()).then(|| searches.locator(wanted.indices, &wanted.body(wanted.window)));
    if has_more {
        return Ok(Minutes { is_cut: true, locator, ..Minutes::default() });
    }
    let rows = rows(&found, window, scope);
    let mut services: Vec<String> = rows.iter().map(|row| row.subject.service.clone()).collect();
    services.dedup();
    Ok(Minutes { rows, services, is_cut: false, locator })
}

/// The rows of documents, sorted. The sets of one service are the same requests: only one of them counts.
fn rows(documents: &[Document], window: Window, scope: &Scope) -> Vec<OnsetRow> {
    let service = |one: &Document| one.text(&["service.name"]);
    let set = |one: &Document| one.text(&["metricset.name"]);
    let mut named: BTreeMap<String, &str> = BTreeMap::new();
    for wanted in SETS {
        for one in documents.iter().filter(|one| set(one).as_deref() == Some(wanted)) {
            named.entry(service(one).unwrap_or_default()).or_insert(wanted);
        }
    }
    let mut rows: BTreeMap<(Subject, UnixNanos), OnsetRow> = BTreeMap::new();
    for one in documents {
        let counts = set(one).as_deref() == named.get(&service(one).unwrap_or_default()).copied();
        let Some(row) = counts.then(|| row(one)).flatten() else { continue };
        let subject = &row.subject;
        if !window.contains(row.second)
            || !scope.admits(&subject.service, &subject.operation, &subject.instance)
        {
            continue;
        }
        let key = (row.subject.clone(), row.second);
        match rows.get_mut(&key) {
            Some(known) => add(known, &row),
            None => {
                rows.insert(key, row);
            }
        }
    }
    rows.into_values().map(with_means).collect()
}

fn add(known: &mut OnsetRow, row: &OnsetRow) {
    known.count += row.count;
    known.errors += row.errors;
    known.sum_ns = known.sum_ns.saturating_add(row.sum_ns);
}

fn with_means(row: OnsetRow) -> OnsetRow {
    let mean = row.sum_ns / i64::try_from(row.count).unwrap_or(i64::MAX).max(1);
    OnsetRow { p50_ns: mean, p95_ns: mean, ..row }
}

/// What one document counts, in the last second of its minute.
fn row(one: &Document) -> Option<OnsetRow> {
    let kind = one.text(&["transaction.type"])?;
    let is_entry = ENTRIES.contains(&kind.as_str());
    let (count, micros) = duration(one).filter(|(count, _)| is_entry && *count > 0)?;
    let text = |name: &str| one.text(&[name]).unwrap_or_default();
    Some(OnsetRow {
        subject: Subject {
            service: one.text(&["service.name"]).unwrap_or_else(|| "unknown_service".to_owned()),
            operation: text("transaction.name"),
            instance: text("service.node.name"),
            version: text("service.version"),
        },
        second: one.time(&["@timestamp"])?.plus_seconds(INTERVAL_SECONDS - 1).floor_second(),
        count,
        errors: failures(one, count),
        sum_ns: micros.saturating_mul(1_000),
        p50_ns: 0,
        p95_ns: 0,
        is_message: kind == "messaging",
    })
}

/// How many, and how many microseconds together: from the summary, in older documents from the histogram.
fn duration(one: &Document) -> Option<(u64, i64)> {
    let summary = one.whole(&["transaction.duration.summary.value_count"]);
    if let (Some(count), Some(sum)) = (summary, one.whole(&["transaction.duration.summary.sum"])) {
        return Some((u64::try_from(count).ok()?, sum));
    }
    let counts = one.numbers("transaction.duration.histogram.counts");
    let values = one.numbers("transaction.duration.histogram.values");
    let sum: f64 = counts.iter().zip(&values).map(|(count, value)| count * value).sum();
    let count: f64 = counts.iter().sum();
    (count > 0.0).then_some((count.round() as u64, sum.round() as i64))
}

/// Those that failed: of those whose outcome is known, all that are not told to be a success.
fn failures(one: &Document, count: u64) -> u64 {
    let known = one.whole(&["event.success_count.value_count"]);
    if let (Some(known), Some(good)) = (known, one.whole(&["event.success_count.sum"])) {
        return u64::try_from(known.saturating_sub(good)).unwrap_or(0);
    }
    if one.text(&["event.outcome"]).as_deref() == Some("failure") { count } else { 0 }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    fn documents(sources: &[Json]) -> Vec<Document> {
        sources.iter().cloned().map(Document::of).collect()
    }

    fn rows_of(sources: &[Json]) -> Vec<OnsetRow> {
        let window = Window::new(UnixNanos(0), UnixNanos(i64::MAX));
        rows(&documents(sources), window, &Scope::all())
    }

    /// The documents of Kibana's `apm_queries.md`, in which the sum of the summary and of the histogram are the same.
    fn service_transaction() -> Json {
        json!({
            "_doc_count": 4, "@timestamp": "2021-09-01T10:00:00.000Z", "processor.event": "metric",
            "metricset.name": "service_transaction", "metricset.interval": "1m",
            "service": {"environment": "production", "name": "web-go"},
            "transaction": {"duration.summary": {"sum": 1000, "value_count": 4},
                "duration.histogram": {"counts": [4], "values": [250]}, "type": "request"},
            "event": {"success_count": {"sum": 1, "value_count": 2}},
        })
    }

    // covers: EL-36
    #[test]
    fn a_summary_gives_counts_failures_and_a_mean_and_no_percentile() {
        let rows = rows_of(&[service_transaction()]);
        assert_eq!((rows.len(), rows[0].count, rows[0].errors, rows[0].sum_ns), (1, 4, 1, 1_000_000));
        assert_eq!((rows[0].p50_ns, rows[0].p95_ns), (250_000, 250_000), "both are the mean");
        assert_eq!(rows[0].second, UnixNanos(1_630_490_459_000_000_000), "the last second of the minute");
        let older = json!({
            "_doc_count": 2, "@timestamp": "2021-09-01T10:00:00.000Z", "processor.event": "metric",
            "metricset.name": "transaction", "service.name": "web", "transaction.type": "request",
            "transaction.duration.histogram": {"counts": [1, 1], "values": [2000, 3000]}, "event.outcome": "failure",
        });
        let rows = rows_of(&[older]);
        assert_eq!(
            (rows[0].count, rows[0].errors, rows[0].sum_ns, rows[0].p95_ns),
            (2, 2, 5_000_000, 2_500_000)
        );
    }

    // covers: EL-37
    #[test]
    fn the_two_sets_of_a_service_are_the_same_requests_and_count_once() {
        let named = |name: &str, sum: i64, good: i64| {
            json!({
                "@timestamp": "2021-09-01T10:00:00.000Z", "metricset": {"name": "transaction", "interval": "1m"},
                "service": {"name": "web-go", "node": {"name": "n1"}},
                "transaction": {"name": name, "type": "request", "duration": {"summary": {"sum": sum, "value_count": 2}}},
                "event": {"success_count": {"sum": good, "value_count": 2}},
            })
        };
        let rows = rows_of(&[service_transaction(), named("GET /a", 600, 2), named("GET /b", 400, 1)]);
        let told: Vec<_> =
            rows.iter().map(|row| (row.subject.operation.as_str(), row.count, row.errors)).collect();
        assert_eq!(told, [("GET /a", 2, 0), ("GET /b", 2, 1)]);
        let job = json!({
            "@timestamp": "2021-09-01T10:00:00Z", "metricset.name": "transaction", "service.name": "web",
            "transaction.type": "scheduled", "transaction.duration.summary": {"sum": 5, "value_count": 1},
        });
        assert!(rows_of(&[job]).is_empty(), "what nobody asked for is no request");
    }
}
