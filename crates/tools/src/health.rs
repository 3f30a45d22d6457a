//! Rate, errors and durations over a window, from whichever question the sources answer.
//!
//! Few back ends answer `health`; those that answer `onset` tell the same by the second. Counts and sums then are as exact;
//! the quantiles are the seconds' own, weighted by their requests: near the truth where seconds are alike.

use std::collections::BTreeMap;

use ::evidence::health::{Figures, Settings, Status, service};
use telemetry::answer::{HealthRow, OnsetRow, Subject, Table};
use telemetry::{Ask, Scope, Window};

use crate::asked::{self, Picked};
use crate::tool::Context;

/// What requests of one name did in a window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Requests {
    /// How many.
    pub count: u64,
    /// How many failed.
    pub errors: u64,
    /// 95th percentile of their durations; of several parts that of the worst, because quantiles do not add up.
    pub p95_ns: i64,
}

/// How they are by the bounds of the health layer: by the share that fails, and by how many times longer they take than
/// `before`, whichever is worse. Too few requests are not judged.
#[must_use]
pub fn judged(now: &Requests, before: Option<&Requests>, settings: &Settings) -> Status {
    let figures = Figures { count: now.count, errors: now.errors, ..Figures::default() };
    let by_failures = service::status(&figures, settings);
    let before = before.filter(|before| before.count >= settings.requests_min && before.p95_ns > 0);
    let slower = before.map_or(1.0, |before| now.p95_ns as f64 / before.p95_ns as f64);
    let by_latency = if slower > settings.critical_ratio {
        Status::Critical
    } else if slower > settings.elevated_ratio {
        Status::Degraded
    } else {
        Status::Healthy
    };
    if by_failures == Status::Unknown { Status::Unknown } else { by_failures.max(by_latency) }
}

/// The rows of each window, in the order asked.
pub async fn rows(context: &Context, windows: &[Window], scope: &Scope) -> Vec<Picked<Vec<HealthRow>>> {
    let is_told = context.installation.questions().iter().any(|name| name == "health");
    let found = asked_for(context, windows, scope, is_told).await;
    // Who answers `health` may know nothing where another tells the seconds.
    if is_told && found.iter().all(|one| one.rows.is_empty()) {
        return asked_for(context, windows, scope, false).await;
    }
    found
}

async fn asked_for(
    context: &Context,
    windows: &[Window],
    scope: &Scope,
    is_told: bool,
) -> Vec<Picked<Vec<HealthRow>>> {
    let ask = |window: &Window| {
        let (window, scope) = (*window, scope.clone());
        if is_told { Ask::Health { window, scope } } else { Ask::Onset { window, scope } }
    };
    let answers = asked::each(context, windows.iter().map(ask).collect()).await;
    let table = |table| match table {
        Table::Health(rows) => Some(rows),
        Table::Onset(rows) => Some(folded(rows)),
        _ => None,
    };
    answers.into_iter().map(|answers| asked::picked(answers, table)).collect()
}

/// The rows of one window.
pub async fn of(context: &Context, window: Window, scope: &Scope) -> Picked<Vec<HealthRow>> {
    let none = || Picked { rows: Vec::new(), source: String::new(), is_truncated: false, gaps: Vec::new() };
    rows(context, &[window], scope).await.pop().unwrap_or_else(none)
}

/// The seconds of each subject as one row.
#[must_use]
pub fn folded(rows: Vec<OnsetRow>) -> Vec<HealthRow> {
    let mut by_subject: BTreeMap<Subject, Vec<OnsetRow>> = BTreeMap::new();
    for row in rows {
        by_subject.entry(row.subject.clone()).or_default().push(row);
    }
    by_subject.into_iter().map(|(subject, seconds)| fold(subject, &seconds)).collect()
}

fn fold(subject: Subject, seconds: &[OnsetRow]) -> HealthRow {
    HealthRow {
        subject,
        count: seconds.iter().map(|row| row.count).sum(),
        errors: seconds.iter().map(|row| row.errors).sum(),
        sum_ns: seconds.iter().fold(0, |sum: i64, row| sum.saturating_add(row.sum_ns)),
        p50_ns: weighted(seconds.iter().map(|row| (row.p50_ns, row.count)), 0.5),
        p95_ns: weighted(seconds.iter().map(|row| (row.p95_ns, row.count)), 0.5),
        p99_ns: weighted(seconds.iter().map(|row| (row.p95_ns, row.count)), 0.95),
    }
}

/// The quantile of values that stand for many requests each; 0 when there are none.
pub(crate) fn weighted(values: impl Iterator<Item = (i64, u64)>, share: f64) -> i64 {
    let mut values: Vec<(i64, u64)> = values.collect();
    values.sort_unstable();
    let all: u64 = values.iter().map(|(_, count)| count).sum();
    let mut passed = 0;
    for (value, count) in &values {
        passed += count;
        if passed as f64 >= share * all as f64 {
            return *value;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;

    use super::*;

    #[test]
    fn seconds_fold_to_one_row_with_exact_sums() {
        let second = |second: i64, count: u64, p50: i64| OnsetRow {
            subject: Subject {
                service: "a".to_owned(),
                operation: "get".to_owned(),
                instance: String::new(),
                version: String::new(),
            },
            second: UnixNanos(second),
            count,
            errors: 1,
            sum_ns: 10,
            p50_ns: p50,
            p95_ns: 2 * p50,
            is_message: false,
        };
        let rows = folded(vec![second(0, 1, 100), second(1, 10, 5), second(2, 10, 6)]);
        let [row] = rows.as_slice() else { panic!("one subject") };
        assert_eq!((row.count, row.errors, row.sum_ns, row.p50_ns, row.p95_ns), (21, 3, 30, 6, 12));
    }

    // covers: AG-30, AG-31
    #[test]
    fn the_worse_of_failures_and_latency_decides_and_few_requests_are_not_judged() {
        let settings = Settings::default();
        let requests = |count: u64, errors: u64, p95_ns: i64| Requests { count, errors, p95_ns };
        let usual = requests(1000, 0, 100);
        for (now, expected) in [
            (requests(99, 99, 900), Status::Unknown),
            (requests(100, 0, 200), Status::Healthy),
            (requests(100, 0, 201), Status::Degraded),
            (requests(100, 0, 501), Status::Critical),
            (requests(100, 2, 100), Status::Degraded),
            (requests(100, 11, 100), Status::Critical),
        ] {
            assert_eq!(judged(&now, Some(&usual), &settings), expected, "{now:?}");
        }
        let few = requests(99, 0, 1);
        assert_eq!(judged(&requests(100, 0, 900), Some(&few), &settings), Status::Healthy, "no baseline");
    }
}
