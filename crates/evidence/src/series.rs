//! Series by second, made from the rows of the `onset` question.

use std::collections::BTreeMap;

use telemetry::UnixNanos;
use telemetry::answer::OnsetRow;
use telemetry::time::Window;

/// Nanoseconds in a millisecond, as latencies are told in milliseconds (I12).
pub const MS_NS: f64 = 1e6;

/// One second of a series, over all instances and versions that were added to it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Second {
    /// Requests.
    pub count: u64,
    /// Failed requests.
    pub errors: u64,
    /// Sum of durations.
    pub sum_ns: i64,
    /// Sum over rows of count times median; divided by `count` it is the count-weighted median.
    weighted_p50: f64,
    /// The same for the 95th percentile.
    weighted_p95: f64,
}

impl Second {
    /// Mean duration in milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum_ns as f64 / self.count as f64 / MS_NS }
    }

    /// Median duration in milliseconds, count-weighted over the rows added.
    #[must_use]
    pub fn p50_ms(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.weighted_p50 / self.count as f64 / MS_NS }
    }

    /// 95th percentile in milliseconds, count-weighted over the rows added.
    #[must_use]
    pub fn p95_ms(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.weighted_p95 / self.count as f64 / MS_NS }
    }

    /// Adds another second, of another series or another time.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.weighted_p50 += other.weighted_p50;
        self.weighted_p95 += other.weighted_p95;
    }

    fn add(&mut self, row: &OnsetRow) {
        self.count += row.count;
        self.errors += row.errors;
        self.sum_ns = self.sum_ns.saturating_add(row.sum_ns);
        self.weighted_p50 += row.p50_ns as f64 * row.count as f64;
        self.weighted_p95 += row.p95_ns as f64 * row.count as f64;
    }
}

/// A series by second; seconds without requests are absent.
pub type Series = BTreeMap<UnixNanos, Second>;

/// The series of every (service, operation) in `rows`.
#[must_use]
pub fn by_operation(rows: &[OnsetRow]) -> BTreeMap<(String, String), Series> {
    let mut all: BTreeMap<(&str, &str), Series> = BTreeMap::new();
    for row in rows {
        let key = (row.subject.service.as_str(), row.subject.operation.as_str());
        all.entry(key).or_default().entry(row.second).or_default().add(row);
    }
    let owned = |(service, operation): (&str, &str)| (service.to_owned(), operation.to_owned());
    all.into_iter().map(|(key, series)| (owned(key), series)).collect()
}

/// The series of the rows that `admits` lets in.
#[must_use]
pub fn of(rows: &[OnsetRow], admits: impl Fn(&OnsetRow) -> bool) -> Series {
    sum(rows.iter().filter(|row| admits(row)))
}

/// The series of `rows`, added up.
#[must_use]
pub fn sum<'a>(rows: impl IntoIterator<Item = &'a OnsetRow>) -> Series {
    let mut series = Series::new();
    for row in rows {
        series.entry(row.second).or_default().add(row);
    }
    series
}

/// The part of `series` inside `window`.
pub fn within(series: &Series, window: Window) -> impl Iterator<Item = (UnixNanos, Second)> + '_ {
    let range = if window.from < window.to { window.from..window.to } else { window.from..window.from };
    series.range(range).map(|(second, figures)| (*second, *figures))
}
