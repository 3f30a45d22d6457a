//! What happens when: the steps of the fault, and an innocent deployment some seconds before or after them.
//! It deliberately is decided by the seed alone, before anything happens.

use std::time::Duration;

use crate::fault::{Action, Fault, Script, deploy};
use crate::rng::Rng;
use crate::service::Role;

/// Something that will happen.
#[derive(Debug)]
pub(super) struct Event {
    /// Counted from the beginning of the plan.
    pub(super) after: Duration,
    pub(super) action: Action,
    pub(super) part: Part,
}

/// What an event is in the truth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// The cause with this index begins.
    Cause(usize),
    /// It is innocent.
    Decoy,
    /// It belongs to the fault and begins no cause: what provokes a storm, and its end.
    Other,
}

/// The events in the order of their times.
pub(super) fn timeline(fault: Fault, script: &Script, seed: u64, fault_after: Duration) -> Vec<Event> {
    let is_faultless = script.causes.is_empty();
    let mut events: Vec<_> = script
        .steps
        .iter()
        .map(|step| Event {
            after: fault_after + Duration::from_secs_f64(step.after_s.max(0.0)),
            action: step.action.clone(),
            part: match step.cause {
                Some(cause) => Part::Cause(cause),
                None if is_faultless && matches!(step.action, Action::Deploy { .. }) => Part::Decoy,
                None => Part::Other,
            },
        })
        .collect();
    // Noise is all decoys already.
    if fault != Fault::NoisyDeploys {
        events.push(decoy(script, seed, fault_after));
    }
    events.sort_by_key(|event| event.after);
    events
}

/// A deployment that changes nothing, of a service that no step deploys and no cause lies in.
fn decoy(script: &Script, seed: u64, fault_after: Duration) -> Event {
    let mut rng = Rng::new(seed, 3);
    let is_involved = |role: &Role| {
        let deployed = |action: &Action| matches!(action, Action::Deploy { service, .. } if service == role);
        script.steps.iter().any(|step| deployed(&step.action))
            || script.causes.iter().any(|cause| cause.deployed == *role || cause.name == role.name())
    };
    let candidates = [Role::Checkout, Role::Gateway, Role::Catalog, Role::Stock, Role::Orders];
    let mut innocent = candidates.into_iter().filter(|role| !is_involved(role));
    let (first, second) = (innocent.next().unwrap_or(Role::Gateway), innocent.next());
    let service = if rng.below(2) == 0 { first } else { second.unwrap_or(first) };
    let offset = Duration::from_secs_f64(2.0 + 6.0 * rng.unit());
    let after = if rng.below(2) == 0 { fault_after + offset } else { fault_after.saturating_sub(offset) };
    Event { after, action: deploy(service, "1.4.1", &[]), part: Part::Decoy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(fault: Fault, seed: u64) -> Vec<Event> {
        timeline(fault, &fault.script(1.0).unwrap(), seed, Duration::from_secs(25))
    }

    #[test]
    fn every_fault_has_a_decoy_in_an_unrelated_service_two_to_eight_seconds_before_or_after_it() {
        for fault in Fault::available().into_iter().filter(|fault| *fault != Fault::NoisyDeploys) {
            let script = fault.script(1.0).unwrap();
            let (mut before, mut after) = (0, 0);
            for seed in 0..64 {
                let events = events(fault, seed);
                let decoy = events.iter().find(|event| event.part == Part::Decoy).unwrap();
                let offset = decoy.after.as_secs_f64() - 25.0;
                assert!((2.0..=8.0).contains(&offset.abs()), "{fault}, seed {seed}: {offset}");
                let Action::Deploy { service, set, .. } = &decoy.action else { panic!("no deployment") };
                assert!(set.is_empty() && script.causes.iter().all(|cause| cause.deployed != *service));
                if offset < 0.0 { before += 1 } else { after += 1 }
            }
            assert!(before > 16 && after > 16, "{before} before, {after} after");
        }
    }

    #[test]
    fn without_a_fault_only_decoys_are_deployed() {
        for (fault, count) in [(Fault::None, 1), (Fault::NoisyDeploys, 4)] {
            let events = events(fault, 5);
            assert_eq!(events.len(), count);
            assert!(events.iter().all(|event| event.part == Part::Decoy));
        }
    }
}
