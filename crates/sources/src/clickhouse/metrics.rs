//! Metric series of two windows, from the exporter's tables of sums, gauges and histograms.
//!
//! A sum that only grows is told as a rate, a histogram as the mean and the rate of its observations, all else as it was
//! measured. Exponential histograms and summaries are not read.

use std::collections::BTreeMap;

use telemetry::answer::SeriesKind;
use telemetry::recorded::{Series, SeriesKey};
use telemetry::time::SECOND_NS;
use telemetry::{AskError, Scope, UnixNanos, Window};

use super::rows::{self, Whole};
use super::{Queries, sql};
use crate::fetched::Fetched;

/// Points that are fetched of one table.
const POINTS_MAX: usize = 50_000;
/// Seconds before a window in which the point is looked for that its first one grew from.
const BEFORE_SECONDS: i64 = 120;
/// `AggregationTemporality` of the protocol: each point counts since the one before.
const DELTA: i64 = 1;

/// A table, and the columns that are its value: growing or not, how much, of how many.
struct Measured {
    suffix: &'static str,
    columns: &'static str,
    is_distribution: bool,
}

const TABLES: [Measured; 3] = [
    Measured { suffix: "gauge", columns: "0, 0, Value, toUInt64(0)", is_distribution: false },
    Measured {
        suffix: "histogram",
        columns: "toInt32(AggregationTemporality), 1, Sum, Count",
        is_distribution: true,
    },
    Measured {
        suffix: "sum",
        columns: "toInt32(AggregationTemporality), toUInt8(IsMonotonic), Value, toUInt64(0)",
        is_distribution: false,
    },
];

/// Service, instance, metric, unit, attributes, start, time, temporality, whether it only grows, value, count.
type Row = (
    String,
    String,
    String,
    String,
    BTreeMap<String, String>,
    Whole,
    Whole,
    Whole,
    Whole,
    Option<f64>,
    Whole,
);

/// A point of a series.
#[derive(Debug, Clone, Copy)]
struct Point {
    start: i64,
    at: i64,
    is_delta: bool,
    is_growing: bool,
    value: f64,
    count: f64,
}

/// The series of both windows.
pub(super) async fn series(
    queries: &Queries<'_>,
    windows: [Window; 2],
    scope: &Scope,
    metrics: &[String],
) -> Result<Fetched, AskError> {
    let Some(prefix) = &queries.of.names.metrics else {
        return Err(AskError::Unavailable("metrics of this schema are not read".to_owned()));
    };
    let mut found = Fetched::default();
    let mut missing = 0;
    for table in &TABLES {
        let statement = statement((prefix, table), windows, scope, metrics);
        let (text, locator) = match queries.lines(&statement).await {
            Err(error) if sql::is_not_there(&error) => {
                missing += 1;
                continue;
            }
            other => other?,
        };
        let points: Vec<Row> = rows::read(&text)?;
        found.cut.extend((points.len() > POINTS_MAX).then(|| table.suffix.to_owned()));
        found.tables.series.extend(told(points, table.is_distribution));
        found.locators.push(locator);
    }
    if missing == TABLES.len() {
        let what = format!("no table {prefix}_sum; hint: [sources.NAME.tables] metrics");
        return Err(AskError::Unavailable(what));
    }
    Ok(found)
}

fn statement(
    (prefix, table): (&str, &Measured),
    windows: [Window; 2],
    scope: &Scope,
    metrics: &[String],
) -> String {
    let within = windows.map(|window| {
        let from = sql::at(window.from.plus_seconds(-BEFORE_SECONDS));
        format!("(TimeUnix >= {from} AND TimeUnix < {})", sql::at(window.to))
    });
    let names: Vec<String> = metrics.iter().map(|metric| sql::text(metric)).collect();
    let named = (!names.is_empty()).then(|| format!(" AND MetricName IN ({})", names.join(", ")));
    let service = scope.service.as_ref().map(|service| format!(" AND ServiceName = {}", sql::text(service)));
    format!(
        "SELECT if(empty(ServiceName), 'unknown_service', ServiceName), ResourceAttributes['service.instance.id'], \
         MetricName, MetricUnit, Attributes, toUnixTimestamp64Nano(StartTimeUnix), toUnixTimestamp64Nano(TimeUnix), {} \
         FROM {}_{} WHERE ({}){}{} ORDER BY TimeUnix LIMIT {}",
        table.columns,
        prefix,
        table.suffix,
        within.join(" OR "),
        named.unwrap_or_default(),
        service.unwrap_or_default(),
        POINTS_MAX + 1
    )
}

/// The series that the points are of.
fn told(points: Vec<Row>, is_distribution: bool) -> Vec<Series> {
    let mut of: BTreeMap<SeriesKey, Vec<Point>> = BTreeMap::new();
    for row in points {
        let (service, instance, metric, unit, attributes, start, at, temporality, growing, value, count) =
            row;
        let key = SeriesKey { service, instance, metric, unit, attributes, kind: SeriesKind::Gauge };
        let Some(value) = value.filter(|value| value.is_finite()) else { continue };
        of.entry(key).or_default().push(Point {
            start: start.0,
            at: at.0,
            is_delta: temporality.0 == DELTA,
            is_growing: growing.0 > 0,
            value,
            count: count.count() as f64,
        });
    }
    let mut all = Vec::new();
    for (key, points) in of {
        let kind = |kind| SeriesKey { kind, ..key.clone() };
        if points.iter().any(|point| !point.is_growing) {
            let points = points.iter().map(|point| (UnixNanos(point.at), point.value)).collect();
            all.push(Series { key, points });
            continue;
        }
        let grown = grown(&points);
        let of = |value: &dyn Fn(&Grown) -> Option<f64>| -> Vec<(UnixNanos, f64)> {
            grown.iter().filter_map(|one| Some((UnixNanos(one.at), value(one)?))).collect()
        };
        if is_distribution {
            let mean = of(&|one| (one.count > 0.0).then(|| one.value / one.count));
            all.push(Series { key: kind(SeriesKind::Mean), points: mean });
            all.push(Series {
                key: kind(SeriesKind::Rate),
                points: of(&|one| Some(one.count / one.seconds)),
            });
        } else {
            all.push(Series {
                key: kind(SeriesKind::Rate),
                points: of(&|one| Some(one.value / one.seconds)),
            });
        }
    }
    all.retain(|series| !series.points.is_empty());
    all
}

/// How much until a point, since the one before.
struct Grown {
    at: i64,
    seconds: f64,
    value: f64,
    count: f64,
}

/// The growth between the points; where counting began anew, since then.
fn grown(points: &[Point]) -> Vec<Grown> {
    let mut all = Vec::new();
    let mut before: Option<Point> = None;
    for point in points {
        // The same point that came twice is one.
        if before.is_some_and(|before| before.at == point.at) {
            continue;
        }
        let same = before
            .filter(|before| !point.is_delta && before.start == point.start && before.value <= point.value);
        let since = match (same, before) {
            (Some(same), _) => Some(same.at),
            (None, _) if point.start > 0 && (point.is_delta || before.is_some()) => Some(point.start),
            (None, before) => before.map(|before| before.at),
        };
        let seconds = since.map_or(0.0, |since| (point.at - since) as f64 / SECOND_NS as f64);
        if seconds > 0.0 {
            all.push(Grown {
                at: point.at,
                seconds,
                value: point.value - same.map_or(0.0, |same| same.value),
                count: point.count - same.map_or(0.0, |same| same.count),
            });
        }
        before = Some(*point);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: i64, start: i64, temporality: i64, value: f64, count: i64) -> Row {
        let second = |at: i64| Whole(at * SECOND_NS);
        let name = |text: &str| text.to_owned();
        let attributes = BTreeMap::new();
        let (temporality, growing) = (Whole(temporality), Whole(i64::from(temporality > 0)));
        (
            name("web"),
            name("a"),
            name("m"),
            name("s"),
            attributes,
            second(start),
            second(at),
            temporality,
            growing,
            Some(value),
            Whole(count),
        )
    }

    fn values(series: &Series) -> Vec<f64> {
        series.points.iter().map(|(_, value)| *value).collect()
    }

    #[test]
    fn a_sum_becomes_a_rate_through_a_restart_and_a_point_that_came_twice() {
        let cumulative =
            [row(10, 5, 2, 20.0, 0), row(20, 5, 2, 40.0, 0), row(20, 5, 2, 40.0, 0), row(30, 25, 2, 10.0, 0)];
        let series = told(cumulative.to_vec(), false);
        assert_eq!((series.len(), series[0].key.kind), (1, SeriesKind::Rate));
        assert_eq!(values(&series[0]), [2.0, 2.0], "the first point says nothing: it may count since long");
        let delta = told(vec![row(10, 5, DELTA, 20.0, 0), row(20, 10, DELTA, 40.0, 0)], false);
        assert_eq!(values(&delta[0]), [4.0, 4.0]);
    }

    #[test]
    fn a_histogram_becomes_a_mean_and_a_rate_and_a_gauge_stays() {
        let series = told(vec![row(10, 5, 2, 20.0, 4), row(20, 5, 2, 40.0, 14)], true);
        assert_eq!(
            series.iter().map(|one| one.key.kind).collect::<Vec<_>>(),
            [SeriesKind::Mean, SeriesKind::Rate]
        );
        assert_eq!((values(&series[0]), values(&series[1])), (vec![2.0], vec![1.0]));
        let gauge = told(vec![row(10, 0, 0, 7.0, 0), row(20, 0, 0, 3.0, 0)], false);
        assert_eq!((gauge[0].key.kind, values(&gauge[0])), (SeriesKind::Gauge, vec![7.0, 3.0]));
    }
}
