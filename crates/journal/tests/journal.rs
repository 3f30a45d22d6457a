//! The journal against tampering and a failing disk.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use std::path::Path;
use std::sync::Arc;

use journal::{Damage, Journal, JournalError, left, verify};
use platform::clock::SimClock;
use platform::disk::Disk;
use platform::sim_disk::SimDisk;

const PATH: &str = "/incidents/a.journal";

fn written(records: usize) -> (Vec<u8>, String) {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new("/incidents")).unwrap();
    let mut journal = Journal::create(&disk, Arc::new(SimClock::at(7)), Path::new(PATH)).unwrap();
    for number in 0..records {
        journal.append("note", &format!("record number {number}"), None).unwrap();
    }
    journal.commit().unwrap();
    (disk.read(Path::new(PATH)).unwrap(), journal.head().to_owned())
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

// covers: AT-21
#[test]
fn an_untouched_journal_verifies_and_goes_on_where_it_ended() {
    let (bytes, head) = written(5);
    let verified = verify(&bytes, Some(&head)).unwrap();
    assert_eq!((verified.records.len(), verified.head), (5, head));
}

#[test]
fn every_flipped_bit_is_found() {
    let (bytes, head) = written(4);
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            assert!(verify(&damaged, Some(&head)).is_err(), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn every_dropped_reordered_and_repeated_record_is_found() {
    let (bytes, head) = written(5);
    let original = lines(&bytes);
    for place in 0..original.len() {
        let mut dropped = original.clone();
        dropped.remove(place);
        assert!(verify(&dropped.concat(), Some(&head)).is_err(), "dropped {place}");
        for other in 0..original.len() {
            let mut moved = original.clone();
            moved.swap(place, other);
            assert_eq!(verify(&moved.concat(), Some(&head)).is_err(), place != other, "{place} <-> {other}");
        }
        let mut repeated = original.clone();
        repeated.insert(place, original[place].clone());
        assert!(verify(&repeated.concat(), Some(&head)).is_err(), "repeated {place}");
    }
}

#[test]
fn a_well_formed_record_appended_later_is_found_by_the_head() {
    let (bytes, head) = written(3);
    let (longer, _) = written(4);
    assert!(longer.starts_with(&bytes), "the forger continues the chain correctly");
    assert!(verify(&longer, None).is_ok(), "the chain alone cannot know");
    assert!(verify(&longer, Some(&head)).is_err());
}

#[test]
fn a_cut_last_line_is_found_without_a_head() {
    let (bytes, _) = written(3);
    assert!(verify(&bytes[..bytes.len() - 1], None).is_err());
}

/// Three records, each committed, then two that were not when the next one was written.
fn partly_committed() -> Vec<u8> {
    let disk = SimDisk::new();
    disk.create_dir_all(Path::new("/incidents")).unwrap();
    let mut journal = Journal::create(&disk, Arc::new(SimClock::at(7)), Path::new(PATH)).unwrap();
    for number in 0..6 {
        journal.append("note", &format!("record number {number}"), None).unwrap();
        if number < 3 {
            journal.commit().unwrap();
        }
    }
    disk.read(Path::new(PATH)).unwrap()
}

#[test]
fn what_was_never_durable_is_a_torn_end_and_anything_else_is_damage() {
    let bytes = partly_committed();
    let durable: usize = lines(&bytes)[..3].iter().map(Vec::len).sum();
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        assert!(place >= durable || left(&flipped).is_err(), "byte {place} was durable");
        let mut zeroed = bytes.clone();
        zeroed[place] = 0;
        match left(&zeroed) {
            Ok(left) => {
                assert!(place >= durable, "byte {place} was durable");
                assert_eq!(left.len + left.torn, bytes.len());
                assert!(left.verified.records.len() >= 3);
            }
            Err(_) => assert!(place < durable, "byte {place} was never durable"),
        }
    }
    assert!(matches!(left(&bytes[..bytes.len() - 1]), Ok(left) if left.torn > 0));
}

// covers: AT-21
#[test]
fn a_torn_end_is_cut_and_the_journal_goes_on_and_a_damaged_one_is_not_touched() {
    let bytes = partly_committed();
    for (place, is_torn) in [(bytes.len() - 3, true), (3, false)] {
        let disk = SimDisk::new();
        disk.create_dir_all(Path::new("/incidents")).unwrap();
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        disk.open_new(Path::new(PATH)).unwrap().append(&damaged).unwrap();
        match Journal::resume(&disk, Arc::new(SimClock::at(9)), Path::new(PATH)) {
            Ok((mut journal, left)) => {
                assert!(is_torn && left.verified.records.len() == 5);
                journal.append("note", &"gone on", None).unwrap();
                journal.commit().unwrap();
                let head = journal.head().to_owned();
                assert_eq!(
                    verify(&disk.read(Path::new(PATH)).unwrap(), Some(&head)).unwrap().records.len(),
                    6
                );
            }
            Err(error) => {
                assert!(!is_torn, "{error}");
                assert!(matches!(error, JournalError::Damaged { source: Damage::NotARecord { .. }, .. }));
                assert_eq!(disk.read(Path::new(PATH)).unwrap(), damaged);
            }
        }
    }
}
