//! Pods and their containers, as a workload's states and events show them.

use std::collections::BTreeMap;

use telemetry::UnixNanos;
use telemetry::answer::{LogTemplateRow, StateKind, StateRow};

use super::Scene;

/// A pod with its containers.
#[derive(Debug, Clone)]
pub struct Pod<'a> {
    /// Its own row.
    pub row: &'a StateRow,
    /// Its containers.
    pub containers: Vec<&'a StateRow>,
}

impl Pod<'_> {
    /// Whether it is being removed.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        !self.row.attribute("deleted_at").is_empty()
    }

    /// Whether all of its containers are ready, or it is done.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is_up = !self.containers.is_empty()
            && self.containers.iter().all(|container| container.figure("ready") == Some(1.0));
        is_up || self.row.status == "Succeeded"
    }

    /// The set of replicas that it belongs to, by the revision.
    #[must_use]
    pub fn replica_set(&self) -> &str {
        self.row.attribute("replica_set")
    }
}

/// All pods, by name.
#[must_use]
pub fn pods<'a>(scene: &Scene<'a>) -> Vec<Pod<'a>> {
    let mut containers: BTreeMap<&str, Vec<&StateRow>> = BTreeMap::new();
    for row in scene.of(StateKind::Container) {
        containers.entry(row.attribute("pod")).or_default().push(row);
    }
    let pod = |row: &'a StateRow| Pod {
        row,
        containers: containers.get(row.name.as_str()).cloned().unwrap_or_default(),
    };
    scene.of(StateKind::Pod).map(pod).collect()
}

/// The deployment of this name.
#[must_use]
pub fn deployment<'a>(scene: &Scene<'a>, service: &str) -> Option<&'a StateRow> {
    scene.of(StateKind::Deployment).find(|row| row.service == service)
}

/// Whether a deployment has all the replicas that it wants.
#[must_use]
pub fn is_complete(row: &StateRow) -> bool {
    let figure = |name: &str| row.figure(name).unwrap_or(0.0);
    figure("ready") >= figure("desired") && figure("unavailable") == 0.0
}

/// The other set of replicas of the same workload that is ready and older, when `failing` is the newer one and none of
/// it is ready: then the revision makes the difference, not the workload.
#[must_use]
pub fn older_ready<'a>(pods: &'a [Pod<'a>], service: &'a str, failing: &'a str) -> Option<&'a str> {
    let of = |set| of_set(pods, service, set);
    let born = |set| of(set).filter_map(|pod| pod.row.since).min();
    let is_all_down = of(failing).filter(|pod| !pod.is_removed()).all(|pod| !pod.is_ready());
    let newer = born(failing)?;
    let mut sets: Vec<&str> =
        pods.iter().filter(|pod| pod.row.service == service).map(Pod::replica_set).collect();
    sets.sort_unstable();
    sets.dedup();
    let is_up = |set: &&'a str| {
        let set = *set;
        set != failing
            && of(set).any(|pod| pod.is_ready() && !pod.is_removed())
            && born(set).is_some_and(|at| at < newer)
    };
    sets.into_iter().find(is_up).filter(|_| is_all_down)
}

fn of_set<'a>(pods: &'a [Pod<'a>], service: &'a str, set: &'a str) -> impl Iterator<Item = &'a Pod<'a>> {
    pods.iter().filter(move |pod| pod.row.service == service && pod.replica_set() == set)
}

/// The gravest line that a service wrote; of equals the first by time, and then the one that says most. Nothing when
/// none is an error.
#[must_use]
pub fn gravest<'a>(scene: &Scene<'a>, service: &str) -> Option<&'a LogTemplateRow> {
    const ERROR: u8 = 17;
    let lines = scene.logs.iter().filter(|row| row.service == service && row.severity >= ERROR);
    let said = |row: &LogTemplateRow| row.example.chars().count();
    lines.max_by(|a, b| {
        (a.severity, b.first, said(a), &b.template).cmp(&(b.severity, a.first, said(b), &a.template))
    })
}

/// The earliest of some times.
pub fn earliest(times: impl IntoIterator<Item = Option<UnixNanos>>) -> Option<UnixNanos> {
    times.into_iter().flatten().min()
}
