//! Pods, deployments, nodes, events and pod logs of a cluster, as the files write them.

use std::path::Path;

use serde_json::Value as Json;
use telemetry::UnixNanos;

use super::lines::Lines;
use super::{attribute, figure, list, optional, text, time};
use crate::files::FileError;
use telemetry::recorded::{State, Tables};

pub(super) fn read(folder: &Path, component: &str, tables: &mut Tables) -> Result<(), FileError> {
    let file = |name: &str| optional(&folder.join(name));
    let deployments = file("eks_deployments.json")?;
    let deployments = list(deployments.as_ref(), "deployments");
    let told = deployments.iter().map(|one| text(one, "name"));
    let workloads: Vec<&str> = told.chain([component]).filter(|name| !name.is_empty()).collect();
    tables.states.extend(deployments.iter().map(deployment));
    for pod in list(file("eks_pods.json")?.as_ref(), "pods") {
        states_of_pod(pod, workload(text(pod, "name"), &workloads), &mut tables.states);
    }
    tables.states.extend(list(file("eks_node_health.json")?.as_ref(), "nodes").iter().map(node));
    if let Some(events) = file("eks_events.json")? {
        for name in ["warning_events", "events"] {
            tables.states.extend(list(Some(&events), name).iter().map(|one| event(one, &workloads)));
        }
    }
    if let Some(logs) = file("eks_pod_logs.json")? {
        pod_logs(&logs, &workloads, tables);
    }
    Ok(())
}

/// The deployment that a pod belongs to: the longest whose name its own begins with; else its name without the two
/// parts that a deployment adds.
pub(super) fn workload<'a>(pod: &'a str, workloads: &[&'a str]) -> &'a str {
    let is_of = |name: &&&str| pod.strip_prefix(**name).is_some_and(|rest| rest.starts_with('-'));
    let known = workloads.iter().filter(is_of).max_by_key(|name| name.len()).copied();
    known.unwrap_or_else(|| pod.rsplitn(3, '-').nth(2).unwrap_or(pod))
}

fn deployment(json: &Json) -> State {
    let name = text(json, "name").to_owned();
    let mut state = State { kind: "deployment".to_owned(), service: name.clone(), name, ..State::default() };
    for (figure_name, names) in [
        ("desired", ["desired", "replicas"]),
        ("ready", ["ready", "ready_replicas"]),
        ("available", ["available", "available_replicas"]),
        ("unavailable", ["unavailable", "unavailable_replicas"]),
    ] {
        figure(&mut state, figure_name, names.iter().find_map(|name| json.get(*name)));
    }
    state
}

fn states_of_pod(json: &Json, workload: &str, states: &mut Vec<State>) {
    let name = text(json, "name");
    let mut pod = State {
        since: time(json, "start_time"),
        kind: "pod".to_owned(),
        service: workload.to_owned(),
        name: name.to_owned(),
        status: text(json, "phase").to_owned(),
        text: [text(json, "reason"), text(json, "message")].join(" ").trim().to_owned(),
        ..State::default()
    };
    attribute(&mut pod, "node", text(json, "node_name"));
    attribute(&mut pod, "deleted_at", text(json, "deletion_timestamp"));
    if let Some((set, _)) = name.rsplit_once('-') {
        attribute(&mut pod, "replica_set", set);
    }
    for condition in list(Some(json), "conditions").iter().filter(|one| text(one, "status") == "False") {
        let why = [text(condition, "reason"), text(condition, "message")].join(" ");
        let why = why.trim();
        attribute(
            &mut pod,
            &format!("not.{}", text(condition, "type")),
            if why.is_empty() { "?" } else { why },
        );
    }
    states.push(pod);
    for container in list(Some(json), "containers") {
        states.push(state_of_container(container, name, workload));
    }
}

fn state_of_container(json: &Json, pod: &str, workload: &str) -> State {
    let nothing = Json::Null;
    let now = json.get("state").unwrap_or(&nothing);
    let before = ["last_state", "lastState"].iter().find_map(|name| json.get(*name)).unwrap_or(&nothing);
    let ended = [now, before].into_iter().find_map(|state| state.get("terminated")).unwrap_or(&nothing);
    let is =
        |name: &str| now.get(name).is_some_and(|value| value.as_bool() != Some(false) && !value.is_null());
    let inner = |name: &str| now.get(name).filter(|value| value.is_object());
    let reason = |default: &str| {
        let told = ["waiting", "terminated"].iter().find_map(|name| inner(name)).unwrap_or(now);
        let told = text(told, "reason");
        if told.is_empty() { default.to_owned() } else { told.to_owned() }
    };
    let status = match (is("waiting"), is("terminated")) {
        (true, _) => reason("Waiting"),
        (_, true) => reason("Terminated"),
        _ => "Running".to_owned(),
    };
    let said = inner("waiting").or(inner("terminated")).unwrap_or(now);
    let started = inner("running").unwrap_or(now);
    let mut state = State {
        since: time(started, "started_at"),
        kind: "container".to_owned(),
        service: workload.to_owned(),
        name: format!("{pod}/{}", text(json, "name")),
        status,
        text: text(said, "message").to_owned(),
        ..State::default()
    };
    attribute(&mut state, "pod", pod);
    attribute(&mut state, "image", text(json, "image"));
    let last = [text(before, "reason"), text(ended, "reason"), text(json, "last_reason")];
    attribute(&mut state, "last_reason", last.into_iter().find(|word| !word.is_empty()).unwrap_or_default());
    figure(&mut state, "ready", json.get("ready"));
    figure(&mut state, "restarts", json.get("restart_count"));
    let code = [ended, before, now].into_iter().find_map(|one| one.get("exit_code"));
    figure(&mut state, "exit_code", code);
    state
}

fn node(json: &Json) -> State {
    let status = match text(json, "ready") {
        "True" => "Ready",
        "False" => "NotReady",
        _ => "Unknown",
    };
    let name = text(json, "name").to_owned();
    let mut state = State { kind: "node".to_owned(), name, status: status.to_owned(), ..State::default() };
    for pressure in ["memory_pressure", "disk_pressure", "pid_pressure"] {
        attribute(&mut state, pressure, text(json, pressure));
    }
    for (name, field) in
        [("cpu_allocatable", "allocatable_cpu"), ("memory_allocatable", "allocatable_memory")]
    {
        if let Some(amount) = quantity(text(json, field)) {
            state.figures.insert(name.to_owned(), amount);
        }
    }
    state
}

/// A quantity of Kubernetes: a number with a suffix, in cores or bytes.
fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 5] =
        [("Ki", 1024.0), ("Mi", 1024.0 * 1024.0), ("Gi", 1024.0 * 1024.0 * 1024.0), ("m", 0.001), ("", 1.0)];
    SUFFIXES.iter().find_map(|(suffix, factor)| {
        text.strip_suffix(suffix)?.parse::<f64>().ok().map(|number| number * factor)
    })
}

fn event(json: &Json, workloads: &[&str]) -> State {
    let object = text(json, "involved_object");
    let (kind, name) = object.split_once('/').unwrap_or(("", object));
    let service = match kind {
        "Node" => "",
        "Deployment" | "" => name,
        "ReplicaSet" => name.rsplit_once('-').map_or(name, |(workload, _)| workload),
        _ => workload(name, workloads),
    };
    let last = time(json, "last_time").or_else(|| time(json, "first_time"));
    let mut state = State {
        at: last.unwrap_or(UnixNanos(0)),
        since: time(json, "first_time"),
        kind: "event".to_owned(),
        service: service.to_owned(),
        name: object.to_owned(),
        status: text(json, "reason").to_owned(),
        text: text(json, "message").to_owned(),
        ..State::default()
    };
    attribute(&mut state, "type", text(json, "type"));
    figure(&mut state, "count", json.get("count"));
    state
}

/// The log of one pod as one text. A line without a time was written when the one before it was.
fn pod_logs(json: &Json, workloads: &[&str], tables: &mut Tables) {
    let pod = text(json, "pod_name");
    let mut lines = Lines::default();
    let mut last = UnixNanos(0);
    for line in text(json, "logs").lines().filter(|line| !line.trim().is_empty()) {
        let (said, rest) = match (crate::clock_text::parse(line), line.split_once(' ')) {
            (Some(at), Some((_, rest))) => {
                last = at;
                (rest.split(' ').next().unwrap_or_default(), rest)
            }
            _ => ("", line),
        };
        if last != UnixNanos(0) {
            tables.logs.push(lines.record(last, (workload(pod, workloads), pod), said, rest));
        }
    }
}
