//! Rollouts: another template of a workload, and what it says otherwise.
//!
//! A Deployment keeps its replica sets, by revision; a rollback takes an older one up again. Of stateful and daemon sets only
//! pods of two revisions side by side can tell: when the older ones are gone, the replacement is told as one of pods.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use telemetry::recorded::Change;
use telemetry::{UnixNanos, Window};

use super::fetch::Cluster;
use super::names::{Names, kind, owner};
use super::states::{REVISION, regarding, times};
use super::template::difference;
use crate::json::{entry, list, text, time};

/// The other revisions that a replica set was before; only a rollback leaves some.
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// What people say about a rollout.
const CAUSE: &str = "kubernetes.io/change-cause";
/// Seconds between a template's change and the replica set made of it, at most.
const WRITTEN_SECONDS: i64 = 5;

/// A rollout, and which pods' owner came of it.
#[derive(Debug)]
pub(super) struct Rollout {
    pub(super) namespace: String,
    pub(super) workload: String,
    pub(super) at: UnixNanos,
    pub(super) change: Change,
}

/// The rollouts that began in the window.
pub(super) fn of(cluster: &Cluster, names: &Names, window: Window) -> Vec<Rollout> {
    let mut sets: BTreeMap<(&str, &str), Vec<Revision<'_>>> = BTreeMap::new();
    for set in &cluster.replica_sets {
        if let Some(("Deployment", workload)) = owner(set) {
            let known = sets.entry((text(set, "/metadata/namespace"), workload)).or_default();
            known.extend(revisions(set).into_iter().map(|(revision, taken)| (revision, taken, set)));
        }
    }
    let mut rollouts = Vec::new();
    for ((namespace, workload), mut sets) in sets {
        sets.sort_by_key(|(revision, ..)| *revision);
        let deployment = cluster.workloads.iter().map(|(_, one)| one).find(|one| {
            (text(one, "/metadata/namespace"), text(one, "/metadata/name")) == (namespace, workload)
                && one.pointer("/spec/strategy").is_some()
        });
        for (place, (revision, taken, set)) in sets.iter().enumerate() {
            let at = began(set, *taken, deployment, cluster).filter(|at| window.contains(*at));
            let Some(at) = at else { continue };
            let before = place.checked_sub(1).and_then(|before| sets.get(before)).map(|(.., set)| *set);
            let mut change = change(names.service(set, "ReplicaSet"), at, before, set);
            change.author = deployment.map(|one| author(one, at)).unwrap_or_default();
            change.files = vec![format!("deployment/{namespace}/{workload}")];
            change.summary = summary(&format!("deployment {namespace}/{workload}"), *revision, before, set);
            let (namespace, workload) = (namespace.to_owned(), workload.to_owned());
            rollouts.push(Rollout { namespace, workload, at, change });
        }
    }
    rollouts.extend(of_pods(cluster, names, window));
    rollouts
}

/// A revision, how its replica set came to be it, and that set.
type Revision<'a> = (u64, Taken, &'a Json);

/// How a replica set came to be the one of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It was made for it.
    Made,
    /// It was taken up again, and by others since: nobody knows when.
    Between,
    /// It was taken up again at last.
    Again,
}

/// Every revision that a replica set was.
fn revisions(set: &Json) -> Vec<(u64, Taken)> {
    let history = entry(set, "/metadata/annotations", HISTORY).split(',').filter_map(|one| one.parse().ok());
    let mut all: Vec<u64> =
        history.chain(entry(set, "/metadata/annotations", REVISION).parse().ok()).collect();
    all.sort_unstable();
    let last = all.len().saturating_sub(1);
    let taken = |place: usize| match place {
        0 => Taken::Made,
        place if place == last => Taken::Again,
        _ => Taken::Between,
    };
    all.into_iter().enumerate().map(|(place, revision)| (revision, taken(place))).collect()
}

/// When the replica set was made, or taken up again.
fn began(set: &Json, taken: Taken, deployment: Option<&Json>, cluster: &Cluster) -> Option<UnixNanos> {
    match taken {
        Taken::Made => return time(set, "/metadata/creationTimestamp"),
        Taken::Between => return None,
        Taken::Again => {}
    }
    let (namespace, name) = (text(set, "/metadata/namespace"), text(set, "/metadata/name"));
    let up = format!("Scaled up replica set {name} ");
    let is_up = |event: &&Json| regarding(event).0 == namespace && message(event).starts_with(&up);
    let event = cluster.events.iter().filter(is_up).filter_map(times).map(|(first, _)| first).max();
    // Without the event, which is kept for an hour: when the Deployment last got on with it.
    event.or_else(|| {
        let progress =
            list(deployment?, "/status/conditions").iter().find(|one| text(one, "/type") == "Progressing");
        time(progress?, "/lastUpdateTime")
    })
}

/// What an event says, in both of its forms.
pub(super) fn message(event: &Json) -> &str {
    let said = text(event, "/message");
    if said.is_empty() { text(event, "/note") } else { said }
}

fn change(service: String, at: UnixNanos, before: Option<&Json>, after: &Json) -> Change {
    let template = |object: &'static str, json: &'_ Json| json.pointer(object).cloned();
    let (old, new) =
        (before.and_then(|one| template("/spec/template", one)), template("/spec/template", after));
    let found = difference(old.as_ref(), new.as_ref().unwrap_or(after));
    Change {
        at,
        kind: found.kind.to_owned(),
        service,
        id: commit(&found.after),
        before: found.before,
        after: found.after,
        diff: found.diff,
        ..Change::default()
    }
}

/// The tag of an image, when it can be a commit's hash.
fn commit(image: &str) -> String {
    let tag = image.rsplit(':').next().unwrap_or_default();
    let is_hash = (7..=40).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_hexdigit());
    // A number is a build's.
    if is_hash && tag.chars().any(|c| c.is_ascii_alphabetic()) { tag.to_owned() } else { String::new() }
}

fn summary(of: &str, revision: u64, before: Option<&Json>, set: &Json) -> String {
    let mut said = format!("{of}: revision {revision} is replica set {}", text(set, "/metadata/name"));
    if let Some(before) = before {
        said.push_str(&format!(", instead of {}", text(before, "/metadata/name")));
    }
    let cause = entry(set, "/metadata/annotations", CAUSE);
    if !cause.is_empty() {
        said.push_str(&format!("; {cause}"));
    }
    said
}

/// Who wrote the workload at that time, as the API server keeps it: `kubectl`, `helm`, `argocd-controller`.
fn author(workload: &Json, at: UnixNanos) -> String {
    let near = |one: &&Json| {
        let written = time(one, "/time");
        let is_near = written.is_some_and(|written| {
            written.plus_seconds(-WRITTEN_SECONDS) <= at && at <= written.plus_seconds(WRITTEN_SECONDS)
        });
        is_near && text(one, "/manager") != "kube-controller-manager" && text(one, "/subresource").is_empty()
    };
    let all = list(workload, "/metadata/managedFields").iter();
    all.filter(near).map(|one| text(one, "/manager")).next().unwrap_or_default().to_owned()
}

/// Rollouts of stateful and daemon sets, from pods of two revisions.
fn of_pods(cluster: &Cluster, names: &Names, window: Window) -> Vec<Rollout> {
    let mut rollouts = Vec::new();
    for (resource, workload) in cluster.workloads.iter().filter(|(resource, _)| *resource != "deployments") {
        let kind = kind(resource);
        let (namespace, name) = (text(workload, "/metadata/namespace"), text(workload, "/metadata/name"));
        let mut first: BTreeMap<&str, (UnixNanos, &Json)> = BTreeMap::new();
        for pod in &cluster.pods {
            let is_of = owner(pod) == Some((kind, name)) && text(pod, "/metadata/namespace") == namespace;
            let revision = entry(pod, "/metadata/labels", "controller-revision-hash");
            if let (true, Some(at)) = (is_of, time(pod, "/metadata/creationTimestamp")) {
                let known = first.entry(revision).or_insert((at, pod));
                if at < known.0 {
                    *known = (at, pod);
                }
            }
        }
        let mut order: Vec<(UnixNanos, &str, &Json)> =
            first.into_iter().map(|(revision, (at, pod))| (at, revision, pod)).collect();
        order.sort_by_key(|(at, revision, _)| (*at, *revision));
        for pair in order.windows(2) {
            let [(_, _, before), (at, revision, after)] = pair else { continue };
            if window.contains(*at) {
                let mut change = change(names.service(workload, kind), *at, Some(before), after);
                let found = difference(Some(before), after);
                (change.kind, change.before) = (found.kind.to_owned(), found.before);
                (change.id, change.after, change.diff) = (commit(&found.after), found.after, found.diff);
                change.files = vec![format!("{}/{namespace}/{name}", kind.to_lowercase())];
                change.summary = format!("{} {namespace}/{name}: revision {revision}", kind.to_lowercase());
                let (namespace, workload) = (namespace.to_owned(), name.to_owned());
                rollouts.push(Rollout { namespace, workload, at: *at, change });
            }
        }
    }
    rollouts
}
