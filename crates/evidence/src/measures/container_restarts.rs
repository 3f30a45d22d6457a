//! State: containers that end again and again, or are kept from traffic, and why: memory, a probe, or by themselves.
//!
//! Kubernetes, "Pod Lifecycle": the kubelet starts a container that ended again after a back-off that grows to five
//! minutes (`CrashLoopBackOff`) and is forgotten after ten minutes of running; a container that the kernel's memory killer
//! ended says `OOMKilled`; a failed liveness or startup probe makes the kubelet end a container that works, and then the
//! exit code is that of a clean end, or of a signal (128 + 9 or 15). A failed readiness probe only keeps it from traffic.
//!
//! When the replicas of a newer revision are all down while those of an older one serve, it is the revision that makes
//! the difference: a bad rollout, not a workload that crashes. A pod that is being removed may end as it likes.

use std::collections::BTreeMap;

use incident::{CandidateKind, Fault};
use telemetry::answer::{StateKind, StateRow};

use super::Measure;
use crate::state::workload::{self, Pod};
use crate::state::{Bystander, Innocence, Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "container_restarts",
    finds: "containers that end again and again or fail a probe, and whether memory, a probe, a revision or they do it",
    questions: &["log_templates", "state"],
};

/// Restarts below which nothing goes around: a deploy or a lost node makes one or two.
const RESTARTS_MIN: f64 = 3.0;
/// Exit codes of a container that was told to end: cleanly, by SIGKILL, by SIGTERM.
const TOLD_TO_END: [f64; 3] = [0.0, 137.0, 143.0];

/// Reads the restarts.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let pods = workload::pods(scene);
    let mut reading = Reading::default();
    let mut groups: BTreeMap<(&str, &str, Fault), Vec<Seen<'_>>> = BTreeMap::new();
    for pod in &pods {
        for container in &pod.containers {
            let seen = Seen::of(scene, pod, container);
            if pod.is_removed() {
                reading.bystanders.extend(removed(&seen));
            } else if let Some(fault) = seen.fault() {
                groups.entry((&pod.row.service, pod.replica_set(), fault)).or_default().push(seen);
            } else if seen.restarts >= RESTARTS_MIN {
                reading.bystanders.push(over(&seen));
            }
        }
    }
    for ((service, set, fault), seen) in groups {
        let older = workload::older_ready(&pods, service, set);
        reading.troubles.push(trouble(scene, (service, set), fault, &seen, older));
    }
    reading
}

/// One container with what was told of it.
struct Seen<'a> {
    pod: &'a Pod<'a>,
    container: &'a StateRow,
    restarts: f64,
    exit_code: Option<f64>,
    is_looping: bool,
    is_memory: bool,
    /// The probe that fails, when one does.
    probe: Option<&'a StateRow>,
}

impl<'a> Seen<'a> {
    fn of(scene: &Scene<'a>, pod: &'a Pod<'a>, container: &'a StateRow) -> Self {
        let object = format!("Pod/{}", pod.row.name);
        let events: Vec<&StateRow> = scene
            .of(StateKind::Event)
            .filter(|event| event.name == object && scene.is_fresh(event.at))
            .collect();
        let restarts = container.figure("restarts").unwrap_or(0.0);
        let is_new = container.since.is_none_or(|since| scene.is_fresh(since));
        let is_up = container.figure("ready") == Some(1.0);
        let is_back_off = container.status == "CrashLoopBackOff";
        let told = events
            .iter()
            .find_map(|event| wording::number_after(&event.text, &["exit_code", "exit code", "exitcode"]));
        let is_memory = [container.status.as_str(), container.attribute("last_reason")]
            .contains(&"OOMKilled")
            || events.iter().any(|event| wording::says(&event.text, &["oomkilled", "out of memory"]));
        let is_probe = |event: &&&StateRow| {
            wording::says(
                &event.text,
                &["probe failed", "liveness probe", "readiness probe", "startup probe"],
            )
        };
        // What ends the container counts before what keeps it from traffic.
        let failing = events.iter().filter(|event| event.status == "Unhealthy").find(is_probe);
        Self {
            pod,
            container,
            restarts,
            exit_code: container.figure("exit_code").or(told),
            is_looping: is_back_off
                || (restarts >= RESTARTS_MIN && (is_new || !is_up))
                || ["Error", "OOMKilled", "ContainerCannotRun", "Terminated"]
                    .contains(&container.status.as_str()),
            is_memory,
            probe: failing.or_else(|| events.iter().find(is_probe)).copied(),
        }
    }

    fn fault(&self) -> Option<Fault> {
        let is_ready = self.container.figure("ready") == Some(1.0);
        if self.is_looping {
            let is_told = self.exit_code.is_none_or(|code| TOLD_TO_END.contains(&code));
            return Some(match (self.is_memory, self.probe) {
                (true, _) => Fault::MemoryExhausted,
                (_, Some(_)) if is_told => Fault::ProbeFailure,
                _ => Fault::CrashLoop,
            });
        }
        let is_running = self.container.status == "Running";
        (is_running && !is_ready && self.probe.is_some()).then_some(Fault::ProbeFailure)
    }
}

fn trouble(
    scene: &Scene<'_>,
    (service, set): (&str, &str),
    fault: Fault,
    seen: &[Seen<'_>],
    older: Option<&str>,
) -> Trouble {
    let is_revision = fault == Fault::CrashLoop && older.is_some();
    let restarts = seen.iter().map(|one| one.restarts).fold(0.0, f64::max);
    let code = seen.iter().find_map(|one| one.exit_code);
    let line = workload::gravest(scene, service).map(|row| wording::short(&row.example));
    let mut says = format!(
        "{} of `{service}` ({set}): {}",
        if seen.len() == 1 { "a container".to_owned() } else { format!("{} containers", seen.len()) },
        how(fault, seen, restarts, code)
    );
    if let (Fault::CrashLoop, Some(line)) = (fault, &line) {
        says += &format!("; `{service}` logs \"{line}\"");
    }
    if let (true, Some(older)) = (is_revision, older) {
        says = format!(
            "the rollout of `{service}` is stuck: no replica of the new ReplicaSet {set} becomes ready, while {older} \
             still serves; {says}"
        );
    }
    let fault = if is_revision { Fault::BadRollout } else { fault };
    let mut found = Trouble::new(fault, service, says, SeenIn::State);
    found.instances = seen.iter().map(|one| one.pod.row.name.clone()).collect();
    found.instances.sort_unstable();
    found.instances.dedup();
    found.resource = match fault {
        Fault::ProbeFailure => {
            seen.iter().find_map(|one| one.probe).map_or(String::new(), |p| p.text.clone())
        }
        _ => set.to_owned(),
    };
    found.since = workload::earliest(seen.iter().map(|one| one.pod.row.since));
    found.numbers = vec![("containers", seen.len() as f64), ("restarts_most", restarts)];
    found.numbers.extend(code.map(|code| ("exit_code", code)));
    if line.is_some() && fault != Fault::ProbeFailure {
        found.seen_in.push(SeenIn::Logs);
    }
    if older.is_some() {
        found.trigger = format!("the rollout of {set}");
        found.condition =
            "the replicas of the revision before still serve, so that requests do not fail".to_owned();
    }
    found.sustained_by = "the kubelet starts the container again after each end".to_owned();
    // Such an end may be its own or another's wish.
    if fault == Fault::CrashLoop && code.is_some_and(|code| TOLD_TO_END.contains(&code)) {
        found.missing = "who ends it: no event of the pod tells".to_owned();
    }
    found
}

fn how(fault: Fault, seen: &[Seen<'_>], restarts: f64, code: Option<f64>) -> String {
    let ended = code.map_or(String::new(), |code| format!(" with exit code {code}"));
    match fault {
        Fault::MemoryExhausted => {
            format!("out of memory, the kernel ended it (OOMKilled) up to {restarts} times")
        }
        Fault::ProbeFailure => {
            let probe = seen.iter().find_map(|one| one.probe).map_or("", |row| row.text.as_str());
            let clean = if code.is_some_and(|code| TOLD_TO_END.contains(&code)) {
                format!("; it was told to end{ended} and did not crash or run out of memory")
            } else {
                String::new()
            };
            format!(
                "it works and fails its probe (\"{}\"), restarted up to {restarts} times{clean}",
                wording::short(probe)
            )
        }
        _ => format!("it ends{ended} and is started again, up to {restarts} times; not out of memory"),
    }
}

fn removed(seen: &Seen<'_>) -> Option<Bystander> {
    let is_odd = seen.is_looping || seen.container.figure("ready") != Some(1.0);
    is_odd.then(|| Bystander {
        innocence: Innocence::Removed,
        kind: CandidateKind::Resource,
        service: seen.pod.row.service.clone(),
        name: seen.pod.row.name.clone(),
        says: format!(
            "{} ({}) is being removed since {} and belongs to {}: its end is wanted",
            seen.pod.row.name,
            seen.container.status,
            seen.pod.row.attribute("deleted_at"),
            seen.pod.replica_set()
        ),
        numbers: vec![("restarts", seen.restarts)],
        seen_in: SeenIn::State,
    })
}

fn over(seen: &Seen<'_>) -> Bystander {
    Bystander {
        innocence: Innocence::Over,
        kind: CandidateKind::Resource,
        service: seen.pod.row.service.clone(),
        name: seen.pod.row.name.clone(),
        says: format!(
            "{} was restarted {} times, and runs since {} UTC",
            seen.pod.row.name,
            seen.restarts,
            seen.container.since.map_or("long ago".to_owned(), |since| since.clock())
        ),
        numbers: vec![("restarts", seen.restarts)],
        seen_in: SeenIn::State,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{Container, LOOPING, WELL, World, faults};

    const LIVENESS: (&str, &str) =
        ("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 503");

    fn one(container: Container<'_>) -> World {
        World::default().pod("a", "1", "x", container)
    }

    #[test]
    fn an_end_is_told_apart_by_memory_probe_and_exit_code() {
        let of = |world: World| world.read(read);
        assert_eq!(faults(&of(one(Container { exit_code: Some(1.0), ..LOOPING }))), ["crash_loop"]);
        let killed = Container { exit_code: Some(137.0), last_reason: "OOMKilled", ..LOOPING };
        assert_eq!(faults(&of(one(killed))), ["memory_exhausted"]);
        let ended = one(Container { exit_code: Some(0.0), status: "Running", ..LOOPING });
        let probed = of(ended.clone().event("a", "Pod/a-1-x", LIVENESS, 2));
        assert_eq!(faults(&probed), ["probe_failure"]);
        // Without the event nobody knows who ended it.
        let unknown = of(ended);
        assert_eq!(faults(&unknown), ["crash_loop"]);
        assert!(!unknown.troubles[0].is_shown());
        // A crash is a crash, even where a probe fails as well.
        let both = one(Container { exit_code: Some(2.0), ..LOOPING }).event("a", "Pod/a-1-x", LIVENESS, 2);
        assert_eq!(faults(&of(both)), ["crash_loop"]);
    }

    #[test]
    fn a_new_revision_that_is_all_down_beside_an_old_one_that_serves_is_a_bad_rollout() {
        let failing = Container { exit_code: Some(1.0), ..LOOPING };
        let world = one(WELL).pod("a", "2", "y", failing).log("a", 21, "FATAL no setting X", 1);
        let reading = world.read(read);
        assert_eq!(faults(&reading), ["bad_rollout"]);
        assert!(reading.troubles[0].says.contains("no setting X"), "{}", reading.troubles[0].says);
        // The revision is not to blame when one of its replicas is well, or when the old one fails.
        let mixed =
            one(WELL).pod("a", "2", "y", failing).pod("a", "2", "z", Container { age_minutes: 10, ..WELL });
        assert_eq!(faults(&mixed.read(read)), ["crash_loop"]);
        let older = one(Container { age_minutes: 5000, ..failing }).pod("a", "2", "y", WELL);
        assert_eq!(faults(&older.read(read)), ["crash_loop"]);
    }

    #[test]
    fn what_is_removed_and_what_runs_again_are_bystanders() {
        let removed = one(Container { deleted_at: "2026-01-01T00:00:00Z", ..LOOPING }).read(read);
        assert!(removed.troubles.is_empty());
        assert_eq!(removed.bystanders[0].innocence, Innocence::Removed);
        let recovered = one(Container { restarts: 4.0, runs_minutes: 60, ..WELL }).read(read);
        assert!(recovered.troubles.is_empty());
        assert_eq!(recovered.bystanders[0].innocence, Innocence::Over);
        assert_eq!(one(WELL).read(read), Reading::default());
        assert_eq!(one(Container { restarts: 2.0, ..WELL }).read(read), Reading::default());
    }
}
