//! The rank-sum test of Wilcoxon, Mann and Whitney (1947), one-sided, by its normal approximation with the
//! correction for ties and for continuity.
//!
//! The approximation is conservative for the small samples of blocks that it is given here. It assumes that the
//! values are independent: callers pass blocks of a second or more, never single spans, which are clustered.

/// Probability, if both samples came from one distribution, that `raised` ranks at least this high against `base`.
/// One when either sample is empty.
#[must_use]
pub fn p_raised(base: &[f64], raised: &[f64]) -> f64 {
    let (n, m) = (base.len() as f64, raised.len() as f64);
    if base.is_empty() || raised.is_empty() {
        return 1.0;
    }
    let mut pooled: Vec<(f64, bool)> =
        base.iter().map(|value| (*value, false)).chain(raised.iter().map(|value| (*value, true))).collect();
    pooled.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (rank_sum, tie_term) = ranks(&pooled);
    let u = rank_sum - m * (m + 1.0) / 2.0;
    let total = n + m;
    let variance = n * m / 12.0 * ((total + 1.0) - tie_term / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    upper_tail((u - n * m / 2.0 - 0.5) / libm::sqrt(variance))
}

/// Sum of the (mid-)ranks of the raised sample, and the sum of `t^3 - t` over groups of `t` ties.
fn ranks(pooled: &[(f64, bool)]) -> (f64, f64) {
    let (mut rank_sum, mut tie_term, mut start) = (0.0, 0.0, 0);
    for group in pooled.chunk_by(|left, right| left.0 == right.0) {
        let size = group.len() as f64;
        let rank = start as f64 + (size + 1.0) / 2.0;
        rank_sum += rank * group.iter().filter(|(_, is_raised)| *is_raised).count() as f64;
        tie_term += size * size * size - size;
        start += group.len();
    }
    (rank_sum, tie_term)
}

/// Probability that a standard normal value exceeds `z`.
#[must_use]
pub fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    #[test]
    fn a_planted_shift_is_found() {
        let base: Vec<f64> = (0..20).map(f64::from).collect();
        let raised: Vec<f64> = (100..105).map(f64::from).collect();
        assert!(p_raised(&base, &raised) < 0.001);
        assert!(p_raised(&raised, &base) > 0.99);
    }

    #[test]
    fn null_data_stay_below_the_stated_rate() {
        let rate = false_alarm_rate(2000, |seed| {
            let mut noise = Seeded(seed);
            let base: Vec<f64> = (0..20).map(|_| noise.normal()).collect();
            let raised: Vec<f64> = (0..5).map(|_| noise.normal()).collect();
            p_raised(&base, &raised) <= 0.01
        });
        assert!(rate <= 0.015, "stated 0.01, measured {rate}");
    }

    #[test]
    fn flat_and_empty_samples_give_no_alarm() {
        assert_eq!(p_raised(&[1.0; 10], &[1.0; 10]), 1.0);
        assert_eq!(p_raised(&[], &[1.0]), 1.0);
    }
}
