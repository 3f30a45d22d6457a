//! `health` and `onset` of services that send metrics and no entry spans.

use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric};
use telemetry::answer::{HealthRow, OnsetRow};
use telemetry::time::SECOND_NS;
use telemetry::{Answer, Ask, Scope, Table};

use super::build::{MS, Rig, T0, attribute, small, window};
use super::metrics::{CUMULATIVE, DELTA, histogram, histogram_point, shop};

const NEW: &str = "http.server.request.duration";
const OLD: &str = "http.server.duration";

fn with(mut point: HistogramDataPoint, attributes: &[(&str, &str)]) -> HistogramDataPoint {
    point.attributes = attributes.iter().map(|(key, text)| attribute(key, text)).collect();
    point
}

/// 10 requests of 0.1 s by second 10, 20 more of 0.2 s by second 20, of these 5 failed with 0.4 s.
fn requests() -> Metric {
    let route = [("http.request.method", "GET"), ("http.route", "/cart/{id}")];
    let well = [route[0], route[1], ("http.response.status_code", "200")];
    let failed = [route[0], route[1], ("http.response.status_code", "503")];
    histogram(
        NEW,
        CUMULATIVE,
        vec![
            with(histogram_point(0, 10, 10, 1.0), &well),
            with(histogram_point(0, 20, 25, 4.0), &well),
            with(histogram_point(0, 20, 5, 2.0), &failed),
        ],
    )
}

fn health(rig: &Rig, scope: Scope) -> (Answer, Vec<HealthRow>) {
    let answer = rig.ask(Ask::Health { window: window(0, 60), scope }).unwrap();
    let Table::Health(rows) = answer.table.clone() else { panic!("no health table") };
    (answer, rows)
}

fn onset(rig: &Rig) -> (Answer, Vec<OnsetRow>) {
    let answer = rig.ask(Ask::Onset { window: window(0, 60), scope: Scope::all() }).unwrap();
    let Table::Onset(rows) = answer.table.clone() else { panic!("no onset table") };
    (answer, rows)
}

fn is_near(got: i64, millis: i64) -> bool {
    (got - millis * MS).abs() <= millis * MS / 100
}

#[test]
fn a_service_without_entry_spans_is_told_of_by_its_metrics() {
    let rig = Rig::new();
    shop(&rig, vec![requests()]);
    let (answer, rows) = onset(&rig);
    assert_eq!(answer.from_metrics, ["shop"]);
    let figures: Vec<_> = rows
        .iter()
        .map(|row| ((row.second.0 - T0) / SECOND_NS, row.count, row.errors, row.sum_ns / MS))
        .collect();
    assert_eq!(figures, [(10, 10, 0, 1_000), (20, 20, 5, 5_000)]);
    assert!(rows.iter().all(|row| row.subject.operation == "GET /cart/{id}"), "{rows:?}");
    assert!(is_near(rows[0].p50_ns, 100) && is_near(rows[1].p50_ns, 200) && is_near(rows[1].p95_ns, 400));
    let (answer, rows) = health(&rig, Scope::all());
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.count, row.errors, row.sum_ns, answer.from_metrics.len()), (30, 5, 6_000 * MS, 1));
    let scope = Scope { operation: Some("GET /other".to_owned()), ..Scope::all() };
    let (answer, rows) = health(&rig, scope);
    assert!(rows.is_empty() && answer.from_metrics.is_empty());
}

#[test]
fn entry_spans_in_the_window_silence_the_metrics() {
    let rig = Rig::new();
    shop(&rig, vec![requests()]);
    rig.send(small(1, 30, 5)).unwrap();
    let (answer, rows) = health(&rig, Scope::all());
    assert_eq!((rows.len(), rows[0].count, answer.from_metrics.len()), (1, 1, 0));
    let early = rig.ask(Ask::Health { window: window(0, 25), scope: Scope::all() }).unwrap();
    assert_eq!(early.from_metrics, ["shop"], "what comes later says nothing");
    shop(
        &rig,
        vec![histogram(NEW, DELTA, vec![histogram_point(70, 80, 1, 1.0), histogram_point(200, 210, 1, 1.0)])],
    );
    let of = |from, to| rig.ask(Ask::Health { window: window(from, to), scope: Scope::all() }).unwrap();
    assert!(of(60, 120).from_metrics.is_empty(), "the spans told of a part of it");
    assert_eq!(of(180, 240).from_metrics, ["shop"], "silent for long");
}

#[test]
fn the_older_name_counts_in_milliseconds_and_only_where_the_newer_one_is_missing() {
    let older = |name: &str| {
        let point = with(histogram_point(0, 10, 4, 80.0), &[("http.method", "_OTHER")]);
        let mut metric = histogram(name, DELTA, vec![point]);
        metric.unit = String::new();
        metric
    };
    let rig = Rig::new();
    shop(&rig, vec![older(OLD)]);
    let (_, rows) = health(&rig, Scope::all());
    assert_eq!((rows[0].subject.operation.as_str(), rows[0].sum_ns), ("HTTP", 80 * MS));
    shop(&rig, vec![older(OLD), requests()]);
    let (_, rows) = health(&rig, Scope::all());
    assert_eq!((rows.len(), rows[0].count), (1, 30), "the same requests are not counted twice");
}

#[test]
fn absurd_figures_do_no_harm() {
    let rig = Rig::new();
    let points = vec![
        with(histogram_point(0, 10, u64::MAX, 1e300), &[]),
        with(histogram_point(0, 11, u64::MAX, f64::NAN), &[]),
        with(histogram_point(0, 12, 1, -5.0), &[]),
    ];
    shop(&rig, vec![histogram(NEW, DELTA, points.clone()), histogram(OLD, CUMULATIVE, points)]);
    let (_, rows) = health(&rig, Scope::all());
    assert_eq!((rows[0].count, rows[0].sum_ns), (1_000_000_000_001, i64::MAX));
}
