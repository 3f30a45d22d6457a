//! Measure 4, as far as causes need it: does a process compute more, and do requests wait for its pools?
//!
//! Computing time is compared in seconds of CPU a second, in natural units, never as a score against a flat
//! counter. Nothing is said of a process that does not report it.

use std::collections::BTreeMap;

use telemetry::answer::{SeriesKind, SeriesRow};

use super::Measure;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "computing",
    finds: "processes that compute more than before, and pools that requests wait for",
    questions: &["series_change"],
};

/// The metrics looked at, by their stable and their older names.
pub const METRICS: [&str; 4] = [
    "db.client.connection.pending_requests",
    "db.client.connections.pending_requests",
    "process.cpu.time",
    "process.runtime.cpython.cpu_time",
];

/// Seconds of CPU a second of one service, all its instances together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cpu {
    /// Before.
    pub good: f64,
    /// Now.
    pub bad: f64,
}

/// An instance and the attributes of its counter: the mode of the CPU.
type Mode<'a> = (&'a str, &'a [(String, String)]);
/// Points, and the sum over series of points times rate.
type Points = (f64, f64);

/// The CPU of `service`, when it reports it in both windows. Versions that took turns in one instance share its time.
#[must_use]
pub fn cpu(rows: &[SeriesRow], service: &str) -> Option<Cpu> {
    let mut processes: BTreeMap<Mode<'_>, [Points; 2]> = BTreeMap::new();
    let is_cpu = |row: &&SeriesRow| {
        row.service == service
            && row.kind == SeriesKind::Rate
            && matches!(row.metric.as_str(), "process.cpu.time" | "process.runtime.cpython.cpu_time")
    };
    for row in rows.iter().filter(is_cpu) {
        let sides = processes.entry((&row.instance, &row.attributes)).or_default();
        for (side, figures) in sides.iter_mut().zip([row.good, row.bad]) {
            side.0 += figures.n as f64;
            side.1 += figures.n as f64 * figures.mean.get();
        }
    }
    let told = |side: usize| {
        let sides: Vec<Points> = processes
            .values()
            .filter_map(|sides| sides.get(side).copied())
            .filter(|side| side.0 > 0.0)
            .collect();
        let sum = sides.iter().fold(0.0, |sum, (points, total)| sum + total / points);
        (!sides.is_empty()).then_some(sum)
    };
    Some(Cpu { good: told(0)?, bad: told(1)? })
}

/// A pool of `service` in which requests wait for a connection now: the most that waited at once.
#[must_use]
pub fn waiting_for_connection(rows: &[SeriesRow], service: &str) -> Option<f64> {
    rows.iter()
        .filter(|row| row.service == service && row.metric.ends_with(".pending_requests") && row.bad.n > 0)
        .map(|row| row.bad.max.get())
        .filter(|most| *most > 0.0)
        .max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use telemetry::answer::SeriesFigures;
    use telemetry::number::Num;

    use super::*;

    fn row(metric: &str, kind: SeriesKind, good: f64, bad: f64) -> SeriesRow {
        let figures = |value: f64| SeriesFigures {
            n: 5,
            mean: Num::new(value),
            min: Num::new(value),
            max: Num::new(value),
        };
        SeriesRow {
            service: "a".into(),
            instance: "a-1".into(),
            version: "1".into(),
            metric: metric.into(),
            unit: "s".into(),
            attributes: Vec::new(),
            kind,
            good: figures(good),
            bad: figures(bad),
        }
    }

    #[test]
    fn computing_time_is_summed_over_instances_and_modes() {
        let first = row("process.cpu.time", SeriesKind::Rate, 0.1, 0.4);
        let second =
            SeriesRow { instance: "a-2".into(), ..row("process.cpu.time", SeriesKind::Rate, 0.0, 0.2) };
        let cpu = cpu(&[first.clone(), second.clone()], "a").unwrap();
        assert!((cpu.good - 0.1).abs() < 1e-9 && (cpu.bad - 0.6).abs() < 1e-9);
        // Another version of the second instance that ran for as long as the first one did.
        let turn = SeriesRow { version: "2".into(), ..second.clone() };
        let cpu = super::cpu(&[first, second, turn], "a").unwrap();
        assert!((cpu.bad - 0.6).abs() < 1e-9, "versions that take turns are not added up: {}", cpu.bad);
        assert!(super::cpu(&[row("process.cpu.time", SeriesKind::Rate, 0.1, 0.4)], "b").is_none());
    }

    #[test]
    fn a_pool_without_a_queue_is_not_waited_for() {
        let name = "db.client.connection.pending_requests";
        assert!(waiting_for_connection(&[row(name, SeriesKind::Gauge, 0.0, 0.0)], "a").is_none());
        assert_eq!(waiting_for_connection(&[row(name, SeriesKind::Gauge, 0.0, 7.0)], "a"), Some(7.0));
    }
}
