//! Limits: the budget, the head, draining, and sums that close.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use otlp::{Intake, Refusal, Request, Signal};
use platform::{Disk, SimDisk};
use telemetry::{Ask, Scope, Space, Table};

use super::build::{Rig, SERVER, export, group, questions, request, small, span, window};

#[test]
fn what_never_fits_the_budget_is_too_large_and_what_does_not_fit_now_may_come_again() {
    let rig = Rig::with(SimDisk::new(), |config| config.budget_bytes = 100);
    assert!(matches!(rig.send(small(1, 1, 5)), Err(Refusal::TooLarge { .. })));
    let rig = Rig::with(SimDisk::new(), |config| config.budget_bytes = 2_000);
    rig.disk.hold_syncs(true);
    let first = rig.store.offer(request(small(1, 1, 5)));
    assert_eq!(rig.send(small(2, 1, 5)), Err(Refusal::Overloaded { retry_after_s: 1 }));
    rig.disk.hold_syncs(false);
    first.wait().unwrap();
    rig.send(small(2, 1, 5)).unwrap();
    let stats = rig.store.stats();
    assert_eq!((stats.accepted, stats.refused_items, stats.used_bytes), (2, 1, 0));
}

#[test]
fn a_full_queue_refuses_and_what_was_taken_is_kept() {
    let rig = Rig::with(SimDisk::new(), |config| config.queue_max = 1);
    rig.disk.hold_syncs(true);
    let tickets: Vec<_> =
        (1..=20).map(|trace| (trace, rig.store.offer(request(small(trace, 1, 5))))).collect();
    rig.disk.hold_syncs(false);
    let (mut taken, mut refused) = (0, 0);
    for (trace, ticket) in tickets {
        match ticket.wait() {
            Ok(_) => {
                taken += 1;
                assert!(rig.has(trace));
            }
            Err(refusal) => {
                refused += 1;
                assert_eq!(refusal, Refusal::Overloaded { retry_after_s: 1 });
            }
        }
    }
    assert!(taken >= 1 && refused >= 17, "{taken} taken, {refused} refused");
}

#[test]
fn a_request_is_neither_acknowledged_nor_seen_before_the_sync_has_returned() {
    let rig = Rig::new();
    rig.disk.hold_syncs(true);
    let mut ticket = pin!(rig.store.offer(request(small(1, 1, 5))));
    let wal = Path::new("data/spaces/default/wal/00000001.wal");
    while rig.disk.read(wal).map_or(0, |bytes| bytes.len()) == 0 {
        std::thread::yield_now();
    }
    let mut context = Context::from_waker(Waker::noop());
    assert!(ticket.as_mut().poll(&mut context).is_pending() && !rig.has(1));
    rig.disk.hold_syncs(false);
    while ticket.as_mut().poll(&mut context).is_pending() {
        std::thread::yield_now();
    }
    assert!(rig.has(1));
}

#[test]
fn a_closed_store_refuses_and_still_answers() {
    let rig = Rig::new();
    rig.send(small(1, 1, 5)).unwrap();
    assert!(rig.store.is_taking());
    rig.store.close();
    assert_eq!((rig.send(small(2, 1, 5)), rig.store.is_taking()), (Err(Refusal::Draining), false));
    assert!(rig.has(1));
}

#[test]
fn a_full_head_without_room_for_segments_drops_the_oldest_and_the_log_files_with_them() {
    let rig = Rig::with(SimDisk::new(), |config| {
        config.head_max_bytes = 20_000;
        config.segments_max_bytes = 0;
        config.wal_file_bytes = 500;
    });
    for trace in 1..=200 {
        rig.send(small(trace, trace as i64 / 10, 5)).unwrap();
    }
    let stats = rig.store.stats();
    assert!(stats.head_bytes <= 20_000 && stats.head_bytes > 10_000, "{stats:?}");
    assert_eq!(stats.expired + stats.spans, 200);
    assert_eq!((rig.has(1), rig.has(200)), (false, true));
    let health = rig.ask(Ask::Health { window: window(0, 100), scope: Scope::all() }).unwrap();
    let Table::Health(rows) = &health.table else { panic!("{health:?}") };
    assert_eq!(rows[0].count, stats.spans, "the rollups kept what the head dropped");
    let files = rig.disk.list(Path::new("data/spaces/default/wal")).unwrap();
    assert!(files.len() < 60 && files[0] != "00000001.wal", "{files:?}");
    let rig = rig.reopen();
    assert!(rig.has(200) && !rig.has(1));
}

#[test]
fn a_restart_gives_the_same_answers_and_a_repeated_request_counts_once() {
    let rig = Rig::new();
    for trace in 1..=50 {
        rig.send(small(trace, trace as i64 % 7, 5 + trace as i64)).unwrap();
        if trace % 3 == 0 {
            rig.send(small(trace, trace as i64 % 7, 5 + trace as i64)).unwrap();
        }
    }
    assert_eq!(rig.store.stats().duplicates, 16);
    let ask_all = |rig: &Rig| -> Vec<_> {
        questions(window(0, 20)).into_iter().map(|ask| rig.ask(ask).unwrap()).collect()
    };
    let (before, mark) = (ask_all(&rig), rig.store.watermark(&Space::default()));
    let rig = rig.reopen();
    assert_eq!(ask_all(&rig), before);
    assert_eq!(rig.store.watermark(&Space::default()), mark);
    assert_eq!(rig.store.stats().recovered, 66);
    let Table::Health(rows) = &before[0].table else { panic!("{before:?}") };
    assert_eq!((rows.len(), rows[0].count), (1, 50));
}

#[test]
fn rejected_items_are_told_and_counted_and_malformed_requests_refused() {
    let rig = Rig::new();
    let mut broken = span(1, 2, 1, "x", SERVER, (0, 5));
    broken.trace_id.pop();
    let bytes = export(vec![group(
        ["shop", "a", "1"],
        &[],
        vec![span(1, 1, 0, "x", SERVER, (0, 5)), broken.clone()],
    )]);
    let receipt = rig.send(bytes).unwrap();
    assert_eq!((receipt.accepted, receipt.rejected["invalid_trace_id"]), (1, 1));
    let none_left = rig.send(export(vec![group(["shop", "a", "1"], &[], vec![broken])])).unwrap();
    assert_eq!((none_left.accepted, none_left.rejected_total()), (0, 1));
    assert!(matches!(rig.send(vec![0xFF]), Err(Refusal::Malformed { .. })));
    let stats = rig.store.stats();
    assert_eq!((stats.accepted, stats.rejected["invalid_trace_id"], stats.refused["malformed"]), (1, 2, 1));
}

#[test]
fn spaces_are_separate_and_their_number_is_limited() {
    let rig = Rig::new();
    let offer = |name: &str, trace: u64| {
        let request = Request {
            space: name.parse().unwrap(),
            signal: Signal::Traces,
            bytes: Bytes::from(small(trace, 1, 5)),
            received_at: None,
        };
        rig.store.offer(request).wait()
    };
    offer("other", 1).unwrap();
    assert!(!rig.has(1), "a trace of another space is seen");
    let refused = (0..100).filter(|index| offer(&format!("s{index}"), 1).is_err()).count();
    assert_eq!(refused, 37, "64 spaces, one of them taken");
    let rig = rig.reopen();
    assert_eq!(rig.store.spaces().len(), 64);
}
