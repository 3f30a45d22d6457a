//! OTLP metric points as series: counters become their growth per second, distributions the rate and the mean of
//! their observations, everything else stays as it is.
//!
//! A counter that falls began anew: what it holds then was added since. Growth needs a point before it, so the first
//! point of a cumulative series says nothing.

use std::collections::BTreeMap;

use telemetry::answer::SeriesKind;
use telemetry::signal::MetricValue;
use telemetry::time::SECOND_NS;
use telemetry::{MetricPoint, Temporality, UnixNanos};

use telemetry::recorded::{Series, SeriesBuilder, SeriesKey};

/// Characters of an attribute that are kept.
const VALUE_CHARS_MAX: usize = 200;

/// Points while they are read.
#[derive(Debug, Default)]
pub(super) struct Points {
    series: BTreeMap<Of, BTreeMap<UnixNanos, (UnixNanos, MetricValue)>>,
    count: usize,
}

/// What points belong together by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Of {
    service: String,
    instance: String,
    metric: String,
    unit: String,
    attributes: BTreeMap<String, String>,
    temporality: Temporality,
    is_monotonic: bool,
}

impl Points {
    /// Adds the points of one request.
    pub(super) fn add(&mut self, points: Vec<MetricPoint>) {
        self.count += points.len();
        for point in points {
            let cut = |text: String| text.chars().take(VALUE_CHARS_MAX).collect::<String>();
            let attributes = point.attributes.iter();
            let of = Of {
                service: point.resource.service.to_string(),
                instance: point.resource.instance.to_string(),
                metric: point.name.to_string(),
                unit: point.unit.to_string(),
                attributes: attributes.map(|(key, value)| (key.to_string(), cut(value.render()))).collect(),
                temporality: point.temporality,
                is_monotonic: point.is_monotonic,
            };
            self.series.entry(of).or_default().insert(point.at, (point.start, point.value));
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The series that they make.
    pub(super) fn finish(self) -> Vec<Series> {
        let mut series = SeriesBuilder::default();
        for (of, points) in self.series {
            let mut before: Option<(UnixNanos, MetricValue)> = None;
            for (at, (start, value)) in points {
                of.point(&mut series, at, (start, &value), before.as_ref());
                before = Some((at, value));
            }
        }
        series.finish()
    }
}

impl Of {
    fn key(&self, kind: SeriesKind, unit: &str) -> SeriesKey {
        SeriesKey {
            service: self.service.clone(),
            instance: self.instance.clone(),
            metric: self.metric.clone(),
            unit: unit.to_owned(),
            attributes: self.attributes.clone(),
            kind,
        }
    }

    /// Adds what a point says, with the one before it.
    fn point(
        &self,
        series: &mut SeriesBuilder,
        at: UnixNanos,
        (start, value): (UnixNanos, &MetricValue),
        before: Option<&(UnixNanos, MetricValue)>,
    ) {
        let is_level = match self.temporality {
            Temporality::Instant => true,
            Temporality::Cumulative => !self.is_monotonic,
            Temporality::Delta => false,
        };
        if let (MetricValue::Number(now), true) = (value, is_level) {
            series.add(self.key(SeriesKind::Gauge, &self.unit), at, *now);
            return;
        }
        let since = match before {
            _ if self.temporality == Temporality::Delta && start.0 > 0 => Some(start),
            before => before.map(|(before, _)| *before),
        };
        let seconds = since.map(|since| at.since(since) as f64 / SECOND_NS as f64).filter(|s| *s > 0.0);
        let (Some((amount, sum)), Some(seconds)) =
            (self.added(value, before.map(|(_, value)| value)), seconds)
        else {
            return;
        };
        let is_distribution = matches!(value, MetricValue::Distribution { .. });
        let unit = if is_distribution { "1" } else { &self.unit };
        series.add(self.key(SeriesKind::Rate, unit), at, amount / seconds);
        if let Some(sum) = sum.filter(|_| amount > 0.0) {
            series.add(self.key(SeriesKind::Mean, &self.unit), at, sum / amount);
        }
    }

    /// What was added since the point before: an amount, and of a distribution its sum. Nothing when that is not known.
    fn added(&self, now: &MetricValue, before: Option<&MetricValue>) -> Option<(f64, Option<f64>)> {
        let now = figures(now);
        if self.temporality != Temporality::Cumulative {
            return Some(now);
        }
        let before = figures(before?);
        if now.0 < before.0 {
            return Some(now);
        }
        Some((now.0 - before.0, now.1.map(|sum| sum - before.1.unwrap_or(0.0))))
    }
}

/// Number or count, and the sum of a distribution.
fn figures(value: &MetricValue) -> (f64, Option<f64>) {
    match value {
        MetricValue::Number(number) => (*number, None),
        MetricValue::Distribution { count, sum } => (*count as f64, *sum),
    }
}
