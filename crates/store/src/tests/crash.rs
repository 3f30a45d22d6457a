//! Power fails at random moments: nothing acknowledged is lost, nothing appears that was not sent.
//!
//! The same harness is run against a disk that ignores syncs, and against a store that does not sync. There it
//! must see losses, or it would prove nothing.

use std::collections::BTreeSet;

use otlp::Intake;
use platform::{Chance, SeededChance, SimDisk};

use super::build::{Rig, request, small};
use crate::Durability;

/// What one simulated life of a disk came to.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: usize,
    refused: usize,
    lost: usize,
    foreign: usize,
}

/// Runs several lives of a store on one disk, each ended by a power cut at a random call.
fn run(seed: u64, durability: Durability, ignores_sync: bool) -> Tally {
    let mut chance = SeededChance::new(seed);
    let disk = SimDisk::new();
    let mut tally = Tally::default();
    let (mut sent, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    for life in 0..3 {
        let rig = Rig::with(disk.clone(), |config| {
            config.durability = durability;
            config.wal_file_bytes = 600;
        });
        check(&rig, &sent, &acknowledged, &mut tally);
        disk.ignore_sync(ignores_sync);
        disk.power_off_after(chance.below(25));
        for round in 0..8 {
            let tickets: Vec<_> = (0..=chance.below(4))
                .map(|index| {
                    let trace = 1 + life * 1000 + round * 10 + index;
                    sent.insert(trace);
                    (trace, rig.store.offer(request(small(trace, 1, 5))))
                })
                .collect();
            for (trace, ticket) in tickets {
                match ticket.wait() {
                    Ok(_) => drop(acknowledged.insert(trace)),
                    Err(_) => tally.refused += 1,
                }
            }
        }
        rig.store.close();
        disk.crash(&mut chance);
    }
    let rig = Rig::with(disk, |_| {});
    check(&rig, &sent, &acknowledged, &mut tally);
    tally.acknowledged = acknowledged.len();
    tally
}

fn check(rig: &Rig, sent: &BTreeSet<u64>, acknowledged: &BTreeSet<u64>, tally: &mut Tally) {
    let present = sent.iter().filter(|trace| rig.has(**trace)).count() as u64;
    tally.lost += acknowledged.iter().filter(|trace| !rig.has(**trace)).count();
    tally.foreign += rig.store.stats().spans.abs_diff(present) as usize;
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_appears_that_was_not_sent() {
    let (mut acknowledged, mut refused) = (0, 0);
    for seed in 0..300 {
        let tally = run(seed, Durability::Fsync, false);
        assert_eq!((tally.lost, tally.foreign), (0, 0), "seed {seed}: {tally:?}");
        acknowledged += tally.acknowledged;
        refused += tally.refused;
    }
    assert!(acknowledged > 1_000 && refused > 1_000, "{acknowledged} acknowledged, {refused} refused");
}

#[test]
fn the_check_sees_the_loss_when_the_disk_ignores_syncs() {
    let lost: usize = (0..40).map(|seed| run(seed, Durability::Fsync, true).lost).sum();
    assert!(lost > 0);
}

#[test]
fn the_check_sees_the_loss_when_the_store_does_not_sync() {
    let lost: usize = (0..40).map(|seed| run(seed, Durability::None, false).lost).sum();
    assert!(lost > 0);
}

#[test]
fn a_power_cut_while_opening_leaves_a_store_that_opens() {
    let mut failed = 0;
    for seed in 0..60 {
        let mut chance = SeededChance::new(seed);
        let disk = SimDisk::new();
        let rig = Rig::with(disk.clone(), |_| {});
        rig.send(small(1, 1, 5)).unwrap();
        drop(rig);
        disk.crash(&mut chance);
        disk.power_off_after(chance.below(12));
        let clock = std::sync::Arc::new(platform::SimClock::at(0));
        let shared: std::sync::Arc<dyn platform::Disk> = std::sync::Arc::new(disk.clone());
        let opened = crate::Store::open(crate::Config::new("data"), shared, clock);
        failed += u32::from(opened.is_err());
        drop(opened);
        disk.crash(&mut chance);
        assert!(Rig::with(disk, |_| {}).has(1), "seed {seed}");
    }
    assert!(failed > 0);
}
