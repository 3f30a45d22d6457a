//! About how much memory a signal takes, from its type and its texts; of metric points `series` tells.
//!
//! Shared texts are counted each time, so that the estimate is above the truth rather than below.

use telemetry::signal::Attributes;
use telemetry::{LogRecord, Span, Value};

/// Allocation, index entry and share of the rollups.
const SPAN_EXTRA: usize = 128;
/// A subject's figures in one second, at worst one for each entry span.
const ENTRY_EXTRA: usize = 200;

fn attributes_bytes(attributes: &Attributes) -> usize {
    attributes
        .iter()
        .map(|(key, value)| size_of::<(std::sync::Arc<str>, Value)>() + key.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(values) => values.iter().map(|value| size_of::<Value>() + value_bytes(value)).sum(),
        Value::Map(entries) => attributes_bytes(entries),
        Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => 0,
    }
}

/// Bytes of a span, its resource left out.
pub(crate) fn span_bytes(span: &Span) -> u64 {
    let events: usize = span
        .events
        .iter()
        .map(|event| size_of_val(event) + event.name.len() + attributes_bytes(&event.attributes))
        .sum();
    let links: usize =
        span.links.iter().map(|link| size_of_val(link) + attributes_bytes(&link.attributes)).sum();
    let own = size_of::<Span>() + SPAN_EXTRA + if span.is_entry() { ENTRY_EXTRA } else { 0 };
    let texts = span.name.len() + span.message.len() + attributes_bytes(&span.attributes);
    (own + texts + events + links) as u64
}

/// Bytes of a log record, its resource left out.
pub(crate) fn log_bytes(log: &LogRecord) -> u64 {
    (size_of::<LogRecord>() + value_bytes(&log.body) + attributes_bytes(&log.attributes)) as u64
}

/// Bytes of a resource.
pub(crate) fn resource_bytes(resource: &telemetry::Resource) -> u64 {
    (size_of::<telemetry::Resource>() + attributes_bytes(&resource.attributes)) as u64
}
