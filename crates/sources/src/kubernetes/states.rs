//! Pods, containers, workloads, nodes and events as `state`.
//!
//! The API tells what is so now. Of a window that ended long ago it tells what has not changed since, and counts the rest as
//! left out.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use telemetry::recorded::State;
use telemetry::time::SECOND_NS;
use telemetry::{UnixNanos, Window};

use super::fetch::Cluster;
use super::names::{Names, kind, owner};
use crate::json::{entry, list, number, text, time};

/// Seconds after a window in which what is read still speaks of its end.
const NOW_SECONDS: i64 = 900;
/// What Kubernetes writes about a Deployment's revisions on its replica sets.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";

/// The states, and how many things are left out because nobody can say how they were then.
pub(super) fn of(cluster: &Cluster, names: &Names, window: Window) -> (Vec<State>, u64) {
    let sets: BTreeMap<(&str, &str), &Json> = cluster
        .replica_sets
        .iter()
        .map(|set| ((text(set, "/metadata/namespace"), text(set, "/metadata/name")), set))
        .collect();
    let is_past = cluster.read_at.is_some_and(|at| at.since(window.to) > NOW_SECONDS * SECOND_NS);
    let (mut states, mut left_out) = (Vec::new(), 0);
    for pod in &cluster.pods {
        if is_then(pod, window.to, is_past) {
            states_of_pod(pod, names, &sets, &mut states);
        } else {
            left_out += 1;
        }
    }
    let workloads = cluster.workloads.iter().filter(|(_, one)| is_then(one, window.to, is_past));
    let nodes = cluster.nodes.iter().filter(|one| is_then(one, window.to, is_past));
    let known = states.len();
    states.extend(workloads.map(|(resource, one)| workload(resource, one, names)));
    states.extend(nodes.map(node));
    left_out += (cluster.workloads.len() + cluster.nodes.len() + known - states.len()) as u64;
    qualify(&mut states);
    states.extend(cluster.events.iter().filter_map(|one| event(one, names, window)));
    (states, left_out)
}

/// Whether the object was there at `to`, and, of a window that is over, whether it has not changed since.
fn is_then(object: &Json, to: UnixNanos, is_past: bool) -> bool {
    let created = time(object, "/metadata/creationTimestamp");
    let is_there = created.is_none_or(|at| at < to);
    is_there && !(is_past && object.get("status").is_some_and(|status| is_later(status, to)))
}

/// Whether any moment of a change stands in it that is later. A heartbeat is no change.
fn is_later(json: &Json, to: UnixNanos) -> bool {
    match json {
        Json::Array(all) => all.iter().any(|one| is_later(one, to)),
        Json::Object(all) => all.iter().any(|(name, one)| {
            let is_change =
                !matches!(name.as_str(), "lastHeartbeatTime" | "lastProbeTime" | "lastUpdateTime");
            is_change && is_later(one, to)
        }),
        Json::String(text) => crate::rfc3339::parse(text).is_some_and(|at| at > to),
        _ => false,
    }
}

/// Things of one name in several namespaces are told apart by these.
fn qualify(states: &mut [State]) {
    let namespace = |state: &State| state.attributes.get("namespace").cloned().unwrap_or_default();
    let mut of: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for state in states.iter() {
        let all = of.entry((state.kind.clone(), state.name.clone())).or_default();
        if !all.contains(&namespace(state)) {
            all.push(namespace(state));
        }
    }
    for state in states {
        if of.get(&(state.kind.clone(), state.name.clone())).is_some_and(|all| all.len() > 1) {
            state.name = format!("{}/{}", namespace(state), state.name);
        }
    }
}

fn state(kind: &str, service: String, object: &Json) -> State {
    let mut state = State {
        kind: kind.to_owned(),
        service,
        name: text(object, "/metadata/name").to_owned(),
        ..State::default()
    };
    attribute(&mut state, "namespace", text(object, "/metadata/namespace"));
    state
}

fn attribute(state: &mut State, name: &str, value: &str) {
    if !value.is_empty() {
        state.attributes.insert(name.to_owned(), value.to_owned());
    }
}

fn figure(state: &mut State, name: &str, value: Option<f64>) {
    state.figures.extend(value.map(|value| (name.to_owned(), value)));
}

/// What conditions that do not hold say.
fn conditions(state: &mut State, object: &Json) {
    for condition in list(object, "/status/conditions").iter().filter(|one| text(one, "/status") == "False") {
        let why = [text(condition, "/reason"), text(condition, "/message")].join(" ");
        let why = if why.trim().is_empty() { "?" } else { why.trim() };
        attribute(state, &format!("not.{}", text(condition, "/type")), why);
    }
}

type Sets<'a> = BTreeMap<(&'a str, &'a str), &'a Json>;

fn states_of_pod(pod: &Json, names: &Names, sets: &Sets<'_>, states: &mut Vec<State>) {
    let service = names.service(pod, "Pod");
    let mut row = state("pod", service.clone(), pod);
    row.since = time(pod, "/status/startTime");
    row.status = text(pod, "/status/phase").to_owned();
    row.text = [text(pod, "/status/reason"), text(pod, "/status/message")].join(" ").trim().to_owned();
    attribute(&mut row, "node", text(pod, "/spec/nodeName"));
    attribute(&mut row, "deleted_at", text(pod, "/metadata/deletionTimestamp"));
    let images: Vec<&str> = list(pod, "/spec/containers").iter().map(|one| text(one, "/image")).collect();
    attribute(&mut row, "image", &images.join(" "));
    let mut deploy = String::new();
    match owner(pod) {
        Some(("ReplicaSet", name)) => {
            attribute(&mut row, "replica_set", name);
            if let Some(set) = sets.get(&(text(pod, "/metadata/namespace"), name)) {
                entry(set, "/metadata/annotations", REVISION).clone_into(&mut deploy);
                attribute(&mut row, "deployed_at", text(set, "/metadata/creationTimestamp"));
            }
        }
        Some(_) => entry(pod, "/metadata/labels", "controller-revision-hash").clone_into(&mut deploy),
        None => {}
    }
    attribute(&mut row, "revision", &deploy);
    conditions(&mut row, pod);
    states.push(row);
    for pointer in ["/status/containerStatuses", "/status/initContainerStatuses"] {
        let is_init = pointer.contains("init");
        for one in list(pod, pointer) {
            // An init container that has done its work is none to look at.
            if !(is_init && number(one, "/state/terminated/exitCode") == Some(0.0)) {
                let mut row = container(one, pod, service.clone());
                attribute(&mut row, "revision", &deploy);
                states.push(row);
            }
        }
    }
}

fn container(one: &Json, pod: &Json, service: String) -> State {
    let mut row = state("container", service, pod);
    row.name = format!("{}/{}", row.name, text(one, "/name"));
    let reason = |at: &str, default: &str| {
        let told = text(one, &format!("/state/{at}/reason"));
        if told.is_empty() { default.to_owned() } else { told.to_owned() }
    };
    let is = |at: &str| one.pointer(&format!("/state/{at}")).is_some_and(Json::is_object);
    row.status = match (is("waiting"), is("terminated"), is("running")) {
        (true, _, _) => reason("waiting", "Waiting"),
        (_, true, _) => reason("terminated", "Terminated"),
        (_, _, true) => "Running".to_owned(),
        // The documented default when nothing is told.
        _ => "Waiting".to_owned(),
    };
    row.since = time(one, "/state/running/startedAt");
    row.text = ["waiting", "terminated"]
        .iter()
        .map(|at| text(one, &format!("/state/{at}/message")))
        .find(|said| !said.is_empty())
        .unwrap_or_default()
        .to_owned();
    attribute(&mut row, "pod", text(pod, "/metadata/name"));
    attribute(&mut row, "image", text(one, "/image"));
    attribute(&mut row, "image_id", text(one, "/imageID"));
    let ended = ["/lastState/terminated", "/state/terminated"];
    let last = ended.iter().map(|at| text(one, &format!("{at}/reason"))).find(|word| !word.is_empty());
    attribute(&mut row, "last_reason", last.unwrap_or_default());
    let ready = one.get("ready").and_then(Json::as_bool);
    figure(&mut row, "ready", ready.map(|ready| f64::from(u8::from(ready))));
    figure(&mut row, "restarts", number(one, "/restartCount"));
    let code = ["/state/terminated/exitCode", "/lastState/terminated/exitCode"];
    figure(&mut row, "exit_code", code.iter().find_map(|at| number(one, at)));
    row
}

fn workload(resource: &str, one: &Json, names: &Names) -> State {
    let mut row = state("deployment", names.service(one, kind(resource)), one);
    let figures = match resource {
        "daemonsets" => [
            ("desired", "/status/desiredNumberScheduled"),
            ("ready", "/status/numberReady"),
            ("available", "/status/numberAvailable"),
            ("unavailable", "/status/numberUnavailable"),
        ],
        _ => [
            ("desired", "/spec/replicas"),
            ("ready", "/status/readyReplicas"),
            ("available", "/status/availableReplicas"),
            ("unavailable", "/status/unavailableReplicas"),
        ],
    };
    for (name, pointer) in figures {
        // A count of none is left out of the answer; a workload without `replicas` has one.
        let none = if name == "desired" { 1.0 } else { 0.0 };
        let none = (resource != "statefulsets" || name != "unavailable").then_some(none);
        figure(&mut row, name, number(one, pointer).or(none));
    }
    conditions(&mut row, one);
    row
}

fn node(one: &Json) -> State {
    let mut row = state("node", String::new(), one);
    let condition = |kind: &str| {
        let all = list(one, "/status/conditions").iter();
        all.filter(|each| text(each, "/type") == kind).map(|each| text(each, "/status")).next()
    };
    row.status = match condition("Ready") {
        Some("True") => "Ready",
        Some("False") => "NotReady",
        _ => "Unknown",
    }
    .to_owned();
    for (name, kind) in [
        ("memory_pressure", "MemoryPressure"),
        ("disk_pressure", "DiskPressure"),
        ("pid_pressure", "PIDPressure"),
    ] {
        attribute(&mut row, name, condition(kind).unwrap_or_default());
    }
    for (name, pointer) in
        [("cpu_allocatable", "/status/allocatable/cpu"), ("memory_allocatable", "/status/allocatable/memory")]
    {
        figure(&mut row, name, quantity(text(one, pointer)));
    }
    row
}

/// A quantity of Kubernetes: a number with a suffix, in cores or bytes.
fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 11] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("u", 1e-6),
        ("m", 1e-3),
        ("", 1.0),
    ];
    SUFFIXES.iter().find_map(|(suffix, factor)| {
        text.strip_suffix(suffix)?.parse::<f64>().ok().map(|number| number * factor)
    })
}

/// What an event speaks of: namespace, kind, name.
pub(super) fn regarding(event: &Json) -> (&str, &str, &str) {
    let at = if event.get("regarding").is_some() { "/regarding" } else { "/involvedObject" };
    let part = |name: &str| text(event, &format!("{at}/{name}"));
    (part("namespace"), part("kind"), part("name"))
}

/// First and last time of an event, in both of its forms (core v1, events.k8s.io/v1).
pub(super) fn times(event: &Json) -> Option<(UnixNanos, UnixNanos)> {
    let any = |pointers: &[&str]| pointers.iter().find_map(|pointer| time(event, pointer));
    let first =
        any(&["/firstTimestamp", "/deprecatedFirstTimestamp", "/eventTime", "/metadata/creationTimestamp"]);
    let last = any(&["/series/lastObservedTime", "/lastTimestamp", "/deprecatedLastTimestamp", "/eventTime"]);
    let (first, last) = (first.or(last)?, last.or(first)?);
    Some((first, last.max(first)))
}

fn event(one: &Json, names: &Names, window: Window) -> Option<State> {
    let (first, last) = times(one)?;
    let (namespace, kind, name) = regarding(one);
    let mut row = state("event", names.of_event(namespace, kind, name), one);
    attribute(&mut row, "namespace", namespace);
    row.name = format!("{kind}/{name}");
    row.status = text(one, "/reason").to_owned();
    let said = [text(one, "/message"), text(one, "/note")];
    row.text = said.into_iter().find(|said| !said.is_empty()).unwrap_or_default().to_owned();
    row.since = Some(first);
    row.at = last;
    if last > window.to && first <= window.to {
        // It goes on: it happened in the window, too.
        row.at = window.to;
        attribute(&mut row, "last_seen", &last.rfc3339());
    }
    attribute(&mut row, "type", text(one, "/type"));
    let count = ["/series/count", "/count", "/deprecatedCount"];
    figure(&mut row, "count", count.iter().find_map(|at| number(one, at)).or(Some(1.0)));
    Some(row)
}
