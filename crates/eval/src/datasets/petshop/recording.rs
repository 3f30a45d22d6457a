//! `metrics.csv`: three rows of heads (service, metric, statistic), then a row a step.

use std::collections::BTreeMap;
use std::path::Path;

use telemetry::UnixNanos;
use telemetry::answer::SeriesKind;

use crate::files::{Column, CsvRows, FileError};
use telemetry::recorded::{ERROR_TYPE, REQUEST_METRICS};
use telemetry::recorded::{Series, SeriesBuilder, SeriesKey};

/// Seconds of a step.
pub(super) const STEP_SECONDS: i64 = 300;

/// The heads that are read: metric and statistic.
const READ: [(&str, &str); 3] = [("availability", "Average"), ("latency", "Average"), ("requests", "Sum")];

/// Steps, and what each service did in them.
#[derive(Debug, Clone, Default)]
pub(super) struct Recording {
    /// The beginnings of the steps, in seconds.
    pub(super) starts: Vec<i64>,
    /// By service and step: available percent, mean latency in seconds, requests.
    services: BTreeMap<String, Vec<[Option<f64>; 3]>>,
}

impl Recording {
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let mut rows = CsvRows::open(path)?;
        let time = rows.column("microservice")?;
        let services = rows.positions()?;
        let mut heads: Vec<(String, Column, usize)> = Vec::new();
        let mut metrics: Vec<String> = Vec::new();
        let mut recording = Self::default();
        while let Some(row) = rows.advance()? {
            match row.text(time) {
                "metric" => {
                    metrics = services.iter().map(|(_, column)| row.text(*column).to_owned()).collect();
                }
                "statistic" => {
                    for ((service, column), metric) in services.iter().zip(&metrics) {
                        let place =
                            READ.iter().position(|head| *head == (metric.as_str(), row.text(*column)));
                        heads.extend(place.map(|place| (service.clone(), *column, place)));
                    }
                }
                _ => {
                    let Some(start) = row.number(time) else { continue };
                    recording.starts.push(start as i64);
                    for (service, column, place) in &heads {
                        let steps = recording.services.entry(service.clone()).or_default();
                        steps.resize(recording.starts.len(), [None; 3]);
                        if let Some(cell) = steps.last_mut().and_then(|step| step.get_mut(*place)) {
                            *cell = row.number(*column);
                        }
                    }
                }
            }
        }
        Ok(recording)
    }

    /// The steps from `from` up to `to`, and all others.
    pub(super) fn cut(&self, from: usize, to: usize) -> (Self, Self) {
        let keep = |is_kept: &dyn Fn(usize) -> bool| Self {
            starts: kept(&self.starts, is_kept),
            services: self
                .services
                .iter()
                .map(|(name, steps)| (name.clone(), kept(steps, is_kept)))
                .collect(),
        };
        let is_in = move |place: usize| (from..to).contains(&place);
        (keep(&is_in), keep(&|place| !is_in(place)))
    }

    /// The same, moved so that the last step ends at `end`.
    pub(super) fn moved_to_end_at(mut self, end: i64) -> Self {
        let moved = self.starts.last().map_or(0, |last| end - STEP_SECONDS - last);
        self.starts.iter_mut().for_each(|start| *start += moved);
        self
    }
}

fn kept<T: Clone>(items: &[T], is_kept: &dyn Fn(usize) -> bool) -> Vec<T> {
    items.iter().enumerate().filter(|(place, _)| is_kept(*place)).map(|(_, item)| item.clone()).collect()
}

/// Requests a second and mean seconds, failed ones apart; a point stands at the end of its step. How long failed
/// requests take is not told apart from the others.
pub(super) fn series(recordings: &[&Recording]) -> Vec<Series> {
    let mut series = SeriesBuilder::default();
    for recording in recordings {
        for (service, steps) in &recording.services {
            for (start, step) in recording.starts.iter().zip(steps) {
                let [available, latency, Some(requests)] = *step else { continue };
                let failed = (requests * (1.0 - available.unwrap_or(100.0) / 100.0)).round();
                let at = UnixNanos(0).plus_seconds(start + STEP_SECONDS);
                for (count, is_failed) in [(requests - failed, false), (failed, true)] {
                    if count > 0.0 {
                        let rate = key(service, SeriesKind::Rate, is_failed);
                        series.add(rate, at, count / STEP_SECONDS as f64);
                        let seconds = latency.unwrap_or(f64::NAN);
                        series.add(key(service, SeriesKind::Mean, is_failed), at, seconds);
                    }
                }
            }
        }
    }
    series.finish()
}

fn key(service: &str, kind: SeriesKind, is_failed: bool) -> SeriesKey {
    let attributes = is_failed.then(|| (ERROR_TYPE.to_owned(), "_OTHER".to_owned()));
    let [metric, _] = REQUEST_METRICS;
    SeriesKey {
        service: service.to_owned(),
        instance: String::new(),
        metric: metric.to_owned(),
        unit: if kind == SeriesKind::Rate { "1" } else { "s" }.to_owned(),
        attributes: attributes.into_iter().collect(),
        kind,
    }
}
