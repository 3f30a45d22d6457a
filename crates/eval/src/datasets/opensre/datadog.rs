//! Log lines and monitors of Datadog.

use std::path::Path;

use serde_json::Value as Json;

use super::lines::Lines;
use super::{attribute, list, optional, text, time};
use crate::files::FileError;
use telemetry::recorded::{State, Tables};

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
