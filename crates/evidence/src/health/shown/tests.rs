//! Each pattern from rows: once where it is, once where it only looks like it.

use telemetry::answer::SeriesFigures;
use telemetry::number::Num;

use super::*;
use crate::health::planted::{change, edge, second, window};
use crate::health::{Settings, baseline::Origin, service};
use crate::statistics::null::{Seeded, false_alarm_rate};

fn names(tables: &Tables<'_>) -> Vec<&'static str> {
    patterns(tables, "a").into_iter().map(Pattern::name).collect()
}

// covers: AG-36, W-13
#[test]
fn three_failing_dependencies_cascade_and_two_or_three_with_a_handful_of_calls_do_not() {
    let of = |callees: &[(&str, u64, u64)]| {
        let edges: Vec<_> =
            callees.iter().map(|(callee, count, errors)| edge("a", callee, *count, *errors, 5.0)).collect();
        let dependencies = service::dependencies(&edges, "a", &Settings::default());
        names(&Tables { dependencies: &dependencies, ..Tables::default() })
    };
    assert_eq!(of(&[("x", 50, 20), ("y", 50, 6), ("z", 10, 9)]), ["cascade_failure"]);
    assert!(of(&[("x", 50, 20), ("y", 50, 5), ("z", 10, 9)]).is_empty(), "a tenth is not above it");
    assert!(of(&[("x", 50, 20), ("y", 50, 6), ("z", 9, 9)]).is_empty(), "nine calls");
}

// covers: AG-36, W-13
#[test]
fn latency_and_failures_are_held_against_the_baseline() {
    let baseline = Baseline {
        origin: Origin::Rolling,
        p50_ms: 45.0,
        failure_rate: 0.001,
        ..Baseline::fallback(&Settings::default())
    };
    let of = |p50_ms, errors| {
        let now = Figures { count: 1_000, errors, p50_ms, ..Figures::default() };
        names(&Tables { now: Some((&now, &baseline)), ..Tables::default() })
    };
    assert_eq!(of(312.0, 52), ["error_rate_spike", "latency_degradation"]);
    assert_eq!([of(90.0, 5), of(45.0, 0)], [Vec::<&str>::new(), Vec::new()]);
    let nothing = Figures::default();
    assert!(names(&Tables { now: Some((&nothing, &baseline)), ..Tables::default() }).is_empty());
}

fn memory_row(metric: &str, instance: &str, value: f64) -> SeriesRow {
    SeriesRow {
        service: "a".into(),
        instance: instance.into(),
        version: String::new(),
        metric: metric.into(),
        unit: "By".into(),
        attributes: Vec::new(),
        kind: SeriesKind::Gauge,
        good: SeriesFigures::default(),
        bad: SeriesFigures { n: 2, mean: Num::new(value), min: Num::new(value), max: Num::new(value) },
    }
}

fn leaks(metric: &str, values: &[f64], changes: &[ChangeRow]) -> bool {
    let rows: Vec<[SeriesRow; 2]> = values
        .iter()
        .map(|value| [memory_row(metric, "a-1", *value), memory_row(metric, "a-2", 100.0)])
        .collect();
    let memory: Vec<Sampled<'_>> = rows
        .iter()
        .enumerate()
        .map(|(at, rows)| ((window(0, 0), window(at as i64 * 60, at as i64 * 60 + 60)), rows.as_slice()))
        .collect();
    names(&Tables { memory: &memory, changes, ..Tables::default() }) == ["memory_leak"]
}

// covers: AG-36, W-13
#[test]
fn memory_that_grows_since_the_last_start_leaks() {
    let growing: Vec<f64> = (0..30).map(|at| 1e8 + 6e6 * f64::from(at) + 1e5 * f64::from(at % 3)).collect();
    assert!(leaks("process.memory.usage", &growing, &[]));
    assert!(leaks("process_resident_memory_bytes", &growing, &[]));
    assert!(!leaks("jvm.memory.committed", &growing, &[]), "that is what was taken, not what is kept");
    assert!(!leaks("http.server.request.body.size", &growing, &[]));
    let restarted = ChangeRow { instance: "a-1".into(), ..change(25 * 60, ChangeKind::Restart, "a") };
    assert!(!leaks("process.memory.usage", &growing, std::slice::from_ref(&restarted)), "five windows since");
    let elsewhere = ChangeRow { service: "b".into(), ..restarted };
    assert!(leaks("process.memory.usage", &growing, &[elsewhere]));
    let collected: Vec<f64> = (0..30).map(|at| 1e8 + 3e7 * f64::from(at % 5)).collect();
    assert!(!leaks("process.memory.usage", &collected, &[]));
    let rate = false_alarm_rate(300, |seed| {
        let values: Vec<f64> =
            Seeded(seed).autocorrelated(0.8, 30).iter().map(|one| 1e8 + 3e7 * one).collect();
        leaks("process.memory.usage", &values, &[])
    });
    assert!(rate <= 0.015, "stated 0.01, measured {rate}");
}

#[test]
fn both_windows_of_an_answer_are_samples_and_growth_is_from_the_first_to_the_last() {
    let mut row = memory_row("process.memory.usage", "a-1", 150.0);
    row.good = SeriesFigures { n: 1, mean: Num::new(100.0), ..row.bad };
    let rows = [row];
    let memory: [Sampled<'_>; 1] = [((window(0, 60), window(60, 120)), &rows)];
    let tables = Tables { memory: &memory, ..Tables::default() };
    assert_eq!(memories(&tables, "a"), [vec![100.0, 150.0]]);
    assert_eq!((memory_growth(&tables, "a"), memory_growth(&tables, "b")), (Some(0.5), None));
}

// covers: AG-36, W-13
#[test]
fn a_burst_that_hurts_is_a_herd_and_one_of_another_service_or_without_harm_is_none() {
    let of = |burst: u64, ms: f64, service: &str| {
        let rows: Vec<OnsetRow> = (0..60)
            .map(|at| if (30..32).contains(&at) { (at, burst, ms) } else { (at, 10, 5.0) })
            .map(|(at, count, ms)| second(service, "a-1", at, count, ms))
            .collect();
        names(&Tables { seconds: &rows, ..Tables::default() })
    };
    assert_eq!(of(200, 80.0, "a"), ["thundering_herd"]);
    assert_eq!([of(200, 80.0, "b"), of(200, 6.0, "a")], [Vec::<&str>::new(), Vec::new()]);
}

// covers: AG-36, W-13
#[test]
fn an_instance_that_is_slow_after_its_start_and_not_later_started_cold() {
    let of = |slow_until: i64, changes: &[ChangeRow]| {
        let rows: Vec<OnsetRow> = (0..100)
            .flat_map(|at| {
                let fresh = if (20..slow_until).contains(&at) { 300.0 } else { 20.0 };
                [
                    second("a", "a-1", at, 5, 20.0),
                    second("a", "a-2", at.max(20), 5, fresh + 0.1 * (at % 7) as f64),
                ]
            })
            .collect();
        names(&Tables { seconds: &rows, changes, ..Tables::default() })
    };
    let added = ChangeRow { instance: "a-2".into(), ..change(20, ChangeKind::InstanceAdded, "a") };
    assert_eq!(of(45, std::slice::from_ref(&added)), ["cold_start"]);
    assert!(of(100, std::slice::from_ref(&added)).is_empty(), "it stays slow");
    assert!(of(45, &[]).is_empty(), "nothing started");
    assert!(of(45, &[ChangeRow { instance: "a-1".into(), ..added }]).is_empty(), "another one started");
}
