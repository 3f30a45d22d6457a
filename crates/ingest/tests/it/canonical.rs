//! The one form in which what was stored is compared with what the oracle says: every field, numbers to the bit.

use otlp::Decoded;
use serde_json::{Value as Json, json};
use telemetry::signal::{Attributes, MetricValue, SpanLink};
use telemetry::{LogRecord, MetricPoint, Resource, Span, StatusCode, Value};

/// All items of a request, in the order sent.
pub(crate) fn items(decoded: &Decoded) -> Vec<Json> {
    let spans = decoded.spans.iter().map(span);
    spans.chain(decoded.logs.iter().map(log)).chain(decoded.points.iter().map(point)).collect()
}

fn bits(number: f64) -> String {
    format!("{:016x}", number.to_bits())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value(value: &Value) -> Json {
    match value {
        Value::Empty => Json::Null,
        Value::Text(text) => json!({ "s": &**text }),
        Value::Bool(value) => json!({ "b": value }),
        Value::Int(value) => json!({ "i": value.to_string() }),
        Value::Double(value) => json!({ "d": bits(*value) }),
        Value::Bytes(bytes) => json!({ "y": hex(bytes) }),
        Value::List(values) => json!({ "l": values.iter().map(self::value).collect::<Vec<_>>() }),
        Value::Map(entries) => json!({ "m": attributes(entries) }),
    }
}

fn attributes(entries: &Attributes) -> Json {
    entries.iter().map(|(key, entry)| json!([&**key, value(entry)])).collect()
}

fn resource(resource: &Resource) -> Json {
    attributes(&resource.attributes)
}

fn span(span: &Span) -> Json {
    let status = match span.status {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    };
    let events = span.events.iter();
    let events: Vec<Json> = events
        .map(|event| json!([event.at.0.to_string(), &*event.name, attributes(&event.attributes)]))
        .collect();
    let link = |link: &SpanLink| {
        json!([link.trace_id.to_string(), link.span_id.to_string(), attributes(&link.attributes)])
    };
    json!({
        "trace": span.trace_id.to_string(), "span": span.span_id.to_string(),
        "parent": span.parent.map(|parent| parent.to_string()), "name": &*span.name, "kind": span.kind as u8,
        "start": span.start.0.to_string(), "end": span.end.0.to_string(), "status": status,
        "message": &*span.message, "attributes": attributes(&span.attributes), "events": events,
        "links": span.links.iter().map(link).collect::<Vec<_>>(), "resource": resource(&span.resource),
    })
}

fn log(log: &LogRecord) -> Json {
    json!({
        "at": log.at.0.to_string(), "trace": log.trace_id.map(|id| id.to_string()),
        "span": log.span_id.map(|id| id.to_string()), "severity": log.severity, "body": value(&log.body),
        "attributes": attributes(&log.attributes), "resource": resource(&log.resource),
    })
}

fn point(point: &MetricPoint) -> Json {
    let told = match point.value {
        MetricValue::Number(number) => json!({ "n": bits(number) }),
        MetricValue::Distribution { count, sum } => json!({ "c": count.to_string(), "s": sum.map(bits) }),
    };
    let temporality = match point.temporality {
        telemetry::Temporality::Instant => 0,
        telemetry::Temporality::Delta => 1,
        telemetry::Temporality::Cumulative => 2,
    };
    json!({
        "name": &*point.name, "unit": &*point.unit, "start": point.start.0.to_string(), "at": point.at.0.to_string(),
        "temporality": temporality, "monotonic": point.is_monotonic, "value": told,
        "attributes": attributes(&point.attributes), "resource": resource(&point.resource),
    })
}
