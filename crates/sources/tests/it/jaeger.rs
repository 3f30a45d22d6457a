//! Jaeger's interface below `/api` as version 1.76 answers it, where the real one is not made to be large or to break. The real
//! one: `crates/firstcause/tests/it/sources/jaeger.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use telemetry::recorded::Tables;
use telemetry::signal::Attributes;
use telemetry::{Ask, AskError, Scope, Source, Span, StatusCode, TraceId, UnixNanos, Window};
use testkit::system::{FaultKind, Scene, Shape};

use crate::server::{Reply, Request, Server};
use crate::told::{check_breaks, same, settings};
use crate::{ask, open};

/// A Jaeger of traces: each with who began a span when, in microseconds, and as it is told.
#[derive(Debug, Clone)]
struct Contract {
    traces: Vec<(BTreeSet<(String, i64)>, String)>,
}

impl Contract {
    fn of(spans: &[Span]) -> Self {
        let mut traces: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
        spans.iter().for_each(|span| traces.entry(span.trace_id).or_default().push(span.clone()));
        let told = |(id, spans): (TraceId, Vec<Span>)| {
            let began = spans.iter().map(|span| (span.resource.service.to_string(), span.start.0 / 1000));
            (began.collect(), trace(id, &spans).to_string())
        };
        Self { traces: traces.into_iter().map(told).collect() }
    }

    fn answer(&self, request: &Request) -> Reply {
        let data = |data: Json| Reply::json(&json!({"data": data, "errors": null}));
        if request.path == "/api/services" {
            let services: BTreeSet<&String> =
                self.traces.iter().flat_map(|(began, _)| began.iter().map(|(service, _)| service)).collect();
            return data(json!(services));
        }
        if request.path != "/api/traces" {
            return Reply::status(404, "404 page not found");
        }
        let number = |name: &str| request.parameter(name).unwrap().parse::<i64>().unwrap();
        let (from, to, limit) = (number("start"), number("end"), number("limit"));
        let service = request.parameter("service").unwrap();
        let fits = |(whose, micros): &(String, i64)| whose == service && from <= *micros && *micros <= to;
        let found = self.traces.iter().filter(|(began, _)| began.iter().any(fits));
        let told: Vec<&str> =
            found.take(usize::try_from(limit).unwrap()).map(|(_, told)| told.as_str()).collect();
        Reply::status(200, &format!("{{\"data\":[{}],\"errors\":null}}", told.join(",")))
    }

    fn start(self) -> Server {
        Server::start(move |request| self.answer(request))
    }
}

fn tags(attributes: &Attributes) -> Vec<Json> {
    attributes
        .iter()
        .map(|(key, value)| json!({"key": &**key, "type": "string", "value": value.render()}))
        .collect()
}

fn trace(id: TraceId, spans: &[Span]) -> Json {
    let mut processes = serde_json::Map::new();
    let mut told = Vec::new();
    for (place, span) in spans.iter().enumerate() {
        let process = format!("p{place}");
        let of = json!({"serviceName": &*span.resource.service, "tags": tags(&span.resource.attributes)});
        processes.insert(process.clone(), of);
        let mut own = tags(&span.attributes);
        own.push(json!({"key": "span.kind", "value": format!("{:?}", span.kind).to_ascii_lowercase()}));
        if span.status == StatusCode::Error {
            own.push(json!({"key": "error", "value": true}));
        }
        let parent = span.parent.map(
            |parent| json!({"refType": "CHILD_OF", "traceID": id.to_string(), "spanID": parent.to_string()}),
        );
        told.push(json!({
            "traceID": id.to_string(), "spanID": span.span_id.to_string(), "operationName": &*span.name,
            "references": parent.into_iter().collect::<Vec<_>>(), "startTime": span.start.0 / 1000,
            "duration": span.duration_ns() / 1000, "tags": own, "logs": [], "processID": process,
        }));
    }
    json!({"traceID": id.to_string(), "spans": told, "processes": processes})
}

/// A generated system whose times are whole microseconds: Jaeger keeps no more.
fn tables(requests_per_second: f64) -> (UnixNanos, Tables) {
    let shape = Shape { requests_per_second, ..Shape::of(8) };
    let scene = Scene::new(3, FaultKind::SlowWork, &shape).expect("the system has a place for it");
    let mut spans = scene.tables.spans;
    for span in &mut spans {
        let whole = |at: UnixNanos| UnixNanos(at.0 / 1000 * 1000);
        (span.start, span.end) = (whole(span.start), whole(span.end));
    }
    (scene.onset.floor_second(), Tables { spans, ..Tables::default() })
}

/// More traces than one request tells, of three services alone: enough to count, and soon told.
fn many() -> (UnixNanos, Tables) {
    let (onset, mut tables) = tables(22.0);
    let mut counts: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for span in &tables.spans {
        *counts.entry(Arc::clone(&span.resource.service)).or_default() += 1;
    }
    let mut most: Vec<(usize, Arc<str>)> =
        counts.into_iter().map(|(service, count)| (count, service)).collect();
    most.sort();
    let told: Vec<Arc<str>> = most.into_iter().rev().take(3).map(|(_, service)| service).collect();
    tables.spans.retain(|span| told.contains(&span.resource.service));
    (onset, tables)
}

fn jaeger(server: &Server) -> Arc<dyn Source> {
    open(&settings("jaeger", server))
}

fn asked(server: &Server) -> usize {
    server.seen().iter().filter(|one| one.path == "/api/traces").count()
}

#[test]
fn more_traces_than_one_request_tells_are_counted_in_parts_and_the_other_answers_are_cut() {
    let (onset, tables) = many();
    let window = Window::new(onset.plus_seconds(-50), onset.plus_seconds(30));
    let server = Contract::of(&tables.spans).start();
    let source = jaeger(&server);
    same(&source, &tables, Ask::Onset { window, scope: Scope::all() });
    let requests = asked(&server);
    assert!((5..40).contains(&requests), "{requests} requests");
    let service = tables.spans.iter().find(|span| span.is_entry()).unwrap().resource.service.to_string();
    same(&source, &tables, Ask::Onset { window, scope: Scope::service(&service) });
    assert_eq!(asked(&server), requests, "the entry spans of a window are fetched once");
    let cut = ask(&source, Ask::SelfTime { window, scope: Scope::all() }, 30).unwrap();
    assert!(cut.truncated);
    assert!(server.seen().iter().all(|one| one.method == "GET"));
}

#[test]
fn more_traces_at_one_moment_than_one_request_tells_are_no_count() {
    let (onset, mut tables) = many();
    for span in &mut tables.spans {
        let duration = span.duration_ns();
        span.start = onset;
        span.end = UnixNanos(onset.0 + duration);
    }
    let window = Window::new(onset.plus_seconds(-50), onset.plus_seconds(30));
    let server = Contract::of(&tables.spans).start();
    let refused = ask(&jaeger(&server), Ask::Onset { window, scope: Scope::all() }, 60);
    let Err(AskError::LimitReached(why)) = &refused else { panic!("{refused:?}") };
    assert!(why.contains("1500 traces") && why.contains("hint: "), "{why}");
    assert!(asked(&server) < 200);
}

#[test]
fn what_does_not_fit_is_cut_where_that_is_told_and_no_count() {
    let (onset, tables) = tables(8.0);
    let window = Window::new(onset.plus_seconds(-30), onset.plus_seconds(10));
    let server = Contract::of(&tables.spans).start();
    let budget = sources::settings::Budget { bytes: Some(4_000_000), ..Default::default() };
    let source = open(&sources::Settings { budget, ..settings("jaeger", &server) });
    let cut = ask(&source, Ask::SelfTime { window, scope: Scope::all() }, 30).unwrap();
    assert!(cut.truncated && !cut.table.is_empty());
    let refused = ask(&source, Ask::Onset { window, scope: Scope::all() }, 30);
    assert!(
        matches!(refused, Err(AskError::LimitReached(_))),
        "an operator's budget is not widened: {refused:?}"
    );
}

#[test]
fn what_does_not_come_in_time_is_cut_where_that_is_told() {
    let (onset, tables) = tables(8.0);
    let window = Window::new(onset.plus_seconds(-5), onset);
    let contract = Contract::of(&tables.spans);
    let server = Server::start(move |request| {
        if request.path == "/api/traces" {
            std::thread::sleep(std::time::Duration::from_millis(900));
        }
        contract.answer(request)
    });
    let cut = ask(&jaeger(&server), Ask::SelfTime { window, scope: Scope::all() }, 6).unwrap();
    assert!(cut.truncated && !cut.table.is_empty());
}

#[test]
fn every_way_of_breaking_ends_in_time_and_is_named() {
    let (onset, tables) = tables(8.0);
    let window = Window::new(onset.plus_seconds(-10), onset.plus_seconds(10));
    let onset = Ask::Onset { window, scope: Scope::all() };
    check_breaks("jaeger", &onset, |_| None);
    // And in the middle: the services are told, the traces are not.
    let contract = Contract::of(&tables.spans);
    check_breaks("jaeger", &onset, move |request| {
        (request.path == "/api/services").then(|| contract.answer(request))
    });
}
