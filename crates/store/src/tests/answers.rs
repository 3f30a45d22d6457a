//! The questions on traces whose figures were worked out by hand.

use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use telemetry::answer::{Choice, EdgeRow, ExemplarRow, HealthRow, OnsetRow, SelfTimeTable, TraceRow};
use telemetry::time::SECOND_NS;
use telemetry::{Ask, AskError, Limits, Scope, SpanKind, Table, UnixNanos};

use super::build::{
    CLIENT, INTERNAL, MS, Rig, SERVER, T0, attribute, export, failed, group, questions, small, span,
    trace_id, window,
};

fn with(mut span: Span, attributes: &[(&str, &str)]) -> Span {
    span.attributes = attributes.iter().map(|(key, text)| attribute(key, text)).collect();
    span
}

/// `shop` (100 ms) calls `stock` (client 80 ms, server 50 ms), which asks its database for 40 ms and fails there.
fn shop_trace(trace: u64) -> Vec<u8> {
    let shop = vec![
        span(trace, 1, 0, "POST /order", SERVER, (0, 100 * MS)),
        span(trace, 2, 1, "reserve", INTERNAL, (5 * MS, 95 * MS)),
        span(trace, 3, 2, "GET", CLIENT, (10 * MS, 90 * MS)),
    ];
    let sql = span(trace, 5, 4, "SELECT stock", CLIENT, (35 * MS, 75 * MS));
    let database =
        [("db.system.name", "sqlite"), ("db.query.summary", "SELECT stock"), ("db.collection.name", "stock")];
    let stock = vec![
        failed(span(trace, 4, 3, "GET /stock", SERVER, (30 * MS, 80 * MS))),
        failed(with(sql, &database)),
    ];
    export(vec![group(["shop", "s1", "1"], &[], shop), group(["stock", "k1", "2"], &[], stock)])
}

fn self_time(rig: &Rig, scope: Scope) -> SelfTimeTable {
    let Table::SelfTime(table) = rig.ask(Ask::SelfTime { window: window(0, 1), scope }).unwrap().table else {
        panic!("no self-time table")
    };
    table
}

#[test]
fn exclusive_time_origin_and_resource_are_those_of_the_hand_made_trace() {
    let rig = Rig::new();
    rig.send(shop_trace(1)).unwrap();
    rig.clock.advance(Duration::from_secs(3));
    let table = self_time(&rig, Scope::all());
    assert_eq!(table.traces, 1);
    let figures: Vec<(&str, &str, &str, i64, u64, u64)> = table
        .rows
        .iter()
        .map(|row| {
            (
                row.subject.operation.as_str(),
                row.entry.as_str(),
                row.resource.as_str(),
                row.sum_ns / MS,
                row.errors,
                row.error_origins,
            )
        })
        .collect();
    assert_eq!(
        figures,
        [
            ("GET", "POST /order", "", 0, 0, 0),
            ("POST /order", "POST /order", "", 10, 0, 0),
            ("reserve", "POST /order", "", 10, 0, 0),
            ("GET /stock", "GET /stock", "", 10, 1, 0),
            ("SELECT stock", "GET /stock", "SELECT stock", 40, 1, 1),
        ]
    );
    let row = &table.rows[4];
    assert_eq!(
        (row.database.as_str(), row.kind, row.p95_ns, row.blocks[0].second, row.blocks[0].sum_ns),
        ("sqlite", SpanKind::Client, 40 * MS, UnixNanos(T0), 40 * MS)
    );
    let stock = self_time(&rig, Scope::service("stock"));
    assert_eq!((stock.traces, stock.rows.as_slice()), (1, &table.rows[3..]));
}

#[test]
fn edges_hold_calls_durations_and_what_the_callee_does_not_explain() {
    let rig = Rig::new();
    rig.send(shop_trace(1)).unwrap();
    rig.clock.advance(Duration::from_secs(3));
    let ask = |scope| {
        let Table::Edges(rows) = rig.ask(Ask::Edges { window: window(0, 1), scope }).unwrap().table else {
            panic!("no edges table")
        };
        rows
    };
    let figures = |row: &EdgeRow| {
        (
            (row.caller.clone(), row.callee.clone(), row.is_instrumented),
            (row.count, row.errors),
            [row.client_sum_ns, row.server_sum_ns, row.delay_p50_ns].map(|nanos| nanos / MS),
        )
    };
    let rows = ask(Scope::all());
    assert_eq!(
        rows.iter().map(figures).collect::<Vec<_>>(),
        [
            (("shop".into(), "stock".into(), true), (1, 0), [80, 50, 30]),
            (("stock".into(), "sqlite:stock".into(), false), (1, 1), [40, 0, 40]),
        ]
    );
    assert_eq!(ask(Scope::service("shop")), rows[..1]);
    assert!(rows[0].clock_offset_p50_ns.abs() <= rows[0].delay_p50_ns / 2, "one clock");
}

#[test]
fn an_edge_tells_how_far_the_clocks_of_its_ends_are_apart() {
    let rig = Rig::new();
    let call = vec![
        span(1, 1, 0, "GET /basket", SERVER, (0, 100 * MS)),
        span(1, 2, 1, "GET", CLIENT, (10 * MS, 70 * MS)),
    ];
    let called = vec![span(1, 3, 2, "GET /a", SERVER, (-4_980 * MS, -4_940 * MS))];
    rig.send(export(vec![group(["shop", "s1", "1"], &[], call), group(["other", "o1", "1"], &[], called)]))
        .unwrap();
    rig.clock.advance(Duration::from_secs(3));
    let ask = Ask::Edges { window: window(-6, 1), scope: Scope::all() };
    let Table::Edges(rows) = rig.ask(ask).unwrap().table else { panic!("no edges table") };
    assert_eq!((rows[0].delay_p50_ns / MS, rows[0].clock_offset_p50_ns / MS), (20, -5_000));
}

#[test]
fn a_trace_is_shown_whole_with_exclusive_times_and_sorted_attributes() {
    let rig = Rig::new();
    rig.send(shop_trace(1)).unwrap();
    let Table::Trace(rows) = rig.ask(Ask::Trace { trace_id: trace_id(1) }).unwrap().table else {
        panic!("no trace table")
    };
    let exclusive: Vec<i64> = rows.iter().map(|row: &TraceRow| row.exclusive_ns / MS).collect();
    assert_eq!(exclusive, [10, 10, 0, 10, 40]);
    assert_eq!(rows[2].edge_delay_ns, Some(30 * MS));
    assert_eq!(rows[4].attributes[0], ("db.collection.name".to_owned(), "stock".to_owned()));
    assert!(rig.ask(Ask::Trace { trace_id: trace_id(9) }).unwrap().table.is_empty());
}

#[test]
fn health_and_onset_count_entry_spans_by_the_second_of_their_end() {
    let rig = Rig::new();
    for (trace, second, millis) in [(1, 0, 10), (2, 0, 20), (3, 1, 30), (4, 9, 500)] {
        rig.send(small(trace, second, millis)).unwrap();
    }
    rig.send(shop_trace(5)).unwrap();
    let scope = Scope { instance: Some("a".to_owned()), ..Scope::service("shop") };
    let health = rig.ask(Ask::Health { window: window(0, 9), scope: scope.clone() }).unwrap();
    assert_eq!(health.quantile_error.get(), 0.01);
    let Table::Health(rows) = health.table else { panic!("no health table") };
    let [HealthRow { count: 3, errors: 0, sum_ns: 60_000_000, p50_ns, p99_ns, .. }] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert!((p50_ns - 20 * MS).abs() <= 20 * MS / 100 && (p99_ns - 30 * MS).abs() <= 30 * MS / 100);
    let Table::Onset(rows) = rig.ask(Ask::Onset { window: window(0, 20), scope }).unwrap().table else {
        panic!("no onset table")
    };
    let figures: Vec<(i64, u64)> =
        rows.iter().map(|row: &OnsetRow| ((row.second.0 - T0) / SECOND_NS, row.count)).collect();
    assert_eq!(figures, [(0, 2), (1, 1), (9, 1)]);
    let all = rig.ask(Ask::Health { window: window(0, 9), scope: Scope::all() }).unwrap();
    let Table::Health(rows) = all.table else { panic!("no health table") };
    assert!(rows.is_sorted_by_key(|row| row.subject.clone()) && rows.len() == 3);
    assert_eq!(rows.iter().map(|row| row.errors).sum::<u64>(), 1);
}

#[test]
fn exemplars_are_the_failed_the_slowest_and_the_most_typical() {
    let rig = Rig::new();
    for trace in 1..=9 {
        rig.send(small(trace, 0, 10 * trace as i64)).unwrap();
    }
    let bad = failed(span(10, 1, 0, "GET /", SERVER, (0, 5 * MS)));
    rig.send(export(vec![group(["shop", "a", "1"], &[], vec![bad])])).unwrap();
    rig.clock.advance(Duration::from_secs(3));
    let ask = Ask::Exemplars { window: window(0, 1), scope: Scope::service("shop"), limit: 2 };
    let Table::Exemplars(rows) = rig.ask(ask).unwrap().table else { panic!("no exemplars table") };
    let chosen: Vec<_> = rows.iter().map(|row: &ExemplarRow| (row.choice, row.trace_id)).collect();
    assert_eq!(
        chosen,
        [
            (Choice::Worst, trace_id(10)),
            (Choice::Worst, trace_id(9)),
            (Choice::Typical, trace_id(4)),
            (Choice::Typical, trace_id(3)),
        ]
    );
}

#[test]
fn a_trace_counts_when_it_is_whole_and_quiet_or_long_past_and_is_left_out_before() {
    let rig = Rig::new();
    rig.send(shop_trace(1)).unwrap();
    let ask = || rig.ask(Ask::SelfTime { window: window(0, 1), scope: Scope::all() }).unwrap();
    assert_eq!((ask().table.len(), ask().left_out), (0, 1), "not quiet yet");
    rig.send(small(2, 7, 1)).unwrap();
    assert_eq!((ask().table.len(), ask().left_out), (5, 0), "the window is long past");
    let orphan = span(3, 8, 7, "late", SERVER, (0, MS));
    rig.send(export(vec![group(["shop", "a", "1"], &[], vec![orphan])])).unwrap();
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!((ask().table.len(), ask().left_out), (5, 1), "a parent is missing");
}

#[test]
fn limits_cancellation_and_unknown_questions_are_told() {
    let rig = Rig::new();
    rig.send(shop_trace(1)).unwrap();
    rig.clock.advance(Duration::from_secs(3));
    let ask = Ask::SelfTime { window: window(0, 1), scope: Scope::all() };
    let two_rows = Limits { rows_max: 2, ..Limits::default() };
    let cut = rig.ask_within(ask.clone(), &two_rows).unwrap();
    assert_eq!((cut.table.len(), cut.truncated), (2, true));
    let few = Limits { scanned_max: 4, ..Limits::default() };
    assert!(matches!(rig.ask_within(ask, &few), Err(AskError::LimitReached(_))));
    let unknown = rig.ask(Ask::Topology { window: window(0, 1) });
    assert_eq!(unknown, Err(AskError::Unsupported("topology".to_owned())));
    let cancel = telemetry::Cancel::default();
    cancel.cancel();
    for ask in questions(window(0, 1)) {
        let question = telemetry::Question {
            id: telemetry::QuestionId::numbered(1),
            space: telemetry::Space::default(),
            ask,
            not_before: UnixNanos(0),
        };
        let answer = telemetry::Answerer::answer(&rig.store, &question, &Limits::default(), &cancel);
        assert_eq!(answer, Err(AskError::Cancelled));
    }
}

#[test]
fn a_clock_far_ahead_does_not_carry_the_watermark_away() {
    let rig = Rig::new();
    rig.send(small(1, 100_000, 5)).unwrap();
    assert_eq!(rig.store.watermark(&telemetry::Space::default()), UnixNanos(T0 + 60 * SECOND_NS));
}

#[test]
fn calls_of_one_process_to_two_operations_of_a_service_stand_in_two_lanes() {
    let rig = Rig::new();
    let calls = vec![
        span(1, 1, 0, "GET /basket", SERVER, (0, 100 * MS)),
        span(1, 2, 1, "GET", CLIENT, (10 * MS, 70 * MS)),
        span(1, 3, 1, "GET", CLIENT, (75 * MS, 80 * MS)),
    ];
    let called = vec![
        span(1, 4, 2, "GET /a", SERVER, (20 * MS, 60 * MS)),
        span(1, 5, 3, "GET /b", SERVER, (76 * MS, 79 * MS)),
    ];
    rig.send(export(vec![group(["shop", "s1", "1"], &[], calls), group(["other", "o1", "1"], &[], called)]))
        .unwrap();
    rig.clock.advance(Duration::from_secs(3));
    let table = self_time(&rig, Scope::all());
    let lanes: Vec<(&str, &str, i64)> = table
        .lanes
        .iter()
        .filter(|lane| lane.service == "shop")
        .map(|lane| (lane.target.as_str(), lane.operation.as_str(), lane.busy_ns / MS))
        .collect();
    assert_eq!(lanes, [("other", "GET /a", 60), ("other", "GET /b", 5)]);
}

// covers: EL-17
#[test]
fn bad_requests_are_compared_with_good_ones_by_what_their_traces_carry() {
    let rig = Rig::new();
    for trace in 1..=20_u64 {
        let node = if trace % 2 == 0 { "n3" } else { "n1" };
        let is_slow = trace > 10 && trace % 2 == 0;
        let start = trace as i64 * SECOND_NS;
        let span = span(trace, 1, 0, "GET /", SERVER, (start, start + if is_slow { 90 } else { 5 } * MS));
        let more = [("k8s.node.name", node)];
        rig.send(export(vec![group(["shop", "s1", "1"], &more, vec![span])])).unwrap();
    }
    rig.clock.advance(Duration::from_secs(3));
    let ask = Ask::Compare { good: window(0, 11), bad: window(11, 21), scope: Scope::service("shop") };
    let Table::Compare(table) = rig.ask(ask).unwrap().table else { panic!("another table") };
    assert_eq!((table.slow_ns, table.good.all(), table.blocks.len()), (Some(5 * MS), 10, 10));
    let names: Vec<(&str, &str)> =
        table.attributes.iter().map(|one| (one.key.as_str(), one.service.as_str())).collect();
    assert_eq!(names, [("k8s.node.name", ""), ("k8s.node.name", "shop")], "one version, one instance");
    let n3 = table.attributes[0].values.iter().find(|one| one.value == "n3").unwrap();
    let bad: u64 = n3.blocks.iter().map(|block| block.bad).sum();
    assert_eq!((bad, table.blocks.iter().map(|block| block.bad).sum::<u64>()), (5, 5));
}
