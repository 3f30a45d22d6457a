//! Rows that the tests of the health layer plant.

use telemetry::answer::{ChangeKind, ChangeRow, EdgeRow, HealthRow, OnsetRow, Subject};
use telemetry::{UnixNanos, Window};

pub(crate) fn window(from: i64, to: i64) -> Window {
    Window::new(UnixNanos(0).plus_seconds(from), UnixNanos(0).plus_seconds(to))
}

pub(crate) fn subject(service: &str, operation: &str) -> Subject {
    Subject {
        service: service.into(),
        operation: operation.into(),
        instance: String::new(),
        version: String::new(),
    }
}

/// Requests with a median; the 95th and 99th percentiles are twice and four times that.
pub(crate) fn row(service: &str, operation: &str, count: u64, errors: u64, p50_ms: f64) -> HealthRow {
    let p50_ns = (p50_ms * 1e6) as i64;
    HealthRow {
        subject: subject(service, operation),
        count,
        errors,
        sum_ns: count as i64 * p50_ns,
        p50_ns,
        p95_ns: 2 * p50_ns,
        p99_ns: 4 * p50_ns,
    }
}

pub(crate) fn edge(caller: &str, callee: &str, count: u64, errors: u64, mean_ms: f64) -> EdgeRow {
    EdgeRow {
        caller: caller.into(),
        callee: callee.into(),
        is_instrumented: true,
        count,
        errors,
        client_sum_ns: (count as f64 * mean_ms * 1e6) as i64,
        server_sum_ns: 0,
        delay_p50_ns: 0,
        clock_offset_p50_ns: 0,
        blocks: Vec::new(),
        resends: 0,
        queue: None,
    }
}

pub(crate) fn change(at_seconds: i64, kind: ChangeKind, service: &str) -> ChangeRow {
    ChangeRow {
        at: UnixNanos(0).plus_seconds(at_seconds),
        kind,
        service: service.into(),
        instance: String::new(),
        before: String::new(),
        after: "v2".into(),
        detail: None,
    }
}

/// One second of one instance.
pub(crate) fn second(service: &str, instance: &str, at: i64, count: u64, mean_ms: f64) -> OnsetRow {
    let ns = (mean_ms * 1e6) as i64;
    OnsetRow {
        subject: Subject { instance: instance.into(), ..subject(service, "GET /") },
        second: UnixNanos(0).plus_seconds(at),
        count,
        errors: 0,
        sum_ns: count as i64 * ns,
        p50_ns: ns,
        p95_ns: ns,
        is_message: false,
    }
}
