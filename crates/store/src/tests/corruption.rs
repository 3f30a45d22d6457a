//! Any file may be damaged in any way: nothing panics, no answer is wrong, and what is missing is told.
//!
//! Not tried: a log file that lost whole records at its end, or was put back to an earlier state of itself. Nothing in a
//! log file tells how long it once was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use platform::{Chance, Disk, SeededChance, SimClock, SimDisk};
use telemetry::time::SECOND_NS;
use telemetry::{Answer, Ask, Scope, Table};

use super::build::{Rig, T0, questions, trace_id, window};
use super::segments::{SEGMENTS, little};
use super::soak;
use super::world::fill;
use crate::{Config, Store};

/// Damages that are tried.
const DAMAGES: u64 = 24;
/// The same in a soak.
const SOAK_DAMAGES: u64 = 20_000;
/// Bytes of what fails together on a disk; files of the tests are small.
const BLOCK: u64 = 256;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What the store says to one question of each kind.
fn answers(rig: &Rig) -> Vec<Answer> {
    let whole = window(0, 20);
    let mut asks = questions(whole);
    asks.push(Ask::LogSearch { window: whole, scope: Scope::service("back"), text: "lost".to_owned() });
    asks.push(Ask::LogTemplates { window: whole, scope: Scope::all() });
    asks.extend([1, 30, 60].map(|nth| Ask::Trace { trace_id: trace_id(nth) }));
    asks.into_iter().map(|ask| rig.ask(ask).unwrap()).collect()
}

/// The files of the data directory on `disk`.
fn files(disk: &SimDisk) -> Files {
    let of = |dir: &str| {
        let paths = disk.list(Path::new(dir)).unwrap().into_iter().map(|name| Path::new(dir).join(name));
        paths.filter_map(|path| Some((path.clone(), disk.read(&path).ok()?))).collect::<Vec<_>>()
    };
    ["data", "data/spaces/default", "data/spaces/default/wal", SEGMENTS].into_iter().flat_map(of).collect()
}

/// A disk that holds these files.
fn disk_of(files: &Files) -> SimDisk {
    let disk = SimDisk::new();
    for (path, bytes) in files {
        disk.create_dir_all(path.parent().unwrap()).unwrap();
        disk.open_new(path).unwrap().append(bytes).unwrap();
    }
    disk
}

/// Ways to damage a file.
const WAYS: [&str; 8] = ["bit", "zeros", "cut", "swapped", "repeated", "noise", "stale", "gone"];

/// The files with one of them damaged, and how; nothing when that changed nothing.
fn damaged(whole: &Files, before: &Files, chance: &mut SeededChance) -> Option<(Files, String)> {
    let way = WAYS[chance.below(WAYS.len() as u64) as usize];
    let path = whole.keys().nth(chance.below(whole.len() as u64) as usize).unwrap();
    let bytes = &whole[path];
    let len = bytes.len() as u64;
    if len == 0 || is_untold(path, way) {
        return None;
    }
    let at = |chance: &mut SeededChance| (chance.below(len.div_ceil(BLOCK)) * BLOCK) as usize;
    let (from, to) = (at(chance), at(chance));
    let block = bytes[from..bytes.len().min(from + BLOCK as usize)].to_vec();
    let mut changed = bytes.clone();
    match way {
        "bit" => {
            let bit = chance.below(len * 8);
            changed[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
        "zeros" => changed[from..from + block.len()].fill(0),
        "noise" => {
            changed[from..from + block.len()].iter_mut().for_each(|byte| *byte = chance.next_u64() as u8)
        }
        "cut" => changed.truncate(chance.below(len) as usize),
        "swapped" => {
            let other = changed[to..changed.len().min(to + block.len())].to_vec();
            changed[from..from + other.len()].copy_from_slice(&other);
            changed[to..to + other.len()].copy_from_slice(&block[..other.len()]);
        }
        "repeated" => drop(changed.splice(from..from, block)),
        "stale" => changed = stale(whole, before, path, chance)?,
        _ => {}
    }
    let mut files = whole.clone();
    if way == "gone" {
        files.remove(path);
    } else if changed == *bytes {
        return None;
    } else {
        files.insert(path.clone(), changed);
    }
    Some((files, format!("{way} in `{}`", path.display())))
}

/// An earlier state of the file, or another one of its kind.
fn stale(whole: &Files, before: &Files, path: &Path, chance: &mut SeededChance) -> Option<Vec<u8>> {
    if let Some(bytes) = before.get(path).filter(|bytes| **bytes != whole[path]) {
        return Some(bytes.clone());
    }
    let kind = path.to_string_lossy().rsplit('/').next()?.split_once('.')?.1.to_owned();
    let others: Vec<_> = whole.keys().filter(|other| other.to_string_lossy().ends_with(&kind)).collect();
    others.get(chance.below(others.len() as u64) as usize).map(|other| whole[*other].clone())
}

/// What the module says it does not try.
fn is_untold(path: &Path, way: &str) -> bool {
    path.extension().is_some_and(|end| end == "wal") && ["stale", "gone"].contains(&way)
}

/// Whether all that `found` says of single spans and log records is in `expected` too.
fn is_part(found: &Answer, expected: &Answer) -> bool {
    match (&found.table, &expected.table) {
        (Table::Trace(found), Table::Trace(expected)) => found.iter().all(|row| {
            expected.iter().any(|whole| {
                let times = (row.start, row.duration_ns, row.status, row.kind);
                (row.span_id, row.parent, &row.subject, &row.attributes)
                    == (whole.span_id, whole.parent, &whole.subject, &whole.attributes)
                    && times == (whole.start, whole.duration_ns, whole.status, whole.kind)
            })
        }),
        (Table::LogSearch(found), Table::LogSearch(expected)) => {
            found.iter().all(|row| expected.contains(row))
        }
        _ => true,
    }
}

/// What one damage came to.
#[derive(Debug, Default)]
struct Tally {
    harmless: u64,
    told: u64,
    refused: u64,
    at_a_border: u64,
}

fn try_one(files: &Files, expected: &[Answer], told: &str, is_cut_log: bool, tally: &mut Tally) {
    let mut config = Config::new("data");
    little(&mut config);
    let clock = Arc::new(SimClock::at(T0 + 60 * SECOND_NS));
    let disk = disk_of(files);
    let store = match Store::open(config, Arc::new(disk.clone()), clock.clone()) {
        Ok(store) => store,
        Err(error) => {
            assert!(error.to_string().contains("hint:") && told.contains("FORMAT"), "{told}: {error}");
            tally.refused += 1;
            return;
        }
    };
    let rig = Rig { disk, clock, store };
    rig.clock.advance(Duration::from_secs(20));
    let stats = rig.store.stats();
    let is_told = stats.damaged_segments + stats.damaged_bytes + stats.torn_bytes > 0;
    let found = answers(&rig);
    let is_equal = found.iter().zip(expected).all(|(found, expected)| found == expected);
    if is_cut_log && !is_told && !is_equal {
        tally.at_a_border += 1;
        return;
    }
    for (found, expected) in found.iter().zip(expected) {
        assert!(found == expected || is_told || found.unreadable > 0, "{told}: {found:?}\n{stats:?}");
        assert!(is_part(found, expected), "{told}: {found:?}");
    }
    *(if is_equal { &mut tally.harmless } else { &mut tally.told }) += 1;
}

#[test]
fn whatever_is_damaged_no_answer_is_wrong_and_what_is_missing_is_told() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    let before = files(&rig.disk);
    fill(&rig);
    rig.store.close();
    let whole = files(&rig.disk);
    let again = Rig::with(disk_of(&whole), little);
    again.clock.advance(Duration::from_secs(20));
    let expected = answers(&again);
    let (first, count) = if soak::is_on() { (soak::seed() * 1_000_000, SOAK_DAMAGES) } else { (0, DAMAGES) };
    let tallies = soak::by_seed(first, count, |seed, tally: &mut Tally| {
        let mut chance = SeededChance::new(seed);
        let (files, told) =
            (0..).find_map(|_| damaged(&whole, &before, &mut chance)).expect("one that changes something");
        let is_cut_log = told.starts_with("cut in") && told.contains("/wal/");
        try_one(&files, &expected, &format!("seed {seed}: {told}"), is_cut_log, tally);
    });
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    let (told, harmless) = (sum(|tally| tally.told), sum(|tally| tally.harmless));
    assert!(told > count / 4, "{told} told, {harmless} harmless of {count}");
    soak::tell(&[
        ("damages", count),
        ("answered_with_what_is_missing_told", told),
        ("damages_without_effect", harmless),
        ("opening_refused_with_a_hint", sum(|tally| tally.refused)),
        ("logs_cut_between_two_records", sum(|tally| tally.at_a_border)),
        ("wrong_answers", 0),
    ]);
}
