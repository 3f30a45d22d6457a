//! Documents as spans: OpenTelemetry's names, those of Data Prepper and of the collector's `opensearch` exporter. Those of
//! Elastic APM are next door, in [`super::ecs`].
//!
//! A document is recognised by its own fields, not by its index. Events within spans are not read.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::signal::{Attributes, SpanLink};
use telemetry::{Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

use super::document::Document;
use super::ecs;

/// The fields that spans are made of; the rest of a document is not fetched.
pub(super) const FIELDS: &[&str] = &[
    "@timestamp",
    "attributes",
    "client",
    "cloud",
    "container",
    "destination",
    "duration",
    "durationInNanos",
    "endTime",
    "event.outcome",
    "host",
    "http",
    "kind",
    "kubernetes",
    "labels",
    "links",
    "name",
    "numeric_labels",
    "parent",
    "parentSpanId",
    "parent_span_id",
    "processor",
    "resource",
    "server",
    "service",
    "serviceName",
    "source",
    "span",
    "spanId",
    "span_id",
    "startTime",
    "status",
    "timestamp",
    "trace",
    "traceId",
    "trace_id",
    "transaction",
    "url",
    "user_agent",
    "status@*",
];
/// Those that requests are counted by.
pub(super) const SLIM: &[&str] = &[
    "@timestamp",
    "duration",
    "durationInNanos",
    "endTime",
    "event.outcome",
    "kind",
    "name",
    "parent_span_id",
    "processor.event",
    "resource.attributes.service*",
    "resource.service*",
    "service",
    "serviceName",
    "span.duration",
    "span.id",
    "span.kind",
    "span.name",
    "span.type",
    "spanId",
    "span_id",
    "startTime",
    "status",
    "timestamp",
    "trace.id",
    "traceId",
    "trace_id",
    "transaction.duration",
    "transaction.id",
    "transaction.name",
    "transaction.type",
];

/// Resources that repeat are shared.
#[derive(Debug, Default)]
pub(super) struct Resources(BTreeMap<String, Arc<Resource>>);

impl Resources {
    /// The resource of these attributes.
    pub(super) fn of(&mut self, attributes: Attributes) -> Arc<Resource> {
        let key = format!("{attributes:?}");
        Arc::clone(self.0.entry(key).or_insert_with(|| Arc::new(Resource::of(attributes))))
    }
}

/// The span of a document; one without ids or times is none.
pub(super) fn of(one: &Document, resources: &mut Resources) -> Option<Span> {
    if one.has("trace_id") || one.has("traceId") {
        return native(one, resources);
    }
    ecs::span(one, resources)
}

fn native(one: &Document, resources: &mut Resources) -> Option<Span> {
    let start = one.time(&["startTime", "@timestamp"])?;
    let duration = one.whole(&["duration", "durationInNanos"]);
    let end = match duration {
        Some(nanos) => UnixNanos(start.0.saturating_add(nanos)),
        None => one.time(&["endTime"])?,
    };
    let links = one.list("links").into_iter().filter_map(|link| {
        let (trace_id, span_id) = (id(&link, &["trace_id", "traceId"])?, id(&link, &["span_id", "spanId"])?);
        Some(SpanLink { trace_id, span_id, attributes: Attributes::new() })
    });
    Some(Span {
        trace_id: id(one, &["trace_id", "traceId"])?,
        span_id: id(one, &["span_id", "spanId"])?,
        parent: id(one, &["parent_span_id", "parentSpanId"]),
        name: Arc::from(one.text(&["name"]).unwrap_or_default()),
        kind: kind(&one.text(&["kind"]).unwrap_or_default()),
        start,
        end,
        status: status(&one.text(&["status.code", "status@code"]).unwrap_or_default()),
        message: Arc::from(one.text(&["status.message"]).unwrap_or_default()),
        attributes: own_attributes(one),
        events: Vec::new(),
        links: links.collect(),
        resource: resources.of(resource(one)),
    })
}

/// The id in the first of these fields, where it is one.
pub(super) fn id<T: std::str::FromStr>(one: &Document, names: &[&str]) -> Option<T> {
    one.text(names)?.parse().ok()
}

/// Whose trace a line was written in; the names that clients chose before there was one.
pub(super) fn trace_of_line(one: &Document) -> (Option<TraceId>, Option<SpanId>) {
    const TRACES: [&str; 5] = ["trace.id", "trace_id", "x-trace-id", "traceId", "cloud.trace_id"];
    const SPANS: [&str; 4] = ["span.id", "span_id", "spanId", "transaction.id"];
    (TRACES.iter().find_map(|name| id(one, &[name])), SPANS.iter().find_map(|name| id(one, &[name])))
}

/// What a resource says about itself, in OpenTelemetry's names.
pub(super) fn resource(one: &Document) -> Attributes {
    let named = one.within("resource.attributes");
    // The simple schema keeps the names right below.
    let named = if named.is_empty() { one.within("resource") } else { named };
    let mut found: Attributes = named
        .into_iter()
        .filter(|(key, _)| !matches!(&**key, "schemaUrl" | "schema_url" | "droppedAttributesCount"))
        .map(|(key, value)| (undotted(&key), value))
        .collect();
    let service =
        one.text(&["serviceName"]).filter(|_| !found.iter().any(|(key, _)| &**key == "service.name"));
    found.extend(service.map(|name| (Arc::from("service.name"), Value::Text(Arc::from(name)))));
    found
}

/// A span's own attributes. Data Prepper once kept them with `@` for the dots, below `span.attributes`.
pub(super) fn own_attributes(one: &Document) -> Attributes {
    let plain = one.within("attributes").into_iter();
    let older = one.within("span.attributes").into_iter().map(|(key, value)| (undotted(&key), value));
    plain.chain(older).filter(|(key, _)| !key.starts_with("data_stream.")).collect()
}

fn undotted(key: &Arc<str>) -> Arc<str> {
    if key.contains('@') { Arc::from(key.replace('@', ".")) } else { Arc::clone(key) }
}

/// The role of a span in every spelling; Elastic's APM has it in capitals.
pub(super) fn kind(text: &str) -> SpanKind {
    match text.trim_start_matches("SPAN_KIND_").to_ascii_lowercase().as_str() {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        "internal" => SpanKind::Internal,
        _ => SpanKind::Unspecified,
    }
}

/// How a span ended; Data Prepper writes the protocol's number.
fn status(text: &str) -> StatusCode {
    match text.trim_start_matches("STATUS_CODE_").to_ascii_lowercase().as_str() {
        "error" | "2" => StatusCode::Error,
        "ok" | "1" => StatusCode::Ok,
        _ => StatusCode::Unset,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn span(source: serde_json::Value) -> Span {
        of(&Document::of(source), &mut Resources::default()).unwrap()
    }

    /// The documents of the exporters' own tests and models, of one and the same span.
    #[test]
    fn the_same_span_in_every_form_is_the_same_span() {
        let otel = span(json!({
            "@timestamp": "1714557601123.456789", "trace_id": TRACE, "span_id": "00f067aa0ba902b7",
            "parent_span_id": "00f067aa0ba902b6", "name": "GET /", "kind": "Server", "duration": 1_500_000,
            "status": {"code": "Error", "message": "500"}, "attributes": {"http.route": "/"},
            "links": [{"trace_id": TRACE, "span_id": "00f067aa0ba902b5"}],
            "resource": {"attributes": {"service.name": "web", "service.version": "2"}},
        }));
        let v1 = span(json!({
            "startTime": "2024-05-01T10:00:01.123456789Z", "endTime": "2024-05-01T10:00:01.124956789Z",
            "@timestamp": "2024-05-01T10:00:01.123456789Z", "durationInNanos": 1_500_000, "traceId": TRACE,
            "spanId": "00f067aa0ba902b7", "parentSpanId": "00f067aa0ba902b6", "name": "GET /",
            "kind": "SPAN_KIND_SERVER", "serviceName": "web", "status": {"code": 2, "message": "500"},
            "attributes": {"http.route": "/"}, "links": [{"traceId": TRACE, "spanId": "00f067aa0ba902b5"}],
            "resource": {"attributes": {"service.name": "web", "service.version": "2"}, "schemaUrl": "x"},
        }));
        let simple = span(json!({
            "startTime": "2024-05-01T10:00:01.123456789Z", "endTime": "2024-05-01T10:00:01.124956789Z",
            "@timestamp": "0001-01-01T00:00:00Z", "traceId": TRACE, "spanId": "00f067aa0ba902b7",
            "parentSpanId": "00f067aa0ba902b6", "name": "GET /", "kind": "Server",
            "status": {"code": "Error", "message": "500"},
            "attributes": {"http.route": "/", "data_stream": {"dataset": "default"}},
            "links": [{"traceId": TRACE, "spanId": "00f067aa0ba902b5"}],
            "resource": {"service.name": "web", "service.version": "2"},
        }));
        let older = span(json!({
            "startTime": "2024-05-01T10:00:01.123456789Z", "endTime": "2024-05-01T10:00:01.124956789Z",
            "durationInNanos": 1_500_000, "traceId": TRACE, "spanId": "00f067aa0ba902b7",
            "parentSpanId": "00f067aa0ba902b6", "name": "GET /", "kind": "SPAN_KIND_SERVER", "serviceName": "web",
            "status.code": 2, "status.message": "500", "span.attributes.http@route": "/",
            "resource.attributes.service@name": "web", "resource.attributes.service@version": "2",
            "links": [{"traceId": TRACE, "spanId": "00f067aa0ba902b5"}],
        }));
        assert_eq!((otel.start.0, otel.duration_ns()), (1_714_557_601_123_456_789, 1_500_000));
        assert_eq!(
            (otel.kind, otel.status, &*otel.resource.version),
            (SpanKind::Server, StatusCode::Error, "2")
        );
        assert_eq!((otel.attributes.len(), otel.links.len()), (1, 1));
        for (name, other) in [("v1", v1), ("simple", simple), ("older", older)] {
            assert_eq!(other, otel, "{name}");
        }
    }

    #[test]
    fn a_root_has_an_empty_parent_and_what_has_no_ids_is_no_span() {
        let root = span(json!({
            "@timestamp": "2024-05-01T10:00:01Z", "trace_id": TRACE, "span_id": "00f067aa0ba902b7",
            "parent_span_id": "", "duration": 1,
        }));
        assert_eq!((root.parent, &*root.resource.service), (None, "unknown_service"));
        for wrong in
            [json!({"trace_id": "x", "span_id": "y", "@timestamp": "2024-05-01T10:00:01Z"}), json!({})]
        {
            assert!(of(&Document::of(wrong), &mut Resources::default()).is_none());
        }
    }
}
