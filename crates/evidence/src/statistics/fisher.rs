//! Fisher's exact test of two shares, one-sided (Fisher 1922), by the hypergeometric tail.

/// Natural logarithm of `n` choose `k`.
fn ln_choose(n: f64, k: f64) -> f64 {
    libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
}

/// Probability, if failures fell alike on both samples, that the second sample holds at least `bad_failed` of them.
#[must_use]
pub fn p_raised(good_failed: u64, good_count: u64, bad_failed: u64, bad_count: u64) -> f64 {
    let (failed, total) = (good_failed + bad_failed, good_count + bad_count);
    if failed == 0 || bad_count == 0 || good_count == 0 {
        return 1.0;
    }
    let most = failed.min(bad_count);
    let all = ln_choose(total as f64, bad_count as f64);
    let term = |k: u64| {
        let rest = total - failed;
        if bad_count - k > rest {
            return 0.0;
        }
        libm::exp(ln_choose(failed as f64, k as f64) + ln_choose(rest as f64, (bad_count - k) as f64) - all)
    };
    (bad_failed..=most).map(term).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lady_tasting_tea_is_right_by_chance_once_in_seventy() {
        assert!((p_raised(0, 4, 4, 4) - 1.0 / 70.0).abs() < 1e-12);
    }

    #[test]
    fn no_failures_are_no_evidence() {
        assert_eq!(p_raised(0, 100, 0, 100), 1.0);
        assert!(p_raised(0, 1000, 20, 100) < 1e-9);
    }
}
