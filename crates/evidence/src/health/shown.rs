//! Which of the six patterns an operation's tables show (AG-36).
//!
//! Bounds and tests are those of `patterns`; here its figures are made from rows. Memory is read from metrics by their unit and
//! name, a process at a time and only since its last start; seconds stand for requests where a row is one of a second.

use std::collections::BTreeMap;

use telemetry::answer::{ChangeKind, ChangeRow, OnsetRow, SeriesKind, SeriesRow};
use telemetry::{UnixNanos, Window};

use super::baseline::Baseline;
use super::figures::Figures;
use super::service::{DependencyHealth, Status};
use crate::patterns::{self, Observed, Pattern};
use crate::series;

/// Failure rate from which a dependency counts as in error (AG-34's bound of an affected one).
const FAILING_RATE_MIN: f64 = 0.10;
/// Word in the name of a metric of memory, and words of those that do not grow with what a program keeps.
const MEMORY: &str = "memory";
const NOT_MEMORY_IN_USE: &[&str] = &["limit", "committed", "available", "free", "max", "init", "reserved"];

/// What is known of one operation of a service. What is not stays empty and shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tables<'a> {
    /// Its figures now and what is usual, when there is a baseline of its own.
    pub now: Option<(&'a Figures, &'a Baseline)>,
    /// What its service calls.
    pub dependencies: &'a [DependencyHealth],
    /// Its requests second by second.
    pub seconds: &'a [OnsetRow],
    /// What was deployed, restarted or added.
    pub changes: &'a [ChangeRow],
    /// Metrics of its service in successive windows: the good and the bad one of each answer to `series_change`, which are then
    /// simply the earlier and the later one.
    pub memory: &'a [Sampled<'a>],
}

/// An answer to `series_change` over two successive windows.
pub type Sampled<'a> = ((Window, Window), &'a [SeriesRow]);

/// How many dependencies are in error: of those with calls enough to be judged, since one failed call of two says nothing.
#[must_use]
pub fn failing_dependencies(dependencies: &[DependencyHealth]) -> usize {
    dependencies
        .iter()
        .filter(|one| one.status != Status::Unknown && one.failure_rate > FAILING_RATE_MIN)
        .count()
}

/// The patterns that the tables show, sorted.
#[must_use]
pub fn patterns(tables: &Tables<'_>, service: &str) -> Vec<Pattern> {
    let failing_dependencies = failing_dependencies(tables.dependencies);
    let own = |row: &&OnsetRow| row.subject.service == service;
    let seconds: Vec<(u64, f64)> = series::sum(tables.seconds.iter().filter(own))
        .values()
        .map(|second| (second.count, second.mean_ms()))
        .collect();
    let mut base = Observed { failing_dependencies, seconds: &seconds, ..Observed::default() };
    if let Some((now, baseline)) = tables.now.filter(|(now, _)| now.count > 0) {
        base.latency_p50_ms = (baseline.p50_ms, now.p50_ms);
        base.failure_rate = (baseline.failure_rate, now.failure_rate());
    }
    let mut shown = patterns::all(&base);
    for since_start in starts(tables, service) {
        shown.extend(patterns::all(&Observed { since_start: &since_start, ..Observed::default() }));
    }
    for memory in memories(tables, service) {
        shown.extend(patterns::all(&Observed { memory: &memory, ..Observed::default() }));
    }
    shown.sort();
    shown.dedup();
    shown
}

/// The largest growth of the memory of a process over what was sampled, as a share of its start; nothing without samples.
#[must_use]
pub fn memory_growth(tables: &Tables<'_>, service: &str) -> Option<f64> {
    let growth = |values: &Vec<f64>| {
        let (first, last) = (*values.first()?, *values.last()?);
        (first > 0.0 && values.len() > 1).then(|| last / first - 1.0)
    };
    memories(tables, service).iter().filter_map(growth).max_by(f64::total_cmp)
}

/// When each instance started last, by instance; the empty name is for all of them.
fn started(changes: &[ChangeRow], service: &str) -> BTreeMap<String, UnixNanos> {
    let is_start = |change: &&ChangeRow| {
        change.service == service
            && matches!(change.kind, ChangeKind::Deploy | ChangeKind::Restart | ChangeKind::InstanceAdded)
    };
    let mut starts: BTreeMap<String, UnixNanos> = BTreeMap::new();
    for change in changes.iter().filter(is_start) {
        let last = starts.entry(change.instance.clone()).or_insert(change.at);
        *last = (*last).max(change.at);
    }
    starts
}

/// Of each instance that started: seconds since then, and milliseconds taken.
fn starts(tables: &Tables<'_>, service: &str) -> Vec<Vec<(f64, f64)>> {
    started(tables.changes, service)
        .into_iter()
        .map(|(instance, at)| {
            let of_instance = tables.seconds.iter().filter(|row| {
                row.subject.service == service && (instance.is_empty() || row.subject.instance == instance)
            });
            series::sum(of_instance)
                .into_iter()
                .filter(|(second, figures)| *second >= at.floor_second() && figures.count > 0)
                .map(|(second, figures)| (second.since(at.floor_second()) as f64 / 1e9, figures.mean_ms()))
                .collect()
        })
        .collect()
}

/// Memory in use of each process since its last start, window by window.
fn memories(tables: &Tables<'_>, service: &str) -> Vec<Vec<f64>> {
    let starts = started(tables.changes, service);
    let began = |instance: &str| {
        let of = |name: &str| starts.get(name).copied();
        of(instance).max(of("")).unwrap_or(UnixNanos(i64::MIN))
    };
    let mut processes: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for ((earlier, later), rows) in tables.memory {
        for row in rows.iter().filter(|row| row.service == service && is_memory(row)) {
            let values = processes.entry((&row.instance, &row.metric, &row.attributes)).or_default();
            let samples = [(earlier, row.good), (later, row.bad)];
            let told = samples
                .iter()
                .filter(|(window, figures)| figures.n > 0 && window.from >= began(&row.instance));
            values.extend(told.map(|(_, figures)| figures.mean.get()));
        }
    }
    processes.into_values().collect()
}

fn is_memory(row: &SeriesRow) -> bool {
    let parts: Vec<&str> = row.metric.split(['.', '_']).collect();
    row.kind == SeriesKind::Gauge
        && (row.unit == "By" || row.metric.ends_with("_bytes"))
        && parts.contains(&MEMORY)
        && !parts.iter().any(|part| NOT_MEMORY_IN_USE.contains(part))
}

#[cfg(test)]
#[path = "shown/tests.rs"]
mod tests;
