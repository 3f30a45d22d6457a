//! The upper tail of the binomial distribution, summed exactly (Feller 1968, chapter VI).

/// Probability of at least `successes` of `trials` when each has the probability `share`.
#[must_use]
pub fn upper_tail(successes: u64, trials: u64, share: f64) -> f64 {
    if successes == 0 || share >= 1.0 {
        return 1.0;
    }
    if successes > trials || share <= 0.0 {
        return 0.0;
    }
    let (n, odds) = (trials as f64, share / (1.0 - share));
    let k = successes as f64;
    let ln_first = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
        + k * libm::log(share)
        + (n - k) * libm::log1p(-share);
    let (mut term, mut sum) = (libm::exp(ln_first), 0.0);
    for hit in successes..=trials {
        sum += term;
        term *= (n - hit as f64) / (hit as f64 + 1.0) * odds;
        // Past the mode the terms fall faster than a geometric series: the rest no longer counts.
        if hit as f64 > n * share && term < 1e-16 {
            break;
        }
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_a_fair_coin_are_counted_out() {
        assert!((upper_tail(4, 4, 0.5) - 1.0 / 16.0).abs() < 1e-12);
        assert!((upper_tail(3, 4, 0.5) - 5.0 / 16.0).abs() < 1e-12);
        assert!((upper_tail(500, 1000, 0.5) - 0.512_612_5).abs() < 1e-6);
    }

    #[test]
    fn none_wanted_is_certain_and_more_than_there_are_is_impossible() {
        assert_eq!((upper_tail(0, 5, 0.1), upper_tail(6, 5, 0.1)), (1.0, 0.0));
        assert_eq!((upper_tail(1, 5, 0.0), upper_tail(1, 5, 1.0)), (0.0, 1.0));
        assert!(upper_tail(20, 100, 0.001) < 1e-30);
    }
}
