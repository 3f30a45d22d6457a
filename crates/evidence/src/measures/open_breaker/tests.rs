//! Breakers planted and not, and windows without any.

use telemetry::answer::{SelfTimeRow, Subject};

use super::*;

fn entries(count: u64) -> SelfTimeTable {
    let row = SelfTimeRow {
        subject: Subject {
            service: "a".into(),
            operation: "GET /".into(),
            instance: String::new(),
            version: String::new(),
        },
        entry: "GET /".into(),
        lead_ns: 0,
        kind: SpanKind::Server,
        resource: String::new(),
        database: String::new(),
        count,
        error_origins: 0,
        errors: 0,
        sum_ns: 0,
        p50_ns: 0,
        p95_ns: 0,
        blocks: Vec::new(),
    };
    SelfTimeTable { traces: count, rows: vec![row], lanes: Vec::new() }
}

fn way(count: u64, errors: u64, mean_ms: i64) -> EdgeRow {
    EdgeRow {
        caller: "a".into(),
        callee: "b".into(),
        is_instrumented: true,
        count,
        errors,
        client_sum_ns: mean_ms * count as i64 * 1_000_000,
        server_sum_ns: 0,
        delay_p50_ns: 0,
        clock_offset_p50_ns: 0,
        blocks: Vec::new(),
        resends: 0,
        queue: None,
    }
}

/// 400 requests before and 100 now, of the calls since it turned.
fn found(before: EdgeRow, now: EdgeRow, turn: &[EdgeRow]) -> Vec<OpenBreaker> {
    open((&entries(400), &entries(100)), Ways { good: &[before], bad: &[now], turn })
}

// covers: PB-46
#[test]
fn calls_that_stop_after_they_failed_are_a_breaker() {
    let breakers = found(way(400, 2, 5), way(2, 1, 5), &[way(20, 7, 5)]);
    assert_eq!(breakers.len(), 1);
    assert_eq!(breakers[0].calls_per_request, (1.0, 0.02));
    assert_eq!((breakers[0].turn, breakers[0].missing, &*breakers[0].fails_at), ((7, 20), 98.0, "b"));
    assert!(breakers[0].explains(110.0) && !breakers[0].explains(200.0) && breakers[0].is_instrumented);
    let timed_out = found(way(400, 0, 5), way(2, 0, 900), &[way(10, 0, 900)]);
    assert_eq!(timed_out.len(), 1, "calls that took too long open one as well");
}

// covers: PB-46
#[test]
fn calls_that_stop_without_failing_and_calls_that_fail_without_stopping_are_none() {
    assert!(
        found(way(400, 2, 5), way(2, 0, 5), &[way(20, 0, 5)]).is_empty(),
        "who fails before it would call"
    );
    assert!(
        found(way(400, 2, 5), way(100, 95, 5), &[way(100, 95, 5)]).is_empty(),
        "the calls are still made"
    );
    assert!(found(way(400, 390, 5), way(2, 2, 5), &[way(8, 7, 5)]).is_empty(), "they failed as much before");
    assert!(found(way(400, 2, 5), way(0, 0, 0), &[]).is_empty(), "what made them stop was not seen");
    assert!(found(way(3, 0, 5), way(8, 8, 5), &[way(8, 8, 5)]).is_empty(), "too little is known of before");
}

#[test]
fn attempts_that_nobody_answers_count_with_the_others() {
    let unanswered = EdgeRow { is_instrumented: false, ..way(6, 6, 1) };
    let breakers = found(way(400, 0, 5), way(4, 1, 5), &[way(4, 1, 5), unanswered]);
    assert_eq!(breakers[0].turn, (7, 10));
}

#[test]
fn the_failure_is_followed_to_the_last_callee_that_fails() {
    let behind = |callee: &str, errors| EdgeRow {
        caller: "b".into(),
        callee: callee.into(),
        is_instrumented: false,
        ..way(20, errors, 1)
    };
    let before = [way(400, 0, 5), behind("db", 0), behind("cache", 0)];
    let turn = [way(20, 8, 5), behind("db", 7), behind("cache", 1)];
    let ways = Ways { good: &before, bad: &[way(1, 1, 5)], turn: &turn };
    let breakers = open((&entries(400), &entries(100)), ways);
    assert_eq!((&*breakers[0].fails_at, breakers[0].is_instrumented), ("db", false));
}

/// Binomial noise around the same behaviour: no breaker in a thousand windows, since the calls a request stay.
#[test]
fn null_windows_show_none() {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..1_000 {
        let (count, requests) = (60 + draw(40), 80 + draw(20));
        let errors = draw(6);
        let now = way(count, errors, 4 + draw(3) as i64);
        let now = [now];
        let ways = Ways { good: &[way(380, 12, 5)], bad: &now, turn: &now };
        assert!(open((&entries(400), &entries(requests)), ways).is_empty());
    }
}
