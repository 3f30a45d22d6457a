//! An hour of a small shop whose every figure is known: a gateway calls orders, which asks a database; billing only writes
//! lines. After forty minutes a new version of orders is deployed, takes ten times as long for its query, and fails every
//! second request.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::answer::SeriesKind;
use telemetry::recorded::{Change, Series, SeriesKey, State, Tables};
use telemetry::{LogRecord, Resource, SpanId, SpanKind, TraceId, UnixNanos, Value};
use tools::{Context, Role};

use crate::memory::Memory;
use crate::system::{self, BEGIN, Request};

/// Requests in all, and the first one that is bad: six seconds apart, 600 are an hour.
pub(crate) const REQUESTS: i64 = 600;
pub(crate) const FIRST_BAD: i64 = 400;

/// When the hour is over.
pub(crate) fn now() -> UnixNanos {
    BEGIN.plus_seconds(3600)
}

/// The shop as an observer sees it.
pub(crate) fn open() -> Context {
    Memory::new(tables(), now()).context(Role::Diagnostician)
}

/// The trace of a request.
pub(crate) fn trace(request: i64) -> TraceId {
    TraceId(((request + 1) as u128).to_be_bytes())
}

fn text(key: &str, value: &str) -> (Arc<str>, Value) {
    (Arc::from(key), Value::Text(Arc::from(value)))
}

fn resource(service: &str, version: &str) -> Arc<Resource> {
    let attributes = [
        text("service.name", service),
        text("service.instance.id", &format!("{service}-1")),
        text("service.version", version),
    ];
    Arc::new(Resource::of(attributes.into_iter().collect()))
}

pub(crate) fn tables() -> Tables {
    let request = |n: i64| Request {
        at_ms: n * 6000,
        query_ms: if n < FIRST_BAD { 20 } else { 200 },
        fails: n >= FIRST_BAD && n % 2 == 0,
    };
    let requests: Vec<Request> = (0..REQUESTS).map(request).collect();
    let mut tables = system::tables(&requests);
    let (old, new) = (resource("orders", "1.9.0"), resource("orders", "2.0.0"));
    for span in &mut tables.spans {
        let is_bad = span.trace_id >= trace(FIRST_BAD);
        if &*span.resource.service == "orders" {
            span.resource = Arc::clone(if is_bad { &new } else { &old });
        }
        if span.kind == SpanKind::Server {
            let status = if span.is_error() { 500 } else { 200 };
            span.attributes.push((Arc::from("http.response.status_code"), Value::Int(status)));
        }
    }
    for log in &mut tables.logs {
        log.attributes.push(text("exception.type", "DuplicateKey"));
        log.attributes.push(text("k8s.pod.name", "orders-7f"));
    }
    let (gateway, billing) = (resource("gateway", "1.0.0"), resource("billing", "1.0.0"));
    for n in 0..REQUESTS {
        let mut line = line(n * 6000 + 1, 9, &format!("order {n} accepted"), &gateway);
        line.trace_id = Some(trace(n));
        line.span_id = Some(SpanId((((n as u64 + 1) << 8) | 1).to_be_bytes()));
        line.attributes =
            [text("msgId", &format!("m-{n}-x")), text("customer", ["acme", "globex"][n as usize % 2])]
                .into_iter()
                .collect();
        line.attributes.push((Arc::from("size"), Value::Int(n % 10)));
        tables.logs.push(line.clone());
        line.body = Value::Text(Arc::from(format!("stored message m-{n}-x")));
        line.resource = resource("orders", if n < FIRST_BAD { "1.9.0" } else { "2.0.0" });
        line.at = UnixNanos(line.at.0 + 3_000_000);
        tables.logs.push(line);
    }
    for minute in 0..60 {
        tables.logs.push(line(minute * 60_000 + 500, 9, "billing run is over", &billing));
    }
    tables.series = [("jvm.memory.used", 100.0, 200.0), ("system.cpu.utilization", 0.5, 0.5)]
        .map(|(metric, before, after)| series(metric, before, after))
        .into();
    tables.changes = vec![change("deploy", 2390, "2.0.0", "1.9.0"), change("flag", 600, "on", "off")];
    tables.states = vec![
        State { status: "Ready".to_owned(), ..state("node", "node-1") },
        State {
            status: "alert".to_owned(),
            since: Some(BEGIN.plus_seconds(-7200)),
            ..state("monitor", "orders p95")
        },
        State { status: "ok".to_owned(), since: Some(BEGIN.plus_seconds(1200)), ..state("monitor", "disk") },
    ];
    tables.sort();
    tables
}

fn line(at_ms: i64, severity: i32, body: &str, resource: &Arc<Resource>) -> LogRecord {
    LogRecord {
        at: UnixNanos(BEGIN.0 + at_ms * 1_000_000),
        trace_id: None,
        span_id: None,
        severity,
        body: Value::Text(Arc::from(body)),
        attributes: Vec::new(),
        resource: Arc::clone(resource),
    }
}

fn series(metric: &str, before: f64, after: f64) -> Series {
    let key = SeriesKey {
        service: "orders".to_owned(),
        instance: "orders-1".to_owned(),
        metric: metric.to_owned(),
        unit: "By".to_owned(),
        attributes: BTreeMap::from([("jvm.memory.type".to_owned(), "heap".to_owned())]),
        kind: SeriesKind::Gauge,
    };
    let point =
        |n: i64| (BEGIN.plus_seconds(n * 10), if n < 240 { before } else { after } + (n % 3) as f64 * 0.01);
    Series { key, points: (0..360).map(point).collect() }
}

fn change(kind: &str, at_s: i64, after: &str, before: &str) -> Change {
    Change {
        at: BEGIN.plus_seconds(at_s),
        kind: kind.to_owned(),
        service: "orders".to_owned(),
        after: after.to_owned(),
        before: before.to_owned(),
        author: "ada".to_owned(),
        ..Change::default()
    }
}

fn state(kind: &str, name: &str) -> State {
    State {
        at: BEGIN.plus_seconds(3000),
        kind: kind.to_owned(),
        name: name.to_owned(),
        service: if kind == "monitor" { "orders".to_owned() } else { String::new() },
        ..State::default()
    }
}
