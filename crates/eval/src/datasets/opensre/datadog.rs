//! Log lines and monitors of Datadog.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;
use telemetry::{LogRecord, UnixNanos, Value};

use super::{attribute, list, optional, text, time};
use crate::files::FileError;
use crate::folder::Shared;
use crate::tables::{State, Tables};

/// The first severity number of the range of a level (OpenTelemetry, logs data model).
const LEVELS: [(&str, i32); 9] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("notice", 9),
    ("warn", 13),
    ("warning", 13),
    ("error", 17),
    ("fatal", 21),
    ("critical", 21),
];

/// Log lines that share their resources.
#[derive(Default)]
pub(super) struct Lines(Shared);

impl Lines {
    /// A line of a service's instance.
    pub(super) fn record(
        &mut self,
        at: UnixNanos,
        (service, instance): (&str, &str),
        level: &str,
        body: &str,
    ) -> LogRecord {
        let severity = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(level));
        LogRecord {
            at,
            trace_id: None,
            span_id: None,
            severity: severity.map_or(0, |(_, number)| *number),
            body: Value::Text(Arc::from(body)),
            attributes: Vec::new(),
            resource: self.0.resource(service, instance, ""),
        }
    }
}

pub(super) fn read(folder: &Path, tables: &mut Tables) -> Result<(), FileError> {
    let mut lines = Lines::default();
    for line in list(optional(&folder.join("datadog_logs.json"))?.as_ref(), "logs") {
        if let Some(at) = time(line, "timestamp") {
            let of = (text(line, "service"), text(line, "host"));
            tables.logs.push(lines.record(at, of, text(line, "status"), text(line, "message")));
        }
    }
    let monitors = optional(&folder.join("datadog_monitors.json"))?;
    tables.states.extend(list(monitors.as_ref(), "monitors").iter().map(monitor));
    Ok(())
}

fn monitor(json: &Json) -> State {
    let tags = list(Some(json), "tags").iter().filter_map(Json::as_str);
    let of = |tag: &str| {
        let (name, value) = tag.split_once(':')?;
        ["service", "kube_deployment", "kube_replicaset", "kube_pod"]
            .contains(&name)
            .then(|| value.to_owned())
    };
    let status = match text(json, "overall_state") {
        "OK" => "ok",
        "Alert" => "alert",
        "Warn" => "warn",
        "No Data" => "no_data",
        other => other,
    };
    let mut state = State {
        kind: "monitor".to_owned(),
        service: tags.filter_map(of).next().unwrap_or_default(),
        name: text(json, "name").to_owned(),
        status: status.to_owned(),
        text: text(json, "message").to_owned(),
        ..State::default()
    };
    attribute(&mut state, "query", text(json, "query"));
    state
}
