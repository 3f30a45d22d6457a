//! OTLP as JSON, as Tempo tells traces: ids in base64 or in hexadecimal digits, whole numbers as text or bare.
//!
//! Scopes of instrumentation and dropped counts are not read.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use telemetry::signal::{Attributes, SpanEvent, SpanLink};
use telemetry::{AskError, Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

use super::wire::unreadable;

/// What `/api/v2/traces` answers, and around it what `/api/traces` does.
#[derive(Debug, Default, Deserialize)]
struct Reply {
    #[serde(default)]
    trace: Option<Batches>,
    #[serde(flatten)]
    old: Batches,
    #[serde(default)]
    status: Json,
}

#[derive(Debug, Default, Deserialize)]
struct Batches {
    #[serde(default, alias = "resourceSpans")]
    batches: Vec<Batch>,
}

#[derive(Debug, Deserialize)]
struct Batch {
    #[serde(default)]
    resource: Described,
    #[serde(default, rename = "scopeSpans", alias = "instrumentationLibrarySpans")]
    scopes: Vec<Scope>,
}

#[derive(Debug, Default, Deserialize)]
struct Described {
    #[serde(default)]
    attributes: Vec<Json>,
}

#[derive(Debug, Deserialize)]
struct Scope {
    #[serde(default)]
    spans: Vec<Sent>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Sent {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    kind: Json,
    start_time_unix_nano: Json,
    end_time_unix_nano: Json,
    attributes: Vec<Json>,
    events: Vec<Event>,
    links: Vec<Link>,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    time_unix_nano: Json,
    name: String,
    attributes: Vec<Json>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Link {
    trace_id: String,
    span_id: String,
    attributes: Vec<Json>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: Json,
    message: String,
}

/// The spans of a trace, and whether it is all of it. A span whose ids are none is left out.
pub(super) fn trace(body: &[u8]) -> Result<(Vec<Span>, bool), AskError> {
    let reply: Reply = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    let is_whole = !matches!(&reply.status, Json::String(text) if text == "PARTIAL") && reply.status != 1;
    let mut spans = Vec::new();
    for batch in reply.trace.unwrap_or_default().batches.into_iter().chain(reply.old.batches) {
        let resource = Arc::new(Resource::of(attributes(&batch.resource.attributes)));
        spans.extend(
            batch.scopes.into_iter().flat_map(|scope| scope.spans).filter_map(|one| span(one, &resource)),
        );
    }
    Ok((spans, is_whole))
}

fn span(one: Sent, resource: &Arc<Resource>) -> Option<Span> {
    let link = |link: &Link| {
        let (trace_id, span_id) =
            (TraceId::from_slice(&id(&link.trace_id)?)?, SpanId::from_slice(&id(&link.span_id)?)?);
        Some(SpanLink { trace_id, span_id, attributes: attributes(&link.attributes) })
    };
    let event = |event: &Event| {
        let at = UnixNanos(whole(&event.time_unix_nano)?);
        Some(SpanEvent {
            at,
            name: Arc::from(event.name.as_str()),
            attributes: attributes(&event.attributes),
        })
    };
    Some(Span {
        trace_id: TraceId::from_slice(&id(&one.trace_id)?)?,
        span_id: SpanId::from_slice(&id(&one.span_id)?)?,
        parent: id(&one.parent_span_id).and_then(|bytes| SpanId::from_slice(&bytes)),
        name: Arc::from(one.name),
        kind: match named(&one.kind, "SPAN_KIND_").as_str() {
            "INTERNAL" | "1" => SpanKind::Internal,
            "SERVER" | "2" => SpanKind::Server,
            "CLIENT" | "3" => SpanKind::Client,
            "PRODUCER" | "4" => SpanKind::Producer,
            "CONSUMER" | "5" => SpanKind::Consumer,
            _ => SpanKind::Unspecified,
        },
        start: UnixNanos(whole(&one.start_time_unix_nano)?),
        end: UnixNanos(whole(&one.end_time_unix_nano)?),
        status: match named(&one.status.code, "STATUS_CODE_").as_str() {
            "ERROR" | "2" => StatusCode::Error,
            "OK" | "1" => StatusCode::Ok,
            _ => StatusCode::Unset,
        },
        message: Arc::from(one.status.message),
        attributes: attributes(&one.attributes),
        events: one.events.iter().filter_map(event).collect(),
        links: one.links.iter().filter_map(link).collect(),
        resource: Arc::clone(resource),
    })
}

fn named(value: &Json, prefix: &str) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim_start_matches(prefix).to_owned())
}

/// A whole number, as text or bare.
pub(super) fn whole(value: &Json) -> Option<i64> {
    value.as_str().map_or_else(|| value.as_i64(), |text| text.parse().ok())
}

fn attributes(entries: &[Json]) -> Attributes {
    entries.iter().filter_map(attribute).collect()
}

/// A key with its value.
pub(super) fn attribute(entry: &Json) -> Option<(Arc<str>, Value)> {
    Some((Arc::from(entry.get("key")?.as_str()?), entry.get("value").map_or(Value::Empty, any)))
}

fn any(value: &Json) -> Value {
    let listed = |list: &Json| list.get("values").and_then(Json::as_array).cloned().unwrap_or_default();
    let Some((kind, held)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Empty;
    };
    match kind.as_str() {
        "stringValue" => held.as_str().map_or(Value::Empty, |text| Value::Text(Arc::from(text))),
        "boolValue" => held.as_bool().map_or(Value::Empty, Value::Bool),
        "intValue" => whole(held).map_or(Value::Empty, Value::Int),
        "doubleValue" => held.as_f64().map_or(Value::Empty, Value::Double),
        "bytesValue" => Value::Bytes(held.as_str().and_then(base64).unwrap_or_default()),
        "arrayValue" => Value::List(listed(held).iter().map(any).collect()),
        "kvlistValue" => Value::Map(listed(held).iter().filter_map(attribute).collect()),
        _ => Value::Empty,
    }
}

/// The bytes of an id: 32 or 16 hexadecimal digits, or base64. No base64 of an id is as long.
fn id(text: &str) -> Option<Vec<u8>> {
    if matches!(text.len(), 16 | 32) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let digits = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        return (0..text.len()).step_by(2).map(digits).collect();
    }
    base64(text)
}

/// The bytes of base64, RFC 4648 section 4.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = r#"[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},
        "scopeSpans":[{"scope":{},"spans":[{"traceId":"S/kvNXezTaajzpKdDg5HNg==","spanId":"APBnqgupArc=","parentSpanId":"APBnqgupArg=",
        "name":"GET /","kind":"SPAN_KIND_SERVER","startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000000000501",
        "attributes":[{"key":"n","value":{"intValue":"5"}},{"key":"l","value":{"arrayValue":{"values":[{"boolValue":true}]}}}],
        "events":[{"timeUnixNano":"1700000000000000002","name":"exception"}],
        "links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b9"}],
        "status":{"code":"STATUS_CODE_ERROR","message":"broken"}}]}]}]"#;

    #[test]
    fn both_versions_of_the_interface_are_read() {
        let old = trace(format!("{{\"batches\":{BATCH}}}").as_bytes()).unwrap();
        let new = trace(format!("{{\"trace\":{{\"resourceSpans\":{BATCH}}},\"metrics\":{{}}}}").as_bytes())
            .unwrap();
        assert_eq!(old, new);
        let span = &old.0[0];
        assert_eq!(span.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((span.span_id.to_string().as_str(), span.duration_ns()), ("00f067aa0ba902b7", 500));
        assert_eq!(span.parent.unwrap().to_string(), "00f067aa0ba902b8");
        assert_eq!(span.links[0].trace_id, span.trace_id);
        assert_eq!((span.kind, span.status, &*span.message), (SpanKind::Server, StatusCode::Error, "broken"));
        assert_eq!((span.attributes[0].1.clone(), span.events.len()), (Value::Int(5), 1));
    }

    #[test]
    fn a_part_of_a_trace_is_told_as_one_and_what_is_no_trace_is_told() {
        let (spans, is_whole) =
            trace(br#"{"trace":{},"status":"PARTIAL","message":"exceeds maximum size"}"#).unwrap();
        assert!(spans.is_empty() && !is_whole);
        assert!(trace(br#"{"trace":{},"status":"COMPLETE"}"#).unwrap().1);
        assert!(trace(b"<html>").is_err() && base64("!").is_none());
        assert_eq!(base64("AP/+").unwrap(), [0, 255, 254]);
    }
}
