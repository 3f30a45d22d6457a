//! State: nodes that run no pods any more, or run out of something.
//!
//! Kubernetes, "Nodes" and "Node-pressure Eviction": the condition `Ready` is `False` when the kubelet is not well, and
//! `Unknown` when nothing was heard of it for forty seconds; under memory, disk or process-id pressure the kubelet evicts
//! pods. A node that none of the workload's pods is on, and that none was evicted from, is no reason for it.

use incident::{CandidateKind, Fault};
use telemetry::answer::StateKind;

use super::Measure;
use crate::state::workload::{self, Pod};
use crate::state::{Bystander, Innocence, Reading, Scene, SeenIn, Trouble};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "node_state",
    finds: "nodes that are not ready or under pressure, and whose pods suffer from it",
    questions: &["state"],
};

const PRESSURES: [(&str, &str); 3] =
    [("memory_pressure", "memory"), ("disk_pressure", "disk"), ("pid_pressure", "process ids")];

/// Reads the nodes.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let mut reading = Reading::default();
    let pods = workload::pods(scene);
    for node in scene.of(StateKind::Node) {
        let pressure = PRESSURES.iter().find(|(name, _)| node.attribute(name) == "True");
        let is_up = node.status == "Ready";
        let (fault, what) = match (is_up, pressure) {
            (true, None) => continue,
            (true, Some((_, of))) => (Fault::NodePressure, format!("runs out of {of}")),
            (false, _) => (Fault::NodeNotReady, format!("is {}", node.status)),
        };
        let on_it: Vec<&Pod<'_>> = pods.iter().filter(|pod| pod.row.attribute("node") == node.name).collect();
        let suffering = on_it.iter().filter(|pod| !pod.is_ready() && !pod.is_removed()).count();
        let evicted = on_it.iter().filter(|pod| pod.row.text.contains("vict")).count();
        let says = format!(
            "node {} {what}: {suffering} of {} pods on it are not ready, {evicted} were evicted",
            node.name,
            on_it.len()
        );
        let numbers = vec![("pods", on_it.len() as f64), ("pods_not_ready", suffering as f64)];
        if suffering == 0 && evicted == 0 {
            reading.bystanders.push(Bystander {
                innocence: Innocence::Coincides,
                kind: CandidateKind::Resource,
                service: String::new(),
                name: node.name.clone(),
                says,
                numbers,
                seen_in: SeenIn::State,
            });
            continue;
        }
        let mut found = Trouble::new(fault, &node.name, says, SeenIn::State);
        found.instances = on_it.iter().map(|pod| pod.row.name.clone()).collect();
        found.since = node.since;
        found.numbers = numbers;
        reading.troubles.push(found);
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{Container, WELL, World, faults, row};

    #[test]
    fn a_node_counts_when_pods_suffer_on_it() {
        let lost = Container { is_ready: false, ..WELL };
        let node = |status| row(StateKind::Node, "", "n1", status);
        let world =
            |container, status| World::default().pod("a", "1", "x", container).add(node(status)).read(read);
        assert_eq!(faults(&world(lost, "NotReady")), ["node_not_ready"]);
        assert!(world(lost, "Ready").troubles.is_empty());
        let spared = world(WELL, "NotReady");
        assert!(spared.troubles.is_empty());
        assert_eq!(spared.bystanders[0].innocence, Innocence::Coincides);
        let mut pressed = node("Ready");
        pressed.attributes = vec![("disk_pressure".to_owned(), "True".to_owned())];
        assert_eq!(
            faults(&World::default().pod("a", "1", "x", lost).add(pressed).read(read)),
            ["node_pressure"]
        );
    }
}
