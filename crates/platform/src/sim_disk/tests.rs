//! What survives a crash of the simulated disk, and what need not.

use super::*;
use crate::chance::SeededChance;

fn disk_with_folder() -> SimDisk {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new("data/wal")).unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    disk.sync_dir(Path::new("data")).unwrap();
    disk
}

/// Content of `data/wal/1` after writing `synced`, syncing, writing `late` and crashing, for one seed.
fn after_crash(seed: u64, prepare: impl Fn(&SimDisk)) -> Option<Vec<u8>> {
    let disk = disk_with_folder();
    prepare(&disk);
    let path = Path::new("data/wal/1");
    let mut file = disk.open_new(path).unwrap();
    disk.sync_dir(Path::new("data/wal")).unwrap();
    file.append(b"synced").unwrap();
    let _outcome = file.sync_data();
    file.append(b"late").unwrap();
    disk.crash(&mut SeededChance::new(seed));
    assert!(file.append(b"x").is_err(), "a handle of before the crash still works");
    disk.read(path).ok()
}

#[test]
fn synced_bytes_survive_every_crash_and_later_ones_survive_only_some() {
    let results: Vec<Vec<u8>> = (0..64).map(|seed| after_crash(seed, |_| {}).unwrap()).collect();
    assert!(results.iter().all(|bytes| bytes.starts_with(b"synced")));
    assert!(results.iter().any(|bytes| bytes == b"synced"));
    assert!(results.iter().any(|bytes| bytes == b"syncedlate"));
    assert!(results.iter().any(|bytes| bytes.contains(&0)), "no write was ever torn");
}

#[test]
fn a_disk_that_ignores_syncs_loses_synced_bytes() {
    let lost = (0..64).filter(|seed| {
        after_crash(*seed, |disk| disk.ignore_sync(true)).is_none_or(|bytes| !bytes.starts_with(b"synced"))
    });
    assert!(lost.count() > 10);
}

impl SimDisk {
    fn copy(&self) -> Self {
        let state = self.lock_state();
        let copy = State {
            files: state.files.clone(),
            durable_names: state.durable_names.clone(),
            dirs: state.dirs.clone(),
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(copy)), gate: Arc::default() }
    }
}

#[test]
fn a_failed_sync_is_not_healed_by_a_later_one() {
    let disk = disk_with_folder();
    let path = Path::new("data/wal/1");
    let mut file = disk.open_new(path).unwrap();
    disk.sync_dir(Path::new("data/wal")).unwrap();
    file.append(b"page").unwrap();
    disk.fail(Call::SyncData, 1, io::ErrorKind::Other);
    assert!(file.sync_data().is_err());
    assert!(file.sync_data().is_ok());
    let lost = (0..32).any(|seed| {
        let copy = disk.copy();
        copy.crash(&mut SeededChance::new(seed));
        copy.read(path).unwrap() != b"page"
    });
    assert!(lost);
}

#[test]
fn a_name_that_was_not_synced_may_vanish_and_a_rename_is_whole() {
    let (mut with, mut without) = (0, 0);
    for seed in 0..32 {
        let disk = disk_with_folder();
        let mut file = disk.open_new(Path::new("data/wal/1")).unwrap();
        file.append(b"x").unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("data/wal")).unwrap();
        disk.rename(Path::new("data/wal/1"), Path::new("data/wal/2")).unwrap();
        disk.crash(&mut SeededChance::new(seed));
        match disk.list(Path::new("data/wal")).unwrap().as_slice() {
            [name] if name == "1" => without += 1,
            [name] if name == "2" => with += 1,
            names => panic!("a rename left {names:?}"),
        }
    }
    assert!(with > 0 && without > 0);
}

#[test]
fn the_nth_call_fails_and_after_power_off_all_do() {
    let disk = disk_with_folder();
    let mut file = disk.open_new(Path::new("data/wal/1")).unwrap();
    disk.fail(Call::Append, 2, io::ErrorKind::StorageFull);
    assert!(file.append(b"aa").is_ok());
    assert_eq!(file.append(b"bb").unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.len(), 3, "half of a failed append arrives");
    assert!(file.append(b"cc").is_ok());
    disk.power_off_after(1);
    assert!(file.append(b"dd").is_ok());
    assert!(file.append(b"ee").is_err());
    assert!(disk.list(Path::new("data/wal")).is_err());
}

#[test]
fn a_held_sync_waits_until_it_is_let_go() {
    let disk = disk_with_folder();
    let mut file = disk.open_new(Path::new("data/wal/1")).unwrap();
    disk.hold_syncs(true);
    let (done, finished) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        file.sync_data().unwrap();
        done.send(()).unwrap();
    });
    let waiting = finished.recv_timeout(std::time::Duration::from_millis(50));
    assert!(waiting.is_err());
    disk.hold_syncs(false);
    thread.join().unwrap();
    assert!(finished.recv().is_ok());
}

#[test]
fn a_lock_excludes_and_a_crash_frees_it() {
    let disk = disk_with_folder();
    let held = disk.lock(Path::new("data/LOCK")).unwrap();
    assert!(disk.lock(Path::new("data/LOCK")).is_err());
    disk.crash(&mut SeededChance::new(1));
    let again = disk.lock(Path::new("data/LOCK")).unwrap();
    drop(held);
    assert!(disk.lock(Path::new("data/LOCK")).is_err(), "the dead holder freed the new lock");
    drop(again);
    assert!(disk.lock(Path::new("data/LOCK")).is_ok());
}
