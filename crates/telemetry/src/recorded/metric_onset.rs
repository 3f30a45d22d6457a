//! Answers `onset` for services without entry spans, from the durations that their servers measured.
//!
//! As the store does: counts, errors and sums are exact, belong to whole intervals and stand in the second of an
//! interval's end; the quantiles are the intervals' means. An interval is as long as the smallest step between the
//! points of all such series. A service that sent an entry span anywhere is left to its spans.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::{OnsetRow, SeriesKind, Subject};
use crate::time::SECOND_NS;
use crate::{Scope, UnixNanos, Window};

use super::tables::{Series, SeriesKey, Tables};

/// The metric of server durations, its stable and its older name; requests a second and mean seconds.
pub const METRICS: [&str; 2] = ["http.server.request.duration", "http.server.duration"];
/// The attribute that only failed requests have.
pub const ERROR_TYPE: &str = "error.type";

/// The rows, sorted by service, instance and time, and the services that they speak of.
pub(super) fn rows(tables: &Tables, window: Window, scope: &Scope) -> (Vec<OnsetRow>, Vec<String>) {
    let entries: BTreeSet<&str> =
        tables.spans.iter().filter(|span| span.is_entry()).map(|span| &*span.resource.service).collect();
    let is_meant = |series: &&Series| {
        let key = &series.key;
        METRICS.contains(&key.metric.as_str())
            && !entries.contains(key.service.as_str())
            && scope.admits(&key.service, "", &key.instance)
    };
    let all: Vec<&Series> = tables.series.iter().filter(is_meant).collect();
    let Some(step) = step(&all) else { return (Vec::new(), Vec::new()) };
    let means: BTreeMap<Who<'_>, BTreeMap<UnixNanos, f64>> = all
        .iter()
        .filter(|series| series.key.kind == SeriesKind::Mean)
        .map(|series| (who(&series.key), series.points.iter().copied().collect()))
        .collect();
    let mut cells: BTreeMap<(&str, &str, UnixNanos), OnsetRow> = BTreeMap::new();
    for series in all.iter().filter(|series| series.key.kind == SeriesKind::Rate) {
        let means = means.get(&who(&series.key));
        for (end, rate) in &series.points {
            let second = UnixNanos(end.0 - 1).floor_second();
            let count = (rate * step as f64 / SECOND_NS as f64).round() as u64;
            if count == 0 || !window.contains(second) {
                continue;
            }
            let key = (series.key.service.as_str(), series.key.instance.as_str(), second);
            let row = cells.entry(key).or_insert_with(|| empty(&series.key, second));
            let seconds = means.and_then(|points| points.get(end)).copied().unwrap_or(0.0);
            row.count += count;
            row.sum_ns = row.sum_ns.saturating_add((seconds * 1e9 * count as f64) as i64);
            row.errors += if series.key.attributes.contains_key(ERROR_TYPE) { count } else { 0 };
        }
    }
    let mut rows: Vec<OnsetRow> = cells.into_values().collect();
    for row in &mut rows {
        row.p50_ns = row.sum_ns / i64::try_from(row.count).unwrap_or(i64::MAX).max(1);
        row.p95_ns = row.p50_ns;
    }
    let services: BTreeSet<&str> = rows.iter().map(|row| row.subject.service.as_str()).collect();
    let services = services.into_iter().map(str::to_owned).collect();
    (rows, services)
}

/// What a rate and the mean of the same requests have in common: service, instance, metric and attributes.
type Who<'a> = (&'a str, &'a str, &'a str, &'a BTreeMap<String, String>);

fn who(key: &SeriesKey) -> Who<'_> {
    (&key.service, &key.instance, &key.metric, &key.attributes)
}

/// The smallest step between two points of a series.
fn step(all: &[&Series]) -> Option<i64> {
    let steps = all.iter().flat_map(|series| {
        series.points.iter().zip(series.points.iter().skip(1)).map(|(one, next)| next.0.since(one.0))
    });
    steps.filter(|step| *step > 0).min()
}

fn empty(key: &SeriesKey, second: UnixNanos) -> OnsetRow {
    OnsetRow {
        subject: Subject {
            service: key.service.clone(),
            operation: String::new(),
            instance: key.instance.clone(),
            version: String::new(),
        },
        second,
        count: 0,
        errors: 0,
        sum_ns: 0,
        p50_ns: 0,
        p95_ns: 0,
        is_message: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(service: &str, kind: SeriesKind, error: bool, points: &[(i64, f64)]) -> Series {
        let error = error.then(|| (ERROR_TYPE.to_owned(), "500".to_owned()));
        let key = SeriesKey {
            service: service.to_owned(),
            instance: String::new(),
            metric: METRICS[0].to_owned(),
            unit: String::new(),
            attributes: error.into_iter().collect(),
            kind,
        };
        Series {
            key,
            points: points.iter().map(|(s, value)| (UnixNanos(0).plus_seconds(*s), *value)).collect(),
        }
    }

    #[test]
    fn rates_and_means_of_good_and_failed_requests_are_added_up_by_interval() {
        let tables = Tables {
            series: vec![
                series("a", SeriesKind::Rate, false, &[(60, 1.0), (120, 0.5), (300, 0.0)]),
                series("a", SeriesKind::Mean, false, &[(60, 0.1), (120, 0.2)]),
                series("a", SeriesKind::Rate, true, &[(120, 0.1)]),
                series("a", SeriesKind::Mean, true, &[(120, 1.0)]),
            ],
            ..Tables::default()
        };
        let window = Window::new(UnixNanos(0), UnixNanos(0).plus_seconds(600));
        let (rows, services) = rows(&tables, window, &Scope::all());
        let seen: Vec<_> =
            rows.iter().map(|row| (row.second.0 / SECOND_NS, row.count, row.errors, row.sum_ns)).collect();
        assert_eq!(seen, [(59, 60, 0, 6_000_000_000), (119, 36, 6, 12_000_000_000)]);
        assert_eq!(services, ["a"]);
        assert!(super::rows(&tables, window, &Scope::service("b")).0.is_empty());
        assert!(super::rows(&Tables::default(), window, &Scope::all()).0.is_empty());
    }
}
