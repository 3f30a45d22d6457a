//! Power fails at random moments: nothing acknowledged is lost, nothing appears that was not sent.
//!
//! In every second life the head is so small that log files become segments all the time. The same harness is run
//! against a disk that ignores syncs, one that ignores a single one of them, and against a store that does not sync.
//! There it must see losses, or it would prove nothing.

use std::collections::BTreeSet;

use otlp::Intake;
use platform::{Call, Chance, SeededChance, SimDisk};

use super::build::{Rig, request, small};
use super::soak;
use crate::{Config, Durability};

/// Disks that are tried.
const SEEDS: u64 = 200;
/// The same in a soak, three power cuts each: 100,000 states.
const SOAK_SEEDS: u64 = 33_334;

/// What one simulated life of a disk came to.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: usize,
    refused: usize,
    lost: usize,
    foreign: usize,
    /// Segments that could not be read, over all lives.
    damaged: u64,
    /// Openings that the power cut ended.
    broken_openings: u64,
    /// Segments at the end.
    segments: u64,
}

/// What is wrong with a disk or with a store.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Nothing,
    IgnoresSyncs,
    NeverSyncs,
    /// One kind of sync, on paths that end so.
    Forgets(Call, &'static str),
}

/// Runs several lives of a store on one disk, each ended by a power cut at a random call.
fn run(seed: u64, wrong: Wrong) -> Tally {
    let mut chance = SeededChance::new(seed);
    let disk = SimDisk::new();
    if let Wrong::Forgets(call, suffix) = wrong {
        disk.ignore_sync_of(call, suffix);
    }
    let mut tally = Tally::default();
    let (mut sent, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    let seals = seed.is_multiple_of(2);
    for life in 0..3 {
        if chance.below(3) == 0 {
            disk.power_off_after(chance.below(30));
            let opened = Rig::try_with(disk.clone(), |config| configure(config, seals, wrong));
            tally.broken_openings += u64::from(opened.is_none());
            drop(opened);
            disk.crash(&mut chance);
        }
        let rig = Rig::with(disk.clone(), |config| configure(config, seals, wrong));
        check(&rig, &sent, &acknowledged, &mut tally);
        disk.ignore_sync(matches!(wrong, Wrong::IgnoresSyncs));
        disk.power_off_after(chance.below(if seals { 120 } else { 25 }));
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
            // In every other of these lives segments are written while requests come, and the power fails in both.
            if seed.is_multiple_of(4) {
                rig.store.settle();
            }
        }
        rig.store.close();
        disk.crash(&mut chance);
    }
    let rig = Rig::with(disk, |config| configure(config, seals, wrong));
    check(&rig, &sent, &acknowledged, &mut tally);
    tally.acknowledged = acknowledged.len();
    tally.segments = rig.store.stats().segments;
    tally
}

fn configure(config: &mut Config, seals: bool, wrong: Wrong) {
    if matches!(wrong, Wrong::NeverSyncs) {
        config.durability = Durability::None;
    }
    config.wal_file_bytes = 600;
    if seals {
        config.head_max_bytes = 6_000;
    }
}

fn check(rig: &Rig, sent: &BTreeSet<u64>, acknowledged: &BTreeSet<u64>, tally: &mut Tally) {
    let present = sent.iter().filter(|trace| rig.has(**trace)).count() as u64;
    tally.lost += acknowledged.iter().filter(|trace| !rig.has(**trace)).count();
    let stats = rig.store.stats();
    tally.foreign += (stats.spans + stats.sealed).abs_diff(present) as usize;
    tally.damaged += stats.damaged_segments;
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_appears_that_was_not_sent() {
    let (first, seeds) = if soak::is_on() { (soak::seed() * 1_000_000, SOAK_SEEDS) } else { (0, SEEDS) };
    let tallies = soak::by_seed(first, seeds, |seed, sum: &mut Tally| {
        let tally = run(seed, Wrong::Nothing);
        assert_eq!((tally.lost, tally.foreign, tally.damaged), (0, 0, 0), "seed {seed}: {tally:?}");
        sum.acknowledged += tally.acknowledged;
        sum.refused += tally.refused;
        sum.segments += tally.segments;
        sum.broken_openings += tally.broken_openings;
    });
    let acknowledged: usize = tallies.iter().map(|tally| tally.acknowledged).sum();
    let refused: usize = tallies.iter().map(|tally| tally.refused).sum();
    let segments: u64 = tallies.iter().map(|tally| tally.segments).sum();
    let broken_openings: u64 = tallies.iter().map(|tally| tally.broken_openings).sum();
    assert!(acknowledged > 1_000 && refused > 1_000, "{acknowledged} acknowledged, {refused} refused");
    assert!(
        segments > 200 && broken_openings > 10,
        "{segments} segments, {broken_openings} openings cut short"
    );
    soak::tell(&[
        ("disks", seeds),
        ("crash_states", seeds * 3 + broken_openings),
        ("openings_cut_short", broken_openings),
        ("acknowledged", acknowledged as u64),
        ("refused", refused as u64),
        ("segments", segments),
        ("lost", 0),
        ("not_sent", 0),
    ]);
}

fn sees_a_loss(wrong: Wrong) -> bool {
    (0..SEEDS).any(|seed| {
        let tally = run(seed, wrong);
        tally.lost > 0 || tally.foreign > 0 || tally.damaged > 0
    })
}

#[test]
fn the_check_sees_the_loss_when_the_disk_ignores_syncs() {
    assert!(sees_a_loss(Wrong::IgnoresSyncs));
}

#[test]
fn the_check_sees_the_loss_when_the_store_does_not_sync() {
    assert!(sees_a_loss(Wrong::NeverSyncs));
}

#[test]
fn the_check_sees_the_loss_when_any_one_sync_is_forgotten() {
    // Without that of `.summary` nothing is lost: it is made again from the rows.
    let syncs = [
        (Call::SyncData, ".wal"),
        (Call::SyncDir, "/wal"),
        (Call::SyncData, ".spans.parquet"),
        (Call::SyncData, "MANIFEST.new"),
        (Call::SyncDir, "/segments"),
        (Call::SyncDir, "/default"),
    ];
    for (call, suffix) in syncs {
        assert!(sees_a_loss(Wrong::Forgets(call, suffix)), "{call:?} of `{suffix}` may be left out");
    }
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
