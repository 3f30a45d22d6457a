//! Spans as the search of spans gives them.
//!
//! Start times come in milliseconds and durations in nanoseconds; ids as decimal numbers of 64 bits, beside which OpenTelemetry's
//! own may stand. A query finds what was retained, which is all of a trace or nothing, and not every trace.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use telemetry::signal::Attributes;
use telemetry::{Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

use super::pages::tag;
use crate::json::{list, number, text, time};
use crate::masked::flat;

/// Attributes that stand in fields of their own.
const OWN: [&str; 6] = ["duration", "error.message", "error.type", "otel.trace_id", "span.kind", "version"];

/// How attributes begin that Datadog's tracers write for themselves.
const INTERNAL: &str = "_dd.";

/// The spans; one whose ids are none is left out.
pub(super) fn read(items: &[Json]) -> Vec<Span> {
    let mut resources: BTreeMap<[String; 4], Arc<Resource>> = BTreeMap::new();
    items.iter().filter_map(|item| span(item.pointer("/attributes")?, &mut resources)).collect()
}

fn span(one: &Json, resources: &mut BTreeMap<[String; 4], Arc<Resource>>) -> Option<Span> {
    let start = time(one, "/start_timestamp")?;
    let custom = values(one);
    let end = match number(one, "/custom/duration") {
        Some(nanos) => UnixNanos(start.0.saturating_add(nanos as i64)),
        None => time(one, "/end_timestamp")?,
    };
    let told = |name: &str| custom.get(name).map_or("", String::as_str);
    let is_error = text(one, "/status") == "error"
        || !told("error.type").is_empty()
        || !told("error.message").is_empty();
    let name =
        [text(one, "/resource_name"), text(one, "/operation_name")].into_iter().find(|name| !name.is_empty());
    let attributes: Attributes = custom
        .iter()
        .filter(|(key, _)| !OWN.contains(&key.as_str()) && !key.starts_with(INTERNAL))
        .map(|(key, value)| (Arc::from(key.as_str()), Value::Text(Arc::from(value.as_str()))))
        .collect();
    Some(Span {
        trace_id: trace_id(text(one, "/trace_id"), told("otel.trace_id"), told("_dd.p.tid"))?,
        span_id: span_id(text(one, "/span_id"))?,
        parent: span_id(text(one, "/parent_id")),
        name: Arc::from(name.unwrap_or_default()),
        kind: kind(told("span.kind"), text(one, "/type")),
        start,
        end,
        status: if is_error { StatusCode::Error } else { StatusCode::Unset },
        message: Arc::from(told("error.message")),
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        resource: resource(one, told("version"), resources),
    })
}

/// The leaves of what was sent along, by their ways.
fn values(one: &Json) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    if let Some(custom) = one.get("custom") {
        flat("", custom, &mut values);
    }
    values
}

/// Who it was: service, instance (the pod, else the host), version and environment.
fn resource(
    one: &Json,
    version: &str,
    resources: &mut BTreeMap<[String; 4], Arc<Resource>>,
) -> Arc<Resource> {
    let tags = list(one, "/tags");
    let version = if version.is_empty() { tag(tags, "version") } else { version };
    let key = [text(one, "/service"), instance(one), version, text(one, "/env")].map(str::to_owned);
    let made = || Arc::new(described(&key));
    Arc::clone(resources.entry(key.clone()).or_insert_with(made))
}

/// The pod that something ran in, else its host.
pub(super) fn instance(one: &Json) -> &str {
    let pod = tag(list(one, "/tags"), "pod_name");
    if pod.is_empty() { text(one, "/host") } else { pod }
}

/// A resource of service, instance, version and environment.
pub(super) fn described(key: &[String; 4]) -> Resource {
    let names = ["service.name", "service.instance.id", "service.version", "deployment.environment.name"];
    let told = names.iter().zip(key).filter(|(_, value)| !value.is_empty());
    Resource::of(
        told.map(|(name, value)| (Arc::from(*name), Value::Text(Arc::from(value.as_str())))).collect(),
    )
}

/// A trace's id: OpenTelemetry's own, or the number with what Datadog keeps of its upper half.
pub(super) fn trace_id(told: &str, whole: &str, upper: &str) -> Option<TraceId> {
    if let Ok(id) = whole.parse::<TraceId>() {
        return Some(id);
    }
    if let Ok(id) = told.parse::<TraceId>() {
        return Some(id);
    }
    let lower = told.parse::<u64>().ok()?;
    let upper = u64::from_str_radix(upper, 16).unwrap_or_default();
    TraceId::from_slice(&[upper.to_be_bytes(), lower.to_be_bytes()].concat())
}

/// A span's id; the parent of a root is 0, which is none.
pub(super) fn span_id(told: &str) -> Option<SpanId> {
    SpanId::from_slice(&told.parse::<u64>().ok()?.to_be_bytes())
}

fn kind(told: &str, of: &str) -> SpanKind {
    match (told.to_ascii_lowercase().as_str(), of) {
        ("server", _) => SpanKind::Server,
        ("client", _) => SpanKind::Client,
        ("producer", _) => SpanKind::Producer,
        ("consumer", _) => SpanKind::Consumer,
        ("internal", _) => SpanKind::Internal,
        (_, "web") => SpanKind::Server,
        (_, "http" | "sql" | "db" | "cache" | "redis" | "mongodb" | "elasticsearch") => SpanKind::Client,
        (_, "queue" | "worker") => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}
