//! Two shares compared within strata: the exact conditional test of Cochran, Mantel and Haenszel (Birch 1964), one-sided.
//!
//! Within each stratum the number of failures among the marked ones is hypergeometric given the margins; the sum over
//! strata is counted exactly by convolution where it is small, else by its normal approximation with the correction
//! for continuity (Mantel and Haenszel 1959). Strata cut by time take out whatever moves both shares alike.

use super::rank_sum::upper_tail;

/// Variance of the sum above which the normal approximation stands for the exact tail.
const EXACT_VARIANCE_MAX: f64 = 25.0;

/// One stratum: how many are marked, how many failed, and how many are both, of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stratum {
    /// All.
    pub all: u64,
    /// Those with the mark.
    pub marked: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those with the mark that failed.
    pub marked_failed: u64,
}

impl Stratum {
    /// Whether anything can be learned from it: both kinds of both.
    #[must_use]
    pub fn is_informative(&self) -> bool {
        (1..self.all).contains(&self.marked) && (1..self.all).contains(&self.failed)
    }

    /// Marked failures beyond what the margins let expect.
    #[must_use]
    pub fn excess(&self) -> f64 {
        let all = self.all.max(1) as f64;
        self.marked_failed as f64 - self.marked as f64 * self.failed as f64 / all
    }

    /// The hypergeometric variance.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let (all, marked, failed) = (self.all as f64, self.marked as f64, self.failed as f64);
        if self.all < 2 {
            return 0.0;
        }
        marked * failed * (all - marked) * (all - failed) / (all * all * (all - 1.0))
    }

    /// The probabilities of the possible numbers of marked failures, from the least possible one on.
    fn distribution(&self) -> (u64, Vec<f64>) {
        let least = (self.marked + self.failed).saturating_sub(self.all);
        let most = self.marked.min(self.failed);
        let ln_choose = |n: u64, k: u64| {
            let (n, k) = (n as f64, k as f64);
            libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
        };
        let whole = ln_choose(self.all, self.failed);
        let term = |k: u64| {
            let rest = ln_choose(self.all - self.marked, self.failed - k);
            libm::exp(ln_choose(self.marked, k) + rest - whole)
        };
        (least, (least..=most).map(term).collect())
    }
}

/// Probability, if within each stratum failures fell alike on marked and unmarked, of at least as many marked failures.
#[must_use]
pub fn p_raised(strata: &[Stratum]) -> f64 {
    let strata: Vec<&Stratum> = strata.iter().filter(|stratum| stratum.is_informative()).collect();
    let variance: f64 = strata.iter().map(|stratum| stratum.variance()).sum();
    if variance <= 0.0 {
        return 1.0;
    }
    let excess: f64 = strata.iter().map(|stratum| stratum.excess()).sum();
    if variance > EXACT_VARIANCE_MAX {
        return upper_tail((excess - 0.5) / libm::sqrt(variance));
    }
    let (mut least, mut ways) = (0, vec![1.0]);
    for stratum in &strata {
        let (from, terms) = stratum.distribution();
        least += from;
        ways = convolved(&ways, &terms);
    }
    let seen: u64 = strata.iter().map(|stratum| stratum.marked_failed).sum();
    let skipped = usize::try_from(seen.saturating_sub(least)).unwrap_or(usize::MAX);
    ways.iter().skip(skipped).sum::<f64>().min(1.0)
}

fn convolved(one: &[f64], other: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; (one.len() + other.len()).saturating_sub(1)];
    for (at, left) in one.iter().enumerate() {
        for (place, right) in sum.iter_mut().skip(at).zip(other) {
            *place += left * right;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::fisher;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn stratum(marked_failed: u64, marked: u64, failed: u64, all: u64) -> Stratum {
        Stratum { all, marked, failed, marked_failed }
    }

    #[test]
    fn one_stratum_is_fishers_test() {
        let exact = p_raised(&[stratum(4, 4, 4, 8)]);
        assert!((exact - 1.0 / 70.0).abs() < 1e-12);
        let fisher = fisher::p_raised(3, 40, 9, 30);
        assert!((p_raised(&[stratum(9, 30, 12, 70)]) - fisher).abs() < 1e-12);
    }

    #[test]
    fn two_strata_multiply_and_a_flat_one_says_nothing() {
        // One way of six in each.
        let two = [stratum(2, 2, 2, 4), stratum(2, 2, 2, 4)];
        assert!((p_raised(&two) - 1.0 / 36.0).abs() < 1e-12);
        let flat = [two[0], two[1], stratum(3, 3, 3, 3), stratum(0, 2, 0, 9)];
        assert!((p_raised(&flat) - 1.0 / 36.0).abs() < 1e-12);
        assert_eq!(p_raised(&[]), 1.0);
    }

    #[test]
    fn what_moves_both_shares_with_time_is_no_difference() {
        // Early nobody fails and nobody is marked, later everybody: pooled it looks like a cause.
        let strata = [stratum(1, 10, 10, 100), stratum(81, 90, 90, 100)];
        assert!(fisher::p_raised(18, 100, 82, 100) < 1e-9);
        assert!(p_raised(&strata) > 0.3, "{}", p_raised(&strata));
    }

    #[test]
    fn the_rate_of_false_alarms_is_the_stated_one_on_both_sides_of_the_approximation() {
        for per_stratum in [10, 60] {
            let rate = false_alarm_rate(4_000, |seed| {
                let mut noise = Seeded(seed);
                let strata: Vec<Stratum> = (0..10)
                    .map(|at| {
                        let mut stratum = Stratum { all: per_stratum, ..Stratum::default() };
                        let (marks, fails) = (0.2 + 0.06 * f64::from(at), 0.8 - 0.06 * f64::from(at));
                        for _ in 0..per_stratum {
                            let (is_marked, is_failed) = (noise.uniform() < marks, noise.uniform() < fails);
                            stratum.marked += u64::from(is_marked);
                            stratum.failed += u64::from(is_failed);
                            stratum.marked_failed += u64::from(is_marked && is_failed);
                        }
                        stratum
                    })
                    .collect();
                p_raised(&strata) <= 0.01
            });
            assert!(rate <= 0.014, "stated 0.01, measured {rate} with {per_stratum} in each stratum");
            assert!(rate >= 0.002, "it would not find anything: {rate}");
        }
    }
}
