//! OTLP/JSON as the file exporter of the OpenTelemetry Collector writes it: one request a line.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use telemetry::signal::Attributes;
use telemetry::{LogRecord, Span, SpanKind, StatusCode, Value};

/// The spans on one line, and the log records, when there are any, on a second.
#[must_use]
pub fn to_otlp_json(spans: &[Span], logs: &[LogRecord]) -> String {
    let mut resources: BTreeMap<String, (Json, Vec<Json>)> = BTreeMap::new();
    for one in spans {
        let resource = attributes(&one.resource.attributes);
        resources.entry(resource.to_string()).or_insert((resource, Vec::new())).1.push(span(one));
    }
    let list = |resources: BTreeMap<String, (Json, Vec<Json>)>, scopes: &str, items: &str| -> Vec<Json> {
        let group = |(resource, entries): (Json, Vec<Json>)| json!({ "resource": { "attributes": resource }, scopes: [{ "scope": {}, items: entries }] });
        resources.into_values().map(group).collect()
    };
    let mut text = json!({ "resourceSpans": list(resources, "scopeSpans", "spans") }).to_string() + "\n";
    if !logs.is_empty() {
        let mut resources: BTreeMap<String, (Json, Vec<Json>)> = BTreeMap::new();
        for log in logs {
            let resource = attributes(&log.resource.attributes);
            resources.entry(resource.to_string()).or_insert((resource, Vec::new())).1.push(record(log));
        }
        text += &(json!({ "resourceLogs": list(resources, "scopeLogs", "logRecords") }).to_string() + "\n");
    }
    text
}

fn span(span: &Span) -> Json {
    let kind = match span.kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    };
    let code = match span.status {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    };
    let events = span.events.iter().map(|event| {
        json!({
            "timeUnixNano": event.at.0.to_string(),
            "name": event.name.as_ref(),
            "attributes": attributes(&event.attributes),
        })
    });
    let links = span.links.iter().map(|link| {
        json!({
            "traceId": link.trace_id.to_string(),
            "spanId": link.span_id.to_string(),
            "attributes": attributes(&link.attributes),
        })
    });
    json!({
        "traceId": span.trace_id.to_string(),
        "spanId": span.span_id.to_string(),
        "parentSpanId": span.parent.map(|id| id.to_string()).unwrap_or_default(),
        "name": span.name.as_ref(),
        "kind": kind,
        "startTimeUnixNano": span.start.0.to_string(),
        "endTimeUnixNano": span.end.0.to_string(),
        "attributes": attributes(&span.attributes),
        "events": events.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
        "status": { "message": span.message.as_ref(), "code": code },
    })
}

fn record(log: &LogRecord) -> Json {
    json!({
        "timeUnixNano": log.at.0.to_string(),
        "severityNumber": log.severity,
        "body": value(&log.body),
        "attributes": attributes(&log.attributes),
        "traceId": log.trace_id.map(|id| id.to_string()).unwrap_or_default(),
        "spanId": log.span_id.map(|id| id.to_string()).unwrap_or_default(),
    })
}

fn attributes(attributes: &Attributes) -> Json {
    attributes.iter().map(|(key, of)| json!({ "key": key.as_ref(), "value": value(of) })).collect()
}

fn value(value_of: &Value) -> Json {
    match value_of {
        Value::Empty => json!({}),
        Value::Text(text) => json!({ "stringValue": text.as_ref() }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Int(number) => json!({ "intValue": number.to_string() }),
        Value::Double(number) if number.is_finite() => json!({ "doubleValue": number }),
        // The names that protobuf's JSON gives to what JSON has no number for.
        Value::Double(number) if number.is_nan() => json!({ "doubleValue": "NaN" }),
        Value::Double(number) => {
            json!({ "doubleValue": if *number > 0.0 { "Infinity" } else { "-Infinity" } })
        }
        Value::Bytes(bytes) => json!({ "bytesValue": base64(bytes) }),
        Value::List(values) => {
            json!({ "arrayValue": { "values": values.iter().map(value).collect::<Vec<_>>() } })
        }
        Value::Map(entries) => json!({ "kvlistValue": { "values": attributes(entries) } }),
    }
}

/// Standard alphabet with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = (word >> (18 - 6 * place)) & 63;
            let letter = ALPHABET.get(digit as usize).copied().unwrap_or(b'A');
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}
