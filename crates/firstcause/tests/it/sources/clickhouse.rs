//! Every question that ClickHouse is asked, over generated traces and lines in the exporter's tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use telemetry::answer::{SeriesKind, SeriesRow};
use telemetry::recorded::Tables;
use telemetry::signal::Attributes;
use telemetry::{
    Ask, AskError, LogRecord, Scope, Source, Span, SpanKind, StatusCode, Table, UnixNanos, Value, Window,
};

use super::conformance::{agrees, same, scene};
use super::servers::{Running, clickhouse};
use super::{ask, open};
use crate::alone;
use crate::serving::exchange;

/// The exporter's own statements, without indexes, codecs and the time to live.
const SCHEMA: &str = include_str!("clickhouse.sql");

/// Runs a statement that writes.
pub(super) fn run(server: &Running, statement: &str) {
    let address = server.url.trim_start_matches("http://").parse().unwrap();
    let (status, body) = exchange(address, "POST /", "text/plain", statement.as_bytes()).unwrap();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn map(attributes: &Attributes) -> String {
    let entries: Vec<String> =
        attributes.iter().map(|(key, value)| format!("{}, {}", text(key), text(&value.render()))).collect();
    format!("map({})", entries.join(", "))
}

fn time(at: UnixNanos) -> String {
    format!("fromUnixTimestamp64Nano(toInt64({}))", at.0)
}

/// A span as the exporter writes it.
fn span(one: &Span) -> String {
    let kind = match one.kind {
        SpanKind::Unspecified => "Unspecified",
        SpanKind::Internal => "Internal",
        SpanKind::Server => "Server",
        SpanKind::Client => "Client",
        SpanKind::Producer => "Producer",
        SpanKind::Consumer => "Consumer",
    };
    let status = match one.status {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "Ok",
        StatusCode::Error => "Error",
    };
    let list = |ids: Vec<String>| format!("[{}]", ids.join(","));
    format!(
        "({}, '{}', '{}', '{}', '{}', {}, '{kind}', {}, {}, {}, '{status}', {}, {}, {})",
        time(one.start),
        one.trace_id,
        one.span_id,
        one.parent.map(|id| id.to_string()).unwrap_or_default(),
        one.duration_ns(),
        text(&one.name),
        text(&one.resource.service),
        map(&one.resource.attributes),
        map(&one.attributes),
        text(&one.message),
        list(one.links.iter().map(|link| format!("'{}'", link.trace_id)).collect()),
        list(one.links.iter().map(|link| format!("'{}'", link.span_id)).collect()),
    )
}

/// Makes the exporter's tables.
pub(super) fn tables(server: &Running) {
    for statement in SCHEMA.split(';').filter(|statement| !statement.trim().is_empty()) {
        run(server, statement);
    }
}

/// Writes the tables as the exporter does.
pub(super) fn insert(server: &Running, tables: &Tables) {
    self::tables(server);
    for part in tables.spans.chunks(1_000) {
        let values: Vec<String> = part.iter().map(span).collect();
        run(
            server,
            &format!(
                "INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, Duration, SpanName, SpanKind, \
                 ServiceName, ResourceAttributes, SpanAttributes, StatusCode, StatusMessage, `Links.TraceId`, \
                 `Links.SpanId`) VALUES {}",
                values.join(",")
            ),
        );
    }
    if tables.logs.is_empty() {
        return;
    }
    let mut values = String::new();
    for one in &tables.logs {
        let comma = if values.is_empty() { "" } else { "," };
        write!(
            values,
            "{comma}({}, '{}', '{}', {}, {}, {}, {})",
            time(one.at),
            one.trace_id.map(|id| id.to_string()).unwrap_or_default(),
            one.span_id.map(|id| id.to_string()).unwrap_or_default(),
            one.severity,
            text(&one.resource.service),
            text(&one.body.render()),
            map(&one.resource.attributes)
        )
        .unwrap();
    }
    run(
        server,
        &format!(
            "INSERT INTO otel_logs (Timestamp, TraceId, SpanId, SeverityNumber, ServiceName, Body, ResourceAttributes) \
             VALUES {values}"
        ),
    );
}

/// A line in the middle of every seventh span.
pub(super) fn logs(spans: &[Span]) -> Vec<LogRecord> {
    let line = |(place, span): (usize, &Span)| LogRecord {
        at: UnixNanos((span.start.0 + span.end.0) / 2),
        trace_id: Some(span.trace_id),
        span_id: Some(span.span_id),
        severity: if place % 35 == 0 { 17 } else { 9 },
        body: Value::Text(format!("it's order {place} of {}", span.name).into()),
        attributes: Attributes::new(),
        resource: span.resource.clone(),
    };
    spans.iter().enumerate().step_by(7).map(line).collect()
}

// covers: AW-26
#[test]
fn every_declared_question_is_answered_as_from_the_rows_themselves() {
    let _turn = alone();
    let server = clickhouse();
    let scene = scene(8.0);
    // The exporter writes every attribute as text.
    let mut spans = scene.tables.spans.clone();
    for span in &mut spans {
        for (_, value) in &mut span.attributes {
            *value = Value::Text(value.render().into());
        }
    }
    let tables = Tables { logs: logs(&spans), spans, ..Tables::default() };
    insert(&server, &tables);
    let source = open("clickhouse", &server.url);
    agrees(&source, &tables, scene.onset, &server.url);
    let onset = scene.onset.floor_second();
    let window = Window::new(onset.plus_seconds(-20), onset.plus_seconds(20));
    let lines = Ask::LogTemplates { window, scope: Scope::all() };
    super::conformance::same(&source, &tables, lines);
    let window = Window::new(onset.plus_seconds(-50), onset.plus_seconds(30));
    let told = ask(&source, Ask::Changes { window, scope: Scope::all() }).unwrap();
    let Table::Changes(told) = told.table else { panic!("changes") };
    let known = scene.tables.changes.iter().filter(|change| window.contains(change.at.plus_seconds(10)));
    let known: BTreeSet<(&str, &str)> =
        known.map(|change| (change.service.as_str(), change.after.as_str())).collect();
    let told: BTreeSet<(&str, &str)> =
        told.iter().map(|change| (change.service.as_str(), change.after.as_str())).collect();
    assert!(!told.is_empty() && told.is_subset(&known), "{told:?} of {known:?}");
    let unknown = Ask::Topology { window };
    assert_eq!(ask(&source, unknown), Err(AskError::Unsupported("topology".to_owned())));
    series(&server, &source);
}

/// A counter that starts anew, a gauge and a histogram, each point known, in the exporter's tables of metrics.
fn series(server: &Running, source: &Arc<dyn Source>) {
    let from = UnixNanos(1_790_000_000_000_000_000);
    let at = |second: i64| time(from.plus_seconds(second));
    let who = |metric: &str| {
        format!("map('service.instance.id', 'a'), 'web', '{metric}', 's', map('mode', 'user')")
    };
    let columns =
        "ResourceAttributes, ServiceName, MetricName, MetricUnit, Attributes, StartTimeUnix, TimeUnix";
    let points = |metric: &str, points: &[(i64, i64, &str)]| {
        let rows = points.iter().map(|(start, second, value)| {
            format!("({}, {}, {}, {value})", who(metric), at(*start), at(*second))
        });
        rows.collect::<Vec<_>>().join(",")
    };
    // Two a second; begun anew at 25, four a second.
    let sums = points(
        "process.cpu.time",
        &[(0, 10, "20, 2, 1"), (0, 20, "40, 2, 1"), (25, 30, "20, 2, 1"), (25, 40, "60, 2, 1")],
    );
    run(
        server,
        &format!(
            "INSERT INTO otel_metrics_sum ({columns}, Value, AggregationTemporality, IsMonotonic) VALUES {sums}"
        ),
    );
    let gauges = points("pool.pending", &[(0, 20, "3"), (0, 40, "7")]);
    run(server, &format!("INSERT INTO otel_metrics_gauge ({columns}, Value) VALUES {gauges}"));
    let histograms = points("wait", &[(0, 10, "1, 10, 2"), (0, 20, "6, 20, 2"), (0, 40, "12, 50, 2")]);
    run(
        server,
        &format!(
            "INSERT INTO otel_metrics_histogram ({columns}, Sum, Count, AggregationTemporality) VALUES {histograms}"
        ),
    );
    let (good, bad) =
        (Window::new(from, from.plus_seconds(25)), Window::new(from.plus_seconds(25), from.plus_seconds(60)));
    let asked = |metrics: &[&str]| {
        let metrics = metrics.iter().map(|metric| (*metric).to_owned()).collect();
        let told =
            ask(source, Ask::SeriesChange { good, bad, scope: Scope::service("web"), metrics }).unwrap();
        assert!(!told.locators.is_empty() && !told.truncated);
        let Table::SeriesChange(rows) = told.table else { panic!("series") };
        let figures =
            |row: &SeriesRow| (row.metric.clone(), row.kind, row.good.mean.get(), row.bad.mean.get());
        rows.iter()
            .map(figures)
            .map(|(metric, kind, good, bad)| ((metric, kind), (good, bad)))
            .collect::<BTreeMap<_, _>>()
    };
    let all = asked(&[]);
    assert_eq!(all[&("process.cpu.time".to_owned(), SeriesKind::Rate)], (2.0, 4.0));
    assert_eq!(all[&("pool.pending".to_owned(), SeriesKind::Gauge)], (3.0, 7.0));
    assert_eq!(all[&("wait".to_owned(), SeriesKind::Mean)], (0.5, 0.2));
    assert_eq!(all[&("wait".to_owned(), SeriesKind::Rate)], (1.0, 1.5));
    assert_eq!(asked(&["pool.pending"]).len(), 1);
}

/// What is computed in statements, against the code that says what it means, over traces of every odd kind.
#[test]
fn odd_traces_are_grouped_there_as_they_are_here() {
    let _turn = alone();
    let server = clickhouse();
    let from = UnixNanos(1_790_000_000_000_000_000);
    let window = Window::new(from, from.plus_seconds(60));
    let spans = super::odd::traces(7, 3_000, from);
    let tables = Tables { spans, ..Tables::default() };
    insert(&server, &tables);
    let source = open("clickhouse", &server.url);
    let scopes = [
        Scope::all(),
        Scope::service("pay's"),
        Scope { operation: Some("GET /a".to_owned()), ..Scope::service("web") },
        Scope { instance: Some("a".to_owned()), ..Scope::default() },
    ];
    for scope in scopes {
        for asked in [
            Ask::SelfTime { window, scope: scope.clone() },
            Ask::Edges { window, scope: scope.clone() },
            Ask::Exemplars { window, scope: scope.clone(), limit: 10 },
        ] {
            let told = same(&source, &tables, asked);
            assert!(told.left_out > 0, "broken traces are told");
        }
    }
    let Table::Edges(edges) = ask(&source, Ask::Edges { window, scope: Scope::all() }).unwrap().table else {
        panic!("edges")
    };
    let queues: Vec<_> = edges.iter().filter_map(|edge| edge.queue.as_ref()).collect();
    assert!(
        queues.iter().any(|queue| queue.deliveries_max > 1) && queues.iter().any(|queue| queue.untaken > 0)
    );
    assert!(
        edges.iter().any(|edge| edge.resends > 0) && edges.iter().any(|edge| edge.clock_offset_p50_ns != 0)
    );
}

/// SigNoz' tables, schema v3 of spans and v2 of lines, as its documentation has them (columns that are not read left out).
const SIGNOZ: [&str; 4] = [
    "CREATE DATABASE signoz_traces ENGINE = Atomic",
    "CREATE DATABASE signoz_logs ENGINE = Atomic",
    "CREATE TABLE signoz_traces.distributed_signoz_index_v3 (ts_bucket_start UInt64, timestamp DateTime64(9), \
     trace_id FixedString(32), span_id String, parent_span_id String, name LowCardinality(String), kind_string String, \
     duration_nano UInt64, status_message String, status_code_string String, \
     attributes_string Map(LowCardinality(String), String), attributes_number Map(LowCardinality(String), Float64), \
     attributes_bool Map(LowCardinality(String), Bool), resources_string Map(LowCardinality(String), String), links String) \
     ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY (ts_bucket_start, name, timestamp)",
    "CREATE TABLE signoz_logs.distributed_logs_v2 (timestamp UInt64, trace_id String, span_id String, severity_number UInt8, \
     body String, attributes_string Map(LowCardinality(String), String), \
     attributes_number Map(LowCardinality(String), Float64), attributes_bool Map(LowCardinality(String), Bool), \
     resources_string Map(LowCardinality(String), String)) ENGINE = MergeTree ORDER BY timestamp",
];

#[test]
fn the_tables_of_signoz_answer_the_same() {
    let _turn = alone();
    let server = clickhouse();
    let scene = scene(8.0);
    let mut spans = scene.tables.spans.clone();
    for (_, value) in spans.iter_mut().flat_map(|span| &mut span.attributes) {
        *value = Value::Text(value.render().into());
    }
    let tables = Tables { logs: logs(&spans), spans, ..Tables::default() };
    insert(&server, &tables);
    for statement in SIGNOZ {
        run(&server, statement);
    }
    // Its own exporter is not to be had: the rows are those of the other tables, numbers in the maps of numbers.
    run(
        &server,
        "INSERT INTO signoz_traces.distributed_signoz_index_v3 SELECT intDiv(toUnixTimestamp(Timestamp), 1800) * 1800, \
         Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, Duration, StatusMessage, StatusCode, \
         mapFilter((key, value) -> NOT match(value, '^[0-9]{1,9}$'), SpanAttributes), \
         mapApply((key, value) -> (key, toFloat64(value)), mapFilter((key, value) -> match(value, '^[0-9]{1,9}$'), SpanAttributes)), \
         map(), ResourceAttributes, \
         toJSONString(arrayConcat(if(ParentSpanId = '', [], [map('traceId', TraceId, 'spanId', ParentSpanId, 'refType', 'CHILD_OF')]), \
         arrayMap((trace, span) -> map('traceId', trace, 'spanId', span, 'refType', 'FOLLOWS_FROM'), `Links.TraceId`, `Links.SpanId`))) \
         FROM otel_traces",
    );
    run(
        &server,
        "INSERT INTO signoz_logs.distributed_logs_v2 SELECT toUnixTimestamp64Nano(Timestamp), TraceId, SpanId, SeverityNumber, \
         Body, LogAttributes, map(), map(), ResourceAttributes FROM otel_logs",
    );
    run(&server, "DROP TABLE otel_traces");
    let settings = sources::Settings {
        kind: "clickhouse".to_owned(),
        url: server.url.clone(),
        tables: [("schema".to_owned(), "signoz".to_owned())].into(),
        ..sources::Settings::default()
    };
    let source = sources::open("clickhouse", &settings).unwrap();
    agrees(&source, &tables, scene.onset, &server.url);
    let onset = scene.onset.floor_second();
    let window = Window::new(onset.plus_seconds(-20), onset.plus_seconds(20));
    super::conformance::same(&source, &tables, Ask::LogTemplates { window, scope: Scope::all() });
    let metrics = Ask::SeriesChange { good: window, bad: window, scope: Scope::all(), metrics: Vec::new() };
    assert!(matches!(ask(&source, metrics), Err(AskError::Unavailable(why)) if why.contains("not read")));
}
