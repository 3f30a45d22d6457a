//! Spans and lines as documents, in the form of each writer, and the indices that they go to.
//!
//! The forms are those of the exporters' own models and golden files: Elastic's exporter in mode `otel`, Elastic's APM
//! server, and the collector's `opensearch` exporter in modes `otel-v1` (which is Data Prepper's) and `ss4o`.

use serde_json::{Map, Value as Json, json};
use telemetry::recorded::Tables;
use telemetry::signal::Attributes;
use telemetry::{LogRecord, Span, SpanKind, StatusCode, UnixNanos, Value};

use crate::serving::exchange;
use crate::sources::servers::Running;

/// Documents of one request.
const AT_ONCE: usize = 4_000;

/// Who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Otel,
    Apm,
    V1,
    Simple,
}

impl Writer {
    pub(super) const ALL: [Self; 4] = [Self::Otel, Self::Apm, Self::V1, Self::Simple];

    /// The indices of spans and of lines.
    pub(super) fn indices(self) -> (&'static str, &'static str) {
        match self {
            Self::Otel => ("traces-generic.otel-default", "logs-generic.otel-default"),
            Self::Apm => ("traces-apm-default", "logs-app-default"),
            Self::V1 => ("otel-v1-apm-span-000001", "otel-v1-logs-000001"),
            Self::Simple => ("ss4o_traces-default-namespace", "ss4o_logs-default-namespace"),
        }
    }

    fn span(self, one: &Span) -> Json {
        match self {
            Self::Otel => otel(one),
            Self::Apm => apm(one),
            Self::V1 => v1(one),
            Self::Simple => simple(one),
        }
    }

    fn line(self, one: &LogRecord) -> Json {
        let (at, body) = (written(one.at), one.body.render());
        let (trace, span) = (one.trace_id.map(|id| id.to_string()), one.span_id.map(|id| id.to_string()));
        let level = if one.severity >= 17 { "ERROR" } else { "INFO" };
        let resource = map(&one.resource.attributes);
        match self {
            Self::Otel => {
                json!({"@timestamp": at, "trace_id": trace, "span_id": span, "severity_text": level,
                "severity_number": one.severity, "body": {"text": body}, "resource": {"attributes": resource}})
            }
            Self::Apm => {
                let mut line = json!({"@timestamp": at, "trace": {"id": trace}, "span": {"id": span},
                    "log": {"level": level.to_lowercase()}, "message": body});
                add(&mut line, renamed(&one.resource.attributes));
                line
            }
            Self::V1 => {
                json!({"@timestamp": at, "time": at, "observedTime": at, "traceId": trace, "spanId": span,
                "severity": {"number": one.severity, "text": level}, "body": body, "resource": {"attributes": resource}})
            }
            Self::Simple => json!({"@timestamp": at, "traceId": trace, "spanId": span,
                "severity": {"number": one.severity, "text": level}, "body": body, "resource": resource}),
        }
    }
}

/// With all nine digits.
fn written(at: UnixNanos) -> String {
    let text = at.floor_second().rfc3339();
    format!("{}.{:09}Z", &text[..19], at.0.rem_euclid(1_000_000_000))
}

fn json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Double(value) => json!(value),
        other => json!(other.render()),
    }
}

fn map(attributes: &Attributes) -> Json {
    attributes.iter().map(|(key, value)| (key.to_string(), json(value))).collect::<Map<_, _>>().into()
}

fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "Unspecified",
        SpanKind::Internal => "Internal",
        SpanKind::Server => "Server",
        SpanKind::Client => "Client",
        SpanKind::Producer => "Producer",
        SpanKind::Consumer => "Consumer",
    }
}

fn otel(one: &Span) -> Json {
    let links = one
        .links
        .iter()
        .map(|link| json!({"trace_id": link.trace_id.to_string(), "span_id": link.span_id.to_string()}));
    // What the exporter writes: milliseconds, and the rest behind a point.
    let at = format!("{}.{:06}", one.start.0 / 1_000_000, one.start.0 % 1_000_000);
    let mut status = json!({"message": &*one.message});
    match one.status {
        StatusCode::Unset => {}
        StatusCode::Ok => add(&mut status, json!({"code": "Ok"})),
        StatusCode::Error => add(&mut status, json!({"code": "Error"})),
    }
    json!({
        "@timestamp": at,
        "data_stream": {"type": "traces", "dataset": "generic.otel", "namespace": "default"},
        "trace_id": one.trace_id.to_string(), "span_id": one.span_id.to_string(),
        "parent_span_id": one.parent.map(|id| id.to_string()), "name": &*one.name, "kind": kind(one.kind),
        "duration": one.duration_ns(), "status": status, "attributes": map(&one.attributes),
        "links": links.collect::<Vec<_>>(), "resource": {"attributes": map(&one.resource.attributes)},
    })
}

fn camel(one: &Span) -> Json {
    let links = one
        .links
        .iter()
        .map(|link| json!({"traceId": link.trace_id.to_string(), "spanId": link.span_id.to_string()}));
    json!({
        "traceId": one.trace_id.to_string(), "spanId": one.span_id.to_string(),
        "parentSpanId": one.parent.map(|id| id.to_string()).unwrap_or_default(), "name": &*one.name,
        "startTime": written(one.start), "endTime": written(one.end),
        "attributes": map(&one.attributes), "links": links.collect::<Vec<_>>(),
        "droppedAttributesCount": 0, "instrumentationScope": {"name": "tests"},
    })
}

fn v1(one: &Span) -> Json {
    let code = match one.status {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    };
    let mut span = camel(one);
    add(
        &mut span,
        json!({
            "kind": format!("SPAN_KIND_{}", kind(one.kind).to_uppercase()),
            "@timestamp": written(one.start), "time": written(one.start), "durationInNanos": one.duration_ns(),
            "serviceName": &*one.resource.service, "status": {"code": code, "message": &*one.message},
            "resource": {"attributes": map(&one.resource.attributes)},
        }),
    );
    span
}

fn simple(one: &Span) -> Json {
    let code = match one.status {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "Ok",
        StatusCode::Error => "Error",
    };
    let mut span = camel(one);
    add(
        &mut span,
        json!({
            // The exporter never sets this one.
            "kind": kind(one.kind), "@timestamp": "0001-01-01T00:00:00Z",
            "status": {"code": code, "message": &*one.message}, "resource": map(&one.resource.attributes),
        }),
    );
    span
}

/// A transaction is what serves, a span everything else.
fn apm(one: &Span) -> Json {
    let is_transaction = matches!(one.kind, SpanKind::Server | SpanKind::Consumer);
    let micros = one.duration_ns() / 1_000;
    let outcome = match one.status {
        StatusCode::Unset => "unknown",
        StatusCode::Ok => "success",
        StatusCode::Error => "failure",
    };
    let mut span = json!({
        "@timestamp": one.start.rfc3339(), "timestamp": {"us": one.start.0 / 1_000},
        "processor": {"event": if is_transaction { "transaction" } else { "span" }},
        "trace": {"id": one.trace_id.to_string()}, "event": {"outcome": outcome},
    });
    if let Some(parent) = one.parent {
        add(&mut span, json!({"parent": {"id": parent.to_string()}}));
    }
    if is_transaction {
        let kind = if one.kind == SpanKind::Server { "request" } else { "messaging" };
        add(
            &mut span,
            json!({"transaction": {"id": one.span_id.to_string(), "name": &*one.name, "type": kind,
            "result": "HTTP 2xx", "duration": {"us": micros}}}),
        );
    } else {
        let kind = if one.kind == SpanKind::Producer { "messaging" } else { "external" };
        add(
            &mut span,
            json!({"span": {"id": one.span_id.to_string(), "name": &*one.name, "type": kind,
            "duration": {"us": micros}}}),
        );
        let names = ["server.address", "db.system.name"];
        let has_target = one.attributes.iter().any(|(key, _)| names.contains(&&**key));
        if one.kind == SpanKind::Client && has_target {
            add(&mut span["span"], json!({"destination": {"service": {"resource": "somewhere:80"}}}));
        } else if one.kind == SpanKind::Client {
            add(&mut span["span"], json!({"kind": "CLIENT"}));
        }
    }
    if !one.links.is_empty() {
        let link = |link: &telemetry::signal::SpanLink| json!({"trace": {"id": link.trace_id.to_string()}, "span": {"id": link.span_id.to_string()}});
        add(&mut span, json!({"span": {}}));
        add(&mut span["span"], json!({"links": one.links.iter().map(link).collect::<Vec<_>>()}));
    }
    add(&mut span, renamed(&one.resource.attributes));
    add(&mut span, own(one));
    span
}

/// A span's own attributes as Elastic's intake renames them.
fn own(one: &Span) -> Json {
    let mut found = json!({});
    for (key, value) in &one.attributes {
        let part = match &**key {
            "db.system.name" => json!({"span": {"type": "db", "subtype": json(value)}}),
            "server.address" => json!({"destination": {"address": json(value)}}),
            "messaging.destination.name" if one.kind == SpanKind::Consumer => {
                json!({"transaction": {"message": {"queue": {"name": json(value)}}}})
            }
            "messaging.destination.name" => json!({"span": {"message": {"queue": {"name": json(value)}}}}),
            "http.response.status_code" => json!({"http": {"response": {"status_code": json(value)}}}),
            other if matches!(value, Value::Int(_) | Value::Double(_)) => {
                json!({"numeric_labels": {other.replace('.', "_"): json(value)}})
            }
            other => json!({"labels": {other.replace('.', "_"): json(value)}}),
        };
        add(&mut found, part);
    }
    found
}

/// A resource in the common schema's names.
fn renamed(attributes: &Attributes) -> Json {
    let mut found = json!({});
    for (key, value) in attributes {
        add(
            &mut found,
            match &**key {
                "service.name" => json!({"service": {"name": json(value)}}),
                "service.instance.id" => json!({"service": {"node": {"name": json(value)}}}),
                "service.version" => json!({"service": {"version": json(value)}}),
                "deployment.environment.name" => json!({"service": {"environment": json(value)}}),
                "k8s.pod.name" => json!({"kubernetes": {"pod": {"name": json(value)}}}),
                other => panic!("{other} has no name there"),
            },
        );
    }
    found
}

/// Adds what stands in `more`, within what is there.
fn add(to: &mut Json, more: Json) {
    match (to, more) {
        (Json::Object(to), Json::Object(more)) => {
            more.into_iter().for_each(|(key, value)| add(to.entry(key).or_insert(Json::Null), value));
        }
        (to, more) => *to = more,
    }
}

/// Sends a request and asserts that it went well.
pub(super) fn send(server: &Running, method_and_path: &str, body: &str) -> Json {
    let address = server.url.trim_start_matches("http://").parse().unwrap();
    let kind = if method_and_path.contains("_bulk") { "application/x-ndjson" } else { "application/json" };
    let (status, body) = exchange(address, method_and_path, kind, body.as_bytes()).unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    assert!(status < 300, "{method_and_path}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// The mappings that the writers' templates make, as far as they matter here.
pub(super) fn templates(server: &Running) {
    let keywords = json!([{"all": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}]);
    let alias = |path: &str| json!({"type": "alias", "path": path});
    let (nanos, long, keyword) =
        (json!({"type": "date_nanos"}), json!({"type": "long"}), json!({"type": "keyword"}));
    let otel = json!({"@timestamp": nanos, "duration": long, "trace_id": keyword, "span_id": keyword,
        "parent_span_id": keyword, "name": keyword, "trace": {"properties": {"id": alias("trace_id")}},
        "span": {"properties": {"id": alias("span_id"), "name": alias("name")}},
        "parent": {"properties": {"id": alias("parent_span_id")}}});
    let lines = json!({"@timestamp": nanos, "trace_id": keyword, "body": {"properties": {"text": {"type": "text"}}},
        "message": alias("body.text"), "trace": {"properties": {"id": alias("trace_id")}}});
    let apm = json!({"@timestamp": {"type": "date"}, "timestamp": {"properties": {"us": long}},
        "transaction": {"properties": {"duration": {"properties": {"us": long}}}},
        "span": {"properties": {"duration": {"properties": {"us": long}}}}});
    let v1 = json!({"@timestamp": nanos, "startTime": nanos, "endTime": nanos, "durationInNanos": long,
        "status": {"properties": {"code": {"type": "integer"}}}});
    for (place, (name, pattern, properties)) in [
        ("otel", "traces-*.otel-*", otel),
        ("otel-logs", "logs-*.otel-*", lines),
        ("apm", "traces-apm*", apm),
        ("v1", "otel-v1-apm-span*", v1),
    ]
    .into_iter()
    .enumerate()
    {
        let template = json!({"index_patterns": [pattern], "priority": 10 + place, "template": {
            "settings": {"number_of_shards": 2, "number_of_replicas": 0},
            "mappings": {"date_detection": false, "dynamic_templates": keywords, "properties": properties},
        }});
        send(server, &format!("PUT /_index_template/{name}"), &template.to_string());
    }
}

/// Writes spans and lines, to be found from then on.
pub(super) fn write(server: &Running, writer: Writer, tables: &Tables) {
    let (traces, logs) = writer.indices();
    let spans: Vec<Json> = tables.spans.iter().map(|one| writer.span(one)).collect();
    let lines: Vec<Json> = tables.logs.iter().map(|one| writer.line(one)).collect();
    for (index, documents) in [(traces, spans), (logs, lines)] {
        index_all(server, index, &documents);
    }
}

/// Writes documents to an index.
pub(super) fn index_all(server: &Running, index: &str, documents: &[Json]) {
    for part in documents.chunks(AT_ONCE) {
        let body: String = part.iter().map(|one| format!("{{\"create\":{{}}}}\n{one}\n")).collect();
        let told = send(server, &format!("POST /{index}/_bulk?filter_path=errors,items.*.error"), &body);
        assert_eq!(told["errors"], json!(false), "{told}");
    }
    if !documents.is_empty() {
        send(server, &format!("POST /{index}/_refresh"), "");
    }
}
