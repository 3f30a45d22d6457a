//! Planted, null and edge cases of a small shop whose services are known by their metrics alone: who is to blame when
//! one of them gets slow or fails, and how often anyone is blamed when nothing happens.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;
use telemetry::answer::{OnsetRow, Subject};
use telemetry::time::Window;

use super::super::metric_shift::{self, Figure, Shift};
use super::Candidate;
use crate::Thresholds;
use crate::statistics::null::{Seeded, false_alarm_rate};

/// Seconds of an interval.
const STEP: i64 = 300;
/// Intervals of history, and since the alert began.
const HISTORY: i64 = 200;
const OBSERVED: i64 = 4;

/// A service: its callees with calls a request, requests an interval of its own, milliseconds of its own work.
type Service = (&'static str, &'static [(&'static str, u64)], u64, f64);

/// Front calls cart and search; search is called by cart, too; a proxy stands before the store, which calls a table.
const SHOP: [Service; 7] = [
    ("front", &[("cart", 1), ("search", 2), ("slowpoke", 1)], 500, 20.0),
    ("cart", &[("search", 1), ("proxy", 1)], 0, 10.0),
    ("search", &[("table", 1)], 0, 4.0),
    ("proxy", &[("store", 1)], 0, 1.5),
    ("store", &[("table", 1)], 0, 12.0),
    ("table", &[], 0, 8.0),
    ("slowpoke", &[], 0, 120.0),
];

/// What is done to one service while the alert goes on.
#[derive(Clone, Copy, Default)]
struct Fault {
    service: &'static str,
    extra_ms: f64,
    failing: f64,
}

fn end_of(interval: i64) -> UnixNanos {
    UnixNanos(0).plus_seconds((interval + 1) * STEP - 1)
}

fn calls() -> BTreeSet<(String, String)> {
    let pairs =
        SHOP.iter().flat_map(|(caller, callees, ..)| callees.iter().map(move |(callee, _)| (caller, callee)));
    pairs.map(|(caller, callee)| ((*caller).to_owned(), (*callee).to_owned())).collect()
}

/// Requests, mean milliseconds and failures of `service` in an interval, its callees included.
fn figures(noise: &mut Seeded, fault: Option<Fault>, spread: f64) -> BTreeMap<&'static str, (u64, f64, f64)> {
    let mut count: BTreeMap<&str, u64> = BTreeMap::new();
    for (service, callees, own, _) in SHOP {
        let here = *count.entry(service).and_modify(|count| *count += own).or_insert(own);
        callees.iter().for_each(|(callee, calls)| *count.entry(callee).or_default() += here * calls);
    }
    let mut all: BTreeMap<&str, (u64, f64, f64)> = BTreeMap::new();
    // Callees stand after their callers in the list.
    for (service, callees, _, work) in SHOP.iter().rev() {
        let hit = fault.filter(|fault| fault.service == *service).unwrap_or_default();
        let (mut ms, mut ok) = (noise.latency(*work, spread) + hit.extra_ms, 1.0 - hit.failing);
        for (callee, calls) in *callees {
            let (_, below, failing) = all[callee];
            ms += below * *calls as f64;
            ok *= libm::pow(1.0 - failing, *calls as f64);
        }
        all.insert(service, (count[service], ms, 1.0 - ok));
    }
    all
}

/// As many events as fall into one interval when `expected` do on the average: exponential gaps.
fn failures(noise: &mut Seeded, expected: f64) -> u64 {
    let (mut at, mut count) = (-libm::log(noise.uniform()), 0);
    while at < expected {
        at -= libm::log(noise.uniform());
        count += 1;
    }
    count
}

fn rows(seed: u64, fault: Option<Fault>, spread: f64) -> Vec<OnsetRow> {
    let mut noise = Seeded(seed);
    let mut rows = Vec::new();
    for interval in 0..HISTORY + OBSERVED {
        let fault = fault.filter(|_| interval > HISTORY);
        for (service, (count, ms, failing)) in figures(&mut noise, fault, spread) {
            let subject = Subject {
                service: service.to_owned(),
                operation: String::new(),
                instance: String::new(),
                version: String::new(),
            };
            let errors = failures(&mut noise, count as f64 * failing.max(0.0005)).min(count);
            let ns = (ms * 1e6) as i64;
            let sum_ns = ns * count as i64;
            rows.push(OnsetRow {
                subject,
                second: end_of(interval),
                count,
                errors,
                sum_ns,
                p50_ns: ns,
                p95_ns: ns,
                is_message: false,
            });
        }
    }
    rows
}

fn observed() -> Window {
    Window::new(end_of(HISTORY - 1).plus_seconds(1), end_of(HISTORY + OBSERVED - 1).plus_seconds(1))
}

fn candidates(
    shifts: &BTreeMap<String, Shift>,
    calls: &BTreeSet<(String, String)>,
    alerted: &str,
) -> Vec<Candidate> {
    super::candidates(shifts, calls, alerted, &Thresholds::default())
}

fn shifts(rows: &[OnsetRow], figure: Figure) -> BTreeMap<String, Shift> {
    let services = metric_shift::by_service(rows);
    let spell = metric_shift::spell(&services["front"], figure, observed());
    let shift = |(service, series): (&&str, &_)| {
        Some((
            (*service).to_owned(),
            metric_shift::shift(series, figure, observed(), &spell, &Thresholds::default())?,
        ))
    };
    services.iter().filter_map(shift).collect()
}

fn ranked(seed: u64, fault: Option<Fault>, figure: Figure) -> Vec<Candidate> {
    candidates(&shifts(&rows(seed, fault, 0.1), figure), &calls(), "front")
}

fn blamed(seed: u64, fault: Option<Fault>, figure: Figure) -> Option<String> {
    ranked(seed, fault, figure).first().filter(|best| best.is_cause()).map(|best| best.service.clone())
}

// covers: AW-28
#[test]
fn the_slow_service_is_blamed_and_none_of_its_callers() {
    for (service, extra_ms) in
        [("table", 20.0), ("search", 30.0), ("store", 60.0), ("cart", 60.0), ("front", 80.0)]
    {
        let fault = Fault { service, extra_ms, failing: 0.0 };
        let right =
            (1..=40).filter(|seed| blamed(*seed, Some(fault), Figure::Latency).as_deref() == Some(service));
        let wrong = (1..=40).filter(|seed| {
            blamed(*seed, Some(fault), Figure::Latency).is_some_and(|blamed| blamed != service)
        });
        let (right, wrong) = (right.count(), wrong.count());
        assert!(right >= 36 && wrong == 0, "`{service}`: {right} right and {wrong} wrong of 40");
    }
}

#[test]
fn the_failing_service_is_blamed_and_none_of_its_callers() {
    for service in ["table", "search", "store", "cart", "front"] {
        let fault = Fault { service, extra_ms: 0.0, failing: 0.03 };
        let right =
            (1..=40).filter(|seed| blamed(*seed, Some(fault), Figure::Failures).as_deref() == Some(service));
        let right = right.count();
        assert!(right >= 38, "`{service}`: {right} of 40");
    }
}

#[test]
fn a_proxy_is_explained_by_the_service_behind_it() {
    let fault = Fault { service: "store", extra_ms: 80.0, failing: 0.0 };
    let ranked = ranked(1, Some(fault), Figure::Latency);
    let proxy = ranked.iter().find(|candidate| candidate.service == "proxy").unwrap();
    assert!(proxy.is_explained() && !proxy.is_cause());
    assert_eq!(proxy.moved_callees, ["store"]);
}

/// The stated rate: one alert in twenty when nothing happened and an alert is given all the same.
#[test]
fn nobody_is_blamed_when_nothing_happened() {
    for spread in [0.1, 0.4] {
        for figure in [Figure::Latency, Figure::Failures] {
            let rate = false_alarm_rate(400, |seed| {
                let shifts = shifts(&rows(seed, None, spread), figure);
                candidates(&shifts, &calls(), "front").first().is_some_and(Candidate::is_cause)
            });
            assert!(rate <= 0.05, "stated 0.05, measured {rate} of {figure:?} at spread {spread}");
        }
    }
}

#[test]
fn a_service_without_history_or_requests_is_no_candidate_and_rings_end() {
    let mut rows = rows(1, Some(Fault { service: "table", extra_ms: 20.0, failing: 0.0 }), 0.1);
    // The table is only called since the alert: its callers began to call it.
    rows.retain(|row| row.subject.service != "table" || row.second >= observed().from);
    let mut calls = calls();
    calls.insert(("table".to_owned(), "front".to_owned()));
    calls.insert(("front".to_owned(), "front".to_owned()));
    let shifts = shifts(&rows, Figure::Latency);
    assert!(!shifts.contains_key("table"));
    let ranked = candidates(&shifts, &calls, "front");
    assert!(ranked.iter().all(|candidate| candidate.service != "table"));
    assert!(candidates(&shifts, &calls, "nobody").is_empty());
    assert!(metric_shift::spell(&Default::default(), Figure::Latency, observed()).is_empty());
}

#[test]
fn two_hours_of_an_old_incident_do_not_hide_the_next_one() {
    let mut rows = rows(1, Some(Fault { service: "search", extra_ms: 30.0, failing: 0.0 }), 0.1);
    for row in rows.iter_mut().filter(|row| row.second < end_of(9)) {
        (row.sum_ns, row.errors) = (row.sum_ns * 10, row.count / 2);
    }
    let shifts = shifts(&rows, Figure::Latency);
    let best = candidates(&shifts, &calls(), "front").into_iter().next().unwrap();
    assert!(best.is_cause() && best.service == "search", "{best:?}");
}
