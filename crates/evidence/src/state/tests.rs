//! What is well stays so: healthy databases and workloads with ordinary noise, read by every measure.

use telemetry::answer::state::metric;

use super::planted::{Container, WELL, World};
use super::{Reading, Scene};
use crate::measures::wellness::{self, Wellness};
use crate::measures::{
    container_restarts, container_start, database_connections, database_load, database_storage, failover,
    name_resolution, node_state, replication, scheduling,
};
use crate::statistics::null::Seeded;

/// Scenes of each kind. None may be blamed: the stated rate is at most one in a hundred, and none in 300 shows it with
/// 95 % (rule of three).
const SCENES: u64 = 300;

fn all(scene: &Scene<'_>) -> Reading {
    let mut reading = Reading::default();
    for measure in [
        container_restarts::read,
        container_start::read,
        database_connections::read,
        database_load::read,
        database_storage::read,
        failover::read,
        name_resolution::read,
        node_state::read,
        replication::read,
        scheduling::read,
    ] {
        reading.merge(measure(scene));
    }
    reading
}

/// A database with noise of a tenth, a load that breathes, one burst of writes, and a nightly backup.
fn database(seed: u64) -> World {
    let noise = |metric: u64, slice: usize, scale: f64| {
        Seeded(seed.wrapping_mul(1000) + metric * 100 + slice as u64).latency(scale, 0.1)
    };
    let lag = noise(0, 0, 2.0);
    World::default()
        .database("d", "")
        .database("r", "d")
        .series("d", metric::CPU, |slice| noise(1, slice, 0.4).min(0.79))
        .series("d", metric::CONNECTIONS, |slice| noise(2, slice, 100.0))
        .series("d", metric::STORAGE_FREE, |slice| 2e11 - 1e8 * slice as f64)
        .series("d", metric::MEMORY_FREE, |slice| noise(3, slice, 4e10))
        .series("d", metric::SWAP, |slice| noise(4, slice, 8e7))
        .series("d", metric::LOAD, |slice| noise(5, slice, 1.5))
        .series("d", metric::LOG_WRITTEN, |slice| if slice == 7 { 2e8 } else { noise(6, slice, 4e6) })
        .series("d", metric::WRITES, |slice| noise(7, slice, 900.0))
        .series("d", metric::READ_TIME, |slice| noise(8, slice, 0.001))
        .series("r", metric::REPLICATION_LAG, move |slice| lag + if slice == 8 { 60.0 } else { 0.0 })
        .wait("d", "cpu", "CPU", noise(9, 0, 0.6))
        .wait("d", "io", "DataFileRead", noise(9, 1, 0.6))
        .wait("d", "lock", "relation", noise(9, 2, 0.1))
        .statement("d", "SELECT a", noise(9, 3, 0.8), &[("CPU", 0.5)])
        .statement("d", "INSERT INTO b", noise(9, 4, 0.4), &[("DataFileRead", 0.2)])
        .statement("d", "autovacuum: VACUUM c", noise(9, 5, 0.1), &[("DataFileRead", 0.1)])
        .event("d", "d", ("backup", "Automated backup finished."), 400)
}

/// Three replicas, up to two restarts each long ago, a deploy of yesterday, and one error in the logs.
fn workload(seed: u64) -> World {
    let mut chance = Seeded(seed + 7);
    let world = World::default().deployment("a", 3.0).log("a", 17, "one request failed", 1);
    (0..3).fold(world, |world, id| {
        let restarts = (chance.uniform() * 3.0).floor();
        world.pod("a", "1", &format!("x{id}"), Container { restarts, ..WELL })
    })
}

#[test]
fn nothing_is_wrong_with_what_is_well() {
    for seed in 0..SCENES {
        for (world, name) in [(database(seed), "d"), (workload(seed), "a")] {
            let (reading, wellness) = world.read(|scene| {
                let reading = all(scene);
                let wellness = wellness::of(scene, name, &reading);
                (reading, wellness)
            });
            assert!(reading.troubles.is_empty(), "seed {seed}: {:?}", reading.troubles);
            let is_doubted = matches!(wellness, Wellness::Doubtful(_));
            assert!(!is_doubted || !reading.bystanders.is_empty(), "seed {seed}: {wellness:?}");
        }
    }
}
