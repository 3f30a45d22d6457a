//! How far the median of some seconds moves by the operation's own noise.
//!
//! The noise is learned from the history itself: the spread of the logarithm of its seconds, as the median absolute
//! deviation (1.4826 of it is a standard deviation, Hampel 1974), widened by the first-order autocorrelation (Bartlett 1935,
//! as in `difference`) and by what a median loses against a mean (pi / 2 of variance). A watch that looks every two seconds
//! at hundreds of operations for weeks looks 1e8 times; a rise counts from as many deviations as are rarer than that.

use crate::statistics::median;

/// Standard deviations from which a rise is not made by noise: one-sided 3e-7 a look, and looks overlap.
const DEVIATIONS: f64 = 5.0;
/// Standard deviations by which the rise must also lie above what counts as elevated: what load does to a busy system swings
/// about that line.
const DEVIATIONS_ABOVE: f64 = 2.0;
/// The most by which seconds are taken to repeat each other.
const CORRELATION_MAX: f64 = 0.8;
/// Deviations beyond which a second says nothing about how seconds hang together.
const CLIP: f64 = 3.0;

/// The ratio of medians, of `observed` seconds to the history, from which it is neither noise nor, with noise, below
/// `elevated`.
pub(super) fn ratio(history: &[f64], observed: usize, elevated: f64) -> f64 {
    let deviation = deviation(history, observed);
    libm::exp(DEVIATIONS * deviation).max(elevated * libm::exp(DEVIATIONS_ABOVE * deviation))
}

/// Standard deviation of the logarithm of the ratio of medians.
fn deviation(history: &[f64], observed: usize) -> f64 {
    let logs: Vec<f64> = history.iter().map(|value| libm::log(value.max(1e-3))).collect();
    let Some(centre) = median::median(&logs) else { return 0.0 };
    let distances: Vec<f64> = logs.iter().map(|log| (log - centre).abs()).collect();
    let spread = 1.4826 * median::median(&distances).unwrap_or_default();
    if spread <= 0.0 {
        return 0.0;
    }
    let clipped: Vec<f64> =
        logs.iter().map(|log| (log - centre).clamp(-CLIP * spread, CLIP * spread)).collect();
    let squares: f64 = clipped.iter().map(|value| value * value).sum();
    let lagged: f64 = clipped.iter().zip(clipped.iter().skip(1)).map(|(now, next)| now * next).sum();
    let correlation = (lagged / squares.max(f64::MIN_POSITIVE)).clamp(0.0, CORRELATION_MAX);
    let inflation = std::f64::consts::FRAC_PI_2 * (1.0 + correlation) / (1.0 - correlation);
    let sizes = 1.0 / observed.max(1) as f64 + 1.0 / history.len().max(1) as f64;
    spread * libm::sqrt(inflation * sizes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::Seeded;

    #[test]
    fn a_steady_operation_needs_little_a_noisy_one_much_and_more_seconds_less() {
        let of = |spread: f64, observed| {
            let mut noise = Seeded(3);
            let history: Vec<f64> = (0..80).map(|_| noise.latency(20.0, spread)).collect();
            ratio(&history, observed, 1.0)
        };
        assert!(of(0.1, 5) < 1.6, "{}", of(0.1, 5));
        assert!(of(0.5, 5) > 3.0, "{}", of(0.5, 5));
        assert!(of(0.5, 20) < of(0.5, 5));
        assert_eq!(ratio(&[7.0; 30], 5, 2.0), 2.0);
        assert_eq!(ratio(&[], 5, 2.0), 2.0);
    }
}
