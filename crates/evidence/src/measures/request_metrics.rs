//! Measure: services whose requests take longer, or fail more, than their metrics have shown lately - where no span tells more.
//!
//! Durations and failures by service are held against their own largest values as `saturation` holds resources, with the same
//! tail, floors and false discovery rate. Whoever waits for a slow service is slow, too, and without calls or spans nobody
//! knows who waits for whom. What is left is that the slowness is added once: it is the same few milliseconds for everybody
//! who waits, and the largest part of the whole where there was the least before. So the service that grew most by its own
//! measure is the cause when it has at least a fifth of the largest rise that any service shows (a request may call it five
//! times); otherwise nobody is named.
//!
//! Metrics of the calling side speak of somebody else and are left out, and so are rates of durations, which are traffic.

use std::collections::BTreeMap;

use telemetry::answer::{SeriesKind, SeriesRow};

use super::Measure;
use super::saturation::{self, Usage};
use crate::Thresholds;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "request_metrics",
    finds: "services without spans whose requests take longer or fail more than their metrics have shown lately",
    questions: &["series_change"],
};

/// Words in the names of metrics that time requests, and that count failed ones.
const DURATIONS: [&str; 3] = ["duration", "latency", "response_time"];
const FAILURES: [&str; 3] = ["error", "fail", "5xx"];
/// Share of the largest rise that the cause must show itself.
const PART_MIN: f64 = 0.2;
/// Words in the names of metrics of the calling side.
const CALLING: [&str; 4] = ["call", "client", "outbound", "upstream"];
/// The attribute that only failed requests have (OpenTelemetry semantic conventions, `error.type`).
const ERROR_TYPE: &str = "error.type";

/// What a metric says of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// How long they take.
    Time,
    /// How many fail.
    Failures,
}

/// How much more than ever lately one service shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Rise {
    /// The series that grew most.
    pub usage: Usage,
    /// What it says.
    pub figure: Figure,
    /// Whether the rises of all others may come from it, and it grew most.
    pub is_cause: bool,
}

/// The rise of every service that shows one, the largest growth first. Each of `parts` holds the same bad window against
/// one part of the history.
#[must_use]
pub fn rises(parts: &[&[SeriesRow]], thresholds: &Thresholds) -> Vec<Rise> {
    let mut by_service: BTreeMap<String, Rise> = BTreeMap::new();
    for figure in [Figure::Time, Figure::Failures] {
        let found = saturation::usages_of(parts, thresholds, &|row| figure_of(row) == Some(figure));
        for usage in found.into_iter().filter(Usage::is_raised) {
            let known = by_service.get(&usage.service).map(|known| known.usage.growth);
            if known.is_none_or(|growth| usage.growth > growth) {
                by_service.insert(usage.service.clone(), Rise { usage, figure, is_cause: false });
            }
        }
    }
    let mut all: Vec<Rise> = by_service.into_values().collect();
    // Stable: of equal ones the first by name.
    all.sort_by(|a, b| b.usage.growth.total_cmp(&a.usage.growth));
    let most = |figure| all.iter().filter(|one| one.figure == figure).map(Rise::more).fold(0.0, f64::max);
    let largest = [most(Figure::Time), most(Figure::Failures)];
    if let Some(first) = all.first_mut() {
        let [time, failures] = largest;
        let largest = if first.figure == Figure::Time { time } else { failures };
        first.is_cause = first.more() >= PART_MIN * largest;
    }
    all
}

impl Rise {
    /// By how much, in the metric's unit.
    fn more(&self) -> f64 {
        self.usage.now - self.usage.normal
    }
}

/// What `row` says of the requests that its own service serves.
fn figure_of(row: &SeriesRow) -> Option<Figure> {
    let name = row.metric.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&CALLING) {
        return None;
    }
    let is_failed = row.attributes.iter().any(|(key, _)| key == ERROR_TYPE);
    match row.kind {
        _ if has(&FAILURES) => Some(Figure::Failures),
        SeriesKind::Rate if has(&DURATIONS) => is_failed.then_some(Figure::Failures),
        _ if has(&DURATIONS) => Some(Figure::Time),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use telemetry::answer::SeriesFigures;

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn row(service: &str, metric: &str, kind: SeriesKind, good: &[f64], bad: &[f64]) -> SeriesRow {
        SeriesRow {
            service: service.into(),
            instance: String::new(),
            version: String::new(),
            metric: metric.into(),
            unit: "s".into(),
            attributes: Vec::new(),
            kind,
            good: SeriesFigures::of(good),
            bad: SeriesFigures::of(bad),
        }
    }

    /// A service at `level` seconds that takes `more` seconds more in the bad window.
    fn slower(seed: u64, service: &str, level: f64, more: f64) -> SeriesRow {
        let mut noise = Seeded(seed);
        let mut points =
            |more: f64| -> Vec<f64> { (0..20).map(|_| noise.latency(level, 0.1) + more).collect() };
        let (good, bad) = (points(0.0), points(more));
        row(service, "request.duration", SeriesKind::Gauge, &good, &bad)
    }

    fn of(rows: &[SeriesRow]) -> Vec<Rise> {
        rises(&[rows], &Thresholds::default())
    }

    #[test]
    fn of_three_that_wait_for_each_other_the_innermost_is_the_cause() {
        let rows =
            [slower(1, "front", 0.2, 0.3), slower(2, "order", 0.1, 0.3), slower(3, "stock", 0.02, 0.3)];
        let found = of(&rows);
        let named: Vec<_> = found.iter().map(|one| (one.usage.service.as_str(), one.is_cause)).collect();
        assert_eq!(named, [("stock", true), ("order", false), ("front", false)]);
    }

    #[test]
    fn who_grew_most_by_a_trifle_beside_a_large_rise_is_not_blamed() {
        let rows =
            [slower(1, "front", 0.2, 0.4), slower(2, "tiny", 0.004, 0.06), slower(3, "still", 0.1, 0.0)];
        let found = of(&rows);
        assert!(found.len() == 2 && found.iter().all(|one| !one.is_cause), "{found:?}");
    }

    #[test]
    fn traffic_and_the_calling_side_say_nothing_and_failures_are_told_apart() {
        let (good, bad) = ([2.0; 20], [30.0; 20]);
        let of_one = |metric, kind| figure_of(&row("a", metric, kind, &good, &bad));
        assert_eq!(of_one("http.server.request.duration", SeriesKind::Rate), None, "traffic");
        assert_eq!(of_one("http.server.request.duration", SeriesKind::Mean), Some(Figure::Time));
        assert_eq!(of_one("http.client.request.duration", SeriesKind::Mean), None);
        assert_eq!(of_one("request.errors", SeriesKind::Rate), Some(Figure::Failures));
        assert_eq!(of_one("container.cpu", SeriesKind::Gauge), None);
        assert!(of(&[]).is_empty());
    }

    #[test]
    fn requests_that_vary_by_chance_stay_below_the_stated_rate() {
        let rate = false_alarm_rate(500, |seed| {
            let rows: Vec<SeriesRow> =
                (0..30).map(|at| slower(seed * 100 + at, &format!("s{at}"), 0.05, 0.0)).collect();
            !of(&rows).is_empty()
        });
        assert!(rate <= 0.05, "stated 0.05, measured {rate}");
    }
}
