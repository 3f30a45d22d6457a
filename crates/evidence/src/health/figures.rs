//! Rate, errors and duration of an operation or a service, added up from the rows of `health`.
//!
//! Counts, errors and sums are exact. A quantile over several rows (instances, versions, operations) is the mean of
//! their quantiles weighted by requests, as in `series`: exact for one row, an approximation for more.

use std::collections::BTreeMap;

use telemetry::Window;
use telemetry::answer::{EdgeRow, HealthRow};

use crate::series::MS_NS;

/// Figures of one window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// Requests.
    pub count: u64,
    /// Failed requests.
    pub errors: u64,
    /// Sum of durations, milliseconds.
    pub sum_ms: f64,
    /// Median duration, milliseconds; 0 without requests.
    pub p50_ms: f64,
    /// 95th percentile, milliseconds.
    pub p95_ms: f64,
    /// 99th percentile, milliseconds.
    pub p99_ms: f64,
}

impl Figures {
    /// The figures of `rows` together.
    #[must_use]
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a HealthRow>) -> Self {
        let mut all = Self::default();
        for row in rows {
            let weight = row.count as f64;
            all.count += row.count;
            all.errors += row.errors;
            all.sum_ms += row.sum_ns.max(0) as f64 / MS_NS;
            all.p50_ms += row.p50_ns.max(0) as f64 * weight;
            all.p95_ms += row.p95_ns.max(0) as f64 * weight;
            all.p99_ms += row.p99_ns.max(0) as f64 * weight;
        }
        // Divided last, so that equal rows give their very value.
        let mean_ms = |weighted_ns: f64| weighted_ns / all.count.max(1) as f64 / MS_NS;
        Self { p50_ms: mean_ms(all.p50_ms), p95_ms: mean_ms(all.p95_ms), p99_ms: mean_ms(all.p99_ms), ..all }
    }

    /// Share of requests that failed, 0 to 1; 0 without requests.
    #[must_use]
    pub fn failure_rate(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.errors as f64 / self.count as f64 }
    }

    /// Mean duration, milliseconds; 0 without requests.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum_ms / self.count as f64 }
    }

    /// Requests a minute over `window`; 0 for an empty one.
    #[must_use]
    pub fn per_minute(&self, window: Window) -> f64 {
        let minutes = window.seconds() / 60.0;
        if minutes > 0.0 { self.count as f64 / minutes } else { 0.0 }
    }
}

/// The figures of each operation of `service`.
#[must_use]
pub fn by_operation(rows: &[HealthRow], service: &str) -> BTreeMap<String, Figures> {
    let mut groups: BTreeMap<&str, Vec<&HealthRow>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.subject.service == service) {
        groups.entry(row.subject.operation.as_str()).or_default().push(row);
    }
    groups.into_iter().map(|(name, rows)| (name.to_owned(), Figures::of(rows))).collect()
}

/// The figures of one operation of `service`, of all of them when none is named.
#[must_use]
pub fn of_operation(rows: &[HealthRow], service: &str, operation: Option<&str>) -> Figures {
    Figures::of(rows.iter().filter(|row| {
        row.subject.service == service && operation.is_none_or(|wanted| row.subject.operation == wanted)
    }))
}

/// The services in `rows`, sorted.
#[must_use]
pub fn services(rows: &[HealthRow]) -> Vec<String> {
    let mut names: Vec<String> = rows.iter().map(|row| row.subject.service.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// Calls of `service` to each of its dependencies: calls, failed ones, and the sum of their durations in milliseconds as the
/// caller saw them. Messages put on a queue are no calls.
#[must_use]
pub fn by_dependency(edges: &[EdgeRow], service: &str) -> BTreeMap<String, (u64, u64, f64)> {
    let mut groups: BTreeMap<String, (u64, u64, f64)> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.caller == service && edge.queue.is_none()) {
        let group = groups.entry(edge.callee.clone()).or_default();
        group.0 += edge.count;
        group.1 += edge.errors;
        group.2 += edge.client_sum_ns.max(0) as f64 / MS_NS;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::planted::{edge, row, window};

    // covers: C-04
    #[test]
    fn counts_add_up_and_quantiles_are_weighted_by_requests() {
        let rows =
            [row("a", "GET /", 300, 3, 10.0), row("a", "GET /", 100, 1, 50.0), row("b", "GET /", 9, 9, 1.0)];
        let all = of_operation(&rows, "a", Some("GET /"));
        assert_eq!((all.count, all.errors), (400, 4));
        assert!((all.p50_ms - 20.0).abs() < 1e-9 && (all.failure_rate() - 0.01).abs() < 1e-12);
        assert!((all.per_minute(window(0, 120)) - 200.0).abs() < 1e-9);
        assert_eq!(by_operation(&rows, "a").len(), 1);
        assert_eq!(services(&rows), ["a", "b"]);
    }

    #[test]
    fn nothing_has_figures_of_zero_and_not_of_no_number() {
        let none = of_operation(&[], "a", None);
        assert_eq!(none, Figures::default());
        assert_eq!([none.failure_rate(), none.mean_ms(), none.per_minute(window(5, 5))], [0.0; 3]);
    }

    #[test]
    fn edges_of_one_callee_are_one_dependency() {
        let edges = [edge("a", "db", 10, 1, 5.0), edge("a", "db", 10, 3, 5.0), edge("b", "db", 7, 0, 5.0)];
        let found = by_dependency(&edges, "a");
        assert_eq!(found.len(), 1);
        assert_eq!((found["db"].0, found["db"].1), (20, 4));
        assert!((found["db"].2 - 100.0).abs() < 1e-9);
    }
}
