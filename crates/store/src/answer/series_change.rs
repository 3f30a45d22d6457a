//! Answers `series_change`: how metric series moved between two windows.
//!
//! A counter becomes its growth per second, a distribution the mean and the rate of its observations; what stands
//! for itself stays as it is. Series of several processes of one instance make one row. A series knows no
//! operation. A series with nothing to say in either window has no row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use telemetry::answer::{SeriesFigures, SeriesKind, SeriesRow};
use telemetry::number::Num;
use telemetry::signal::MetricValue;
use telemetry::{Answer, AskError, Scope, Table, Window};

use super::Asking;
use crate::growth::{Interval, intervals};
use crate::kept::Parts;
use crate::series::{Points, SeriesKey, Shape, within};

/// Characters of an attribute shown.
const VALUE_CHARS_MAX: usize = 200;

/// The two windows compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) good: Window,
    pub(super) bad: Window,
}

/// What makes a row, in the order of the rows.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey<'a> {
    service: &'a Arc<str>,
    instance: &'a Arc<str>,
    version: &'a Arc<str>,
    metric: &'a Arc<str>,
    unit: &'a str,
    attributes: &'a [(Arc<str>, String)],
    kind: SeriesKind,
}

pub(super) fn answer(
    parts: &Parts<'_>,
    windows: Windows,
    scope: &Scope,
    metrics: &[String],
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let mut rows: BTreeMap<RowKey<'_>, [Tally; 2]> = BTreeMap::new();
    asking.look_at(0)?;
    let names: BTreeSet<&str> = metrics.iter().map(String::as_str).collect();
    let wanted: Vec<Option<&str>> =
        if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
    for name in wanted {
        for (key, points) in parts.series(name) {
            asking.look_at(1)?;
            let operation = scope.operation.as_deref().unwrap_or_default();
            if !scope.admits(&key.service, operation, &key.instance) {
                continue;
            }
            for (index, window) in [windows.good, windows.bad].into_iter().enumerate() {
                asking.look_at(within(&points, window).count() as u64)?;
                take(key, &points, window, |kind, total, weight| {
                    let unit =
                        if kind == SeriesKind::Rate && key.is_distribution() { "1" } else { &key.unit };
                    if let Some(tally) = rows.entry(row_key(key, unit, kind)).or_default().get_mut(index) {
                        tally.add(total, weight);
                    }
                });
            }
        }
    }
    Ok(asking.exact(rows.into_iter().map(|(key, tallies)| row(&key, tallies)).collect(), Table::SeriesChange))
}

/// Hands every value of the window to `each`: its kind, and what divided by what it is.
fn take(key: &SeriesKey, points: &Points, window: Window, mut each: impl FnMut(SeriesKind, f64, f64)) {
    if key.shape == Shape::Level {
        for (_, value) in within(points, window) {
            match value {
                MetricValue::Number(number) if number.is_finite() => each(SeriesKind::Gauge, *number, 1.0),
                _ => {}
            }
        }
        return;
    }
    for Interval { seconds, amount, sum, .. } in intervals(points, key.shape, window) {
        if let Some(seconds) = seconds {
            each(SeriesKind::Rate, amount, seconds);
        }
        match sum {
            Some(sum) if key.is_distribution() && amount > 0.0 => each(SeriesKind::Mean, sum, amount),
            _ => {}
        }
    }
}

fn row_key<'a>(key: &'a SeriesKey, unit: &'a str, kind: SeriesKind) -> RowKey<'a> {
    let SeriesKey { service, instance, version, metric, attributes, .. } = key;
    RowKey { service, instance, version, metric, unit, attributes, kind }
}

fn row(key: &RowKey<'_>, [good, bad]: [Tally; 2]) -> SeriesRow {
    let cut = |value: &String| value.chars().take(VALUE_CHARS_MAX).collect();
    SeriesRow {
        service: key.service.to_string(),
        instance: key.instance.to_string(),
        version: key.version.to_string(),
        metric: key.metric.to_string(),
        unit: key.unit.to_owned(),
        attributes: key.attributes.iter().map(|(key, value)| (key.to_string(), cut(value))).collect(),
        kind: key.kind,
        good: good.figures(),
        bad: bad.figures(),
    }
}

/// Values of one row in one window.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    n: u64,
    total: f64,
    weight: f64,
    min: f64,
    max: f64,
}

impl Tally {
    fn add(&mut self, total: f64, weight: f64) {
        let value = total / weight;
        self.min = if self.n == 0 { value } else { self.min.min(value) };
        self.max = if self.n == 0 { value } else { self.max.max(value) };
        self.n += 1;
        self.total += total;
        self.weight += weight;
    }

    fn figures(self) -> SeriesFigures {
        let mean = if self.weight > 0.0 { self.total / self.weight } else { 0.0 };
        SeriesFigures { n: self.n, mean: Num::new(mean), min: Num::new(self.min), max: Num::new(self.max) }
    }
}
