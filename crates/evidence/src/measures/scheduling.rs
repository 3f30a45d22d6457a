//! State: pods that no node may run, or that may not be made at all, and for want of what.
//!
//! Kubernetes, "Scheduling, Preemption and Eviction": a pod without a node is `Pending`, and the event
//! `FailedScheduling` counts the nodes by why each was refused: too little of a resource, a taint, an affinity, a volume.
//! "Resource Quotas": a pod beyond the quota is not made, which the event `FailedCreate` of its set says.
//! A pod that was refused once and runs now is over.

use incident::{CandidateKind, Fault};
use telemetry::answer::{StateKind, StateRow};

use super::Measure;
use crate::state::workload::{self, Pod};
use crate::state::{Bystander, Innocence, Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "scheduling",
    finds: "pods that find no node or exceed a quota, and for want of what",
    questions: &["state"],
};

/// What a scheduler says, and what that means.
const WANTS: [(&str, &str); 9] = [
    ("insufficient cpu", "too little CPU is left on every node"),
    ("insufficient memory", "too little memory is left on every node"),
    ("insufficient ephemeral-storage", "too little disk is left on every node"),
    ("too many pods", "every node runs as many pods as it may"),
    ("taint", "every node has a taint that the pod does not tolerate"),
    ("affinity", "no node fits the pod's selector or affinity"),
    ("topology spread", "no node fits the pod's spread over the topology"),
    ("persistentvolumeclaim", "its volume claim is not bound"),
    ("exceeded quota", "the quota of the namespace is used up"),
];

/// Reads who is not placed.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let mut reading = Reading::default();
    let pods = workload::pods(scene);
    for pod in &pods {
        let refused = refusal(scene, pod);
        let is_waiting = pod.row.status == "Pending"
            && (pod.row.attribute("node").is_empty() || !pod.row.attribute("not.PodScheduled").is_empty());
        if is_waiting && !pod.is_removed() {
            reading.troubles.push(waiting(pod, refused));
        } else if let Some(event) = refused {
            reading.bystanders.push(placed(scene, pod, event));
        }
    }
    for event in
        scene.of(StateKind::Event).filter(|row| row.status == "FailedCreate" && scene.is_fresh(row.at))
    {
        let is_short =
            workload::deployment(scene, &event.service).is_some_and(|row| !workload::is_complete(row));
        if is_short {
            let says = format!("no further pod of `{}` may be made: {}", event.service, want(&event.text));
            let mut found = Trouble::new(Fault::Unschedulable, &event.service, says, SeenIn::State);
            found.since = event.since;
            found.resource = want(&event.text).to_owned();
            reading.troubles.push(found);
        }
    }
    reading
}

fn refusal<'a>(scene: &Scene<'a>, pod: &Pod<'_>) -> Option<&'a StateRow> {
    let object = format!("Pod/{}", pod.row.name);
    scene.of(StateKind::Event).filter(|row| row.name == object && row.status == "FailedScheduling").last()
}

fn want(text: &str) -> &'static str {
    WANTS
        .iter()
        .find(|(phrase, _)| wording::says(text, &[phrase]))
        .map_or("it is not told why", |(_, want)| want)
}

fn waiting(pod: &Pod<'_>, refused: Option<&StateRow>) -> Trouble {
    let condition = pod.row.attribute("not.PodScheduled");
    let text = refused.map_or(condition, |event| event.text.as_str());
    let says = format!(
        "{} of `{}` is Pending and on no node: {} (\"{}\")",
        pod.row.name,
        pod.row.service,
        want(text),
        wording::short(text)
    );
    let mut found = Trouble::new(Fault::Unschedulable, &pod.row.service, says, SeenIn::State);
    found.instances = vec![pod.row.name.clone()];
    found.resource = want(text).to_owned();
    found.since = refused.and_then(|event| event.since).or(pod.row.since);
    found.sustained_by = "the scheduler tries again, and no node is added or freed".to_owned();
    if text.is_empty() {
        found.missing = "what the scheduler says of it".to_owned();
    }
    found
}

fn placed(scene: &Scene<'_>, pod: &Pod<'_>, event: &StateRow) -> Bystander {
    let since = pod.row.since.unwrap_or(event.at);
    Bystander {
        innocence: Innocence::Over,
        kind: CandidateKind::Resource,
        service: pod.row.service.clone(),
        name: pod.row.name.clone(),
        says: format!(
            "{} found no node at {} UTC ({}), and is {} on {} since {} UTC",
            pod.row.name,
            event.at.clock(),
            want(&event.text),
            pod.row.status,
            pod.row.attribute("node"),
            since.clock()
        ),
        numbers: vec![("minutes_before_alert", scene.minutes_before(event.at))],
        seen_in: SeenIn::State,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{Container, WELL, World, faults};

    const REFUSED: (&str, &str) = ("FailedScheduling", "0/2 nodes are available: 2 Insufficient cpu.");

    #[test]
    fn a_pod_without_a_node_says_what_it_wants() {
        let pending = Container { phase: "Pending", status: "Waiting", node: "", is_ready: false, ..WELL };
        let world = World::default().pod("a", "1", "x", pending);
        let unknown = world.read(read);
        assert!(!unknown.troubles[0].is_shown(), "nobody said why");
        let told = world.event("a", "Pod/a-1-x", REFUSED, 1).read(read);
        assert_eq!(faults(&told), ["unschedulable"]);
        assert!(told.troubles[0].is_shown() && told.troubles[0].says.contains("too little CPU"));
    }

    #[test]
    fn a_pod_that_was_placed_since_is_over_and_a_quota_counts_only_while_replicas_lack() {
        let placed =
            World::default().pod("a", "1", "x", WELL).event("a", "Pod/a-1-x", REFUSED, 20).read(read);
        assert!(placed.troubles.is_empty());
        assert_eq!(placed.bystanders[0].innocence, Innocence::Over);
        let quota = ("FailedCreate", "pods is forbidden: exceeded quota: q");
        let world =
            |ready| World::default().deployment("a", ready).event("a", "ReplicaSet/a-1", quota, 1).read(read);
        assert_eq!(faults(&world(1.0)), ["unschedulable"]);
        assert!(world(3.0).troubles.is_empty());
    }
}
