//! Limits: the budget, the head, draining, and sums that close.

use std::path::Path;

use bytes::Bytes;
use otlp::{Intake, Refusal, Request, Signal};
use platform::{Disk, SimDisk};
use telemetry::{Ask, Scope, Space, Table};

use super::build::{Rig, SERVER, group, export, questions, request, small, span, window};

#[test]
fn what_never_fits_the_budget_is_too_large_and_what_does_not_fit_now_may_come_again() {
    let rig = Rig::with(SimDisk::new(), |config| config.budget_bytes = 100);
    assert!(matches!(rig.send(small(1, 1, 5)), Err(Refusal::TooLarge { .. })));
    let rig = Rig::with(SimDisk::new(), |config| config.budget_bytes = 2_000);
    let outcomes: Vec<_> = (1..200)
        .map(|trace| rig.store.offer(request(small(trace, 1, 5))))
        .collect();
    let refused = outcomes
        .into_iter()
        .filter_map(|ticket| ticket.wait().err())
        .inspect(|refusal| assert_eq!(refusal.reason(), "overloaded"))
        .count();
    let stats = rig.store.stats();
    assert_eq!(stats.accepted + stats.refused_items, 199, "the sums do not close");
    assert_eq!(stats.refused_items, refused as u64);
    assert_eq!(stats.used_bytes, 0, "a charge was not given back");
}

#[test]
fn a_full_queue_refuses_with_a_time_to_come_back_and_loses_nothing_it_took() {
    let rig = Rig::with(SimDisk::new(), |config| config.queue_max = 1);
    let tickets: Vec<_> = (1..500)
        .map(|trace| (trace, rig.store.offer(request(small(trace, 1, 5)))))
        .collect();
    for (trace, ticket) in tickets {
        match ticket.wait() {
            Ok(_) => assert!(rig.has(trace)),
            Err(refusal) => assert_eq!(refusal, Refusal::Overloaded { retry_after_s: 1 }),
        }
    }
}

#[test]
fn a_closed_store_refuses_and_still_answers() {
    let rig = Rig::new();
    rig.send(small(1, 1, 5)).unwrap();
    rig.store.close();
    assert_eq!(rig.send(small(2, 1, 5)), Err(Refusal::Draining));
    assert!(rig.has(1));
}

#[test]
fn a_full_head_drops_the_oldest_and_the_log_files_with_them() {
    let rig = Rig::with(SimDisk::new(), |config| {
        config.head_max_bytes = 20_000;
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
        questions(window(0, 20))
            .into_iter()
            .map(|ask| rig.ask(ask).unwrap())
            .collect()
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
    assert_eq!(
        (stats.accepted, stats.rejected["invalid_trace_id"], stats.refused["malformed"]),
        (1, 2, 1)
    );
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
