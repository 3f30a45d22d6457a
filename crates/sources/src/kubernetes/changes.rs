//! Rollouts, scaling, restarts and replaced pods as `changes`.
//!
//! Pods that a rollout replaces are part of it and no restarts; a container that ends and is begun again and again is a crash
//! loop and no rollout.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use telemetry::recorded::Change;
use telemetry::{UnixNanos, Window};

use super::fetch::Cluster;
use super::names::{Names, kind, owner};
use super::rollouts::{self, Rollout, message};
use super::states::{regarding, times};
use super::template::images;
use crate::json::{list, number, text, time};

/// Seconds in which a Deployment must get on with a rollout, unless it says otherwise.
const PROGRESS_SECONDS: i64 = 600;
/// Restarts from which they are a loop, when the container did not run long.
const LOOP_RESTARTS: f64 = 3.0;
/// Seconds that a container runs until Kubernetes forgets its restarts.
const SETTLED_SECONDS: i64 = 600;
/// What happens to pods that are put away by somebody.
const PUT_AWAY: [&str; 5] = ["Evicted", "Killing", "Preempted", "SuccessfulDelete", "TaintManagerEviction"];

/// What was changed in the window.
pub(super) fn of(cluster: &Cluster, names: &Names, window: Window) -> Vec<Change> {
    let rollouts = rollouts::of(cluster, names, window);
    let scaled = scaled(cluster, names, window, &rollouts);
    let is_scaled: BTreeSet<&str> = scaled.iter().map(|change| change.service.as_str()).collect();
    let mut changes = replaced(cluster, names, window, (&rollouts, &is_scaled));
    changes.extend(cluster.pods.iter().flat_map(|pod| restarts(pod, names, window)));
    changes.extend(scaled);
    changes.extend(rollouts.into_iter().map(|one| one.change));
    changes
}

/// Whether the workload was rolled out at that time.
fn is_rolled_out(rollouts: &[Rollout], (namespace, workload): (&str, &str), at: UnixNanos) -> bool {
    rollouts.iter().any(|one| {
        (one.namespace.as_str(), one.workload.as_str()) == (namespace, workload)
            && one.at <= at
            && at <= one.at.plus_seconds(PROGRESS_SECONDS)
    })
}

/// Other numbers of replicas, as the Deployment's events tell them, outside of rollouts.
fn scaled(cluster: &Cluster, names: &Names, window: Window, rollouts: &[Rollout]) -> Vec<Change> {
    let mut changes = Vec::new();
    for event in cluster.events.iter().filter(|event| text(event, "/reason") == "ScalingReplicaSet") {
        let (namespace, _, workload) = regarding(event);
        let Some((_, at)) = times(event).filter(|(_, at)| window.contains(*at)) else { continue };
        let words: Vec<&str> = message(event).split_whitespace().collect();
        // By version: "to 5", "to 5 from 3", "from 3 to 5".
        let ["Scaled", way, "replica", "set", set, counts @ ..] = words.as_slice() else { continue };
        let count = |word: &str| {
            counts.windows(2).find(|pair| pair.first() == Some(&word)).and_then(|pair| pair.last()).copied()
        };
        let Some(after) = count("to") else { continue };
        if is_rolled_out(rollouts, (namespace, workload), at) || is_of_before(cluster, namespace, set) {
            continue;
        }
        let before = count("from").map(|before| format!("{before} replicas")).unwrap_or_default();
        changes.push(Change {
            at,
            // Fewer are a setting that changed: no instance was added.
            kind: if *way == "up" { "scale" } else { "config" }.to_owned(),
            service: names.of_event(namespace, "Deployment", workload),
            before,
            after: format!("{after} replicas"),
            summary: format!("deployment {namespace}/{workload}: {}", message(event)),
            ..Change::default()
        });
    }
    changes
}

/// Whether a replica set is not the latest one of its Deployment: what happens to it is of a rollout.
fn is_of_before(cluster: &Cluster, namespace: &str, name: &str) -> bool {
    let revision = |set: &Json| {
        crate::json::entry(set, "/metadata/annotations", super::states::REVISION).parse::<u64>().unwrap_or(0)
    };
    let in_space = || cluster.replica_sets.iter().filter(|set| text(set, "/metadata/namespace") == namespace);
    let Some(this) = in_space().find(|set| text(set, "/metadata/name") == name) else { return true };
    in_space().any(|set| owner(set).is_some() && owner(set) == owner(this) && revision(set) > revision(this))
}

/// Pods that began in the window though nothing was rolled out.
fn replaced(
    cluster: &Cluster,
    names: &Names,
    window: Window,
    (rollouts, is_scaled): (&[Rollout], &BTreeSet<&str>),
) -> Vec<Change> {
    let mut changes = Vec::new();
    for pod in &cluster.pods {
        let namespace = text(pod, "/metadata/namespace");
        let created = time(pod, "/metadata/creationTimestamp").filter(|at| window.contains(*at));
        let (Some(at), Some((kind, holder))) = (created, owner(pod)) else { continue };
        let is_kept = |object: &Json, of: &str| {
            (kind, holder, namespace)
                == (of, text(object, "/metadata/name"), text(object, "/metadata/namespace"))
        };
        let set = cluster.replica_sets.iter().find(|set| is_kept(set, "ReplicaSet"));
        let other = cluster.workloads.iter().find(|(resource, one)| is_kept(one, self::kind(resource)));
        // Pods of jobs come and go.
        let Some(holding) = set.or(other.map(|(_, one)| one)) else { continue };
        let workload = owner(holding).map_or(holder, |(_, name)| name);
        let is_new = time(holding, "/metadata/creationTimestamp").is_some_and(|made| window.contains(made));
        if is_new || is_rolled_out(rollouts, (namespace, workload), at) {
            continue;
        }
        let service = names.service(pod, "Pod");
        let name = text(pod, "/metadata/name");
        let gone = if kind == "StatefulSet" {
            Some("itself")
        } else {
            put_away(cluster, (namespace, holder, name), window)
        };
        if gone.is_none() && is_scaled.contains(service.as_str()) {
            continue;
        }
        let image = images(pod);
        let summary = match gone {
            Some(gone) => format!("pod {namespace}/{name} replaces {gone}; nothing was rolled out"),
            None => format!("pod {namespace}/{name} was added; nothing was rolled out"),
        };
        changes.push(Change {
            at,
            kind: if gone.is_some() { "restart" } else { "scale" }.to_owned(),
            service,
            instance: name.to_owned(),
            before: if gone.is_some() { image.clone() } else { String::new() },
            after: image,
            summary,
            ..Change::default()
        });
    }
    changes
}

/// Another pod of the same owner that was put away in the window.
fn put_away<'a>(
    cluster: &'a Cluster,
    (namespace, holder, new): (&str, &str, &str),
    window: Window,
) -> Option<&'a str> {
    let is_other =
        |name: &str| name != new && name.strip_prefix(holder).is_some_and(|rest| rest.starts_with('-'));
    let told = cluster.events.iter().find_map(|event| {
        let (space, kind, name) = regarding(event);
        // A container that fails its probe is killed as well, and its pod stays.
        let is_put_away =
            PUT_AWAY.contains(&text(event, "/reason")) && !message(event).contains("will be restarted");
        let in_window = times(event).is_some_and(|(_, last)| window.contains(last));
        (space == namespace && kind == "Pod" && is_other(name) && is_put_away && in_window).then_some(name)
    });
    told.or_else(|| {
        let all = cluster.pods.iter().filter(|pod| text(pod, "/metadata/namespace") == namespace);
        let leaving = all.filter(|pod| !text(pod, "/metadata/deletionTimestamp").is_empty());
        leaving.map(|pod| text(pod, "/metadata/name")).find(|name| is_other(name))
    })
}

/// Containers of a pod that ended in the window and were begun again.
fn restarts(pod: &Json, names: &Names, window: Window) -> Vec<Change> {
    let mut changes = Vec::new();
    for one in list(pod, "/status/containerStatuses") {
        let count = number(one, "/restartCount").unwrap_or_default();
        let at = time(one, "/lastState/terminated/finishedAt").filter(|at| window.contains(*at));
        let Some(at) = at.filter(|_| count > 0.0) else { continue };
        let ran = time(one, "/lastState/terminated/startedAt").map_or(0, |began| at.since(began));
        let is_waiting = text(one, "/state/waiting/reason") == "CrashLoopBackOff";
        let is_short = ran < SETTLED_SECONDS * telemetry::time::SECOND_NS;
        let is_loop = is_waiting || (count >= LOOP_RESTARTS && is_short);
        let why = text(one, "/lastState/terminated/reason");
        let code = number(one, "/lastState/terminated/exitCode")
            .map_or("unknown".to_owned(), |code| code.to_string());
        let (name, image) = (text(pod, "/metadata/name"), text(one, "/image"));
        changes.push(Change {
            at,
            kind: "restart".to_owned(),
            service: names.service(pod, "Pod"),
            instance: name.to_owned(),
            before: image.to_owned(),
            after: image.to_owned(),
            summary: format!(
                "{}container {} of pod {}/{name} ended ({why}, exit code {code}); restarts: {count}",
                if is_loop { "crash loop: " } else { "" },
                text(one, "/name"),
                text(pod, "/metadata/namespace"),
            ),
            ..Change::default()
        });
    }
    changes
}
