//! What Jaeger's query service answers below `/api` (its own interface, in versions 1 and 2), as spans.
//!
//! Durations come in whole microseconds; what a span waited for in nanoseconds is not there any more. Events are kept,
//! warnings are not.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use telemetry::signal::{Attributes, SpanEvent, SpanLink};
use telemetry::{AskError, Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

#[derive(Debug, Deserialize)]
struct Reply<T> {
    data: Option<Vec<T>>,
    #[serde(default)]
    errors: Option<Vec<Problem>>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    #[serde(default)]
    msg: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    spans: Vec<JaegerSpan>,
    processes: BTreeMap<String, Process>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JaegerSpan {
    #[serde(rename = "traceID")]
    trace: String,
    #[serde(rename = "spanID")]
    id: String,
    operation_name: String,
    #[serde(default)]
    references: Vec<Reference>,
    start_time: i64,
    duration: i64,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    logs: Vec<Log>,
    #[serde(rename = "processID")]
    process: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace: String,
    #[serde(rename = "spanID")]
    span: String,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    value: Json,
}

#[derive(Debug, Deserialize)]
struct Log {
    timestamp: i64,
    #[serde(default)]
    fields: Vec<Tag>,
}

/// A call between services, as `/api/dependencies` has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Dependency {
    /// Who calls.
    pub(super) parent: String,
    /// Who is called.
    pub(super) child: String,
}

fn data<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<Vec<T>, AskError> {
    let reply: Reply<T> = serde_json::from_slice(body).map_err(|error| {
        AskError::Unavailable(format!("the answer is none of Jaeger's interface: {error}"))
    })?;
    if let Some(problem) = reply.errors.unwrap_or_default().first() {
        return Err(AskError::Unavailable(format!("Jaeger says: {}", problem.msg)));
    }
    Ok(reply.data.unwrap_or_default())
}

/// The names in `/api/services`.
pub(super) fn services(body: &[u8]) -> Result<Vec<String>, AskError> {
    data(body)
}

/// The calls in `/api/dependencies`.
pub(super) fn dependencies(body: &[u8]) -> Result<Vec<Dependency>, AskError> {
    data(body)
}

/// The traces of an answer: how many, and their spans. A span whose ids are none is left out.
pub(super) fn traces(body: &[u8]) -> Result<(usize, Vec<Span>), AskError> {
    let traces: Vec<Trace> = data(body)?;
    let mut spans = Vec::new();
    for trace in &traces {
        let resources: BTreeMap<&str, Arc<Resource>> =
            trace.processes.iter().map(|(id, process)| (id.as_str(), Arc::new(resource(process)))).collect();
        spans.extend(trace.spans.iter().filter_map(|one| span(one, resources.get(one.process.as_str())?)));
    }
    Ok((traces.len(), spans))
}

fn resource(process: &Process) -> Resource {
    let name = (Arc::from("service.name"), Value::Text(Arc::from(process.service_name.as_str())));
    let tags = process.tags.iter().filter(|tag| tag.key != "service.name").map(attribute);
    Resource::of(std::iter::once(name).chain(tags).collect())
}

fn attribute(tag: &Tag) -> (Arc<str>, Value) {
    let value = match &tag.value {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Double(number.as_f64().unwrap_or(f64::NAN)), Value::Int)
        }
        Json::String(text) => Value::Text(Arc::from(text.as_str())),
        other => Value::Text(Arc::from(other.to_string())),
    };
    (Arc::from(tag.key.as_str()), value)
}

fn span(one: &JaegerSpan, resource: &Arc<Resource>) -> Option<Span> {
    let trace_id = trace_id(&one.trace)?;
    let start = UnixNanos(one.start_time.saturating_mul(1000));
    let text = |key: &str| one.tags.iter().find(|tag| tag.key == key).and_then(|tag| tag.value.as_str());
    let is_error = text("otel.status_code") == Some("ERROR")
        || one.tags.iter().any(|tag| {
            tag.key == "error" && (tag.value == Json::Bool(true) || tag.value.as_str() == Some("true"))
        });
    let parent = one
        .references
        .iter()
        .find(|reference| reference.ref_type == "CHILD_OF" && reference.trace == one.trace);
    let links = one.references.iter().filter(|reference| reference.ref_type == "FOLLOWS_FROM");
    // What says how the span ended or which kind it is stands in fields of its own.
    const OWN: [&str; 4] = ["span.kind", "otel.status_code", "otel.status_description", "error"];
    Some(Span {
        trace_id,
        span_id: one.id.parse().ok()?,
        parent: parent.and_then(|reference| reference.span.parse().ok()),
        name: Arc::from(one.operation_name.as_str()),
        kind: kind(text("span.kind").unwrap_or_default()),
        start,
        end: UnixNanos(start.0.saturating_add(one.duration.saturating_mul(1000))),
        status: match (is_error, text("otel.status_code")) {
            (true, _) => StatusCode::Error,
            (false, Some("OK")) => StatusCode::Ok,
            (false, _) => StatusCode::Unset,
        },
        message: Arc::from(text("otel.status_description").unwrap_or_default()),
        attributes: one.tags.iter().filter(|tag| !OWN.contains(&tag.key.as_str())).map(attribute).collect(),
        events: one.logs.iter().map(event).collect(),
        links: links.filter_map(link).collect(),
        resource: Arc::clone(resource),
    })
}

/// Jaeger leaves out leading zeros of ids that clients of old sent.
fn trace_id(text: &str) -> Option<TraceId> {
    format!("{text:0>32}").parse().ok()
}

fn kind(text: &str) -> SpanKind {
    match text {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        "internal" => SpanKind::Internal,
        _ => SpanKind::Unspecified,
    }
}

fn event(log: &Log) -> SpanEvent {
    let name = log.fields.iter().find(|tag| tag.key == "event").and_then(|tag| tag.value.as_str());
    let attributes: Attributes = log.fields.iter().filter(|tag| tag.key != "event").map(attribute).collect();
    SpanEvent {
        at: UnixNanos(log.timestamp.saturating_mul(1000)),
        name: Arc::from(name.unwrap_or_default()),
        attributes,
    }
}

fn link(reference: &Reference) -> Option<SpanLink> {
    let span_id: SpanId = reference.span.parse().ok()?;
    Some(SpanLink { trace_id: trace_id(&reference.trace)?, span_id, attributes: Attributes::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = r#"{"data":[{"traceID":"4bf92f3577b34da6a3ce929d0e0e4736","spans":[
        {"traceID":"4bf92f3577b34da6a3ce929d0e0e4736","spanID":"00f067aa0ba902b7","operationName":"GET /","references":[],
         "startTime":1700000000000001,"duration":1500,"tags":[{"key":"span.kind","type":"string","value":"server"},
         {"key":"http.response.status_code","type":"int64","value":500},{"key":"otel.status_code","type":"string","value":"ERROR"},
         {"key":"error","type":"bool","value":true},{"key":"otel.status_description","type":"string","value":"broken"}],
         "logs":[{"timestamp":1700000000000500,"fields":[{"key":"event","type":"string","value":"exception"},
         {"key":"exception.type","type":"string","value":"E"}]}],"processID":"p1","warnings":null},
        {"traceID":"4bf92f3577b34da6a3ce929d0e0e4736","spanID":"00f067aa0ba902b8","operationName":"call",
         "references":[{"refType":"CHILD_OF","traceID":"4bf92f3577b34da6a3ce929d0e0e4736","spanID":"00f067aa0ba902b7"},
         {"refType":"FOLLOWS_FROM","traceID":"a3ce929d0e0e4736","spanID":"00f067aa0ba902b9"}],
         "startTime":1700000000000101,"duration":10,"tags":[],"logs":[],"processID":"p1"}],
        "processes":{"p1":{"serviceName":"web","tags":[{"key":"service.version","type":"string","value":"2"},
         {"key":"service.instance.id","type":"string","value":"i1"}]}}}],"errors":null}"#;

    #[test]
    fn a_trace_is_read_with_status_parent_links_and_events() {
        let (count, spans) = traces(TRACE.as_bytes()).unwrap();
        assert_eq!((count, spans.len()), (1, 2));
        let root = &spans[0];
        assert_eq!(
            (&*root.resource.service, &*root.resource.version, &*root.resource.instance),
            ("web", "2", "i1")
        );
        assert_eq!((root.kind, root.status, &*root.message), (SpanKind::Server, StatusCode::Error, "broken"));
        assert_eq!((root.start.0, root.duration_ns()), (1_700_000_000_000_001_000, 1_500_000));
        assert_eq!(root.attributes, [(Arc::from("http.response.status_code"), Value::Int(500))]);
        assert_eq!((&*root.events[0].name, root.events[0].attributes.len()), ("exception", 1));
        assert_eq!(spans[1].parent, Some(root.span_id));
        assert_eq!(spans[1].links[0].trace_id.to_string(), "0000000000000000a3ce929d0e0e4736");
    }

    #[test]
    fn errors_and_other_formats_are_told() {
        let error = br#"{"data":null,"errors":[{"code":400,"msg":"parameter 'service' is required"}]}"#;
        assert!(traces(error).unwrap_err().to_string().contains("parameter 'service' is required"));
        assert!(services(b"<html>").is_err());
        assert_eq!(services(br#"{"data":["a"],"total":1}"#).unwrap(), ["a"]);
        assert!(traces(br#"{"data":null,"errors":null}"#).unwrap().1.is_empty());
    }
}
