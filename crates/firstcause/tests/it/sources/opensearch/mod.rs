//! Every question that OpenSearch is asked, over generated traces and lines as each exporter writes them.

mod sets;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use telemetry::answer::OnsetRow;
use telemetry::recorded::{TableSource, Tables};
use telemetry::{Answerer, Ask, AskError, Cancel, Limits, Scope, Source, Table, TraceId, UnixNanos, Window};

use super::broken::{Asked, assert_gaps, incident, port};
use super::clickhouse::logs;
use super::conformance::{agrees, same, scene};
use super::servers::{Running, elasticsearch, opensearch};
use super::{ask, open};
use crate::{BINARY, alone};
use written::{Writer, index_all, send, templates, write};

/// A source over the indices of one writer alone.
fn over(server: &Running, kind: &str, writer: Writer) -> Arc<dyn Source> {
    with(server, kind, writer, sources::settings::Budget::default())
}

fn with(server: &Running, kind: &str, writer: Writer, budget: sources::settings::Budget) -> Arc<dyn Source> {
    let (traces, logs) = writer.indices();
    let tables = [("traces", traces), ("logs", logs)].map(|(role, name)| (role.to_owned(), name.to_owned()));
    let settings = sources::Settings {
        kind: kind.to_owned(),
        url: server.url.clone(),
        tables: tables.into(),
        budget,
        ..sources::Settings::default()
    };
    sources::open(kind, &settings).unwrap()
}

// covers: AW-26, AW-42, EL-35, C-08
#[test]
fn every_declared_question_is_answered_as_from_the_documents_of_each_writer() {
    let _turn = alone();
    check_all(&opensearch(), "opensearch", &Writer::ALL);
}

#[test]
fn elasticsearch_answers_the_same() {
    let _turn = alone();
    check_all(&elasticsearch(), "elasticsearch", &[Writer::Otel, Writer::Apm]);
}

/// The collector's `opensearch` exporter in its mode `otel-v1`, and nothing else to ask.
#[test]
fn an_incident_whose_spans_only_opensearch_has_is_explained() {
    let _turn = alone();
    let server = opensearch();
    templates(&server);
    let (scene, at) = incident();
    write(&server, Writer::V1, &scene.tables);
    let (service, folder) = (scene.fault.name.as_str(), tempfile::tempdir().unwrap());
    let mut command = Command::new(BINARY);
    command.args(["investigate", "--service", service, "--since", "40s", "--history", "60s", "--json"]);
    command.args(["--at", &at.rfc3339(), "--source", &format!("opensearch={}", server.url)]);
    let output = command.arg("--data-dir").arg(folder.path()).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let report: Json =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(
        (output.status.code(), &report["root_cause"]["service"]),
        (Some(0), &json!(service)),
        "{text}"
    );
    let evidence = report["diagnosis"]["evidence"].to_string();
    assert!(evidence.contains(&format!("{}/traces-*", server.url)), "{evidence}");
    let needed = &["GET /traces-*", "GET /logs-*", "POST /traces-*", "POST /logs-*", "POST /metrics-apm*"];
    let asked = Asked { kind: "opensearch", port: port(&server), passing: 8, needed };
    assert_gaps(&asked, service, at);
}

fn check_all(server: &Running, kind: &str, writers: &[Writer]) {
    templates(server);
    let scene = scene(8.0);
    minutes(server, kind, scene.onset);
    enriched(server, kind, scene.onset);
    silent(server, kind, scene.onset);
    let spans = scene.tables.spans.clone();
    let tables = Tables { logs: logs(&spans), spans, ..Tables::default() };
    let onset = scene.onset.floor_second();
    for writer in writers.iter().copied() {
        write(server, writer, &tables);
        let source = over(server, kind, writer);
        agrees(&source, &tables, scene.onset, &server.url);
        links_lead_there(server, &source, onset, tables.spans[0].trace_id);
        if writer == Writer::Otel {
            // By the names that are taken when none are set; the names of the other form are there as aliases.
            let whole = Window::new(onset.plus_seconds(-40), onset.plus_seconds(30));
            same(&open(kind, &server.url), &tables, Ask::Onset { window: whole, scope: Scope::all() });
        }
        let window = Window::new(onset.plus_seconds(-20), onset.plus_seconds(20));
        same(&source, &tables, Ask::LogTemplates { window, scope: Scope::all() });
        let window = Window::new(onset.plus_seconds(-50), onset.plus_seconds(30));
        let told = ask(&source, Ask::Changes { window, scope: Scope::all() }).unwrap();
        let Table::Changes(told) = told.table else { panic!("changes") };
        let known = scene.tables.changes.iter().filter(|change| window.contains(change.at.plus_seconds(10)));
        let known: BTreeSet<_> =
            known.map(|change| (change.service.as_str(), change.after.as_str())).collect();
        let told: BTreeSet<_> =
            told.iter().map(|change| (change.service.as_str(), change.after.as_str())).collect();
        assert!(!told.is_empty() && told.is_subset(&known), "{writer:?}: {told:?} of {known:?}");
        if kind == "opensearch" && writer != Writer::Simple {
            a_budget_is_kept(server, writer, &tables, onset);
        }
        let unknown =
            Ask::SeriesChange { good: window, bad: window, scope: Scope::all(), metrics: Vec::new() };
        assert_eq!(ask(&source, unknown), Err(AskError::Unsupported("series_change".to_owned())));
    }
}

/// What an answer cites can be looked at.
fn links_lead_there(server: &Running, source: &Arc<dyn Source>, onset: UnixNanos, trace_id: TraceId) {
    let (window, scope) = (Window::new(onset.plus_seconds(-20), onset), Scope::all());
    for asked in [
        Ask::Onset { window, scope: scope.clone() },
        Ask::SelfTime { window, scope: scope.clone() },
        Ask::Changes { window, scope: scope.clone() },
        Ask::LogTemplates { window, scope },
        Ask::Trace { trace_id },
    ] {
        let name = asked.name();
        for locator in ask(source, asked).unwrap().locators {
            let path = locator.link.strip_prefix(&server.url).unwrap();
            let found = send(server, &format!("GET {path}"), "");
            assert!(found["timed_out"] == json!(false), "{name}: {found}");
        }
    }
}

/// Rows that a small budget allows: of more requests than twice that, what they add up to.
const BUDGET: usize = 2_000;

/// With a small budget requests are counted there and traces are a share, and both are told.
fn a_budget_is_kept(server: &Running, writer: Writer, tables: &Tables, onset: UnixNanos) {
    let entries = tables.spans.iter().filter(|span| span.is_entry()).count();
    assert!(entries > 2 * BUDGET && tables.spans.len() > 3 * BUDGET, "{entries} of {}", tables.spans.len());
    let source = with(
        server,
        "opensearch",
        writer,
        sources::settings::Budget { rows: Some(BUDGET), ..Default::default() },
    );
    let window = Window::new(onset.plus_seconds(-60), onset.plus_seconds(45));
    let asked = Ask::Onset { window, scope: Scope::all() };
    let told = ask(&source, asked.clone()).unwrap();
    assert!(told.locators[0].link.contains("aggs"), "{writer:?}: counted there");
    counted(&told, &known(tables, asked), writer);
    let share = ask(&source, Ask::SelfTime { window, scope: Scope::all() }).unwrap();
    let Table::SelfTime(table) = &share.table else { panic!("times") };
    let all = tables.spans.iter().filter(|span| span.parent.is_none()).count() as u64;
    assert!(share.truncated && share.left_out == 0, "{writer:?}: a share of whole traces");
    assert!(table.traces > all / 8 && table.traces < all, "{writer:?}: {} of {all}", table.traces);
}

/// A span as one document that has both forms' names, as Elastic's collector enriches it, is one span.
// covers: EL-15, EL-35
fn enriched(server: &Running, kind: &str, onset: UnixNanos) {
    let at = onset.floor_second().plus_seconds(-7_200);
    let (keyword, long) = (json!({"type": "keyword"}), json!({"type": "long"}));
    let alias = |path: &str| json!({"type": "alias", "path": path});
    let mappings = json!({"properties": {
        "attributes": {"properties": {"processor.event": keyword, "timestamp.us": long, "transaction.duration.us": long,
            "transaction.type": keyword, "transaction.name": keyword}},
        "processor.event": alias("attributes.processor.event"), "timestamp.us": alias("attributes.timestamp.us"),
        "transaction.duration.us": alias("attributes.transaction.duration.us"),
        "transaction.type": alias("attributes.transaction.type"), "transaction.name": alias("attributes.transaction.name"),
    }});
    send(server, "PUT /traces-enriched.otel-default", &json!({"mappings": mappings}).to_string());
    index_all(
        server,
        "traces-enriched.otel-default",
        &[json!({
            "@timestamp": at.rfc3339(), "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "00f067aa0ba902b7",
            "name": "GET /", "kind": "Server", "duration": 1_000_000, "resource": {"attributes": {"service.name": "web"}},
            "attributes": {"processor.event": "transaction", "timestamp.us": at.0 / 1_000, "transaction.duration.us": 1_000,
                "transaction.type": "request", "transaction.name": "GET /"},
        })],
    );
    let window = Window::new(at, at.plus_seconds(60));
    let told = ask(&open(kind, &server.url), Ask::Onset { window, scope: Scope::all() }).unwrap();
    let Table::Onset(rows) = &told.table else { panic!("rows") };
    assert_eq!(rows.iter().map(|row| (row.count, row.sum_ns)).collect::<Vec<_>>(), [(1, 1_000_000)]);
}

/// A version is new also where nothing was seen of its service for a week, and not where nothing was seen before.
// covers: EL-20
fn silent(server: &Running, kind: &str, onset: UnixNanos) {
    let at = onset.floor_second().plus_seconds(-10_800);
    let span = |place: u64, service: &str, version: &str, at: UnixNanos| {
        json!({"@timestamp": at.rfc3339(), "trace_id": format!("{place:032x}"), "span_id": format!("{place:016x}"),
            "name": "GET /", "kind": "Server", "duration": 1_000_000,
            "resource": {"attributes": {"service.name": service, "service.version": version}}})
    };
    index_all(
        server,
        "traces-silent.otel-default",
        &[
            span(1, "weekly", "1.0", at.plus_seconds(-7 * 86_400)),
            span(2, "other", "3", at.plus_seconds(-300)),
            span(3, "weekly", "1.1", at.plus_seconds(20)),
            span(4, "first", "1.0", at.plus_seconds(20)),
        ],
    );
    let window = Window::new(at, at.plus_seconds(60));
    let told = ask(&open(kind, &server.url), Ask::Changes { window, scope: Scope::all() }).unwrap();
    let Table::Changes(changes) = &told.table else { panic!("changes") };
    let changes: Vec<_> =
        changes.iter().map(|one| (&*one.service, &*one.before, &*one.after, one.at)).collect();
    assert_eq!(changes, [("weekly", "1.0", "1.1", at.plus_seconds(20))]);
}

/// A service whose transactions were not kept is counted from the minutes that Elastic APM adds up, and what another one
/// counts of its calls is nothing about the service that is called.
// covers: EL-36, EL-37, EL-46
fn minutes(server: &Running, kind: &str, onset: UnixNanos) {
    let at = UnixNanos(onset.0 / 60_000_000_000 * 60_000_000_000).plus_seconds(-3_600);
    let set = |name: &str, rest: Json| {
        let mut document = json!({"@timestamp": at.rfc3339(), "processor": {"event": "metric"},
            "metricset": {"name": name, "interval": "1m"}, "service": {"name": "web-go"}});
        document.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        document
    };
    let duration = json!({"type": "request", "duration": {"summary": {"sum": 1000, "value_count": 4}}});
    let good = json!({"success_count": {"sum": 1, "value_count": 2}});
    let hourly =
        json!({"metricset": {"name": "service_transaction", "interval": "60m"}, "transaction": duration});
    let called = json!({"span": {"destination": {"service": {"resource": "elasticsearch",
        "response_time": {"count": 73, "sum": {"us": 1_554_192}}}}}});
    index_all(
        server,
        "metrics-apm.service_transaction.1m-default",
        &[
            set("service_transaction", json!({"transaction": duration, "event": good})),
            set("service_transaction", hourly),
            set("service_destination", called),
        ],
    );
    let window = Window::new(at, at.plus_seconds(60));
    let told = ask(&open(kind, &server.url), Ask::Onset { window, scope: Scope::all() }).unwrap();
    let Table::Onset(rows) = &told.table else { panic!("rows") };
    let figures: Vec<_> =
        rows.iter().map(|row| (row.count, row.errors, row.sum_ns, row.p50_ns, row.p95_ns)).collect();
    assert_eq!(
        (told.from_metrics, figures),
        (vec!["web-go".to_owned()], vec![(4, 1, 1_000_000, 250_000, 250_000)])
    );
}

/// The rows of the tables themselves.
fn known(tables: &Tables, asked: Ask) -> telemetry::Answer {
    let source = TableSource::new(tables.clone());
    let limits = Limits { rows_max: usize::MAX, ..Limits::default() };
    source.answer(&super::question(asked), &limits, &Cancel::default()).unwrap()
}

/// Counts are exact, and quantiles within what is told.
fn counted(told: &telemetry::Answer, known: &telemetry::Answer, writer: Writer) {
    let (Table::Onset(rows), Table::Onset(expected)) = (&told.table, &known.table) else { panic!("rows") };
    let error = told.quantile_error.get();
    assert!(told.truncated == (expected.len() > rows.len()) && error > 0.0, "{writer:?}");
    assert!(rows.len() > 1_000, "{writer:?}: {}", rows.len());
    let of: BTreeMap<_, _> = expected.iter().map(|row| ((row.subject.clone(), row.second), row)).collect();
    for row in rows {
        let expected = of[&(row.subject.clone(), row.second)];
        let exact = |row: &OnsetRow| (row.count, row.errors, row.sum_ns, row.is_message);
        assert_eq!(exact(row), exact(expected), "{writer:?}");
        for (told, known) in [(row.p50_ns, expected.p50_ns), (row.p95_ns, expected.p95_ns)] {
            let apart = (told - known).abs() as f64 / known as f64;
            assert!(apart <= error, "{writer:?}: {told} ns for {known} ns");
        }
    }
}
