//! Prometheus and VictoriaMetrics, scraping one service whose every number is known.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use telemetry::answer::{ChangeKind, OnsetRow, SeriesKind};
use telemetry::{Answer, Ask, AskError, Scope, Source, Table, UnixNanos, Window};

use super::exposition::{DEPLOYED, Told, serve};
use super::servers::{Running, prometheus, prometheus_of, victoria_metrics};
use super::{ask, now, open};
use crate::alone;

/// Scrapes that are waited for.
const SCRAPES: u64 = 14;
/// Until they have come.
const PATIENCE: Duration = Duration::from_secs(60);

fn rows(answer: Answer) -> Vec<OnsetRow> {
    let Table::Onset(rows) = answer.table else { panic!("rows of onset") };
    rows
}

/// Requests, failures and nanoseconds of each scrape since the one before it, where there were any.
fn expected(scrapes: u64) -> Vec<(u64, u64, i64)> {
    let between = |scrape: u64| {
        let (now, before) = (Told::at(scrape), Told::at(scrape - 1));
        // A process that began anew counts from zero.
        let before = if scrape == DEPLOYED { None } else { Some(before) };
        let of = |figure: fn(&Told) -> f64| figure(&now) - before.as_ref().map_or(0.0, figure);
        let (fine, failed) = (of(|told| told.requests.0 as f64), of(|told| told.requests.1 as f64));
        let ns = of(|told| told.seconds) * 1e9;
        ((fine + failed) as u64, failed as u64, ns.round() as i64)
    };
    (1..scrapes).map(between).filter(|(count, _, _)| *count > 0).collect()
}

fn check(kind: &str, server: &Running, began: UnixNanos) {
    let source = open("prometheus", &server.url);
    let window = Window::new(began, now());
    requests(kind, &source, window);
    let calls = ask(&source, Ask::Topology { window }).unwrap();
    let Table::Topology(table) = calls.table else { panic!("calls") };
    let calls: Vec<_> = table.calls.iter().map(|call| (call.caller.as_str(), call.callee.as_str())).collect();
    assert_eq!(calls, [("web", "orders")], "{kind}: a user is no service");
    let changes = ask(&source, Ask::Changes { window, scope: Scope::all() }).unwrap();
    let Table::Changes(changes) = changes.table else { panic!("changes") };
    let told: Vec<_> = changes
        .iter()
        .map(|change| (change.kind, &*change.service, &*change.before, &*change.after))
        .collect();
    assert_eq!(told, [(ChangeKind::Deploy, "web", "1.0", "2.0")], "{kind}");
    pool(kind, &source, window);
    let traces = Ask::SelfTime { window, scope: Scope::all() };
    assert_eq!(ask(&source, traces), Err(AskError::Unsupported("self_time".to_owned())), "{kind}");
}

fn requests(kind: &str, source: &Arc<dyn Source>, window: Window) {
    let answer = ask(source, Ask::Onset { window, scope: Scope::all() }).unwrap();
    assert_eq!(answer.from_metrics, ["web"], "{kind}");
    assert!(answer.locators[0].query.contains("http_server_request_duration_seconds"), "{kind}");
    let rows = rows(answer);
    let told: Vec<_> = rows.iter().map(|row| (row.count, row.errors, row.sum_ns)).collect();
    // Of the scrape at which everything began anew there is nothing to tell.
    let mut expected = expected(told.len() as u64 + 2);
    expected.truncate(told.len());
    assert!(told.len() as u64 >= SCRAPES - 2, "{kind}: {told:?}");
    let counts = |all: &[(u64, u64, i64)]| all.iter().map(|(c, e, _)| (*c, *e)).collect::<Vec<_>>();
    assert_eq!(counts(&told), counts(&expected), "{kind}: counts are exact, through the restart");
    for ((_, _, told), (_, _, expected)) in told.iter().zip(&expected) {
        assert!((told - expected).abs() <= 1000, "{kind}: {told} ns, {expected} expected");
    }
    let subject = &rows[0].subject;
    assert_eq!((&*subject.service, &*subject.instance), ("web", "web-1"), "{kind}");
    assert!(rows.iter().all(|row| window.contains(row.second)), "{kind}");
}

/// The gauge, asked for by the name that OpenTelemetry gives it.
fn pool(kind: &str, source: &Arc<dyn Source>, window: Window) {
    let before = Window::new(window.from.plus_seconds(-600), window.from.plus_seconds(-590));
    let metrics = vec!["db.client.connection.count".to_owned()];
    let asked = Ask::SeriesChange { good: before, bad: window, scope: Scope::all(), metrics };
    let Table::SeriesChange(rows) = ask(source, asked).unwrap().table else { panic!("series") };
    let row =
        rows.iter().find(|row| row.kind == SeriesKind::Gauge).unwrap_or_else(|| panic!("{kind}: {rows:?}"));
    assert_eq!((&*row.service, &*row.metric), ("web", "db.client.connection.count"), "{kind}");
    let known: Vec<f64> = (0..row.bad.n).map(|scrape| Told::at(scrape).used as f64).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    assert!((row.bad.mean.get() - mean).abs() < 1e-6 && row.bad.max.get() == 6.0, "{kind}: {row:?}");
    assert_eq!(row.good.n, 0, "{kind}");
}

// covers: AW-26
#[test]
fn what_is_scraped_is_what_is_told_by_prometheus_and_by_victoria_metrics() {
    let _turn = alone();
    let (port, scraped) = serve();
    let began = now();
    let servers =
        [("prometheus", prometheus((port, "/p"))), ("victoria-metrics", victoria_metrics((port, "/v")))];
    let deadline = Instant::now() + PATIENCE;
    let all_scraped = || {
        let counts = scraped.lock().unwrap();
        ["/p", "/v"].iter().all(|path| counts.get(*path).is_some_and(|count| *count >= SCRAPES))
    };
    while !all_scraped() {
        assert!(Instant::now() < deadline, "{:?}", scraped.lock().unwrap());
        std::thread::sleep(Duration::from_millis(200));
    }
    // What was scraped last need not be searchable yet.
    std::thread::sleep(Duration::from_secs(3));
    for (kind, server) in &servers {
        check(kind, server, began);
    }
}

/// Thirty addresses of nine services, a sample every fifteen seconds from `begin` on: failures appear, one begins anew.
fn fleet(begin: i64) -> String {
    let mut text = String::new();
    for name in ["count", "sum"] {
        let name = format!("http_server_request_duration_seconds_{name}");
        writeln!(text, "# TYPE {name} unknown").unwrap();
        for address in 0..30_i64 {
            for (code, from) in [("200", 0), ("500", 20)] {
                for step in from..100 {
                    let since = if address == 5 && step > 60 { step - 60 } else { step - from + 1 };
                    let value = since * (1 + address % 7) * 15;
                    let labels = format!("job=\"shop/s{}\",instance=\"10.0.0.{address}:80\"", address % 9);
                    let at = begin + step * 15;
                    writeln!(text, "{name}{{{labels},http_response_status_code=\"{code}\"}} {value} {at}")
                        .unwrap();
                }
            }
        }
    }
    text + "# EOF\n"
}

#[test]
fn more_than_the_server_loads_for_one_answer_is_counted_in_parts_and_every_row_is_the_same() {
    let _turn = alone();
    let begin = now().plus_seconds(-7200).0 / 15_000_000_000 * 15;
    let from = UnixNanos(0).plus_seconds(begin);
    let onset = Ask::Onset { window: Window::new(from, from.plus_seconds(1600)), scope: Scope::all() };
    let written = fleet(begin);
    let told = |samples_max: usize| {
        let server = prometheus_of(&written, samples_max);
        ask(&open("prometheus", &server.url), onset.clone())
    };
    let whole = rows(told(50_000_000).unwrap());
    assert!(whole.len() > 1_000 && whole.iter().any(|row| row.errors > 0), "{} rows", whole.len());
    assert_eq!(rows(told(1_500).unwrap()), whole);
    // Two addresses do not fit, nor does one.
    let refused = told(200);
    assert!(matches!(&refused, Err(AskError::LimitReached(_))), "{refused:?}");
}
