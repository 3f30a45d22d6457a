//! The rank-sum test of Wilcoxon, Mann and Whitney (1947), one-sided: the normal approximation with the correction
//! for ties and for continuity, and the exact permutation tail where a small sample makes the approximation stop
//! short (five observed seconds could never fall below 1e-4 by it, and a family of hundreds needs less).
//!
//! It assumes that the values are independent: callers pass blocks of a second or more, never single spans, which are clustered.

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
    let approximate = upper_tail((u - n * m / 2.0 - 0.5) / libm::sqrt(variance));
    if raised.len() <= EXACT_MAX && approximate <= EXACT_FROM {
        return exact_tail(&pooled, rank_sum, raised.len());
    }
    approximate
}

/// Largest raised sample whose tail is counted exactly.
const EXACT_MAX: usize = 8;
/// Approximate probability below which the exact tail is worth its cost.
const EXACT_FROM: f64 = 0.05;

/// Share of all ways to choose `size` of the pooled values whose (mid-)ranks sum to at least `rank_sum`: the
/// permutation distribution, ties included. Ranks are counted in halves, so that mid-ranks are whole.
fn exact_tail(pooled: &[(f64, bool)], rank_sum: f64, size: usize) -> f64 {
    let mut halves: Vec<usize> = Vec::with_capacity(pooled.len());
    for group in pooled.chunk_by(|left, right| left.0 == right.0) {
        let rank = 2 * halves.len() + group.len() + 1;
        halves.extend(std::iter::repeat_n(rank, group.len()));
    }
    let most = size * 2 * pooled.len();
    // ways[k][s]: ways to choose k values whose ranks sum to s halves.
    let mut ways = vec![vec![0.0_f64; most + 1]; size + 1];
    if let Some(none) = ways.first_mut().and_then(|row| row.first_mut()) {
        *none = 1.0;
    }
    for rank in halves {
        for chosen in (1..=size).rev() {
            let (fewer, more) = ways.split_at_mut(chosen);
            let (Some(fewer), Some(more)) = (fewer.last(), more.first_mut()) else { continue };
            for (sum, count) in more.iter_mut().enumerate().skip(rank) {
                *count += fewer.get(sum - rank).copied().unwrap_or(0.0);
            }
        }
    }
    let Some(counts) = ways.last() else { return 1.0 };
    // Half a rank below, so that rounding of the sum cannot drop the observed outcome itself.
    let reached = libm::floor(2.0 * rank_sum - 0.5).max(0.0) as usize;
    let all: f64 = counts.iter().sum();
    counts.iter().skip(reached.min(most)).sum::<f64>() / all
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
    fn the_exact_tail_is_that_of_the_published_table() {
        // All five above all twenty: one way of 53,130. U = 2 of 3 x 4: P(U >= 11 of 12) = 2 / 35.
        let base: Vec<f64> = (0..20).map(f64::from).collect();
        let raised: Vec<f64> = (100..105).map(f64::from).collect();
        assert!((p_raised(&base, &raised) - 1.0 / 53_130.0).abs() < 1e-12);
        let pooled =
            [(1.0, false), (2.0, false), (3.0, false), (4.0, true), (5.0, false), (6.0, true), (7.0, true)];
        assert!((exact_tail(&pooled, 17.0, 3) - 2.0 / 35.0).abs() < 1e-12);
    }

    #[test]
    fn flat_and_empty_samples_give_no_alarm() {
        assert_eq!(p_raised(&[1.0; 10], &[1.0; 10]), 1.0);
        assert_eq!(p_raised(&[], &[1.0]), 1.0);
    }
}
