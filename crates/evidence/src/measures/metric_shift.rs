//! What the metrics of a service say of its requests: do they take longer or fail more often than its own clean
//! history shows, and by how much in all?
//!
//! Latency is compared by logarithm with the history's own spread: a service has moved when its mean lies more than
//! twice as far above its median as the 95 % quantile of its history does. On log-normal history that is 3.3 standard
//! deviations, one in two thousand, so that forty services looked at together raise one false alarm in fifty. Long
//! latencies often follow a power law instead. Where the history is long enough to tell, its 95 % and 99 % quantiles
//! say how fast its tail falls, and the bound is at least where such a tail is down to the same one in two thousand
//! (Weissman, "Estimation of parameters and large quantiles", JASA 73, 1978, with the tail index of two quantiles).
//! A state that lasted for less than a twentieth of a short history, or a hundredth of a long one (an incident that
//! nobody labelled), does not move the bound.
//! Failures are counted: at least two, and with a probability of at most the same one in two thousand under the 95 %
//! quantile of the history's failure rates (or its pooled rate, whichever is larger). The median is raised to the level
//! right before, which takes a drift of weeks out; it is never lowered by it.
//!
//! Operations and instances of a service are added up: a shift of its request mix is not told from slower work, and
//! that one instance alone is bad is not seen. A service without history cannot have changed and gives no shift.

use std::collections::BTreeMap;

use telemetry::UnixNanos;
use telemetry::answer::OnsetRow;
use telemetry::time::{SECOND_NS, Window};

use super::Measure;
use crate::Thresholds;
use crate::series::{self, Second, Series};
use crate::statistics::{binomial, median};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "metric_shift",
    finds: "services whose requests take longer or fail more often than their own history shows",
    questions: &["onset"],
};

/// Intervals of history below which its 95 % quantile is only its maximum.
const HISTORY_MIN: usize = 20;
/// The upper end of the normal range of a history.
const NORMAL_SHARE: f64 = 0.95;
/// Where the tail of a history begins, and the share from which its fall is read.
const TAIL_SHARE: f64 = 0.99;
/// Intervals of history from which three lie in the tail: fewer do not say how it falls.
const TAIL_HISTORY_MIN: usize = 300;
/// A millisecond more at least: below it, schedulers and clocks speak.
const ABSOLUTE_MIN_MS: f64 = 1.0;
/// One failure is an anecdote.
const FAILURES_MIN: u64 = 2;

/// Which figure of requests is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Mean duration in milliseconds.
    Latency,
    /// Share of requests that failed, 0 to 1.
    Failures,
}

impl Figure {
    fn level(self, second: &Second) -> f64 {
        match self {
            Self::Latency => second.mean_ms(),
            Self::Failures => second.errors as f64 / second.count.max(1) as f64,
        }
    }
}

/// One service before and now.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Requests in the spell.
    pub count: u64,
    /// The level before: the median of the history (of failures the pooled share), or the level right before when
    /// that is higher. Milliseconds, or a share.
    pub before: f64,
    /// The level in the spell.
    pub now: f64,
    /// Up to where the history is normal.
    pub bound: f64,
    /// What is too much in all: milliseconds, or failed requests.
    pub excess: f64,
    /// The end of the first interval since the alert's beginning that lies above the bound.
    pub first: Option<UnixNanos>,
    /// Whether it is more than the history shows.
    pub is_raised: bool,
}

/// The series of each service, its operations, instances and versions together.
#[must_use]
pub fn by_service(rows: &[OnsetRow]) -> BTreeMap<&str, Series> {
    let mut services: BTreeMap<&str, Vec<&OnsetRow>> = BTreeMap::new();
    for row in rows {
        services.entry(&row.subject.service).or_default().push(row);
    }
    services.into_iter().map(|(service, rows)| (service, series::sum(rows))).collect()
}

/// The intervals of `observed` in which `series` was at least half as far above its history as at its worst: when
/// the others have to be looked at. Nothing when it never was above it, or has too little history.
#[must_use]
pub fn spell(series: &Series, figure: Figure, observed: Window) -> Vec<Window> {
    let Some(history) = History::of(series, figure, observed, &Thresholds::default()) else {
        return Vec::new();
    };
    let excess = |second: &Second| second.count as f64 * (figure.level(second) - history.before);
    let worst = series::within(series, observed).map(|(_, second)| excess(&second)).fold(0.0, f64::max);
    if worst <= 0.0 {
        return Vec::new();
    }
    let gaps: Vec<f64> =
        series.keys().zip(series.keys().skip(1)).map(|(one, next)| next.since(*one) as f64).collect();
    let width = median::median(&gaps).unwrap_or(SECOND_NS as f64) as i64;
    let is_bad = |second: &Second| excess(second) >= worst / 2.0;
    // A row stands in the second of its interval's end.
    series::within(series, observed)
        .filter(|(_, second)| is_bad(second))
        .map(|(end, _)| Window::new(UnixNanos(end.0 - width + SECOND_NS), end.plus_seconds(1)))
        .collect()
}

/// Whether any interval of `observed` lies above the 95 % quantile of the history of `series`; true where there is too little
/// history to tell. An alarm about a service that shows less than one interval in twenty shows is not borne out.
#[must_use]
pub fn is_unusual(series: &Series, figure: Figure, observed: Window) -> bool {
    let Some(history) = History::of(series, figure, observed, &Thresholds::default()) else { return true };
    series::within(series, observed).any(|(_, second)| figure.level(&second) > history.normal)
}

/// The shift of `series` in `spell`, or nothing without requests in it or without enough history before `observed`.
#[must_use]
pub fn shift(
    series: &Series,
    figure: Figure,
    observed: Window,
    spell: &[Window],
    thresholds: &Thresholds,
) -> Option<Shift> {
    let history = History::of(series, figure, observed, thresholds)?;
    let mut whole = Second::default();
    for window in spell {
        series::within(series, *window).for_each(|(_, second)| whole.merge(&second));
    }
    if whole.count == 0 {
        return None;
    }
    let now = figure.level(&whole);
    let is_above = |second: &Second| history.is_above(second, figure);
    Some(Shift {
        count: whole.count,
        before: history.before,
        now,
        bound: history.bound,
        excess: whole.count as f64 * (now - history.before),
        first: series::within(series, observed).find(|(_, second)| is_above(second)).map(|(end, _)| end),
        is_raised: is_above(&whole),
    })
}

/// What the intervals before an alert say.
struct History {
    before: f64,
    /// The upper end of the normal range.
    normal: f64,
    bound: f64,
    moved_p_max: f64,
}

impl History {
    fn of(series: &Series, figure: Figure, observed: Window, thresholds: &Thresholds) -> Option<Self> {
        let early = Window::new(UnixNanos(i64::MIN), observed.from);
        let rows: Vec<Second> =
            series::within(series, early).map(|(_, second)| second).filter(|s| s.count > 0).collect();
        if rows.len() < HISTORY_MIN {
            return None;
        }
        // As long right before the alert's beginning as the alert has been going on.
        let length = observed.to.since(observed.from);
        let right_before = Window::new(UnixNanos(observed.from.0.saturating_sub(length)), observed.from);
        let mut recent = Second::default();
        series::within(series, right_before).for_each(|(_, second)| recent.merge(&second));
        let recent = (recent.count > 0).then(|| figure.level(&recent));
        let levels: Vec<f64> = rows.iter().map(|second| figure.level(second)).collect();
        let normal = median::quantile(&levels, NORMAL_SHARE)?;
        match figure {
            Figure::Latency => Self::latency(&levels, normal, recent, thresholds),
            Figure::Failures => Some(Self::failures(&rows, normal, recent, thresholds)),
        }
    }

    fn latency(levels: &[f64], normal: f64, recent: Option<f64>, thresholds: &Thresholds) -> Option<Self> {
        let median = median::median(levels)?;
        if median <= 0.0 {
            return None;
        }
        let before = recent.map_or(median, |recent| recent.max(median));
        let fence = libm::pow(normal / median, thresholds.metric_fence)
            .max(tail(levels, normal, thresholds.moved_p_max).map_or(0.0, |rare| rare / median))
            .max(thresholds.metric_growth_min);
        let bound = (before * fence).max(before + ABSOLUTE_MIN_MS);
        Some(Self { before, normal, bound, moved_p_max: thresholds.moved_p_max })
    }

    fn failures(rows: &[Second], normal: f64, recent: Option<f64>, thresholds: &Thresholds) -> Self {
        let count: u64 = rows.iter().map(|second| second.count).sum();
        let errors: u64 = rows.iter().map(|second| second.errors).sum();
        let recent = recent.unwrap_or(0.0);
        // One failure more than were seen: none in a hundred is not "never" (Laplace's rule of succession).
        let pooled = (errors + 1) as f64 / (count + 1) as f64;
        Self {
            before: (errors as f64 / count as f64).max(recent),
            normal,
            bound: pooled.max(normal).max(recent),
            moved_p_max: thresholds.moved_p_max,
        }
    }

    fn is_above(&self, second: &Second, figure: Figure) -> bool {
        match figure {
            Figure::Latency => figure.level(second) > self.bound,
            Figure::Failures => {
                second.errors >= FAILURES_MIN
                    && binomial::upper_tail(second.errors, second.count, self.bound) <= self.moved_p_max
            }
        }
    }
}

/// The level that a history whose tail falls like a power exceeds with a chance of `p`; `None` where too few intervals
/// lie in the tail.
fn tail(levels: &[f64], normal: f64, p: f64) -> Option<f64> {
    if levels.len() < TAIL_HISTORY_MIN {
        return None;
    }
    let begin = median::quantile(levels, TAIL_SHARE)?;
    let index = libm::log(begin / normal) / libm::log((1.0 - NORMAL_SHARE) / (1.0 - TAIL_SHARE));
    Some(begin * libm::pow((1.0 - TAIL_SHARE) / p, index))
}

#[cfg(test)]
mod tests {
    use telemetry::answer::Subject;

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    const HISTORY: i64 = 100;

    fn row(interval: i64, count: u64, errors: u64, ms: f64) -> OnsetRow {
        let (service, none) = ("a".to_owned(), String::new());
        let subject = Subject { service, operation: none.clone(), instance: none.clone(), version: none };
        let ns = (ms * series::MS_NS) as i64;
        OnsetRow {
            subject,
            second: UnixNanos(0).plus_seconds(interval * 60 + 59),
            count,
            errors,
            sum_ns: ns * count as i64,
            p50_ns: ns,
            p95_ns: ns,
            is_message: false,
        }
    }

    fn observed(intervals: i64) -> Window {
        Window::new(
            UnixNanos(0).plus_seconds(HISTORY * 60),
            UnixNanos(0).plus_seconds((HISTORY + intervals) * 60),
        )
    }

    fn shift_of(rows: &[OnsetRow], figure: Figure, observed: Window) -> Option<Shift> {
        let services = by_service(rows);
        let series = services.get("a")?;
        let spell = spell(series, figure, observed);
        shift(
            series,
            figure,
            observed,
            if spell.is_empty() { std::slice::from_ref(&observed) } else { &spell },
            &Thresholds::default(),
        )
    }

    #[test]
    fn a_planted_shift_is_found_with_its_size_and_its_beginning() {
        let ms = |interval: i64| if interval > HISTORY { 50.0 } else { 10.0 + (interval % 3) as f64 };
        let rows: Vec<OnsetRow> =
            (0..HISTORY + 3).map(|interval| row(interval, 10, 0, ms(interval))).collect();
        let shift = shift_of(&rows, Figure::Latency, observed(3)).unwrap();
        assert!(shift.is_raised && shift.count == 20, "{shift:?}");
        assert!((shift.excess - 20.0 * (50.0 - shift.before)).abs() < 1e-6);
        assert_eq!(shift.first, Some(rows[HISTORY as usize + 1].second));
    }

    #[test]
    fn an_alarm_that_shows_less_than_one_interval_in_twenty_is_not_borne_out() {
        let rows = |now: f64| -> Vec<OnsetRow> {
            (0..HISTORY + 1)
                .map(|i| row(i, 10, 0, if i == HISTORY { now } else { 10.0 + (i % 10) as f64 }))
                .collect()
        };
        let is_unusual = |now: f64, figure| {
            let rows = rows(now);
            super::is_unusual(&by_service(&rows)["a"], figure, observed(1))
        };
        assert!(!is_unusual(15.0, Figure::Latency) && is_unusual(25.0, Figure::Latency));
        assert!(!is_unusual(25.0, Figure::Failures), "nothing failed");
        let none = Window::new(UnixNanos(0), observed(1).to);
        assert!(super::is_unusual(&by_service(&rows(15.0))["a"], Figure::Latency, none), "no history");
    }

    #[test]
    fn planted_failures_are_counted_and_one_is_not_enough() {
        let rows = |failed: u64| -> Vec<OnsetRow> {
            (0..HISTORY + 1).map(|i| row(i, 100, if i == HISTORY { failed } else { 0 }, 5.0)).collect()
        };
        let of = |failed| shift_of(&rows(failed), Figure::Failures, observed(1)).unwrap();
        assert!(of(5).is_raised && (of(5).excess - 5.0).abs() < 1e-9);
        assert!(!of(1).is_raised);
    }

    /// The stated rate is one in two thousand of one interval; the quantile is an estimate, so twice that is let pass.
    #[test]
    fn steady_series_stay_under_the_stated_rate() {
        for spread in [0.1, 0.5] {
            let rate = false_alarm_rate(10_000, |seed| {
                let mut noise = Seeded(seed);
                let rows: Vec<OnsetRow> =
                    (0..=HISTORY).map(|i| row(i, 10, 0, noise.latency(20.0, spread))).collect();
                shift_of(&rows, Figure::Latency, observed(1)).is_some_and(|shift| shift.is_raised)
            });
            assert!(rate <= 0.001, "stated 0.0005, measured {rate} at spread {spread}");
        }
        let rate = false_alarm_rate(10_000, |seed| {
            let mut noise = Seeded(seed);
            let mut failed = || (0..20).filter(|_| noise.uniform() < 0.02).count() as u64;
            let rows: Vec<OnsetRow> = (0..=HISTORY).map(|i| row(i, 20, failed(), 5.0)).collect();
            shift_of(&rows, Figure::Failures, observed(1)).is_some_and(|shift| shift.is_raised)
        });
        assert!(rate <= 0.001, "stated 0.0005, measured {rate} of failures");
    }

    /// How often one interval is raised after 600 whose logarithm swings by `swing`.
    fn rate_after(seeds: u64, swing: impl Fn(&mut Seeded) -> f64, now: f64) -> f64 {
        false_alarm_rate(seeds, |seed| {
            let mut noise = Seeded(seed);
            let rows: Vec<OnsetRow> = (HISTORY - 600..=HISTORY)
                .map(|i| row(i, 10, 0, libm::exp(swing(&mut noise)) * if i == HISTORY { now } else { 20.0 }))
                .collect();
            shift_of(&rows, Figure::Latency, observed(1)).is_some_and(|shift| shift.is_raised)
        })
    }

    /// Exponential on both sides, so that latencies fall like a power.
    fn heavy(noise: &mut Seeded) -> f64 {
        let size = -0.1 * libm::log(1.0 - noise.uniform());
        if noise.uniform() < 0.5 { size } else { -size }
    }

    /// Both quantiles are estimates, and the chance grows faster below the bound than it falls above it: three times
    /// the stated rate is let pass, where the bound for log-normal history has ten.
    #[test]
    fn heavy_tails_of_a_long_history_stay_under_three_times_the_stated_rate() {
        let rate = rate_after(4_000, heavy, 20.0);
        assert!(rate <= 0.0015, "stated 0.0005, measured {rate}");
    }

    #[test]
    fn the_tail_of_a_long_history_hides_little_of_what_is_really_slower() {
        // With the bound for log-normal history 0.91 and 0.64.
        let found = |now| rate_after(500, |noise| 0.1 * noise.normal(), now);
        assert!(found(34.0) >= 0.8 && found(30.0) >= 0.4, "{} and {} found", found(34.0), found(30.0));
        let found = rate_after(500, heavy, 60.0);
        assert!(found >= 0.8, "a heavy tail, {found} found");
    }

    #[test]
    fn a_drift_of_weeks_is_no_shift_and_little_history_says_nothing() {
        // Half as slow again as ever, and so it was right before.
        let ms = |interval: i64| if interval >= HISTORY - 2 { 15.0 } else { 10.0 };
        let rows: Vec<OnsetRow> = (0..HISTORY + 2).map(|i| row(i, 10, 0, ms(i))).collect();
        assert!(!shift_of(&rows, Figure::Latency, observed(2)).unwrap().is_raised);
        let late: Vec<OnsetRow> = rows.into_iter().skip(HISTORY as usize - 10).collect();
        assert!(shift_of(&late, Figure::Latency, observed(2)).is_none());
    }

    /// Latency that swings for many intervals, as load does. One interval is no rarer beyond the bound than in steady series; of
    /// an alert's five intervals those that are bad are looked at, so the rate is that of the worst of them; the quantile is an
    /// estimate here, too.
    #[test]
    fn series_that_hang_together_stay_under_five_times_the_stated_rate() {
        for (phi, spread) in [(0.5, 0.3), (0.8, 0.3), (0.9, 0.3)] {
            let rate = false_alarm_rate(4_000, |seed| {
                let swings = Seeded(seed).autocorrelated(phi, (HISTORY + 5) as usize);
                let rows: Vec<OnsetRow> = (0..)
                    .zip(&swings)
                    .map(|(interval, swing)| row(interval, 10, 0, 20.0 * libm::exp(spread * swing)))
                    .collect();
                shift_of(&rows, Figure::Latency, observed(5)).is_some_and(|shift| shift.is_raised)
            });
            assert!(rate <= 0.005, "five times 0.001, measured {rate} at {phi}");
        }
    }
}
