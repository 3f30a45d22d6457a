//! What leaves the head becomes segments, and the answers stay what they were.

use std::path::Path;
use std::time::Duration;

use otlp::{Intake, Refusal};
use platform::{Call, Disk, SeededChance, SimDisk};
use telemetry::{Answer, Ask, Scope, Space};

use super::build::{
    CLIENT, MS, Rig, SERVER, export, group, questions, request, small, span, trace_id, window,
};
use super::metrics::{gauge, number, of, send};
use super::world::fill;
use crate::Config;

/// Heads of some ten requests.
pub(super) fn little(config: &mut Config) {
    config.head_max_bytes = 20_000;
    config.wal_file_bytes = 500;
}

/// A store on the disk of `rig`, later.
fn reopened(rig: &Rig) -> Rig {
    let again = Rig::with(rig.disk.clone(), little);
    again.clock.advance(Duration::from_secs(20));
    again
}

pub(super) const SEGMENTS: &str = "data/spaces/default/segments";

pub(super) fn asks() -> Vec<Ask> {
    let mut asks = Vec::new();
    for within in [window(0, 20), window(3, 8), window(14, 16)] {
        asks.extend(questions(within));
        asks.push(Ask::LogTemplates { window: within, scope: Scope::all() });
        asks.push(Ask::LogSearch { window: within, scope: Scope::service("back"), text: "lost".to_owned() });
        asks.push(Ask::Compare { good: window(0, 3), bad: within, scope: Scope::service("front") });
        asks.push(Ask::SeriesChange {
            good: window(0, 6),
            bad: window(9, 14),
            scope: Scope::all(),
            metrics: Vec::new(),
        });
    }
    asks.extend([1, 30, 60].map(|nth| Ask::Trace { trace_id: trace_id(nth) }));
    asks
}

pub(super) fn answers(rig: &Rig) -> Vec<Answer> {
    asks().into_iter().map(|ask| rig.ask(ask).unwrap()).collect()
}

#[test]
fn every_answer_is_the_same_whether_the_rows_are_in_the_head_or_in_segments_and_after_a_restart() {
    let whole = Rig::new();
    let parted = Rig::with(SimDisk::new(), little);
    fill(&whole);
    fill(&parted);
    let stats = parted.store.stats();
    assert!(stats.segments >= 5 && stats.sealed > 100, "{stats:?}");
    assert_eq!(whole.store.stats().segments, 0);
    let expected = answers(&whole);
    let empty: Vec<Ask> = asks()
        .into_iter()
        .zip(&expected)
        .filter(|(ask, answer)| answer.table.is_empty() && ask.name() != "message")
        .map(|(ask, _)| ask)
        .collect();
    assert!(empty.len() <= 2, "{empty:?}");
    for ((ask, expected), found) in asks().iter().zip(&expected).zip(answers(&parted)) {
        assert_eq!(&found, expected, "{ask:?}");
    }
    parted.store.close();
    let again = reopened(&parted);
    assert_eq!(answers(&again), expected, "after a restart");
    assert_eq!(again.store.watermark(&Space::default()), whole.store.watermark(&Space::default()));
    let (was, is) = (stats, again.store.stats());
    assert_eq!((is.segments, is.sealed, is.damaged_segments), (was.segments, was.sealed, 0));
    assert_eq!(is.recovered + is.sealed, was.accepted - was.duplicates);
}

#[test]
fn log_files_whose_rows_are_in_segments_are_removed_and_their_numbers_never_come_again() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    let names = rig.disk.list(Path::new("data/spaces/default/wal")).unwrap();
    assert!(names.len() < 60 && names[0] != "00000001.wal", "{names:?}");
    let last = names.last().unwrap().clone();
    rig.store.close();
    let again = reopened(&rig);
    again.send(small(99, 1, 5)).unwrap();
    let names = again.disk.list(Path::new("data/spaces/default/wal")).unwrap();
    assert!(names.last().unwrap() > &last, "{names:?}");
}

#[test]
fn a_segment_that_cannot_be_written_leaves_its_rows_where_they_are_and_full_heads_refuse() {
    let rig = Rig::with(SimDisk::new(), little);
    let mut refused = 0;
    (1..=10_000).for_each(|nth| rig.disk.fail(Call::Rename, nth, std::io::ErrorKind::StorageFull));
    for nth in 1..=200 {
        match rig.send(small(nth, 1, 5)) {
            Ok(_) => assert!(rig.has(nth)),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Overloaded { retry_after_s: 1 });
                refused += 1;
            }
        }
    }
    let stats = rig.store.stats();
    assert!(refused > 100 && stats.failed_seals > 0 && stats.segments == 0, "{refused} {stats:?}");
    assert!(!rig.store.is_taking());
    assert_eq!(stats.accepted, stats.spans, "nothing left the head");
    rig.store.close();
    rig.disk.crash(&mut SeededChance::new(1));
    let again = reopened(&rig);
    assert_eq!(again.store.stats().sealed + again.store.stats().spans, stats.accepted);
    again.send(small(500, 1, 5)).unwrap();
}

#[test]
fn the_oldest_segments_go_when_there_are_too_many_bytes_or_they_are_too_old() {
    let small_disk = |config: &mut Config| {
        little(config);
        config.segments_max_bytes = 40_000;
    };
    let rig = Rig::with(SimDisk::new(), small_disk);
    for nth in 1..=400 {
        rig.send(small(nth, nth as i64 / 10, 5)).unwrap();
    }
    let stats = rig.store.stats();
    assert!(stats.segment_bytes <= 40_000 && stats.expired > 0 && stats.segments > 1, "{stats:?}");
    assert_eq!(stats.expired + stats.sealed + stats.spans, 400);
    assert_eq!((rig.has(1), rig.has(400)), (false, true));
    let entries = rig.disk.list(Path::new(SEGMENTS)).unwrap();
    assert_eq!(entries.len() as u64, stats.segments * 2 + 1, "{entries:?}");
    let short = Rig::with(SimDisk::new(), |config| {
        little(config);
        config.retention_s = 10;
    });
    for nth in 1..=400 {
        short.send(small(nth, nth as i64 / 4, 5)).unwrap();
    }
    assert!(!short.has(100) && short.has(395) && short.store.stats().expired > 100);
}

#[test]
fn what_is_beside_the_rows_is_made_again_when_it_is_damaged_and_a_damaged_table_is_told() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    let expected = answers(&rig);
    rig.store.close();
    let damage = |suffix: &str| {
        for name in rig.disk.list(Path::new(SEGMENTS)).unwrap() {
            if name.ends_with(suffix) {
                let path = Path::new(SEGMENTS).join(&name);
                let mut bytes = rig.disk.read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                rig.disk.remove(&path).unwrap();
                rig.disk.open_new(&path).unwrap().append(&bytes).unwrap();
            }
        }
    };
    damage(".summary");
    let mended = reopened(&rig);
    for ((ask, expected), found) in asks().iter().zip(&expected).zip(answers(&mended)) {
        assert_eq!(&found, expected, "derived from the rows again: {ask:?}");
    }
    assert_eq!(mended.store.stats().damaged_segments, 0);
    mended.store.close();
    damage(".spans.parquet");
    let lost = reopened(&rig);
    assert!(lost.store.stats().damaged_segments > 0);
    let found = lost.ask(Ask::SelfTime { window: window(0, 20), scope: Scope::all() }).unwrap();
    assert!(found.unreadable > 50, "{found:?}");
}

#[test]
fn a_directory_from_before_there_were_segments_is_opened_and_gets_the_new_stamp() {
    let rig = Rig::new();
    rig.send(small(1, 1, 5)).unwrap();
    rig.store.close();
    let stamp = Path::new("data/FORMAT");
    rig.disk.remove(stamp).unwrap();
    let mut file = rig.disk.open_new(stamp).unwrap();
    file.append(b"firstcause-data 1\n").unwrap();
    drop(file);
    let again = Rig::with(rig.disk.clone(), |_| {});
    assert!(again.has(1));
    assert_eq!(again.disk.read(stamp).unwrap(), crate::FORMAT.as_bytes());
}

#[test]
fn a_list_of_segments_that_lost_its_head_loses_no_file_of_rows() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    rig.store.close();
    let path = Path::new(SEGMENTS).join("MANIFEST");
    let text = String::from_utf8(rig.disk.read(&path).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    // What says how far the log was moved is gone, and the last segment with it.
    put(&rig.disk, &path, lines[2..lines.len() - 1].join("\n").as_bytes());
    let files = |rig: &Rig| rig.disk.list(Path::new(SEGMENTS)).unwrap();
    let before = files(&rig);
    let again = reopened(&rig);
    assert!(again.store.stats().damaged_segments > 0);
    fill(&again);
    assert!(again.store.stats().segments > lines.len() as u64 - 3);
    // Another start sees a whole list again, and files that it does not name.
    let after = files(&reopened(&{
        again.store.close();
        again
    }));
    let last = format!("{:08}.spans.parquet", lines.len() - 2);
    assert!(before.contains(&last) && after.contains(&format!("lost-{last}")), "{before:?} {after:?}");
    assert!(before.iter().all(|name| after.contains(name) || after.contains(&format!("lost-{name}"))));
}

#[test]
fn a_list_of_segments_that_was_put_back_is_a_loss_and_removes_nothing() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    let path = Path::new(SEGMENTS).join("MANIFEST");
    let earlier = rig.disk.read(&path).unwrap();
    (500..600).for_each(|nth| drop(rig.send(small(nth, 1, 5)).unwrap()));
    rig.store.close();
    put(&rig.disk, &path, &earlier);
    let before = rig.disk.list(Path::new(SEGMENTS)).unwrap();
    let again = reopened(&rig);
    assert_eq!(again.store.stats().damaged_segments, 1);
    let after = rig.disk.list(Path::new(SEGMENTS)).unwrap();
    let is_there = |name: &String| after.contains(name) || after.contains(&format!("lost-{name}"));
    assert!(before.iter().all(is_there) && after.iter().any(|name| name.starts_with("lost-")), "{after:?}");
}

#[test]
fn a_list_of_segments_that_is_gone_is_a_loss_and_removes_nothing() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    rig.store.close();
    rig.disk.remove(&Path::new(SEGMENTS).join("MANIFEST")).unwrap();
    put_new(&rig.disk, &Path::new(SEGMENTS).join("notes.txt"), b"not ours");
    let files = rig.disk.list(Path::new(SEGMENTS)).unwrap();
    let again = reopened(&rig);
    assert_eq!(again.store.stats().damaged_segments, 1);
    fill(&again);
    again.store.close();
    let after = reopened(&again).disk.list(Path::new(SEGMENTS)).unwrap();
    let is_there = |name: &String| after.contains(name) || after.contains(&format!("lost-{name}"));
    assert!(files.iter().all(is_there), "{files:?} {after:?}");
    assert!(after.contains(&"notes.txt".to_owned()));
}

#[test]
fn rows_that_do_not_fit_the_memory_leave_out_the_oldest_and_the_answer_says_so() {
    let rig = Rig::with(SimDisk::new(), |config| {
        little(config);
        config.cache_bytes = 30_000;
    });
    (1..=400).for_each(|nth| drop(rig.send(small(nth, nth as i64 / 10, 5)).unwrap()));
    rig.clock.advance(Duration::from_secs(10));
    let ask = |from, to| rig.ask(Ask::SelfTime { window: window(from, to), scope: Scope::all() }).unwrap();
    let traces = |answer: &Answer| match &answer.table {
        telemetry::Table::SelfTime(table) => table.traces,
        other => panic!("{other:?}"),
    };
    let all = ask(0, 50);
    assert!(all.truncated && traces(&all) > 40 && traces(&all) < 400, "{all:?}");
    let first = ask(0, 1);
    assert!(traces(&first) < 400 && first.truncated, "a minute around it is as much: {first:?}");
}

#[test]
fn of_two_windows_that_do_not_fit_the_memory_the_bad_one_is_read_first() {
    let rig = Rig::with(SimDisk::new(), |config| {
        little(config);
        config.cache_bytes = 60_000;
    });
    // The good window is sent last: what decides is which window it is, not when its rows came.
    (1..=100).for_each(|nth| drop(rig.send(small(nth, 600, 5)).unwrap()));
    (101..=300).for_each(|nth| drop(rig.send(small(nth, 1, 5)).unwrap()));
    rig.clock.advance(Duration::from_secs(10));
    let asked = Ask::Compare { good: window(0, 10), bad: window(595, 610), scope: Scope::all() };
    let found = rig.ask(asked).unwrap();
    let telemetry::Table::Compare(table) = &found.table else { panic!("{found:?}") };
    let bad: u64 = table.blocks.iter().map(|split| split.bad + split.fine).sum();
    assert!(found.truncated && bad == 100, "{bad}: {found:?}");
}

/// Damages the record in the first file of the log of `rig`.
fn damage_first_record(rig: &Rig) {
    let path = Path::new("data/spaces/default/wal/00000001.wal");
    let mut bytes = rig.disk.read(path).unwrap();
    bytes[60] ^= 1;
    put(&rig.disk, path, &bytes);
}

#[test]
fn spans_become_a_segment_from_memory_whatever_the_log_has_lost_of_them() {
    let rig = Rig::with(SimDisk::new(), little);
    rig.send(small(1, 1, 5)).unwrap();
    damage_first_record(&rig);
    (2..=60).for_each(|nth| drop(rig.send(small(nth, 1, 5)).unwrap()));
    let stats = rig.store.stats();
    assert!(stats.segments > 0 && rig.has(1), "{stats:?}");
    assert_eq!((stats.spans + stats.sealed, stats.damaged_bytes), (60, 0));
}

#[test]
fn points_that_the_log_lost_before_they_became_a_segment_are_counted() {
    let rig = Rig::with(SimDisk::new(), little);
    for second in 0..200 {
        send(&rig, vec![of("shop", "a", "1", vec![gauge("level", vec![number(0, second, 1.0)])])]);
        // The first file is full by then, and not in a segment yet.
        if second == 9 {
            damage_first_record(&rig);
        }
    }
    let stats = rig.store.stats();
    assert!(stats.segments > 0 && stats.damaged_bytes > 0, "{stats:?}");
    assert_eq!(stats.points + stats.sealed, 199);
}

#[test]
fn requests_are_acknowledged_and_seen_while_a_segment_is_being_written() {
    let rig = Rig::with(SimDisk::new(), |config| config.head_max_bytes = 100_000);
    rig.disk.hold_syncs_of(".parquet");
    let sent = (1..).find(|nth| {
        rig.store.offer(request(small(*nth, 1, 5))).wait().unwrap();
        rig.store.stats().head_bytes > 110_000
    });
    let sent = sent.unwrap();
    assert_eq!(rig.store.stats().segments, 0);
    assert!((1..=sent).all(|nth| rig.has(nth)), "one of {sent} is not seen");
    rig.disk.hold_syncs(false);
    rig.store.settle();
    let stats = rig.store.stats();
    assert!(stats.segments > 0 && stats.head_bytes <= 100_000, "{stats:?}");
    assert_eq!(stats.spans + stats.sealed, sent);
    assert!((1..=sent).all(|nth| rig.has(nth)), "one of {sent} is not seen");
}

#[test]
fn heads_a_quarter_over_their_limit_wait_for_a_segment_and_lose_nothing() {
    let rig = Rig::with(SimDisk::new(), little);
    rig.disk.hold_syncs_of(".parquet");
    let tickets: Vec<_> = (1..=600).map(|nth| (nth, rig.store.offer(request(small(nth, 1, 5))))).collect();
    while rig.store.stats().head_bytes <= 25_000 {
        std::thread::yield_now();
    }
    // Time enough for all of them, if they did not wait.
    let looks = (0..20_000).take_while(|_| {
        std::thread::yield_now();
        rig.store.stats().accepted < 600
    });
    assert_eq!(looks.count(), 20_000, "nothing waits");
    let stats = rig.store.stats();
    // What one sync makes durable comes at once.
    assert!(stats.used_bytes > 0, "{stats:?}");
    rig.disk.hold_syncs(false);
    assert!(tickets.into_iter().all(|(nth, ticket)| ticket.wait().is_ok() && rig.has(nth)));
    rig.store.settle();
    let stats = rig.store.stats();
    assert_eq!((stats.accepted, stats.spans + stats.sealed), (600, 600));
    assert!(stats.head_bytes <= 25_000, "{stats:?}");
}

#[test]
fn what_comes_again_is_not_counted_again_while_it_waits_to_become_a_segment() {
    let rig = Rig::with(SimDisk::new(), little);
    rig.disk.hold_syncs_of(".parquet");
    let offer = |nth: u64| rig.store.offer(request(small(nth, nth as i64, 5))).wait().unwrap();
    let point = |second: i64| vec![of("shop", "a", "1", vec![gauge("level", vec![number(0, second, 1.0)])])];
    // Enough for a head that waits, and too little for one that must be written.
    for nth in 1..=10 {
        offer(nth);
        send(&rig, point(nth as i64));
    }
    let before = (rig.store.stats().spans, rig.store.stats().points);
    assert_eq!(before, (10, 10));
    for nth in 1..=3 {
        offer(nth);
        send(&rig, point(nth as i64));
    }
    let stats = rig.store.stats();
    assert_eq!((stats.spans, stats.points, stats.duplicates), (10, 10, 6));
    let health = rig.ask(Ask::Health { window: window(0, 100), scope: Scope::all() }).unwrap();
    let telemetry::Table::Health(rows) = &health.table else { panic!("{health:?}") };
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 10);
    rig.disk.hold_syncs(false);
}

#[test]
fn the_limit_of_bytes_is_one_for_all_spaces() {
    let rig = Rig::with(SimDisk::new(), |config| {
        little(config);
        config.segments_max_bytes = 40_000;
    });
    for nth in 1..=400 {
        for space in ["one", "two"] {
            let request = otlp::Request {
                space: space.parse().unwrap(),
                signal: otlp::Signal::Traces,
                bytes: small(nth, nth as i64 / 10, 5).into(),
                received_at: None,
            };
            rig.store.offer(request).wait().unwrap();
            rig.store.settle();
        }
    }
    let stats = rig.store.stats();
    assert!(stats.segment_bytes <= 40_000 && stats.expired > 100, "{stats:?}");
    assert_eq!(stats.expired + stats.sealed + stats.spans, 800);
}

fn put(disk: &SimDisk, path: &Path, bytes: &[u8]) {
    disk.remove(path).unwrap();
    put_new(disk, path, bytes);
}

fn put_new(disk: &SimDisk, path: &Path, bytes: &[u8]) {
    disk.open_new(path).unwrap().append(bytes).unwrap();
}

#[test]
fn a_check_counts_everything_and_names_what_is_damaged_without_changing_it() {
    let rig = Rig::with(SimDisk::new(), little);
    fill(&rig);
    let stats = rig.store.stats();
    let checked = |rig: &Rig| crate::check::check(&rig.disk, Path::new("data")).unwrap().remove(0);
    let whole = checked(&rig);
    assert_eq!((whole.segments, whole.segment_rows), (stats.segments, stats.sealed));
    assert_eq!(whole.segment_rows + whole.log_items, stats.accepted - stats.duplicates);
    assert!(whole.damage.is_empty() && whole.torn_bytes == 0, "{whole:?}");
    let path = Path::new(SEGMENTS).join("00000001.spans.parquet");
    let mut bytes = rig.disk.read(&path).unwrap();
    bytes[100] ^= 1;
    put(&rig.disk, &path, &bytes);
    let damaged = checked(&rig);
    assert!(damaged.damage.len() == 1 && damaged.damage[0].contains("rows are lost"), "{:?}", damaged.damage);
    assert_eq!(rig.disk.read(&path).unwrap(), bytes);
    let log = Path::new("data/spaces/default/wal");
    let last = log.join(rig.disk.list(log).unwrap().pop().unwrap());
    let mut bytes = rig.disk.read(&last).unwrap();
    bytes.extend([1, 2, 3]);
    put(&rig.disk, &last, &bytes);
    assert_eq!(checked(&rig).torn_bytes, 3);
}

#[test]
fn a_trace_whose_spans_lie_in_several_segments_and_beyond_the_window_is_whole() {
    let rig = Rig::with(SimDisk::new(), little);
    let second = 1_000 * MS;
    let root = span(1_000, 1, 0, "GET /", SERVER, (second, 5 * second));
    let child = span(1_000, 2, 1, "SELECT", CLIENT, (3 * second, 4 * second));
    let late = span(1_000, 3, 1, "SELECT", CLIENT, (4 * second, 5 * second));
    for (nth, one) in [root, child, late].into_iter().enumerate() {
        rig.send(export(vec![group(["shop", "a", "1"], &[], vec![one])])).unwrap();
        let first = nth as u64 * 50;
        (first + 1..=first + 50).for_each(|trace| drop(rig.send(small(trace, 9, 5)).unwrap()));
    }
    rig.clock.advance(Duration::from_secs(10));
    assert!(rig.store.stats().segments > 2);
    let whole = rig.ask(Ask::Trace { trace_id: trace_id(1_000) }).unwrap();
    assert_eq!((whole.table.len(), whole.left_out), (3, 0));
    let found = rig.ask(Ask::SelfTime { window: window(0, 2), scope: Scope::all() }).unwrap();
    let telemetry::Table::SelfTime(table) = &found.table else { panic!("{found:?}") };
    let calls = table.rows.iter().filter(|row| row.subject.operation == "SELECT");
    assert_eq!((table.traces, calls.map(|row| row.count).sum::<u64>()), (1, 2), "{found:?}");
}
