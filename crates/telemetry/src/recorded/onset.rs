//! Answers `onset`: rate, errors and durations of entry spans, by the second in which they ended.

use std::collections::BTreeMap;

use crate::answer::OnsetRow;
use crate::rows::{Key, exact_quantile};
use crate::{Scope, Span, SpanKind, UnixNanos, Window};

#[derive(Debug, Default)]
struct Second {
    errors: u64,
    messages: u64,
    durations_ns: Vec<i64>,
}

pub(super) fn rows(spans: &[Span], window: Window, scope: &Scope) -> Vec<OnsetRow> {
    let mut seconds: BTreeMap<(Key, UnixNanos), Second> = BTreeMap::new();
    for span in spans.iter().filter(|span| span.is_entry()) {
        let at = span.end.floor_second();
        let admitted = scope.admits(&span.resource.service, &span.name, &span.resource.instance);
        if window.contains(at) && admitted {
            let second = seconds.entry((Key::of(span), at)).or_default();
            second.errors += u64::from(span.is_error());
            second.messages += u64::from(span.kind == SpanKind::Consumer);
            second.durations_ns.push(span.duration_ns());
        }
    }
    seconds.into_iter().map(|((key, at), second)| row(&key, at, second)).collect()
}

fn row(key: &Key, at: UnixNanos, mut second: Second) -> OnsetRow {
    second.durations_ns.sort_unstable();
    OnsetRow {
        subject: key.subject(),
        second: at,
        count: second.durations_ns.len() as u64,
        errors: second.errors,
        sum_ns: second.durations_ns.iter().fold(0, |sum: i64, nanos| sum.saturating_add(*nanos)),
        p50_ns: exact_quantile(&second.durations_ns, 0.5),
        p95_ns: exact_quantile(&second.durations_ns, 0.95),
        is_message: second.messages > 0,
    }
}
