//! A copy that is made while the store is in use opens with all that was acknowledged before it was begun.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use platform::disk::{DiskFile, DiskLock};
use platform::{Disk, SimDisk};

use super::build::{Rig, small};
use super::segments::{SEGMENTS, answers, little};
use super::world::fill;
use crate::backup::backup;

const DATA: &str = "data";

/// A store over the copy at `dest`.
fn opened(rig: &Rig, dest: &str) -> Rig {
    let again = Rig::with(rig.disk.clone(), |config| {
        little(config);
        config.data_dir = PathBuf::from(dest);
    });
    again.clock.advance(Duration::from_secs(20));
    again
}

#[test]
fn the_copy_of_a_store_at_rest_answers_as_the_store_does_and_the_store_goes_on() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    rig.store.settle();
    let copied = backup(&rig.disk, Path::new(DATA), Path::new("copy")).unwrap();
    assert!(copied.files > 10 && copied.bytes > 1_000 && copied.damaged.is_empty(), "{copied:?}");
    let again = opened(&rig, "copy");
    assert_eq!(answers(&again), answers(&rig));
    assert_eq!(again.store.stats().damaged_segments, 0);
    rig.send(small(900, 16, 5)).unwrap();
    let why = backup(&rig.disk, Path::new(DATA), Path::new("copy")).unwrap_err().to_string();
    assert!(why.contains("`copy`"), "a copy is not written over: {why}");
    assert!(backup(&rig.disk, Path::new("nothing"), Path::new("other")).is_err());
}

#[test]
fn a_copy_made_while_requests_come_and_segments_are_written_lacks_nothing_acknowledged_before() {
    const REQUESTS: usize = 600;
    let rig = Rig::with(SimDisk::new(), little);
    let acknowledged = AtomicUsize::new(0);
    let mut copies = Vec::new();
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            for nth in 1..=REQUESTS {
                rig.send(small(nth as u64, 3 + (nth / 60) as i64, 5)).unwrap();
                acknowledged.store(nth, Ordering::SeqCst);
            }
        });
        while !sender.is_finished() && copies.len() < 40 {
            let (before, dest) = (acknowledged.load(Ordering::SeqCst), format!("copy{}", copies.len()));
            backup(&rig.disk, Path::new(DATA), Path::new(&dest)).unwrap();
            copies.push((before, dest));
        }
    });
    assert!(rig.store.stats().segments >= 5 && copies.len() > 3, "{} copies", copies.len());
    for (before, dest) in copies {
        let again = opened(&rig, &dest);
        for nth in [1, before / 2, before].into_iter().filter(|nth| (1..=before).contains(nth)) {
            assert!(again.has(nth as u64), "{dest}: {nth} of {before}");
        }
        let stats = again.store.stats();
        let held = stats.spans + stats.sealed;
        assert!(held >= before as u64 && stats.damaged_segments == 0, "{dest}: {held} of {before}");
    }
}

/// A disk on which the store goes on at the two moments that count: as soon as the log was listed, and as soon as the
/// list of segments was read. What stood in the log by then becomes segments, and leaves it.
struct GoesOn<'a> {
    rig: &'a Rig,
    next: AtomicUsize,
}

impl GoesOn<'_> {
    fn go_on(&self) {
        for _ in 0..60 {
            let nth = self.next.fetch_add(1, Ordering::SeqCst);
            self.rig.send(small(nth as u64, 3 + (nth / 60) as i64, 5)).unwrap();
        }
    }
}

impl std::fmt::Debug for GoesOn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GoesOn")
    }
}

impl Disk for GoesOn<'_> {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.rig.disk.create_dir_all(path)
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.rig.disk.open_append(path)
    }

    fn open_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.rig.disk.open_new(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let read = self.rig.disk.read(path);
        if path == Path::new(SEGMENTS).join("MANIFEST") {
            self.go_on();
        }
        read
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let listed = self.rig.disk.list(dir);
        if dir == Path::new("data/spaces/default/wal") {
            self.go_on();
        }
        listed
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rig.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.rig.disk.remove(path)
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.rig.disk.truncate(path, len)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.rig.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.rig.disk.lock(path)
    }
}

#[test]
fn what_leaves_the_log_for_a_segment_while_it_is_copied_is_in_the_copy_once() {
    const BEFORE: u64 = 30;
    let rig = Rig::with(SimDisk::new(), little);
    (1..=BEFORE).for_each(|nth| drop(rig.send(small(nth, 3, 5)).unwrap()));
    let before = rig.store.stats().segments;
    let disk = GoesOn { rig: &rig, next: AtomicUsize::new(1_000) };
    backup(&disk, Path::new(DATA), Path::new("copy")).unwrap();
    assert!(rig.store.stats().segments >= before + 4, "the store went on");
    let again = opened(&rig, "copy");
    let lost: Vec<u64> = (1..=BEFORE).filter(|nth| !again.has(*nth)).collect();
    assert_eq!(lost, Vec::<u64>::new(), "acknowledged before the copy was begun");
    let stats = again.store.stats();
    assert_eq!(stats.spans + stats.sealed, held_once(&again), "nothing is there twice");
}

/// Spans by their traces, each looked for by its id.
fn held_once(rig: &Rig) -> u64 {
    (1..=30).chain(1_000..1_200).filter(|nth| rig.has(*nth)).count() as u64
}

#[test]
fn what_is_damaged_is_copied_as_it_is_and_told_and_the_stamp_comes_last() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    rig.store.settle();
    rig.store.close();
    let names = rig.disk.list(Path::new(SEGMENTS)).unwrap();
    let name = names.iter().find(|name| name.ends_with("spans.parquet")).unwrap();
    let path = Path::new(SEGMENTS).join(name);
    let mut bytes = rig.disk.read(&path).unwrap();
    bytes[20] ^= 1;
    rig.disk.remove(&path).unwrap();
    rig.disk.open_new(&path).unwrap().append(&bytes).unwrap();
    let copied = backup(&rig.disk, Path::new(DATA), Path::new("copy")).unwrap();
    assert_eq!(copied.damaged, [path]);
    assert_eq!(rig.disk.read(&Path::new("copy/spaces/default/segments").join(name)).unwrap(), bytes);
    // A list that cannot be read: nothing is called a copy.
    let list = Path::new(SEGMENTS).join("MANIFEST");
    let mut lines = rig.disk.read(&list).unwrap();
    let last = lines.len() - 3;
    lines[last] ^= 1;
    rig.disk.remove(&list).unwrap();
    rig.disk.open_new(&list).unwrap().append(&lines).unwrap();
    assert!(backup(&rig.disk, Path::new(DATA), Path::new("second")).is_err());
    assert!(rig.disk.read(Path::new("second/FORMAT")).is_err());
}
