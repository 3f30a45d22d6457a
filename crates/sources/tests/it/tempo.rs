//! Tempo as its documentation has it ("Tempo HTTP API": "Query", "Query V2", "Search" with its examples; "Configuration" of the
//! query front end for its limits): there is none here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use telemetry::recorded::Tables;
use telemetry::signal::Attributes;
use telemetry::{
    Ask, AskError, Scope, Source, Span, SpanKind, StatusCode, TraceId, UnixNanos, Value, Window,
};
use testkit::system::{FaultKind, Scene, Shape};

use crate::server::{Reply, Request, Server};
use crate::told::{check_breaks, same, settings, window};
use crate::{ask, open};

const SEARCH: &str = "/api/search";

/// A Tempo of traces.
#[derive(Debug, Clone)]
struct Contract {
    traces: BTreeMap<TraceId, Vec<Span>>,
    /// `max_result_limit` and `max_spans_per_span_set`.
    limits: (usize, usize),
    /// Before the second version of traces by their ids.
    is_old: bool,
    /// Jobs of a search that are not done.
    jobs_left: u64,
}

impl Contract {
    fn of(spans: &[Span]) -> Self {
        let mut traces: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
        spans.iter().for_each(|span| traces.entry(span.trace_id).or_default().push(span.clone()));
        Self { traces, limits: (262_144, 100), is_old: false, jobs_left: 0 }
    }

    fn answer(&self, request: &Request) -> Reply {
        if request.path == SEARCH {
            return self.search(request);
        }
        let (path, id) = request.path.rsplit_once('/').unwrap();
        let Some(spans) = id.parse().ok().and_then(|id: TraceId| self.traces.get(&id)) else {
            return Reply::status(404, "trace not found");
        };
        let batches: Vec<Json> = spans.iter().map(batch).collect();
        match (path, self.is_old) {
            ("/api/v2/traces", false) => {
                Reply::json(&json!({"trace": {"resourceSpans": batches}, "metrics": {}}))
            }
            ("/api/traces", true) => Reply::json(&json!({"batches": batches})),
            _ => Reply::status(404, "404 page not found"),
        }
    }

    fn search(&self, request: &Request) -> Reply {
        let number = |name: &str| request.parameter(name).unwrap().parse::<usize>().unwrap();
        let (start, end, limit, spss) = (number("start"), number("end"), number("limit"), number("spss"));
        if limit > self.limits.0 {
            return Reply::status(400, &format!("limit {limit} exceeds max limit {}", self.limits.0));
        }
        if spss > self.limits.1 {
            return Reply::status(
                400,
                &format!("spans per span set exceeds {}. received {spss}", self.limits.1),
            );
        }
        let is_entries = match request.parameter("q").unwrap() {
            "{}" => false,
            query if query.starts_with("{ kind = server || kind = consumer } | select(") => true,
            other => return Reply::status(400, &format!("invalid TraceQL query: {other}")),
        };
        let nanos = |seconds: usize| i64::try_from(seconds).unwrap() * 1_000_000_000;
        let times = |spans: &[Span]| {
            let from = spans.iter().map(|span| span.start.0).min().unwrap();
            (from, spans.iter().map(|span| span.end.0).max().unwrap())
        };
        let matches = |span: &&Span| !is_entries || span.is_entry();
        let mut found: Vec<(i64, TraceId, Vec<&Span>)> = Vec::new();
        for (id, spans) in &self.traces {
            let (from, to) = times(spans);
            let matched: Vec<&Span> = spans.iter().filter(matches).collect();
            if from <= nanos(end) && to >= nanos(start) && !matched.is_empty() {
                found.push((from, *id, matched));
            }
        }
        found.sort_by_key(|(from, ..)| std::cmp::Reverse(*from));
        let trace = |(from, id, matched): (i64, TraceId, Vec<&Span>)| {
            let told: Vec<Json> = matched.iter().take(spss).map(|span| selected(span, is_entries)).collect();
            json!({"traceID": id.to_string().trim_start_matches('0'), "startTimeUnixNano": from.to_string(),
                "durationMs": 1, "spanSets": [{"spans": told, "matched": matched.len()}]})
        };
        let traces: Vec<Json> = found.into_iter().take(limit).map(trace).collect();
        let metrics = json!({"inspectedBytes": "1", "totalJobs": 9, "completedJobs": 9 - self.jobs_left});
        Reply::json(&json!({"traces": traces, "metrics": metrics}))
    }

    fn start(self) -> Server {
        Server::start(move |request| self.answer(request))
    }
}

/// A span as a search tells it.
fn selected(span: &Span, is_entries: bool) -> Json {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let mut own = Vec::new();
    if is_entries {
        own.push(text("kind", if span.kind == SpanKind::Server { "server" } else { "consumer" }));
        own.push(text(
            "status",
            match span.status {
                StatusCode::Error => "error",
                StatusCode::Ok => "ok",
                StatusCode::Unset => "unset",
            },
        ));
        for (key, value) in &span.resource.attributes {
            if ["service.name", "service.instance.id", "service.version"].contains(&&**key) {
                own.push(text(key, &value.render()));
            }
        }
    }
    let name = if is_entries { &*span.name } else { "" };
    json!({"spanID": span.span_id.to_string().trim_start_matches('0'), "name": name, "attributes": own,
        "startTimeUnixNano": span.start.0.to_string(), "durationNanos": span.duration_ns().to_string()})
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |place: u32, held: u32| char::from(LETTERS[(held >> (18 - 6 * place) & 63) as usize]);
    let group = |part: &[u8]| {
        let held = part.iter().zip([16, 8, 0]).map(|(byte, shift)| u32::from(*byte) << shift).sum();
        let told: String = (0..=part.len() as u32).map(|place| letter(place, held)).collect();
        format!("{told:=<4}")
    };
    bytes.chunks(3).map(group).collect()
}

fn attributes(of: &Attributes) -> Vec<Json> {
    let any = |value: &Value| match value {
        Value::Bool(value) => json!({"boolValue": value}),
        Value::Int(value) => json!({"intValue": value.to_string()}),
        Value::Double(value) => json!({"doubleValue": value}),
        other => json!({"stringValue": other.render()}),
    };
    of.iter().map(|(key, value)| json!({"key": &**key, "value": any(value)})).collect()
}

/// A span in a batch of its own.
fn batch(span: &Span) -> Json {
    let kind = format!("SPAN_KIND_{}", format!("{:?}", span.kind).to_ascii_uppercase());
    let status = match span.status {
        StatusCode::Unset => json!({}),
        StatusCode::Ok => json!({"code": "STATUS_CODE_OK"}),
        StatusCode::Error => json!({"code": "STATUS_CODE_ERROR", "message": &*span.message}),
    };
    let link = |link: &telemetry::signal::SpanLink| json!({"traceId": base64(&link.trace_id.0), "spanId": base64(&link.span_id.0)});
    let mut sent = json!({
        "traceId": base64(&span.trace_id.0), "spanId": base64(&span.span_id.0), "name": &*span.name, "kind": kind,
        "startTimeUnixNano": span.start.0.to_string(), "endTimeUnixNano": span.end.0.to_string(),
        "attributes": attributes(&span.attributes), "status": status, "links": span.links.iter().map(link).collect::<Vec<_>>(),
    });
    if let Some(parent) = span.parent {
        sent["parentSpanId"] = json!(base64(&parent.0));
    }
    json!({"resource": {"attributes": attributes(&span.resource.attributes)}, "scopeSpans": [{"scope": {}, "spans": [sent]}]})
}

fn scene(requests_per_second: f64) -> Scene {
    let shape = Shape { requests_per_second, ..Shape::of(12) };
    Scene::new(3, FaultKind::SlowWork, &shape).expect("the system has a place for it")
}

fn tempo(server: &Server) -> Arc<dyn Source> {
    open(&settings("tempo", server))
}

fn spans(scene: &Scene) -> Tables {
    Tables { spans: scene.tables.spans.clone(), ..Tables::default() }
}

// covers: AW-26
#[test]
fn every_declared_question_is_answered_as_from_the_spans_themselves() {
    let scene = scene(8.0);
    let tables = spans(&scene);
    let server = Contract::of(&tables.spans).start();
    let source = tempo(&server);
    let onset = scene.onset.floor_second();
    let good = Window::new(onset.plus_seconds(-40), onset);
    let bad = Window::new(onset.plus_seconds(2), onset.plus_seconds(30));
    let whole = Window::new(good.from, bad.to);
    let service = tables.spans.iter().find(|span| span.is_entry()).unwrap().resource.service.to_string();
    let trace_id = tables.spans[tables.spans.len() / 2].trace_id;
    for asked in [
        Ask::Onset { window: whole, scope: Scope::all() },
        Ask::Onset { window: whole, scope: Scope::service(&service) },
        Ask::SelfTime { window: good, scope: Scope::all() },
        Ask::SelfTime { window: bad, scope: Scope::all() },
        Ask::Edges { window: bad, scope: Scope::all() },
        Ask::Exemplars { window: bad, scope: Scope::all(), limit: 3 },
        Ask::Paths { window: bad, scope: Scope::all() },
        Ask::Compare { good, bad, scope: Scope::all() },
        Ask::Trace { trace_id },
    ] {
        let told = same(&source, &tables, asked);
        assert!(told.locators[0].link.starts_with(&server.url), "{:?}", told.locators);
    }
    let paths = ["/api/search", "/api/v2/traces/"];
    let seen = server.seen();
    assert!(
        seen.iter().all(|one| one.method == "GET" && paths.iter().any(|path| one.path.starts_with(path)))
    );
    for asked in [Ask::Topology { window: whole }, Ask::LogTemplates { window: whole, scope: Scope::all() }] {
        assert!(!source.can().answers(asked.name()));
        assert_eq!(ask(&source, asked.clone(), 5), Err(AskError::Unsupported(asked.name().to_owned())));
    }
    assert_eq!(server.seen().len(), seen.len());
}

#[test]
fn more_traces_than_a_search_tells_are_counted_in_parts_and_a_part_of_them_is_no_count() {
    let scene = scene(40.0);
    let tables = spans(&scene);
    let window = Window::new(scene.onset.plus_seconds(-50), scene.onset.plus_seconds(30));
    let onset = Ask::Onset { window, scope: Scope::all() };
    let server = Contract::of(&tables.spans).start();
    same(&tempo(&server), &tables, onset.clone());
    let searches = server.seen().len();
    assert!((5..30).contains(&searches), "{searches} searches");
    let cut = ask(&tempo(&server), Ask::SelfTime { window, scope: Scope::all() }, 20).unwrap();
    assert!(cut.truncated && !cut.table.is_empty());
    // All requests within one second: no part of it is small enough.
    let mut crowded = tables.spans.clone();
    for span in &mut crowded {
        let duration = span.duration_ns().min(100_000_000);
        span.start = UnixNanos(window.from.0 + 5);
        span.end = UnixNanos(span.start.0 + duration);
    }
    let server = Contract::of(&crowded).start();
    let refused = ask(&tempo(&server), onset.clone(), 60);
    assert!(matches!(&refused, Err(AskError::LimitReached(why)) if why.contains("hint: ")), "{refused:?}");
    // Some of the data were not looked at.
    let server = Contract { jobs_left: 1, ..Contract::of(&tables.spans) }.start();
    let refused = ask(&tempo(&server), onset, 60);
    assert!(
        matches!(&refused, Err(AskError::LimitReached(why)) if why.contains("did not look")),
        "{refused:?}"
    );
}

#[test]
fn a_trace_with_more_entries_than_a_search_tells_is_fetched_whole() {
    let scene = scene(8.0);
    let mut tables = spans(&scene);
    let first = tables.spans.iter().find(|span| span.is_entry()).unwrap().clone();
    for place in 1..=150_u64 {
        let mut more = first.clone();
        more.span_id = format!("{:016x}", 0xabc0_0000 + place).parse().unwrap();
        more.parent = Some(first.span_id);
        tables.spans.push(more);
    }
    let server = Contract::of(&tables.spans).start();
    let window = Window::new(scene.onset.plus_seconds(-300), scene.onset.plus_seconds(300));
    same(&tempo(&server), &tables, Ask::Onset { window, scope: Scope::all() });
    assert_eq!(server.seen().iter().filter(|one| one.path != SEARCH).count(), 1);
}

#[test]
fn an_old_tempo_is_asked_in_the_old_way_and_a_trace_that_is_gone_is_none() {
    let scene = scene(8.0);
    let tables = spans(&scene);
    let server = Contract { is_old: true, ..Contract::of(&tables.spans) }.start();
    let source = tempo(&server);
    same(&source, &tables, Ask::Trace { trace_id: tables.spans[0].trace_id });
    let gone = ask(&source, Ask::Trace { trace_id: TraceId([7; 16]) }, 5).unwrap();
    assert!(gone.table.is_empty());
}

#[test]
fn refusals_are_limits_or_say_what_helps_and_a_rate_limit_is_waited_for() {
    let onset = Ask::Onset { window: window(0, 60), scope: Scope::all() };
    let refused = |status: u16, text: &'static str| {
        let server = Server::start(move |_| Reply::status(status, text));
        ask(&tempo(&server), onset.clone(), 5).unwrap_err()
    };
    let limit = refused(400, "range specified by start and end exceeds 168h0m0s. received start=1 end=9");
    assert!(matches!(&limit, AskError::LimitReached(why) if why.contains("168h")), "{limit}");
    assert!(refused(401, "no org id").to_string().contains("hint: name the tenant as `X-Scope-OrgID`"));
    assert!(refused(400, "invalid TraceQL query: parse error").to_string().contains("parse error"));
    let scene = scene(8.0);
    let (tables, count) = (spans(&scene), std::sync::atomic::AtomicUsize::new(0));
    let contract = Contract::of(&tables.spans);
    let server = Server::start(move |request| {
        if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            return Reply::Of(429, vec![("Retry-After", "1".to_owned())], "slow down".to_owned());
        }
        contract.answer(request)
    });
    let window = Window::new(scene.onset.plus_seconds(-30), scene.onset.plus_seconds(10));
    same(&tempo(&server), &tables, Ask::Onset { window, scope: Scope::all() });
}

#[test]
fn every_way_of_breaking_ends_in_time_and_is_named() {
    let scene = scene(8.0);
    let window = Window::new(scene.onset.plus_seconds(-30), scene.onset.plus_seconds(10));
    let asked = Ask::SelfTime { window, scope: Scope::all() };
    check_breaks("tempo", &asked, |_| None);
    // And in the middle: the search answers, the traces do not come.
    let contract = Contract::of(&scene.tables.spans);
    check_breaks("tempo", &asked, move |request| (request.path == SEARCH).then(|| contract.answer(request)));
}
