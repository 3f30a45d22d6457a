//! What is known, and how Datadog's API gives the same: items of its searches as its own client has them recorded
//! (`tests/v2/cassettes` of datadog-api-client-python), monitors and metrics as its API reference has them.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use telemetry::recorded::Tables;
use telemetry::signal::attribute;
use telemetry::{LogRecord, Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

/// When everything happens.
pub(super) const BEGIN: UnixNanos = UnixNanos(1_780_000_000_000_000_000);
const SECOND: i64 = 1_000_000_000;

fn text(value: &str) -> Value {
    Value::Text(Arc::from(value))
}

fn resource(service: &str) -> Arc<Resource> {
    let told = [
        ("service.name", service),
        ("service.instance.id", "pod-1"),
        ("service.version", "1.4"),
        ("deployment.environment.name", "prod"),
    ];
    Arc::new(Resource::of(told.map(|(key, value)| (Arc::from(key), text(value))).into()))
}

/// Thirty requests to `web`, each with a call to `pay` and a statement there; every third one fails after the middle.
pub(super) fn tables() -> Tables {
    let mut tables = Tables::default();
    for number in 0..30_u64 {
        let trace_id =
            TraceId::from_slice(&[7_u64.to_be_bytes(), (number + 1).to_be_bytes()].concat()).unwrap();
        let start = UnixNanos(BEGIN.0 + number as i64 * 20 * SECOND);
        let is_failed = number >= 15 && number % 3 == 0;
        let mut add =
            |place: u64, parent: Option<u64>, service: &str, name: &str, kind: SpanKind, lasts: i64| {
                let id = |place: u64| SpanId::from_slice(&(number * 10 + place).to_be_bytes()).unwrap();
                let start = UnixNanos(start.0 + place as i64 * 1_000_000);
                let is_error = is_failed && service == "web";
                tables.spans.push(Span {
                    trace_id,
                    span_id: id(place),
                    parent: parent.map(id),
                    name: Arc::from(name),
                    kind,
                    start,
                    end: UnixNanos(start.0 + lasts + i64::from(is_failed) * 1_234_567),
                    status: if is_error { StatusCode::Error } else { StatusCode::Unset },
                    message: Arc::from(if is_error { "no answer" } else { "" }),
                    attributes: vec![(
                        Arc::from("tier"),
                        text(if number % 2 == 0 { "gold" } else { "silver" }),
                    )],
                    events: Vec::new(),
                    links: Vec::new(),
                    resource: resource(service),
                });
            };
        add(1, None, "web", "GET /pay", SpanKind::Server, 90_000_000);
        add(2, Some(1), "web", "POST", SpanKind::Client, 70_000_001);
        add(3, Some(2), "pay", "POST /charge", SpanKind::Server, 60_000_002);
        add(4, Some(3), "pay", "SELECT cards", SpanKind::Client, 20_000_003);
        tables.logs.push(LogRecord {
            at: UnixNanos(start.0 + 5_000_000),
            trace_id: Some(trace_id),
            span_id: SpanId::from_slice(&(number * 10 + 3).to_be_bytes()),
            severity: if is_failed { 17 } else { 9 },
            body: text(&format!("charged card {number} in 12 ms")),
            attributes: vec![(Arc::from("trace_id"), text(&trace_id.to_string()))],
            resource: resource("pay"),
        });
    }
    tables
}

fn number(bytes: &[u8]) -> String {
    u64::from_be_bytes(bytes[bytes.len() - 8..].try_into().unwrap()).to_string()
}

fn of(resource: &Resource, key: &str) -> String {
    attribute(&resource.attributes, key).map(Value::render).unwrap_or_default()
}

/// An item of the search for spans.
pub(super) fn span(span: &Span) -> Json {
    let kind = match span.kind {
        SpanKind::Server => "server",
        _ => "client",
    };
    let mut custom = json!({"duration": span.duration_ns(), "span": {"kind": kind}, "version": "1.4",
        "_dd": {"p": {"tid": "0000000000000007"}}});
    for (key, value) in &span.attributes {
        custom[&**key] = json!(value.render());
    }
    if span.status == StatusCode::Error {
        custom["error"] = json!({"message": &*span.message, "type": "Timeout"});
    }
    json!({"id": format!("A{}", number(&span.span_id.0)), "type": "spans", "attributes": {
        "custom": custom, "start_timestamp": span.start.rfc3339(), "end_timestamp": span.end.rfc3339(), "env": "prod",
        "host": "node-1", "ingestion_reason": "auto", "parent_id": span.parent.map_or("0".to_owned(), |id| number(&id.0)),
        "resource_hash": "2c8c", "resource_name": &*span.name, "retained_by": "diversity_sampling",
        "service": &*span.resource.service, "single_span": false, "span_id": number(&span.span_id.0),
        "tags": ["env:prod", format!("pod_name:{}", span.resource.instance), "source:apm"],
        "trace_id": number(&span.trace_id.0), "type": "web"}})
}

/// An item of the search for logs.
pub(super) fn log(log: &LogRecord) -> Json {
    json!({"id": "AQ", "type": "log", "attributes": {"status": if log.severity == 17 { "error" } else { "info" },
        "service": &*log.resource.service, "timestamp": log.at.rfc3339(), "host": "node-1", "message": log.body.render(),
        "tags": ["env:prod", format!("version:{}", of(&log.resource, "service.version")), "pod_name:pod-1"],
        "attributes": {"trace_id": log.trace_id.unwrap().to_string()}}})
}

/// Items of the search for events: a deploy, a flag, and an alert, which is no change.
pub(super) fn events() -> Vec<Json> {
    let millis = |seconds: i64| (BEGIN.0 + seconds * SECOND) / 1_000_000;
    let event = |seconds: i64, attributes: Json| {
        json!({"id": "Ag", "type": "event", "attributes": {"timestamp": BEGIN.plus_seconds(seconds).rfc3339(),
            "message": "m", "tags": ["env:prod"], "attributes": attributes}})
    };
    vec![
        event(
            100,
            json!({"title": "pay was deployed", "timestamp": millis(100), "author": {"name": "kim", "type": "user"},
            "changed_resource": {"name": "pay-image", "type": "deployment"},
            "impacted_resources": [{"name": "pay", "type": "service"}, {"name": "web", "type": "service"}],
            "change_metadata": {"commit": "9f2c1ab"}, "prev_value": {"image": "pay:1"}, "new_value": {"image": "pay:2"}}),
        ),
        event(
            200,
            json!({"title": "flag on", "timestamp": millis(200), "service": "web", "author": {"name": "ci"},
            "changed_resource": {"name": "fast-checkout", "type": "feature_flag"},
            "prev_value": {"on": false, "api_key": "hunter2"}, "new_value": {"on": true, "api_key": "hunter3"}}),
        ),
        event(
            300,
            json!({"title": "[Triggered] slow", "timestamp": millis(300), "status": "error",
            "monitor": {"id": 1}, "evt": {"source_id": 36}}),
        ),
    ]
}

pub(super) fn monitors() -> Json {
    let monitor = |name: &str, state: &str, seconds: i64| {
        json!({"id": 1, "name": name, "type": "metric alert", "query": "avg(last_5m):x > 1", "message": "look",
            "overall_state": state, "overall_state_modified": BEGIN.plus_seconds(seconds).rfc3339(),
            "tags": ["service:pay", "team:a"]})
    };
    json!([monitor("slow", "Alert", 500), monitor("quiet", "No Data", -9_000), monitor("later", "OK", 9_000)])
}

/// What a query for metrics answers: one point each 20 seconds, 1 before `BEGIN + 300 s` and 3 after.
pub(super) fn metrics(from: i64, to: i64) -> Json {
    let begin = BEGIN.0 / SECOND;
    let points: Vec<Json> = (from..to)
        .step_by(20)
        .map(|at| json!([at as f64 * 1000.0, if at < begin + 300 { 1.0 } else { 3.0 }]))
        .collect();
    json!({"status": "ok", "res_type": "time_series", "series": [{"metric": "container.cpu.usage", "interval": 20,
        "tag_set": ["pod_name:pod-1", "service:pay"], "scope": "pod_name:pod-1,service:pay", "pointlist": points,
        "unit": [{"family": "cpu", "name": "nanocore"}, null]}, {"metric": "container.memory.usage", "interval": 20,
        "tag_set": ["pod_name:pod-1", "service:N/A"], "pointlist": [[from as f64 * 1000.0, null]],
        "unit": [{"family": "bytes", "name": "byte"}, null]}]})
}

/// What a query for trace metrics answers, by intervals of ten seconds: `web` takes 20 requests in each by Flask, of which 5 fail
/// after the middle; what counts the same requests once more is there as well.
pub(super) fn requests(from: i64, to: i64, query: &str) -> Json {
    let begin = BEGIN.0 / SECOND;
    // Intervals begin at multiples of their length, the first one before the range.
    let from = from.div_euclid(10) * 10;
    let of = |metric: &str, service: &str, value: &dyn Fn(i64) -> Json| {
        let points: Vec<Json> =
            (from..to).step_by(10).map(|at| json!([at as f64 * 1000.0, value(at - begin)])).collect();
        json!({"metric": metric, "interval": 10, "tag_set": [format!("service:{service}")], "pointlist": points})
    };
    let all = [
        of("trace.flask.request.hits", "web", &|_| json!(20.0)),
        of("trace.flask.request.errors", "web", &|at| if at < 300 { Json::Null } else { json!(5.0) }),
        of("trace.flask.request", "web", &|at| json!(if at < 300 { 0.1 } else { 0.4 })),
        of("trace.web.request.hits", "web", &|_| json!(20.0)),
        of("trace.grpc.server.hits", "pay", &|at| if at == 0 { json!(7.0) } else { Json::Null }),
        of("trace.grpc.server", "pay", &|_| json!(0.2)),
    ];
    let is_asked = |one: &&Json| query.contains(&format!("{}{{", one["metric"].as_str().unwrap()));
    let series: Vec<&Json> = all.iter().filter(is_asked).collect();
    json!({"status": "ok", "res_type": "time_series", "series": series})
}
