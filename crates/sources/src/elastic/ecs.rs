//! Documents of Elastic APM as spans: a transaction is the entry of a service, a span what it did.
//!
//! Times are whole microseconds there. What Elastic's intake renames from OpenTelemetry's attributes gets its name back;
//! labels, whose dots became `_`, where the name is a known one. Every other field keeps the name that it has.

use std::sync::Arc;

use telemetry::signal::{Attributes, SpanLink};
use telemetry::{Span, SpanKind, StatusCode, UnixNanos, Value};

use super::document::Document;
use super::span::{Resources, id, kind};

/// What a resource is told by, and its name in OpenTelemetry.
const RESOURCE: [(&str, &str); 14] = [
    ("service.name", "service.name"),
    ("service.node.name", "service.instance.id"),
    ("service.version", "service.version"),
    ("service.environment", "deployment.environment.name"),
    ("service.namespace", "service.namespace"),
    ("kubernetes.pod.name", "k8s.pod.name"),
    ("kubernetes.pod.uid", "k8s.pod.uid"),
    ("kubernetes.namespace", "k8s.namespace.name"),
    ("kubernetes.node.name", "k8s.node.name"),
    ("kubernetes.deployment.name", "k8s.deployment.name"),
    ("host.name", "host.name"),
    ("container.id", "container.id"),
    ("container.image.name", "container.image.name"),
    ("cloud.availability_zone", "cloud.availability_zone"),
];
/// What a call is told by, and its name in OpenTelemetry.
const OWN: [(&str, &str); 6] = [
    ("span.db.statement", "db.query.text"),
    ("span.db.instance", "db.namespace"),
    ("span.message.queue.name", "messaging.destination.name"),
    ("transaction.message.queue.name", "messaging.destination.name"),
    ("destination.address", "server.address"),
    ("destination.port", "server.port"),
];
/// Names of OpenTelemetry that become labels, for what these were before their dots became `_`.
const LABELS: [&str; 16] = [
    "db.query.summary",
    "db.system.name",
    "db.collection.name",
    "db.namespace",
    "error.type",
    "http.route",
    "http.request.resend_count",
    "messaging.destination.name",
    "messaging.message.id",
    "messaging.operation.type",
    "peer.service",
    "rpc.method",
    "rpc.service",
    "server.address",
    "server.port",
    "service.peer.name",
];
/// Fields whose names are the same on both sides.
const SAME: [&str; 6] = ["http.", "url.", "user_agent.", "client.", "source.", "server."];

/// The span of a document.
pub(super) fn span(one: &Document, resources: &mut Resources) -> Option<Span> {
    let is_transaction = one.text(&["processor.event"]).as_deref() == Some("transaction")
        || (!one.has("span.duration") && one.has("transaction.duration"));
    let (ids, names, lasted) = if is_transaction {
        (["transaction.id"], ["transaction.name"], ["transaction.duration.us"])
    } else {
        (["span.id"], ["span.name"], ["span.duration.us"])
    };
    let start = match one.whole(&["timestamp.us"]) {
        Some(micros) => UnixNanos(micros.saturating_mul(1_000)),
        None => one.time(&["@timestamp"])?,
    };
    let links = one.list("span.links").into_iter().filter_map(|link| {
        let (trace_id, span_id) = (id(&link, &["trace.id"])?, id(&link, &["span.id"])?);
        Some(SpanLink { trace_id, span_id, attributes: Attributes::new() })
    });
    Some(Span {
        trace_id: id(one, &["trace.id"])?,
        span_id: id(one, &ids)?,
        parent: id(one, &["parent.id"]),
        name: Arc::from(one.text(&names).unwrap_or_default()),
        kind: role(one, is_transaction),
        start,
        end: UnixNanos(start.0.saturating_add(one.whole(&lasted)?.saturating_mul(1_000))),
        status: match one.text(&["event.outcome"]).as_deref() {
            Some("failure") => StatusCode::Error,
            Some("success") => StatusCode::Ok,
            _ => StatusCode::Unset,
        },
        message: Arc::from(""),
        attributes: own(one),
        events: Vec::new(),
        links: links.collect(),
        resource: resources.of(resource(one)),
    })
}

/// The role of a span: as it is told, else what follows from its type.
fn role(one: &Document, is_transaction: bool) -> SpanKind {
    if let Some(told) = one.text(&["span.kind"]) {
        return kind(&told);
    }
    let types = if is_transaction { ["transaction.type"] } else { ["span.type"] };
    match (is_transaction, one.text(&types).as_deref()) {
        (true, Some("request")) => SpanKind::Server,
        (true, Some("messaging")) => SpanKind::Consumer,
        (false, Some("messaging")) => SpanKind::Producer,
        // Only what leaves the process has a destination.
        (false, _) if one.has("span.destination") || one.has("service.target") => SpanKind::Client,
        _ => SpanKind::Internal,
    }
}

/// What a resource says about itself.
pub(super) fn resource(one: &Document) -> Attributes {
    RESOURCE.iter().filter_map(|(field, name)| renamed(one, field, name)).collect()
}

fn renamed(one: &Document, field: &str, name: &str) -> Option<(Arc<str>, Value)> {
    let (_, value) = one.fields().find(|(key, _)| *key == field)?;
    Some((Arc::from(name), value))
}

fn own(one: &Document) -> Attributes {
    let mut found: Attributes = OWN.iter().filter_map(|(field, name)| renamed(one, field, name)).collect();
    if one.text(&["span.type"]).as_deref() == Some("db") {
        found.extend(renamed(one, "span.subtype", "db.system.name"));
    }
    let same = one.fields().filter(|(key, _)| SAME.iter().any(|prefix| key.starts_with(prefix)));
    found.extend(same.map(|(key, value)| (Arc::from(key), value)));
    found.extend(labels(one));
    const NAMING: [&str; 5] = [
        "server.address",
        "db.system.name",
        "messaging.destination.name",
        "peer.service",
        "service.peer.name",
    ];
    if !found.iter().any(|(key, _)| NAMING.contains(&&**key)) {
        found.extend(renamed(one, "span.destination.service.resource", "peer.service"));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    found
}

/// Labels, with their own names where these are known.
pub(super) fn labels(one: &Document) -> impl Iterator<Item = (Arc<str>, Value)> {
    let named = |key: Arc<str>| {
        let known = LABELS.iter().find(|name| name.replace('.', "_") == *key);
        known.map_or(key, |name| Arc::from(*name))
    };
    ["labels", "numeric_labels"]
        .into_iter()
        .flat_map(|name| one.within(name))
        .map(move |(key, value)| (named(key), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn span(source: serde_json::Value) -> Span {
        super::span(&Document::of(source), &mut Resources::default()).unwrap()
    }

    // covers: EL-35
    #[test]
    fn transactions_are_entries_and_calls_have_the_names_of_open_telemetry() {
        let entry = span(json!({
            "@timestamp": "2024-05-01T10:00:01.123Z", "timestamp": {"us": 1_714_557_601_123_456_i64},
            "processor": {"event": "transaction"}, "trace": {"id": TRACE}, "parent": {"id": "00f067aa0ba902b6"},
            "transaction": {"id": "00f067aa0ba902b7", "name": "GET /", "type": "request", "duration": {"us": 1_500}},
            "event": {"outcome": "failure"}, "http": {"response": {"status_code": 500}},
            "service": {"name": "web", "version": "2", "node": {"name": "web-1"}, "environment": "prod"},
            "span": {"links": [{"trace": {"id": TRACE}, "span": {"id": "00f067aa0ba902b5"}}]},
        }));
        assert_eq!((entry.start.0, entry.duration_ns()), (1_714_557_601_123_456_000, 1_500_000));
        assert_eq!((entry.kind, entry.status), (SpanKind::Server, StatusCode::Error));
        assert_eq!(
            (&*entry.resource.service, &*entry.resource.instance, &*entry.resource.version),
            ("web", "web-1", "2")
        );
        assert_eq!((entry.links.len(), &*entry.attributes[0].0), (1, "http.response.status_code"));
        let call = span(json!({
            "@timestamp": "2024-05-01T10:00:01.123Z", "processor": {"event": "span"}, "trace": {"id": TRACE},
            "transaction": {"id": "00f067aa0ba902b7"}, "parent": {"id": "00f067aa0ba902b7"},
            "span": {"id": "00f067aa0ba902b8", "name": "SELECT", "type": "db", "subtype": "postgresql",
                "duration": {"us": 20}, "destination": {"service": {"resource": "postgresql/shop"}}},
            "labels": {"db_query_summary": "SELECT orders", "my_flag": "on"}, "numeric_labels": {"server_port": 5432},
            "event": {"outcome": "success"}, "service": {"name": "web"},
        }));
        let attribute = |name: &str| telemetry::signal::attribute(&call.attributes, name).map(Value::render);
        assert_eq!(attribute("db.system.name").as_deref(), Some("postgresql"));
        assert_eq!(attribute("db.query.summary").as_deref(), Some("SELECT orders"));
        assert_eq!(
            (attribute("my_flag").as_deref(), attribute("server.port").as_deref()),
            (Some("on"), Some("5432"))
        );
        assert_eq!((call.kind, call.status, call.duration_ns()), (SpanKind::Client, StatusCode::Ok, 20_000));
        assert_eq!(
            call.start.0, 1_714_557_601_123_000_000,
            "without `timestamp.us` the millisecond is what is known"
        );
    }

    #[test]
    fn what_has_no_kind_has_the_one_of_its_type() {
        let of = |event: &str, kind: &str| {
            let own = json!({"id": "00f067aa0ba902b7", "type": kind, "duration": {"us": 1}});
            span(json!({"@timestamp": "2024-05-01T10:00:01Z", "processor.event": event, "trace.id": TRACE, event: own})).kind
        };
        assert_eq!(
            (of("transaction", "messaging"), of("transaction", "scheduled")),
            (SpanKind::Consumer, SpanKind::Internal)
        );
        assert_eq!((of("span", "messaging"), of("span", "app")), (SpanKind::Producer, SpanKind::Internal));
    }
}
