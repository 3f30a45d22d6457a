//! Documents as log lines, in each form, and errors of Elastic APM as lines that say what was thrown.

use std::sync::Arc;

use telemetry::{LogRecord, Value};

use super::document::Document;
use super::ecs;
use super::span::{Resources, own_attributes, resource, trace_of_line};

/// The fields that lines are made of; what is thrown is said by type and message, not by its stack.
pub(super) const FIELDS: &[&str] = &[
    "@timestamp",
    "attributes",
    "body",
    "body_text",
    "cloud",
    "container",
    "error.exception.message",
    "error.exception.type",
    "error.log.message",
    "error.message",
    "error.type",
    "event_name",
    "host.name",
    "kubernetes",
    "labels",
    "log.level",
    "message",
    "numeric_labels",
    "processor.event",
    "resource",
    "service",
    "serviceName",
    "severity",
    "severityNumber",
    "severityText",
    "severity_number",
    "severity_text",
    "span.id",
    "spanId",
    "span_id",
    "time",
    "trace*",
    "transaction.id",
    "x-trace-id",
];
/// Where the text of a line stands.
const BODY: [&str; 10] = [
    "body.text",
    "body_text",
    "body",
    "message",
    "error.log.message",
    "error.exception.message",
    "error.message",
    "attributes.exception.message",
    "event_name",
    "attributes.exception.type",
];

/// The line of a document; one without a time is none.
pub(super) fn of(one: &Document, resources: &mut Resources) -> Option<LogRecord> {
    let (trace_id, span_id) = trace_of_line(one);
    let is_native = one.has("resource") || one.has("attributes") || one.has("serviceName");
    let named = if is_native { resource(one) } else { ecs::resource(one) };
    let attributes = if is_native { own_attributes(one) } else { ecs::labels(one).collect() };
    // A body that is no text is told as what it holds.
    let body = one.text(&BODY).map(|text| Value::Text(Arc::from(text)));
    let held = one.within("body.structured");
    let body = body.unwrap_or_else(|| Value::Map(if held.is_empty() { one.within("body") } else { held }));
    Some(LogRecord {
        at: one.time(&["@timestamp", "time"])?,
        trace_id,
        span_id,
        severity: severity(one),
        body,
        attributes,
        resource: resources.of(named),
    })
}

/// OpenTelemetry's number, from the level's name where that is what there is.
fn severity(one: &Document) -> i32 {
    if let Some(number) =
        one.whole(&["severity_number", "severity.number", "severityNumber"]).filter(|told| *told > 0)
    {
        return i32::try_from(number).unwrap_or(0);
    }
    let level = one.text(&["severity_text", "severity.text", "severityText", "log.level"]);
    match level.map(|level| level.to_ascii_lowercase()).as_deref() {
        Some("trace" | "finest") => 1,
        Some("debug" | "fine") => 5,
        Some("info" | "information" | "notice") => 9,
        Some("warn" | "warning") => 13,
        Some("error" | "err" | "severe") => 17,
        Some("fatal" | "critical" | "alert" | "emerg" | "emergency" | "panic") => 21,
        _ if one.text(&["processor.event"]).as_deref() == Some("error") => 17,
        _ if one.text(&["event_name"]).as_deref() == Some("exception") => 17,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn line(source: serde_json::Value) -> LogRecord {
        of(&Document::of(source), &mut Resources::default()).unwrap()
    }

    // covers: EL-35
    #[test]
    fn the_same_line_in_every_form_is_the_same_line() {
        let otel = line(json!({
            "@timestamp": "2024-05-01T10:00:01.123Z", "trace_id": TRACE, "span_id": "00f067aa0ba902b7",
            "severity_text": "ERROR", "severity_number": 17, "body": {"text": "no stock"},
            "resource": {"attributes": {"service.name": "web", "k8s.pod.name": "web-1"}},
        }));
        let ecs = line(json!({
            "@timestamp": "2024-05-01T10:00:01.123Z", "trace": {"id": TRACE}, "span": {"id": "00f067aa0ba902b7"},
            "log": {"level": "error"}, "message": "no stock",
            "service": {"name": "web"}, "kubernetes": {"pod": {"name": "web-1"}},
        }));
        let simple = line(json!({
            "@timestamp": "2024-05-01T10:00:01.123Z", "traceId": TRACE, "spanId": "00f067aa0ba902b7",
            "severity": {"text": "ERROR", "number": 17}, "body": "no stock",
            "resource": {"k8s.pod.name": "web-1", "service.name": "web"},
        }));
        assert_eq!((otel.severity, otel.body.render().as_str()), (17, "no stock"));
        assert_eq!(&*ecs.resource.service, "web");
        for other in [&ecs, &simple] {
            let same = (other.at, other.trace_id, other.span_id, other.severity, &other.body);
            assert_eq!(same, (otel.at, otel.trace_id, otel.span_id, otel.severity, &otel.body));
            assert_eq!(other.resource.attributes.len(), 2);
        }
    }

    // covers: AW-23, AW-24, AW-43
    #[test]
    fn what_a_shipper_wrote_carries_pod_and_image_and_the_trace_by_any_known_name() {
        let shipped = line(json!({
            "@timestamp": "2024-05-01T10:00:01.123Z", "message": "took m-1", "cloud": {"trace_id": TRACE},
            "kubernetes": {"pod": {"name": "web-1"}, "namespace": "shop", "node": {"name": "n3"}},
            "container": {"image": {"name": "shop/web:2"}}, "labels": {"messaging_message_id": "m-1"},
        }));
        let told =
            |name: &str| telemetry::signal::attribute(&shipped.resource.attributes, name).map(Value::render);
        assert_eq!(
            (told("k8s.pod.name").as_deref(), told("k8s.node.name").as_deref()),
            (Some("web-1"), Some("n3"))
        );
        assert_eq!(told("container.image.name").as_deref(), Some("shop/web:2"));
        assert_eq!(shipped.trace_id.map(|id| id.to_string()).as_deref(), Some(TRACE));
        assert_eq!(&*shipped.attributes[0].0, "messaging.message.id");
    }

    #[test]
    fn what_was_thrown_is_a_line_in_both_forms() {
        let otel = line(json!({
            "@timestamp": "2024-05-01T10:00:01Z", "event_name": "exception", "body": {},
            "attributes": {"exception.type": "E", "exception.message": "broken"}, "resource": {"attributes": {}},
        }));
        let ecs = line(json!({
            "@timestamp": "2024-05-01T10:00:01Z", "processor": {"event": "error"},
            "error": {"exception": [{"type": "E", "message": "broken"}]}, "service": {"name": "web"},
        }));
        assert_eq!((otel.severity, otel.body.render().as_str()), (17, "broken"));
        assert_eq!((ecs.severity, ecs.body.render().as_str()), (17, "broken"));
        let held = line(
            json!({"@timestamp": "2024-05-01T10:00:01Z", "body": {"structured": {"a": 1}}, "resource": {}}),
        );
        assert_eq!(held.body.render(), "{a: 1}");
    }
}
