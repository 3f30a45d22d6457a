//! A trouble that another one brings about is its effect.
//!
//! One database: without room for writes, statements wait and keep their locks and connections (PostgreSQL, "Disk Full
//! Failure"); background work that takes the volume makes statements wait for it, and their sessions pile up; statements
//! that wait for locks, or for a busy processor, keep their connections. One cluster: a node that is gone or evicts takes
//! its pods with it, whatever they say; replicas that cannot be started or placed are why a rollout is stuck.
//! Names that do not resolve, and parties that are not reached, make a container end by itself that checks them first.
//! Never the other way around: that follows from the mechanism, not from times.

use evidence::state::Trouble;
use incident::Fault;

use super::StateRule;

/// This rule.
pub const RULE: StateRule = StateRule {
    id: "effect_of",
    says: "what another trouble of the same database, node or workload brings about by its mechanism is its effect",
    of: None,
};

/// Cause, effect, and why; both of the same database or workload.
const SAME: [(Fault, Fault, &str); 21] = [
    (Fault::StorageFull, Fault::LockContention, "writes that find no room keep their locks"),
    (Fault::StorageFull, Fault::ConnectionsExhausted, "writes that find no room keep their connections"),
    (Fault::StorageFull, Fault::DiskSaturated, "writes that find no room wait for the volume"),
    (Fault::StorageFull, Fault::Failover, "a database without room restarts or stops"),
    (Fault::StorageFull, Fault::ReplicationLag, "a replica cannot store what it is sent"),
    (Fault::MaintenanceLoad, Fault::CpuSaturated, "background work keeps processors busy with waiting"),
    (Fault::MaintenanceLoad, Fault::DiskSaturated, "background work takes what the volume gives"),
    (
        Fault::MaintenanceLoad,
        Fault::LockContention,
        "background work holds locks or keeps their holders waiting",
    ),
    (Fault::MaintenanceLoad, Fault::ConnectionsExhausted, "sessions pile up behind background work"),
    (
        Fault::MaintenanceLoad,
        Fault::ReplicationLag,
        "background work writes the log that the replica cannot follow",
    ),
    (
        Fault::LockContention,
        Fault::ConnectionsExhausted,
        "sessions that wait for locks keep their connections",
    ),
    (
        Fault::CpuSaturated,
        Fault::ConnectionsExhausted,
        "sessions that wait for a processor keep their connections",
    ),
    (
        Fault::DiskSaturated,
        Fault::ConnectionsExhausted,
        "sessions that wait for the volume keep their connections",
    ),
    (
        Fault::ReplicationLag,
        Fault::DiskSaturated,
        "the writing that the replica cannot follow fills the volume's queue",
    ),
    (Fault::MemoryExhausted, Fault::Failover, "a database without memory restarts"),
    (Fault::BadSetting, Fault::CrashLoop, "what cannot be started ends at once"),
    (Fault::ImagePull, Fault::CrashLoop, "what cannot be fetched cannot be started"),
    (Fault::NameResolution, Fault::CrashLoop, "a process that finds nobody to call at its start ends"),
    (Fault::SlowDependency, Fault::CrashLoop, "a process that reaches nobody at its start ends"),
    (Fault::NameResolution, Fault::SlowDependency, "who has no address is not reached"),
    (Fault::SlowDependency, Fault::ProbeFailure, "a probe that asks whom the process calls fails with it"),
];

/// What a node takes with it.
const OF_NODE: [Fault; 6] = [
    Fault::CrashLoop,
    Fault::MemoryExhausted,
    Fault::ProbeFailure,
    Fault::Unschedulable,
    Fault::BadRollout,
    Fault::VolumeUnavailable,
];

/// Share of the load that waits for its clients from which connections are held by them, whatever else goes on: more
/// than one session in five does nothing.
const HELD_BY_CLIENTS: f64 = 0.2;

/// Whether `effect` is that connections are used up by clients that hold them and send nothing. Such sessions wait for
/// nothing that another trouble of the database could keep from them.
fn is_of_clients(effect: &Trouble) -> bool {
    let share = effect.numbers.iter().find(|(name, _)| *name == "share_waiting_for_client");
    effect.fault == Fault::ConnectionsExhausted && share.is_some_and(|(_, share)| *share >= HELD_BY_CLIENTS)
}

/// Why `cause` brings `effect` about; nothing when it does not.
pub(crate) fn why(cause: &Trouble, effect: &Trouble) -> Option<&'static str> {
    let is_node = matches!(cause.fault, Fault::NodeNotReady | Fault::NodePressure);
    if is_node {
        let is_on_it = effect.instances.iter().any(|instance| cause.instances.contains(instance));
        let is_meant = OF_NODE.contains(&effect.fault) && (is_on_it || effect.fault == Fault::Unschedulable);
        return is_meant.then_some("a node that is gone or evicts takes its pods with it");
    }
    if cause.service != effect.service || is_of_clients(effect) {
        return None;
    }
    SAME.iter().find(|(from, to, _)| (*from, *to) == (cause.fault, effect.fault)).map(|(.., why)| *why)
}

#[cfg(test)]
mod tests {
    use evidence::state::SeenIn;

    use super::*;

    fn trouble(fault: Fault, service: &str, instance: &str) -> Trouble {
        let mut trouble = Trouble::new(fault, service, String::new(), SeenIn::State);
        trouble.instances = vec![instance.to_owned()];
        trouble
    }

    #[test]
    fn an_effect_follows_its_cause_and_never_the_other_way_around() {
        for (cause, effect, _) in SAME {
            let (cause, effect) = (trouble(cause, "a", ""), trouble(effect, "a", ""));
            assert!(why(&cause, &effect).is_some());
            assert!(why(&effect, &cause).is_none(), "{:?} and {:?}", cause.fault, effect.fault);
        }
    }

    #[test]
    fn connections_that_clients_hold_are_no_effect_of_a_busy_processor() {
        let busy = trouble(Fault::CpuSaturated, "a", "");
        let held = |share| {
            let mut held = trouble(Fault::ConnectionsExhausted, "a", "");
            held.numbers = vec![("share_waiting_for_client", share)];
            held
        };
        assert!(why(&busy, &held(0.4)).is_none());
        assert!(why(&busy, &held(0.05)).is_some());
    }

    #[test]
    fn another_database_and_a_pod_on_another_node_are_no_effects() {
        let full = trouble(Fault::StorageFull, "a", "");
        assert!(why(&full, &trouble(Fault::LockContention, "b", "")).is_none());
        let node = trouble(Fault::NodeNotReady, "n", "a-1");
        assert!(why(&node, &trouble(Fault::CrashLoop, "a", "a-1")).is_some());
        assert!(why(&node, &trouble(Fault::CrashLoop, "a", "a-2")).is_none());
    }
}
