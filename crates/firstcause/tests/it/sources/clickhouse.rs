//! Every question that ClickHouse is asked, over generated traces and lines in the exporter's tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use telemetry::recorded::Tables;
use telemetry::signal::Attributes;
use telemetry::{
    Ask, AskError, LogRecord, Scope, Span, SpanKind, StatusCode, Table, UnixNanos, Value, Window,
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
    let unknown = Ask::SeriesChange { good: window, bad: window, scope: Scope::all(), metrics: Vec::new() };
    assert_eq!(ask(&source, unknown), Err(AskError::Unsupported("series_change".to_owned())));
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
