//! How many requests took longer than a threshold, when only quantiles are known.
//!
//! Latencies are near to log-normal: between two known quantiles, and beyond them, the share of longer requests follows the
//! straight line on log-normal paper through the nearest two. It is an estimate and comes with the bounds that the
//! quantiles alone prove: below the 95th and above the median the truth lies between 5 and 50 %.

use telemetry::answer::HealthRow;

use crate::series::MS_NS;
use crate::statistics::rank_sum;

/// Standard deviations above the mean at which a normal distribution leaves 5 and 1 %.
const Z_TWENTIETH: f64 = 1.644_853_627;
const Z_HUNDREDTH: f64 = 2.326_347_874;

/// Requests over a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Over {
    /// As estimated.
    pub estimate: f64,
    /// At least.
    pub least: f64,
    /// At most.
    pub most: f64,
}

impl Over {
    /// This and that.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            estimate: self.estimate + other.estimate,
            least: self.least + other.least,
            most: self.most + other.most,
        }
    }

    /// Exactly `count`.
    #[must_use]
    pub fn exactly(count: u64) -> Self {
        let count = count as f64;
        Self { estimate: count, least: count, most: count }
    }

    /// Whether the bounds leave no room.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.least == self.most
    }
}

/// The requests of `row` that took longer than `threshold_ms`.
#[must_use]
pub fn over(row: &HealthRow, threshold_ms: f64) -> Over {
    let ms = |ns: i64| ns.max(0) as f64 / MS_NS;
    let known = [(ms(row.p50_ns), 0.5), (ms(row.p95_ns), 0.05), (ms(row.p99_ns), 0.01)];
    let count = row.count as f64;
    let (least, most) = bounds(&known, threshold_ms);
    let share = share(&known, threshold_ms).clamp(least, most);
    Over { estimate: count * share, least: count * least, most: count * most }
}

/// What the quantiles prove: a quantile above the threshold has its share of requests at or above itself, and one at
/// or below the threshold leaves at most its share beyond.
fn bounds(known: &[(f64, f64)], threshold_ms: f64) -> (f64, f64) {
    let above = known.iter().filter(|(ms, _)| *ms > threshold_ms).map(|(_, share)| *share);
    let below = known.iter().filter(|(ms, _)| *ms <= threshold_ms).map(|(_, share)| *share);
    (above.fold(0.0, f64::max), below.fold(1.0, f64::min))
}

fn share(known: &[(f64, f64); 3], threshold_ms: f64) -> f64 {
    let [(half, _), (twentieth, _), (hundredth, _)] = *known;
    if threshold_ms < twentieth {
        along((half, 0.0), (twentieth, Z_TWENTIETH), threshold_ms)
    } else {
        along((twentieth, Z_TWENTIETH), (hundredth, Z_HUNDREDTH), threshold_ms)
    }
}

/// The share above `at` on the line through two points of log-normal paper; a step where they lie at one latency.
fn along(low: (f64, f64), high: (f64, f64), at: f64) -> f64 {
    let floor = 1e-6;
    let (from, to) = (libm::log(low.0.max(floor)), libm::log(high.0.max(floor)));
    if to <= from {
        return if at > high.0 { 0.0 } else { rank_sum::upper_tail(low.1) };
    }
    let part = (libm::log(at.max(floor)) - from) / (to - from);
    rank_sum::upper_tail(low.1 + part * (high.1 - low.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::planted::row;
    use crate::statistics::null::Seeded;

    #[test]
    fn at_a_known_quantile_its_share_is_over_and_bounds_hold_between() {
        // 10, 20 and 40 ms.
        let row = row("a", "GET /", 1_000, 0, 10.0);
        let at = |ms| over(&row, ms);
        assert!((at(10.0).estimate - 500.0).abs() < 1e-6 && (at(20.0).estimate - 50.0).abs() < 1e-6);
        assert!((at(40.0).estimate - 10.0).abs() < 1e-6);
        assert_eq!((at(15.0).least, at(15.0).most), (50.0, 500.0));
        assert_eq!((at(100.0).least, at(100.0).most), (0.0, 10.0));
        assert!((at(0.0).estimate - 1_000.0).abs() < 1e-6);
        let falling: Vec<f64> = (0..100).map(|ms| at(f64::from(ms)).estimate).collect();
        assert!(falling.windows(2).all(|pair| pair[0] >= pair[1]), "{falling:?}");
    }

    #[test]
    fn requests_that_all_take_the_same_are_over_it_or_not() {
        let mut flat = row("a", "GET /", 100, 0, 10.0);
        (flat.p95_ns, flat.p99_ns) = (flat.p50_ns, flat.p50_ns);
        assert!(over(&flat, 10.1).estimate < 1e-9 && over(&flat, 9.9).least >= 50.0);
        assert_eq!(over(&row("a", "GET /", 0, 0, 0.0), 5.0).estimate, 0.0);
    }

    // covers: AG-39
    #[test]
    fn the_estimate_is_near_the_count_of_log_normal_requests_and_the_bounds_hold_it() {
        let mut noise = Seeded(7);
        let mut taken: Vec<f64> = (0..20_000).map(|_| noise.latency(50.0, 0.6)).collect();
        taken.sort_by(f64::total_cmp);
        let at = |share: f64| (taken[(share * 20_000.0) as usize] * 1e6) as i64;
        let mut row = row("a", "GET /", 20_000, 0, 1.0);
        (row.p50_ns, row.p95_ns, row.p99_ns) = (at(0.5), at(0.95), at(0.99));
        for threshold in [30.0, 40.0, 60.0, 80.0, 120.0, 160.0, 200.0, 260.0] {
            let truth = taken.iter().filter(|ms| **ms > threshold).count() as f64;
            let said = over(&row, threshold);
            assert!(said.least <= truth + 1.0 && truth <= said.most + 1.0, "{threshold}: {said:?} {truth}");
            let off = (said.estimate - truth).abs() / 20_000.0;
            assert!(off < 0.006, "{threshold}: {said:?} {truth}");
        }
    }
}
