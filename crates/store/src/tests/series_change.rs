//! `series_change` on points whose figures were worked out by hand: good is second 0 to 60, bad 60 to 120.

use telemetry::answer::{SeriesFigures, SeriesKind, SeriesRow};
use telemetry::{Ask, AskError, Limits, Scope, Table};

use super::build::{Rig, attribute, window};
use super::metrics::{CUMULATIVE, DELTA, gauge, histogram, histogram_point, number, of, send, shop, sum};

fn ask(scope: Scope, metrics: &[&str]) -> Ask {
    let metrics = metrics.iter().map(|name| (*name).to_owned()).collect();
    Ask::SeriesChange { good: window(0, 60), bad: window(60, 120), scope, metrics }
}

fn rows(rig: &Rig, metrics: &[&str]) -> Vec<SeriesRow> {
    let Table::SeriesChange(rows) = rig.ask(ask(Scope::all(), metrics)).unwrap().table else {
        panic!("no series table")
    };
    rows
}

/// n, mean, min and max.
fn read(figures: SeriesFigures) -> Figures {
    (figures.n, figures.mean.get(), figures.min.get(), figures.max.get())
}

const NOTHING: Figures = (0, 0.0, 0.0, 0.0);

type Figures = (u64, f64, f64, f64);

/// The one row there is: its kind and both windows.
fn only(rig: &Rig) -> (SeriesKind, Figures, Figures) {
    let rows = rows(rig, &[]);
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    (row.kind, read(row.good), read(row.bad))
}

#[test]
fn a_gauge_and_a_sum_that_may_fall_keep_their_values_and_gaps_count_nothing() {
    for is_gauge in [true, false] {
        let rig = Rig::new();
        let mut points = vec![number(0, 10, 4.0), number(0, 20, 8.0), number(0, 60, 1.0)];
        points.push(opentelemetry_proto::tonic::metrics::v1::NumberDataPoint {
            value: None,
            ..number(0, 30, 0.0)
        });
        let metric = if is_gauge { gauge("pool", points) } else { sum("pool", CUMULATIVE, false, points) };
        shop(&rig, vec![metric]);
        assert_eq!(only(&rig), (SeriesKind::Gauge, (2, 6.0, 4.0, 8.0), (1, 1.0, 1.0, 1.0)));
    }
}

#[test]
fn a_counter_becomes_a_rate_over_the_windows_edge_and_through_a_reset() {
    let rig = Rig::new();
    // Began before the windows: the first point says nothing. +20 in 10 s, +60 in 30 s, +50 in 10 s over the
    // edge; then it fell to 5, which grew in 10 s.
    let values = [(10, 100.0), (20, 120.0), (50, 180.0), (60, 230.0), (70, 5.0)];
    let points = values.map(|(at, value)| {
        let mut point = number(-1, at, value);
        point.start_time_unix_nano = super::build::T0 as u64 - 1;
        point
    });
    shop(&rig, vec![sum("cpu", CUMULATIVE, true, points.to_vec())]);
    assert_eq!(only(&rig), (SeriesKind::Rate, (2, 2.0, 2.0, 2.0), (2, 2.75, 0.5, 5.0)));
}

#[test]
fn a_counter_without_a_start_says_nothing_at_first_and_one_that_began_in_the_window_counts_from_zero() {
    let rig = Rig::new();
    shop(&rig, vec![sum("cpu", CUMULATIVE, true, vec![number(-1, 10, 50.0), number(-1, 20, 60.0)])]);
    assert_eq!(only(&rig), (SeriesKind::Rate, (1, 1.0, 1.0, 1.0), NOTHING));
    let rig = Rig::new();
    shop(&rig, vec![sum("cpu", CUMULATIVE, true, vec![number(0, 10, 50.0), number(0, 20, 60.0)])]);
    assert_eq!(only(&rig), (SeriesKind::Rate, (2, 3.0, 1.0, 5.0), NOTHING));
}

#[test]
fn a_restarted_instance_begins_anew_in_the_same_row() {
    let rig = Rig::new();
    shop(&rig, vec![sum("cpu", CUMULATIVE, true, vec![number(0, 50, 500.0), number(0, 65, 530.0)])]);
    let again = vec![number(70, 80, 100.0), number(70, 90, 120.0)];
    send(&rig, vec![of("shop", "a", "2", vec![sum("cpu", CUMULATIVE, true, again)])]);
    assert_eq!(only(&rig), (SeriesKind::Rate, (1, 10.0, 10.0, 10.0), (3, 150.0 / 35.0, 2.0, 10.0).rounded()));
}

trait Rounded {
    fn rounded(self) -> Self;
}

impl Rounded for Figures {
    fn rounded(self) -> Self {
        let round = |value: f64| telemetry::number::Num::new(value).get();
        (self.0, round(self.1), round(self.2), round(self.3))
    }
}

#[test]
fn processes_without_any_mark_are_kept_apart_by_their_start() {
    let rig = Rig::new();
    let points = [(10, 10.0, 100.0), (20, 20.0, 110.0), (30, 30.0, 120.0)];
    let mixed = points.iter().flat_map(|(at, one, other)| [number(0, *at, *one), number(1, *at, *other)]);
    send(&rig, vec![of("shop", "", "", vec![sum("cpu", CUMULATIVE, true, mixed.collect())])]);
    // 10 in 10 s three times, 100 in the 9 s after the start at 1, then 10 in 10 s twice.
    let (kind, good, _) = only(&rig);
    assert_eq!((kind, good.0, good.2), (SeriesKind::Rate, 6, 1.0));
    assert_eq!(good.1, telemetry::number::Num::new(150.0 / 59.0).get());
}

#[test]
fn delta_points_are_rates_already_and_take_the_point_before_when_no_start_is_told() {
    let rig = Rig::new();
    shop(&rig, vec![sum("cpu", DELTA, true, vec![number(10, 20, 30.0), number(20, 30, 10.0)])]);
    assert_eq!(only(&rig), (SeriesKind::Rate, (2, 2.0, 1.0, 3.0), NOTHING));
    let rig = Rig::new();
    shop(&rig, vec![sum("cpu", DELTA, true, vec![number(-1, 50, 30.0), number(-1, 60, 10.0)])]);
    assert_eq!(only(&rig), (SeriesKind::Rate, NOTHING, (1, 1.0, 1.0, 1.0)));
}

#[test]
fn a_distribution_becomes_its_mean_and_its_rate() {
    for temporality in [CUMULATIVE, DELTA] {
        let rig = Rig::new();
        let steps = [(10, 10, 1.0), (20, 30, 3.0), (60, 0, 0.0), (70, 5, 5.0)];
        let (mut count, mut total, mut last) = (0, 0.0, 0);
        let points = steps.map(|(at, more, seconds)| {
            count += more;
            total += seconds;
            let point = if temporality == DELTA {
                histogram_point(last, at, more, seconds)
            } else {
                histogram_point(0, at, count, total)
            };
            last = at;
            point
        });
        shop(&rig, vec![histogram("wait", temporality, points.to_vec())]);
        let rows = rows(&rig, &[]);
        let [rate, mean] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(
            (rate.kind, rate.unit.as_str(), mean.kind, mean.unit.as_str()),
            (SeriesKind::Rate, "1", SeriesKind::Mean, "s")
        );
        assert_eq!((read(rate.good), read(rate.bad)), ((2, 2.0, 1.0, 3.0), (2, 0.1, 0.0, 0.5)));
        assert_eq!((read(mean.good), read(mean.bad)), ((2, 0.1, 0.1, 0.1), (1, 1.0, 1.0, 1.0)));
    }
}

#[test]
fn a_point_that_comes_again_counts_once_and_rows_are_sorted_narrowed_and_cut() {
    let rig = Rig::new();
    let mut long = number(0, 10, 2.0);
    long.attributes = vec![attribute("z", &"x".repeat(300)), attribute("a", "1")];
    for _ in 0..2 {
        shop(&rig, vec![gauge("pool", vec![long.clone()]), gauge("queue", vec![number(0, 10, 1.0)])]);
        send(&rig, vec![of("cart", "c", "9", vec![gauge("pool", vec![number(0, 70, 3.0)])])]);
    }
    assert_eq!((rig.store.stats().points, rig.store.stats().duplicates), (3, 3));
    let names = |rows: &[SeriesRow]| -> Vec<String> {
        rows.iter()
            .map(|row| format!("{}/{} {} {}", row.service, row.instance, row.metric, row.good.n))
            .collect()
    };
    let all = rows(&rig, &[]);
    assert_eq!(names(&all), ["cart/c pool 0", "shop/a pool 1", "shop/a queue 1"]);
    let [(first, _), (last, value)] = all[1].attributes.as_slice() else { panic!("{all:?}") };
    assert_eq!((first.as_str(), last.as_str(), value.len()), ("a", "z", 200));
    assert_eq!(names(&rows(&rig, &["queue", "pool", "queue", "poo"])), names(&all));
    assert_eq!(names(&rows(&rig, &["queue"])), ["shop/a queue 1"]);
    let scope = Scope { instance: Some("c".to_owned()), ..Scope::service("cart") };
    let one = Scope { operation: Some("GET /".to_owned()), ..scope };
    assert_eq!(rig.ask(ask(one, &[])).unwrap().table.len(), 1);
    let cut = rig.ask_within(ask(Scope::all(), &[]), &Limits { rows_max: 2, ..Limits::default() }).unwrap();
    assert_eq!((cut.table.len(), cut.truncated), (2, true));
}

#[test]
fn a_question_for_one_metric_does_not_look_at_the_others() {
    let rig = Rig::new();
    let many = (0..50).map(|second| number(0, second, 1.0)).collect();
    shop(&rig, vec![gauge("other", many), gauge("pool", vec![number(0, 10, 1.0)])]);
    let few = Limits { scanned_max: 5, ..Limits::default() };
    assert_eq!(rig.ask_within(ask(Scope::all(), &["pool"]), &few).unwrap().table.len(), 1);
    let all = rig.ask_within(ask(Scope::all(), &[]), &few);
    assert!(matches!(all, Err(AskError::LimitReached(_))), "{all:?}");
}

#[test]
fn points_that_leave_the_head_leave_the_series() {
    let rig = Rig::with(platform::SimDisk::new(), |config| {
        config.head_max_bytes = 20_000;
        config.segments_max_bytes = 0;
        config.wal_file_bytes = 500;
    });
    for second in 0..120 {
        let name = if second < 10 { "early" } else { "late" };
        shop(&rig, vec![gauge(name, vec![number(0, second, 1.0)])]);
        shop(&rig, vec![sum("cpu", CUMULATIVE, true, vec![number(0, second, second as f64)])]);
    }
    let stats = rig.store.stats();
    assert!(stats.expired > 0 && stats.head_bytes <= 20_000, "{stats:?}");
    assert_eq!(stats.points + stats.expired, 240);
    assert_eq!(rows(&rig, &["early"]), [], "the series kept what the head dropped");
    let before = rows(&rig, &[]);
    let levels: u64 = before.iter().map(|row| row.good.n + row.bad.n).sum();
    assert!(levels.abs_diff(stats.points) <= 1, "{levels} of {}", stats.points);
}

#[test]
fn a_restart_gives_the_same_series() {
    let rig = Rig::new();
    for second in 0..100 {
        let wait = histogram_point(0, second, second as u64 * 3, second as f64);
        shop(
            &rig,
            vec![
                sum("cpu", CUMULATIVE, true, vec![number(0, second, second as f64)]),
                histogram("wait", CUMULATIVE, vec![wait]),
            ],
        );
    }
    let (before, stats) = (rows(&rig, &[]), rig.store.stats());
    assert_eq!((before.len(), stats.points), (3, 200));
    let rig = rig.reopen();
    assert_eq!(rows(&rig, &[]), before);
    assert_eq!(rig.store.stats().head_bytes, stats.head_bytes);
}
