//! Shares with their intervals, and the paired test of two runs.

use serde::Serialize;

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A share of cases with the interval of Wilson (1927) at 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Cases that have it.
    pub hits: usize,
    /// Cases.
    pub of: usize,
    /// The share, 0 when there is no case.
    pub share: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Share {
    /// `hits` of `of` cases.
    #[must_use]
    pub fn new(hits: usize, of: usize) -> Self {
        if of == 0 {
            return Self { hits, of, share: 0.0, low: 0.0, high: 1.0 };
        }
        let (n, share) = (of as f64, hits as f64 / of as f64);
        let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        Self { hits, of, share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text =
            format!("{}/{} = {:.3} [{:.2}, {:.2}]", self.hits, self.of, self.share, self.low, self.high);
        f.pad(&text)
    }
}

/// The exact, two-sided test of McNemar (1947): the probability, if both runs were equally good, that the cases which
/// only one of them got right fell at least as unevenly.
#[must_use]
pub fn mcnemar(only_here: usize, only_there: usize) -> f64 {
    let (n, fewer) = (only_here + only_there, only_here.min(only_there));
    let mut term = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let mut tail = 0.0;
    for k in 0..=fewer {
        tail += term;
        term *= (n - k) as f64 / (k + 1) as f64;
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, and 0 of 20.
        let share = Share::new(81, 263);
        assert!((share.low - 0.2553).abs() < 5e-5 && (share.high - 0.3662).abs() < 5e-5, "{share:?}");
        let none = Share::new(0, 20);
        assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 5e-5, "{none:?}");
    }

    #[test]
    fn the_paired_test_is_a_fair_coin() {
        assert_eq!(mcnemar(0, 0), 1.0);
        assert!((mcnemar(6, 0) - 2.0 / 64.0).abs() < 1e-12);
        assert!((mcnemar(0, 6) - mcnemar(6, 0)).abs() < 1e-12);
        assert!((mcnemar(8, 1) - 2.0 * 10.0 / 512.0).abs() < 1e-12);
    }
}
