//! Answers `health`: rate, errors and durations of entry spans over a window, the quantiles exact.
//!
//! A span counts by the second in which it ended, as in `onset`.

use std::collections::BTreeMap;

use crate::answer::HealthRow;
use crate::rows::{Key, exact_quantile};
use crate::{Scope, Span, Window};

pub(super) fn rows(spans: &[Span], window: Window, scope: &Scope) -> Vec<HealthRow> {
    let mut groups: BTreeMap<Key, (u64, Vec<i64>)> = BTreeMap::new();
    for span in spans.iter().filter(|span| span.is_entry()) {
        let admitted = scope.admits(&span.resource.service, &span.name, &span.resource.instance);
        if admitted && window.contains(span.end.floor_second()) {
            let (errors, durations) = groups.entry(Key::of(span)).or_default();
            *errors += u64::from(span.is_error());
            durations.push(span.duration_ns());
        }
    }
    groups.into_iter().map(|(key, (errors, durations))| row(&key, errors, durations)).collect()
}

fn row(key: &Key, errors: u64, mut durations: Vec<i64>) -> HealthRow {
    durations.sort_unstable();
    HealthRow {
        subject: key.subject(),
        count: durations.len() as u64,
        errors,
        sum_ns: durations.iter().fold(0, |sum: i64, nanos| sum.saturating_add(*nanos)),
        p50_ns: exact_quantile(&durations, 0.5),
        p95_ns: exact_quantile(&durations, 0.95),
        p99_ns: exact_quantile(&durations, 0.99),
    }
}
