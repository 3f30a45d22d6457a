//! Requests, failures and durations of services from trace metrics, which are made of all traffic, for `onset`.
//!
//! Counts are those of whole intervals that lie in the window; durations are the intervals' means, of good and failed requests
//! alike. Which spans are requests of others, a list of the frameworks' names says: a metric does not tell servers from clients.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use telemetry::answer::{Locator, SeriesKind};
use telemetry::recorded::{ERROR_TYPE, REQUEST_METRICS, Series, SeriesKey};
use telemetry::time::SECOND_NS;
use telemetry::{AskError, Scope, UnixNanos, Window};

use super::metrics::{is_name, queried, value};
use super::pages::{Searches, tag};
use crate::http::Asking;
use crate::json::{list, text};

/// Names of spans in which services take requests, the best first: a service that one of them counts is not counted by others.
const SERVERS: [&str; 12] = [
    "http.server.request",
    "server.request",
    "grpc.server",
    "aspnet_core.request",
    "django.request",
    "express.request",
    "fastapi.request",
    "flask.request",
    "laravel.request",
    "rack.request",
    "servlet.request",
    "web.request",
];
/// Lengths of intervals in seconds, the shortest that gives few enough.
const INTERVALS: [i64; 5] = [10, 20, 60, 300, 3600];
/// Intervals of one window; Datadog gives 1500 points of a series at most.
const INTERVALS_MAX: i64 = 1000;

/// What was measured of one service in one interval.
#[derive(Debug, Default)]
struct Cell {
    hits: f64,
    errors: f64,
    seconds: f64,
}

/// The request metrics of every service, as rates and means; `named` are the spans' names where the settings say them.
pub(super) async fn series(
    searches: &Searches,
    window: Window,
    scope: &Scope,
    named: &[String],
    asking: &Asking,
) -> Result<(Vec<Series>, Locator), AskError> {
    let names: Vec<&str> = if named.is_empty() {
        SERVERS.to_vec()
    } else {
        named.iter().map(String::as_str).filter(|name| is_name(name)).collect()
    };
    let length = window.to.since(window.from) / SECOND_NS;
    let step = INTERVALS.into_iter().find(|step| length / step <= INTERVALS_MAX).unwrap_or(3600);
    let narrow =
        scope.service.as_deref().map_or("*".to_owned(), |service| format!("service:{}", value(service)));
    let of = |name: &&str| {
        let counted = |what: &str| {
            format!("sum:trace.{name}.{what}{{{narrow}}} by {{service}}.as_count().rollup(sum,{step})")
        };
        let mean = format!("avg:trace.{name}{{{narrow}}} by {{service}}.rollup(avg,{step})");
        format!("{},{},{mean}", counted("hits"), counted("errors"))
    };
    let query: Vec<String> = names.iter().map(of).collect();
    let (told, locator) = queried(searches, &query.join(","), window, asking).await?;
    let mut series = Vec::new();
    let mut counted: BTreeSet<String> = BTreeSet::new();
    for name in names {
        let services = cells(&told, name, window, step);
        for (service, cells) in
            services.into_iter().filter(|(service, _)| !counted.contains(service)).collect::<Vec<_>>()
        {
            series.extend(series_of(&service, &cells, window, step));
            counted.insert(service);
        }
    }
    Ok((series, locator))
}

/// What was measured of a span's name, by service and by the start of the interval.
fn cells(told: &Json, name: &str, window: Window, step: i64) -> BTreeMap<String, BTreeMap<UnixNanos, Cell>> {
    let mut services: BTreeMap<String, BTreeMap<UnixNanos, Cell>> = BTreeMap::new();
    let base = format!("trace.{name}");
    for one in list(told, "/series") {
        let Some(suffix) = text(one, "/metric").strip_prefix(base.as_str()) else { continue };
        let service = tag(list(one, "/tag_set"), "service");
        if service.is_empty() || service == "N/A" || !matches!(suffix, "" | ".hits" | ".errors") {
            continue;
        }
        let cells = services.entry(service.to_owned()).or_default();
        for point in list(one, "/pointlist") {
            let (millis, value) = (point.get(0).and_then(Json::as_f64), point.get(1).and_then(Json::as_f64));
            let (Some(millis), Some(value)) = (millis, value) else { continue };
            let start = UnixNanos((millis as i64).saturating_mul(1_000_000));
            if start < window.from || start.plus_seconds(step) > window.to {
                continue;
            }
            let cell = cells.entry(start).or_default();
            match suffix {
                ".hits" => cell.hits += value,
                ".errors" => cell.errors += value,
                _ => cell.seconds = value,
            }
        }
    }
    services
}

/// Good and failed requests of a service, each as a rate and a mean at the end of every interval.
fn series_of(service: &str, cells: &BTreeMap<UnixNanos, Cell>, window: Window, step: i64) -> Vec<Series> {
    let nothing = Cell::default();
    let step_ns = step * SECOND_NS;
    // The first interval that lies in the window as a whole; they begin at multiples of their length.
    let first = window.from.0.div_euclid(step_ns) * step_ns;
    let first = if first < window.from.0 { first + step_ns } else { first };
    let ends: Vec<i64> =
        (0..).map(|n| first + (n + 1) * step_ns).take_while(|end| *end <= window.to.0).collect();
    let mut all = Vec::new();
    for is_failed in [false, true] {
        for kind in [SeriesKind::Rate, SeriesKind::Mean] {
            // Intervals without requests are told, too: it is by them that the others' length is known.
            let point = |end: &i64| {
                let cell = cells.get(&UnixNanos(end - step_ns)).unwrap_or(&nothing);
                let count = if is_failed { cell.errors } else { (cell.hits - cell.errors).max(0.0) };
                let value = if kind == SeriesKind::Rate { count / step as f64 } else { cell.seconds };
                (UnixNanos(*end), value)
            };
            let failed = is_failed.then(|| (ERROR_TYPE.to_owned(), "_OTHER".to_owned()));
            let key = SeriesKey {
                service: service.to_owned(),
                instance: String::new(),
                metric: REQUEST_METRICS[0].to_owned(),
                unit: if kind == SeriesKind::Rate { "1" } else { "s" }.to_owned(),
                attributes: failed.into_iter().collect(),
                kind,
            };
            all.push(Series { key, points: ends.iter().map(point).collect() });
        }
    }
    all
}
