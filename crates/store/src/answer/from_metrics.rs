//! Entry figures of services that send no entry spans: from the durations that their HTTP servers measure.
//!
//! What an export interval added counts in the second of its point. The single durations are not known, each
//! counts as the mean of its interval, so that a quantile is one of means. A service with even one entry span in
//! the window or shortly before it is not looked at: two sources must not be added up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use telemetry::time::SECOND_NS;
use telemetry::{AskError, Scope, UnixNanos, Window};

use super::Asking;
use crate::growth::{Interval, intervals};
use crate::kept::Parts;
use crate::rollup::{Figures, Key};
use crate::series::{ENTRY_METRICS, SeriesKey, within};

/// A service that sent entry spans this long before the window is not looked at: an interval that ends inside may
/// count what its spans told of before. Two export intervals of the usual length, a minute.
const SILENT_S: i64 = 120;
/// Observations of one interval, at most: keeps sums of what strangers send within range.
const OBSERVATIONS_MAX: f64 = 1e12;

/// Figures by second and subject, as the rollups have them of spans.
#[derive(Debug, Default)]
pub(super) struct Cells {
    seconds: BTreeMap<UnixNanos, BTreeMap<Key, Figures>>,
    services: BTreeSet<Arc<str>>,
}

impl Cells {
    /// The seconds, as `Rollups::within` gives them.
    pub(super) fn seconds(&self) -> impl Iterator<Item = (UnixNanos, &BTreeMap<Key, Figures>)> {
        self.seconds.iter().map(|(second, cells)| (*second, cells))
    }

    /// The services, sorted.
    pub(super) fn services(&self) -> Vec<String> {
        self.services.iter().map(ToString::to_string).collect()
    }
}

pub(super) fn cells(
    parts: &Parts<'_>,
    window: Window,
    scope: &Scope,
    asking: &Asking<'_>,
) -> Result<Cells, AskError> {
    let mut told: BTreeSet<&Arc<str>> = BTreeSet::new();
    for services in parts.presence(Window::new(window.from.plus_seconds(-SILENT_S), window.to)) {
        asking.look_at(services.len() as u64)?;
        told.extend(services.iter().filter(|(_, sent)| sent.entry_spans > 0).map(|(service, _)| service));
    }
    let seconds = Window::new(ceil_second(window.from), ceil_second(window.to));
    let mut cells = Cells::default();
    for (metric, unit_ns) in ENTRY_METRICS {
        let mut found = BTreeSet::new();
        for (series, points) in parts.series(Some(metric)) {
            asking.look_at(1)?;
            if told.contains(&series.service) || !series.is_distribution() {
                continue;
            }
            asking.look_at(within(&points, seconds).count() as u64)?;
            let grown = intervals(&points, series.shape, seconds);
            if grown.iter().any(|interval| interval.amount > 0.0) {
                found.insert(&series.service);
            }
            let key = key_of(series);
            if scope.admits(&key.service, &key.operation, &key.instance) {
                let unit_ns = unit(series).unwrap_or(unit_ns);
                grown.iter().for_each(|interval| cells.take(&key, is_failed(series), unit_ns, interval));
            }
        }
        told.extend(found);
    }
    Ok(cells)
}

impl Cells {
    fn take(&mut self, key: &Key, is_failed: bool, unit_ns: f64, interval: &Interval) {
        let count = interval.amount.clamp(0.0, OBSERVATIONS_MAX) as u64;
        let Some(sum) = interval.sum.filter(|_| count > 0) else { return };
        let sum_ns = (sum * unit_ns).max(0.0) as i64;
        let mean_ns = sum_ns / i64::try_from(count).unwrap_or(i64::MAX);
        self.services.insert(Arc::clone(&key.service));
        let cells = self.seconds.entry(interval.at.floor_second()).or_default();
        let figures = cells.entry(key.clone()).or_default();
        figures.count += count;
        figures.errors += if is_failed { count } else { 0 };
        figures.sum_ns = figures.sum_ns.saturating_add(sum_ns);
        figures.durations.add_many(mean_ns, count);
    }
}

fn ceil_second(at: UnixNanos) -> UnixNanos {
    UnixNanos(at.0.saturating_add(SECOND_NS - 1)).floor_second()
}

fn text<'a>(series: &'a SeriesKey, keys: [&str; 2]) -> Option<&'a str> {
    keys.into_iter().find_map(|key| {
        series.attributes.iter().find(|(name, _)| &**name == key).map(|(_, value)| value.as_str())
    })
}

/// Who, with the name that the span would have: the method and the route, `HTTP` for an unknown method.
fn key_of(series: &SeriesKey) -> Key {
    let method = text(series, ["http.request.method", "http.method"]).unwrap_or("HTTP");
    let method = if method == "_OTHER" { "HTTP" } else { method };
    let operation = match series.attributes.iter().find(|(name, _)| &**name == "http.route") {
        Some((_, route)) => format!("{method} {route}"),
        None => method.to_owned(),
    };
    Key {
        service: Arc::clone(&series.service),
        operation: Arc::from(operation),
        instance: Arc::clone(&series.instance),
        version: Arc::clone(&series.version),
    }
}

/// Whether the series counts failures: a status of 500 or above, or a type of error.
fn is_failed(series: &SeriesKey) -> bool {
    let status = text(series, ["http.response.status_code", "http.status_code"]);
    let is_above = status.and_then(|status| status.parse::<u32>().ok()).is_some_and(|status| status >= 500);
    is_above || text(series, ["error.type", "error"]).is_some_and(|told| !told.is_empty() && told != "false")
}

/// Nanoseconds of the unit told.
fn unit(series: &SeriesKey) -> Option<f64> {
    match &*series.unit {
        "s" => Some(1e9),
        "ms" => Some(1e6),
        "us" => Some(1e3),
        "ns" => Some(1.0),
        _ => None,
    }
}
