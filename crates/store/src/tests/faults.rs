//! Every call of the disk fails once, in every way: nothing acknowledged is lost by it, and nothing appears.
//!
//! The workload seals segments all the time. Push tries every so-manieth call; with `FIRSTCAUSE_SOAK` it is all of them.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use platform::{Call, SeededChance, SimDisk};

use super::build::{Rig, small};
use super::soak;
use crate::Config;

const CALLS: [Call; 6] =
    [Call::Open, Call::Append, Call::SyncData, Call::SyncDir, Call::Rename, Call::Truncate];
/// An input or output error, no room, an interruption.
const ERRORS: [ErrorKind; 3] = [ErrorKind::Other, ErrorKind::StorageFull, ErrorKind::Interrupted];
const REQUESTS: u64 = 40;

fn seals(config: &mut Config) {
    config.head_max_bytes = 6_000;
    config.wal_file_bytes = 600;
}

/// What was acknowledged of the workload, on a disk that was prepared.
fn work(disk: &SimDisk) -> BTreeSet<u64> {
    let Some(rig) = Rig::try_with(disk.clone(), seals) else { return BTreeSet::new() };
    let acknowledged = (1..=REQUESTS).filter(|nth| rig.send(small(*nth, 1, 5)).is_ok()).collect();
    rig.store.close();
    acknowledged
}

/// Calls of each kind that the workload makes on a sound disk.
fn counted() -> [u64; 6] {
    let disk = SimDisk::new();
    assert_eq!(work(&disk).len() as u64, REQUESTS);
    CALLS.map(|call| disk.calls(call))
}

#[test]
fn whichever_call_of_the_disk_fails_nothing_acknowledged_is_lost_and_nothing_appears() {
    let stride = if soak::is_on() { 1 } else { 9 };
    let (mut runs, mut hit) = (0_u64, 0_u64);
    for (call, calls) in CALLS.into_iter().zip(counted()) {
        for error in ERRORS {
            for nth in (1..=calls).step_by(stride) {
                let disk = SimDisk::new();
                disk.fail(call, nth, error);
                let acknowledged = work(&disk);
                hit += u64::from((acknowledged.len() as u64) < REQUESTS);
                disk.crash(&mut SeededChance::new(nth));
                let again = Rig::with(disk, seals);
                let told = format!("{call:?} {nth} fails with {error:?}");
                assert!(acknowledged.iter().all(|trace| again.has(*trace)), "{told}: lost");
                let there = (1..=REQUESTS).filter(|trace| again.has(*trace)).count() as u64;
                let stats = again.store.stats();
                assert_eq!((stats.spans + stats.sealed, stats.damaged_segments), (there, 0), "{told}");
                runs += 1;
            }
        }
    }
    assert!(runs > 60 && hit > 10, "{runs} runs, {hit} of them with a refusal");
    soak::tell(&[("fault_runs", runs), ("fault_runs_with_a_refusal", hit)]);
}
