//! Two symptoms that no operation's own latency or failure rate shows: messages that are not taken any more, and a
//! new operation that has failed from its first request.
//!
//! Both are held against the other operations: fewer messages beside fewer requests is a quiet hour, and where
//! nothing has a history nothing is new.

use std::collections::{BTreeMap, BTreeSet};

use incident::{AlertSignal, Measured, Symptom};
use telemetry::answer::{EdgeRow, OnsetRow};
use telemetry::number::Num;
use telemetry::time::{SECOND_NS, Window};

use super::{HISTORY_SECONDS_MIN, OBSERVED_SECONDS};
use crate::series::{self, Series};
use crate::statistics::{counts, fisher, median};

/// Messages a second below which their absence says nothing within the observed seconds.
const MESSAGES_MIN: f64 = 2.0;
/// Share of the usual messages up to which there are too few.
const TAKEN_MAX: f64 = 0.6;
/// Share of the usual requests of all other operations from which the senders are taken to be at work.
const LOAD_MIN: f64 = 0.75;
/// Probability by chance below which fewer messages count, in each of the two windows; they stand outside of the family
/// of latencies and errors.
const P_MAX: f64 = 0.00005;
/// Probability by chance below which it is worth asking the queues, which then decide.
const ASKED_P_MAX: f64 = 0.001;
/// Seconds looked at for messages: their numbers are small, and in five seconds chance alone halves them now and then.
/// The longer window finds what only thins them out.
const MESSAGE_SECONDS: [i64; 2] = [8, 14];
/// Requests that a new operation must have failed, and the share of its requests.
const FAILED_MIN: u64 = 5;
const FAILED_SHARE_MIN: f64 = 0.9;
/// Probability by chance of its failures, held against what its service did before.
const FAILED_P_MAX: f64 = 0.01;

type Named<'a> = (&'a (String, String), &'a Series);

/// Operations that take clearly fewer messages than before while requests go on, with how much fewer.
pub(super) fn fewer_messages(
    rows: &[OnsetRow],
    by_operation: &BTreeMap<(String, String), Series>,
    baseline: Window,
    observed: Window,
) -> Vec<(f64, Symptom)> {
    let takers: BTreeSet<(&str, &str)> = rows
        .iter()
        .filter(|row| row.is_message)
        .map(|row| (row.subject.service.as_str(), row.subject.operation.as_str()))
        .collect();
    if takers.is_empty() {
        return Vec::new();
    }
    let (taken, others): (Vec<Named<'_>>, Vec<Named<'_>>) =
        by_operation.iter().partition(|named| takers.contains(&(named.0.0.as_str(), named.0.1.as_str())));
    let mut found: BTreeMap<&(String, String), (f64, Symptom)> = BTreeMap::new();
    for seconds in MESSAGE_SECONDS {
        let observed = Window::new(observed.to.plus_seconds(-seconds), observed.to);
        let baseline = Window::new(baseline.from, observed.from);
        if rate(&others, observed) < LOAD_MIN * rate(&others, history(baseline, &others)) {
            continue;
        }
        for named in &taken {
            if let Some(symptom) = missing(named, baseline, observed) {
                found.entry(named.0).or_insert(symptom);
            }
        }
    }
    found.into_values().collect()
}

/// Share of the missing messages that must lie in the queues, untaken or failed.
const LYING_MIN: f64 = 0.5;

/// Whether a symptom of missing messages stands, by the queues of the whole history (`rows` of `edges`): they were sent, and
/// lie there. Where no queue of the taker is known, chance must be less likely. As many taken as were sent: the senders
/// have less to send, a run is over or a burst has passed.
#[must_use]
pub fn is_lost(symptom: &Symptom, rows: &[EdgeRow]) -> bool {
    let queues: Vec<_> = rows
        .iter()
        .filter(|row| row.callee == symptom.service)
        .filter_map(|row| row.queue.as_ref())
        .collect();
    if queues.is_empty() {
        return symptom.q_value.get() <= P_MAX;
    }
    let lying: u64 = queues.iter().map(|queue| queue.untaken + queue.failed).sum();
    let a_second = symptom.baseline.value.get() - symptom.observed.value.get();
    lying as f64 >= LYING_MIN * a_second * symptom.observed_window.seconds()
}

/// The symptom of one taker that takes fewer messages in `observed` than in `baseline`, with how much fewer.
fn missing(named: &Named<'_>, baseline: Window, observed: Window) -> Option<(f64, Symptom)> {
    let ((service, operation), series) = named;
    let baseline = history(baseline, &[*named]);
    let (before, now) = (per_second(series, baseline), per_second(series, observed));
    let (usual, current) = (median::mean(&before), median::mean(&now));
    let p_value = counts::p_lowered(&before, &now);
    let is_missing = before.len() >= HISTORY_SECONDS_MIN
        && usual >= MESSAGES_MIN
        && current <= TAKEN_MAX * usual
        && p_value <= ASKED_P_MAX;
    let measured = |values: &[f64], value: f64| Measured {
        count: values.iter().sum::<f64>() as u64,
        seconds: values.len() as u64,
        value: Num::new(value),
    };
    is_missing.then(|| {
        let symptom = Symptom {
            service: service.clone(),
            operation: operation.clone(),
            signal: AlertSignal::Throughput,
            baseline: measured(&before, usual),
            observed: measured(&now, current),
            baseline_window: baseline,
            observed_window: observed,
            q_value: Num::new(p_value),
        };
        (usual / current.max(0.1), symptom)
    })
}

/// Items a second of all `named` together.
fn rate(named: &[Named<'_>], window: Window) -> f64 {
    let all: f64 = named.iter().flat_map(|(_, series)| per_second(series, window)).sum();
    all / window.seconds().max(1.0)
}

/// The part of `baseline` since the first data of `named`.
fn history(baseline: Window, named: &[Named<'_>]) -> Window {
    let first = named.iter().filter_map(|(_, series)| series.keys().next().copied()).min();
    Window::new(baseline.from.max(first.unwrap_or(baseline.from)), baseline.to)
}

/// Items second by second, seconds without any included.
fn per_second(series: &Series, window: Window) -> Vec<f64> {
    let seconds = (window.to.since(window.from) / SECOND_NS).max(0);
    let by_second: BTreeMap<_, u64> =
        series::within(series, window).map(|(second, figures)| (second, figures.count)).collect();
    (0..seconds)
        .map(|offset| window.from.floor_second().plus_seconds(offset))
        .map(|second| by_second.get(&second).copied().unwrap_or_default() as f64)
        .collect()
}

/// Operations that were not there before and have failed from their first request, with their failures.
pub(super) fn new_failures(
    by_operation: &BTreeMap<(String, String), Series>,
    baseline: Window,
    observed: Window,
) -> Vec<(f64, Symptom)> {
    let old_services: BTreeSet<&str> = by_operation
        .iter()
        .filter(|(_, series)| series::within(series, baseline).count() >= HISTORY_SECONDS_MIN)
        .map(|((service, _), _)| service.as_str())
        .collect();
    // What failed before the last seconds already is no news: it was told then, or it has always been so.
    let news = Window::new(baseline.to.plus_seconds(-OBSERVED_SECONDS), observed.to);
    let found = by_operation.iter().filter_map(|((service, operation), series)| {
        let is_new = *series.keys().next()? >= news.from && old_services.contains(service.as_str());
        let (mut failed, mut count, mut seconds) = (0, 0, 0);
        for (_, second) in series::within(series, news) {
            (failed, count, seconds) = (failed + second.errors, count + second.count, seconds + 1);
        }
        let share = failed as f64 / count.max(1) as f64;
        // New work has no past of its own: it is held against all that its service did.
        let (failed_before, before) = past(by_operation, service, baseline);
        let p_value = fisher::p_raised(failed_before, before, failed, count);
        let is_failing = failed >= FAILED_MIN && share >= FAILED_SHARE_MIN && p_value <= FAILED_P_MAX;
        (is_new && is_failing).then(|| {
            let symptom = Symptom {
                service: service.clone(),
                operation: operation.clone(),
                signal: AlertSignal::Errors,
                baseline: Measured { count: 0, seconds: 0, value: Num::new(0.0) },
                observed: Measured { count, seconds, value: Num::new(share) },
                baseline_window: baseline,
                observed_window: observed,
                q_value: Num::new(p_value),
            };
            (share / 0.001, symptom)
        })
    });
    found.collect()
}

/// Failed and all requests of `service` in `window`.
fn past(by_operation: &BTreeMap<(String, String), Series>, service: &str, window: Window) -> (u64, u64) {
    let of_service = by_operation.iter().filter(|((name, _), _)| name == service);
    of_service
        .flat_map(|(_, series)| series::within(series, window))
        .fold((0, 0), |(failed, count), (_, second)| (failed + second.errors, count + second.count))
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;
    use telemetry::answer::{QueueFigures, Subject};

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn at(second: i64) -> UnixNanos {
        UnixNanos(0).plus_seconds(second)
    }

    fn row(service: &str, operation: &str, second: i64, count: u64, errors: u64) -> OnsetRow {
        let subject = Subject {
            service: service.into(),
            operation: operation.into(),
            instance: "1".into(),
            version: "1".into(),
        };
        let is_message = operation.starts_with("process");
        OnsetRow { subject, second: at(second), count, errors, sum_ns: 0, p50_ns: 0, p95_ns: 0, is_message }
    }

    fn fewer(rows: &[OnsetRow], baseline: Window, observed: Window) -> Vec<(f64, Symptom)> {
        fewer_messages(rows, &series::by_operation(rows), baseline, observed)
    }

    fn fails(rows: &[OnsetRow], baseline: Window, observed: Window) -> Vec<(f64, Symptom)> {
        new_failures(&series::by_operation(rows), baseline, observed)
    }

    fn queue(taker: &str, untaken: u64) -> EdgeRow {
        EdgeRow {
            caller: "shop".into(),
            callee: taker.into(),
            is_instrumented: true,
            count: 500,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: Vec::new(),
            resends: 0,
            queue: Some(QueueFigures {
                name: "mail".into(),
                processed: 500 - untaken,
                failed: 0,
                untaken,
                deliveries: 500 - untaken,
                deliveries_max: 0,
                most_delivered: None,
            }),
        }
    }

    #[test]
    fn missing_messages_that_lie_in_no_queue_were_not_sent() {
        let (baseline, observed) = windows();
        let (_, symptom) = fewer(&rows(3, 11), baseline, observed).remove(0);
        assert!(is_lost(&symptom, &[queue("worker", 48)]));
        assert!(!is_lost(&symptom, &[queue("worker", 3)]), "some are on their way");
        assert!(is_lost(&symptom, &[queue("other", 48)]) && is_lost(&symptom, &[]), "nothing is known");
        let unsure = Symptom { q_value: Num::new(0.0005), ..symptom };
        assert!(is_lost(&unsure, &[queue("worker", 48)]) && !is_lost(&unsure, &[]), "the queues decide");
    }

    fn windows() -> (Window, Window) {
        (Window::new(at(0), at(55)), Window::new(at(55), at(60)))
    }

    fn rows(messages_now: u64, requests_now: u64) -> Vec<OnsetRow> {
        (0..60)
            .flat_map(|second| {
                let pick = |now: u64, usual: u64| if second >= 52 { now } else { usual + second as u64 % 3 };
                [
                    row("shop", "POST /order", second, pick(requests_now, 10), 0),
                    row("worker", "process mail", second, pick(messages_now, 9), 0),
                ]
            })
            .filter(|row| row.count > 0)
            .collect()
    }

    #[test]
    fn messages_that_nobody_takes_are_a_symptom_and_a_quiet_hour_is_none() {
        let (baseline, observed) = windows();
        let found = fewer(&rows(3, 11), baseline, observed);
        assert_eq!((found.len(), found[0].1.service.as_str()), (1, "worker"));
        assert_eq!(fewer(&rows(0, 11), baseline, observed).len(), 1, "none at all");
        assert_eq!(fewer(&rows(4, 11), baseline, observed).len(), 1, "half of them");
        assert!(fewer(&rows(9, 11), baseline, observed).is_empty());
        assert!(fewer(&rows(3, 3), baseline, observed).is_empty(), "the senders are quiet, too");
    }

    #[test]
    fn chance_alone_seldom_makes_messages_seem_missing() {
        let (baseline, observed) = windows();
        let rate = false_alarm_rate(2000, |seed| {
            let mut noise = Seeded(seed);
            // Seven messages a second, as scattered as arrivals by chance are.
            let mut count = || {
                let mut gaps = std::iter::repeat_with(|| -libm::log(noise.uniform()) / 7.0);
                let mut at = 0.0;
                gaps.position(|gap| {
                    at += gap;
                    at > 1.0
                })
                .unwrap() as u64
            };
            let rows: Vec<OnsetRow> = (35..60)
                .flat_map(|second| {
                    [
                        row("shop", "POST /order", second, 30, 0),
                        row("worker", "process mail", second, count(), 0),
                    ]
                })
                .filter(|row| row.count > 0)
                .collect();
            fewer(&rows, baseline, observed).iter().any(|(_, symptom)| is_lost(symptom, &[]))
        });
        assert!(rate <= 0.001, "stated 0.001 a look, measured {rate}");
    }

    // covers: AW-27
    #[test]
    fn a_new_operation_that_never_succeeds_is_a_symptom_and_an_old_one_is_none() {
        let (baseline, observed) = windows();
        let mut data = rows(9, 11);
        data.extend((54..60).map(|second| row("shop", "POST /alert", second, 3, 3)));
        let found = fails(&data, baseline, observed);
        assert_eq!((found.len(), found[0].1.operation.as_str()), (1, "POST /alert"));
        let mut old = rows(9, 11);
        old.extend((0..60).map(|second| row("shop", "POST /alert", second, 3, 3)));
        assert!(fails(&old, baseline, observed).is_empty(), "it has always been so");
        let mut fine = rows(9, 11);
        fine.extend((54..60).map(|second| row("shop", "POST /new", second, 3, 0)));
        assert!(fails(&fine, baseline, observed).is_empty());
    }
}
