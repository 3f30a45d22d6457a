//! Logs, events and monitors of Datadog as log records, changes and states.
//!
//! Only events that say what was changed are changes; alerts and chatter are not. Which service a change reached, the event
//! says itself.

use std::sync::Arc;

use serde_json::Value as Json;
use telemetry::recorded::{Change, State};
use telemetry::{LogRecord, UnixNanos, Value, Window};

use super::pages::tag;
use super::spans::{described, instance, span_id, trace_id};
use crate::json::{entry, list, number, text, time};
use crate::masked::{Values, flat, shown};

/// Statuses of logs, and OpenTelemetry's severity numbers for them.
const STATUSES: [(&str, i32); 10] = [
    ("emergency", 24),
    ("alert", 23),
    ("critical", 21),
    ("error", 17),
    ("warn", 13),
    ("warning", 13),
    ("notice", 10),
    ("info", 9),
    ("ok", 9),
    ("debug", 5),
];
/// Nanoseconds of a millisecond.
const MILLI_NS: i64 = 1_000_000;

/// The log records.
pub(super) fn logs(items: &[Json]) -> Vec<LogRecord> {
    items.iter().filter_map(|item| log(item.pointer("/attributes")?)).collect()
}

fn log(one: &Json) -> Option<LogRecord> {
    let tags = list(one, "/tags");
    let mut values = Values::new();
    if let Some(more) = one.get("attributes") {
        flat("", more, &mut values);
    }
    let told = |name: &str| values.get(name).map_or("", String::as_str);
    let first =
        |names: [&'static str; 3]| names.map(told).into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    let service = [text(one, "/service"), tag(tags, "service")].into_iter().find(|name| !name.is_empty());
    let key = [service.unwrap_or_default(), instance(one), tag(tags, "version"), tag(tags, "env")]
        .map(str::to_owned);
    let status = text(one, "/status");
    let span = first(["span_id", "dd.span_id", "otel.span_id"]);
    Some(LogRecord {
        at: time(one, "/timestamp")?,
        trace_id: trace_id(first(["trace_id", "dd.trace_id", "otel.trace_id"]), told("otel.trace_id"), ""),
        span_id: span.parse().ok().or_else(|| span_id(span)),
        severity: STATUSES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(status))
            .map_or(0, |(_, number)| *number),
        body: Value::Text(Arc::from(text(one, "/message"))),
        attributes: values
            .iter()
            .map(|(name, value)| (Arc::from(name.as_str()), Value::Text(Arc::from(value.as_str()))))
            .collect(),
        resource: Arc::new(described(&key)),
    })
}

/// The changes among events: one for each service that one reached.
pub(super) fn changes(items: &[Json]) -> Vec<Change> {
    items.iter().filter_map(|item| changed(item.pointer("/attributes")?)).flatten().collect()
}

fn changed(event: &Json) -> Option<Vec<Change>> {
    let one = event.pointer("/attributes")?;
    let what = text(one, "/changed_resource/name");
    if what.is_empty() {
        return None;
    }
    let kind = match text(one, "/changed_resource/type") {
        "feature_flag" => "flag",
        "configuration" => "config",
        _ => "deploy",
    };
    let (before, after) = (told(one, "/prev_value"), told(one, "/new_value"));
    let at = number(one, "/timestamp").map(|millis| UnixNanos((millis as i64).saturating_mul(MILLI_NS)));
    let change = |service: &str| Change {
        at: at.or_else(|| time(event, "/timestamp")).unwrap_or_default(),
        kind: kind.to_owned(),
        service: service.to_owned(),
        id: entry(one, "/change_metadata", "commit").to_owned(),
        before: before.clone(),
        after: if after.is_empty() { what.to_owned() } else { after.clone() },
        author: text(one, "/author/name").to_owned(),
        summary: format!("{what}: {}", text(one, "/title")),
        ..Change::default()
    };
    let impacted: Vec<&str> = list(one, "/impacted_resources")
        .iter()
        .filter(|resource| text(resource, "/type") == "service")
        .map(|resource| text(resource, "/name"))
        .collect();
    if impacted.is_empty() {
        return Some(vec![change(text(one, "/service"))]);
    }
    Some(impacted.into_iter().map(change).collect())
}

/// The settings of a value, as they may be told.
fn told(one: &Json, pointer: &str) -> String {
    let mut values = Values::new();
    if let Some(value) = one.pointer(pointer).filter(|value| !value.is_null()) {
        flat("", value, &mut values);
    }
    values.iter().map(|(name, value)| shown(name, value)).collect::<Vec<_>>().join(", ")
}

/// The monitors, and how many have changed since the window.
pub(super) fn monitors(items: &[Json], window: Window) -> (Vec<State>, u64) {
    let is_then = |one: &&Json| time(one, "/overall_state_modified").is_none_or(|at| at <= window.to);
    let states: Vec<State> = items.iter().filter(is_then).map(monitor).collect();
    let left_out = (items.len() - states.len()) as u64;
    (states, left_out)
}

fn monitor(one: &Json) -> State {
    let tags = list(one, "/tags");
    let service = ["service", "kube_deployment"].map(|name| tag(tags, name));
    let status = match text(one, "/overall_state") {
        "OK" => "ok",
        "Alert" => "alert",
        "Warn" => "warn",
        "No Data" => "no_data",
        other => other,
    };
    State {
        since: time(one, "/overall_state_modified"),
        kind: "monitor".to_owned(),
        service: service.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned(),
        name: text(one, "/name").to_owned(),
        status: status.to_owned(),
        text: text(one, "/message").to_owned(),
        attributes: [("query".to_owned(), text(one, "/query").to_owned())].into(),
        ..State::default()
    }
}
