//! Data directories as each version of the format wrote them, committed beside their answers: today's code reads them.
//!
//! `FIRSTCAUSE_BLESS=1 cargo test -p store --lib golden` writes the one of today's version where there is none. One that is
//! there is never written again: it stands for data that people have.

use std::path::{Path, PathBuf};

use platform::real_disk::RealDisk;
use platform::{Disk, SimDisk};
use serde_json::Value;

use super::build::Rig;
use super::segments::{answers, little};
use super::world::fill;
use crate::FORMAT;

/// The versions that can be opened.
const VERSIONS: [&str; 1] = ["2"];

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/golden").join(version)
}

/// The files below a folder, by their place in it.
fn files(at: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(at.join(below)).unwrap() {
        let entry = entry.unwrap();
        let place = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() { files(at, &place, found) } else { found.push(place) }
    }
}

/// Writes a file of the repository.
fn put(path: &Path, bytes: &[u8]) {
    RealDisk.create_dir_all(path.parent().unwrap()).unwrap();
    RealDisk.open_new(path).unwrap().append(bytes).unwrap();
}

/// Writes what the disk of `rig` holds, and what it answers.
fn bless(version: &str) {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    rig.store.settle();
    rig.store.close();
    let folder = folder(version);
    let space = Path::new("data/spaces/default");
    let lists = [space.join("wal"), space.join("segments")];
    let names = |list: &PathBuf| {
        let names = rig.disk.list(list).unwrap();
        names.into_iter().map(|name| list.join(name)).collect::<Vec<_>>()
    };
    for path in lists.iter().flat_map(names).chain([PathBuf::from("data/FORMAT")]) {
        put(&folder.join(&path), &rig.disk.read(&path).unwrap());
    }
    let told = serde_json::to_string(&answers(&opened(version))).unwrap();
    put(&folder.join("answers.json"), told.as_bytes());
}

/// A store over the committed directory.
fn opened(version: &str) -> Rig {
    let (folder, disk) = (folder(version), SimDisk::new());
    let mut found = Vec::new();
    files(&folder, Path::new("data"), &mut found);
    for path in found {
        disk.create_dir_all(path.parent().unwrap()).unwrap();
        disk.open_new(&path).unwrap().append(&std::fs::read(folder.join(&path)).unwrap()).unwrap();
    }
    let rig = Rig::with(disk, little);
    rig.clock.advance(std::time::Duration::from_secs(20));
    rig
}

#[test]
fn data_of_every_version_is_read_as_it_was_when_it_was_written() {
    assert_eq!(
        FORMAT,
        format!("firstcause-data {}\n", VERSIONS[VERSIONS.len() - 1]),
        "a version without data"
    );
    for version in VERSIONS {
        if !folder(version).exists() && std::env::var("FIRSTCAUSE_BLESS").is_ok_and(|value| value == "1") {
            bless(version);
        }
        let text = std::fs::read_to_string(folder(version).join("answers.json")).unwrap();
        let told: Vec<Value> = serde_json::from_str(&text).unwrap();
        let rig = opened(version);
        let stats = rig.store.stats();
        assert!(stats.segments >= 5 && stats.recovered > 0 && stats.damaged_segments == 0, "{stats:?}");
        let found: Vec<Value> =
            answers(&rig).iter().map(|answer| serde_json::to_value(answer).unwrap()).collect();
        assert!(found == told, "version {version} is read in another way than when it was written");
    }
}
