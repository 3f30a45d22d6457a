//! Failing disks, torn and damaged files, foreign directories.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use otlp::{Intake, Refusal};
use platform::{Call, Disk, RealDisk, SeededChance, SimDisk, SystemClock};

use super::build::{Rig, request, small};
use crate::{Config, OpenStoreError, Store};

fn open_real(dir: &Path) -> Result<Store, OpenStoreError> {
    Store::open(Config::new(dir), Arc::new(RealDisk), Arc::new(SystemClock::new()))
}

/// Stores the requests `1..=count` and gives the one log file.
fn stored(dir: &Path, count: u64) -> PathBuf {
    let store = open_real(dir).unwrap();
    for trace in 1..=count {
        store.offer(request(small(trace, 1, 5))).wait().unwrap();
    }
    store.close();
    dir.join("spaces/default/wal/00000001.wal")
}

/// Changes a file behind the store's back.
fn tamper(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = RealDisk.read(path).unwrap();
    change(&mut bytes);
    RealDisk.remove(path).unwrap();
    RealDisk.open_new(path).unwrap().append(&bytes).unwrap();
}

#[test]
fn a_torn_tail_is_cut_once_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path(), 3);
    tamper(&path, |bytes| {
        let part = bytes[..50].to_vec();
        bytes.extend(part);
    });
    let stats = open_real(dir.path()).unwrap().stats();
    assert_eq!((stats.recovered, stats.torn_bytes, stats.damaged_bytes), (3, 50, 0));
    let again = open_real(dir.path()).unwrap().stats();
    assert_eq!((again.recovered, again.torn_bytes), (3, 0));
}

#[test]
fn a_damaged_record_is_stepped_over_and_counted_as_a_loss() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path(), 3);
    let len = RealDisk.read(&path).unwrap().len() as u64;
    tamper(&path, |bytes| bytes[60] ^= 1);
    let stats = open_real(dir.path()).unwrap().stats();
    assert_eq!((stats.recovered, stats.torn_bytes), (2, 0));
    assert!(stats.damaged_bytes.abs_diff(len / 3) < 8, "{} of {len}", stats.damaged_bytes);
}

#[test]
fn a_file_of_noise_is_a_loss_and_never_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path(), 1);
    for seed in 0..50 {
        let mut chance = SeededChance::new(seed);
        tamper(&path, |bytes| {
            bytes.clear();
            bytes.extend((0..300).map(|_| platform::Chance::next_u64(&mut chance) as u8));
        });
        let stats = open_real(dir.path()).unwrap().stats();
        assert_eq!((stats.recovered, stats.torn_bytes), (0, 300), "seed {seed}");
    }
}

#[test]
fn a_failed_sync_refuses_and_its_file_is_never_used_again() {
    let rig = Rig::new();
    rig.send(small(1, 1, 5)).unwrap();
    rig.disk.fail(Call::SyncData, 1, io::ErrorKind::Other);
    let refused = rig.send(small(2, 1, 5)).unwrap_err();
    assert_eq!(refused.reason(), "failed");
    rig.send(small(3, 1, 5)).unwrap();
    let names = rig.disk.list(Path::new("data/spaces/default/wal")).unwrap();
    assert_eq!(names, ["00000001.wal", "00000002.wal"]);
    let stats = rig.store.stats();
    assert_eq!((stats.failed_writes, stats.accepted, stats.refused_items), (1, 2, 1));
    let rig = rig.reopen();
    assert_eq!(
        (rig.has(1), rig.has(2), rig.has(3)),
        (true, false, true),
        "what was refused came back, or what was acknowledged did not"
    );
    rig.store.close();
    rig.disk.crash(&mut SeededChance::new(1));
    let rig = rig.reopen();
    assert_eq!((rig.has(1), rig.has(2), rig.has(3)), (true, false, true));
}

#[test]
fn a_full_disk_refuses_and_the_store_goes_on_when_there_is_room() {
    let rig = Rig::new();
    rig.disk.fail(Call::Append, 1, io::ErrorKind::StorageFull);
    assert!(matches!(rig.send(small(1, 1, 5)), Err(Refusal::Failed { .. })));
    rig.disk.fail(Call::Open, 1, io::ErrorKind::StorageFull);
    assert!(matches!(rig.send(small(2, 1, 5)), Err(Refusal::Failed { .. })));
    rig.send(small(3, 1, 5)).unwrap();
    let rig = rig.reopen();
    assert_eq!((rig.has(1), rig.has(2), rig.has(3)), (false, false, true));
}

#[test]
fn a_second_opener_is_told_who_and_what_to_do() {
    let rig = Rig::new();
    let shared: Arc<dyn Disk> = Arc::new(rig.disk.clone());
    let second = Store::open(Config::new("data"), shared, rig.clock.clone()).unwrap_err();
    assert!(matches!(second, OpenStoreError::InUse { .. }));
    assert!(second.to_string().contains("hint:"), "{second}");
    rig.store.close();
    let third: Arc<dyn Disk> = Arc::new(rig.disk.clone());
    assert!(Store::open(Config::new("data"), third, rig.clock.clone()).is_ok());
}

#[test]
fn a_directory_of_another_format_is_left_alone() {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new("data")).unwrap();
    let mut stamp = disk.open_new(Path::new("data/FORMAT")).unwrap();
    stamp.append(b"firstcause-data 9\n").unwrap();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let error = Store::open(Config::new("data"), shared, Arc::new(SystemClock::new())).unwrap_err();
    assert!(error.to_string().contains("`firstcause-data 9`"), "{error}");
    assert_eq!(disk.list(Path::new("data")).unwrap(), ["FORMAT"]);
}
