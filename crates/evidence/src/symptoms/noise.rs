//! How far some seconds are shifted against the history by the operation's own noise.
//!
//! The shift is that of Hodges and Lehmann on logarithms, and its noise is learned from the history itself, see
//! `statistics::shift`. A watch that looks every two seconds at hundreds of operations for weeks looks 1e8
//! times; a rise counts from as many deviations as are rarer than that.

use crate::statistics::shift;

/// Standard deviations from which a rise is not made by noise: one-sided 3e-7 a look, and looks overlap.
const DEVIATIONS: f64 = 5.0;
/// Standard deviations by which the rise must also lie above what counts as elevated: what load does to a busy system swings
/// about that line.
const DEVIATIONS_ABOVE: f64 = 2.0;
/// What rounding makes of a difference of logarithms.
const ROUNDING: f64 = 1e-9;

/// Whether the seconds `observed` lie further above the history than noise does, and than noise about `elevated` times the
/// history does.
pub(super) fn is_beyond(history: &[f64], observed: &[f64], elevated: f64) -> bool {
    let (history, observed) = (logs(history), logs(observed));
    shift::shift(&history, &observed).is_some_and(|shift| shift > bar(&history, observed.len(), elevated))
}

/// The shift of logarithms from which it is neither noise nor, with noise, below `elevated`.
fn bar(history: &[f64], observed: usize, elevated: f64) -> f64 {
    let deviation = shift::deviation(history, observed);
    (DEVIATIONS * deviation).max(libm::log(elevated) + DEVIATIONS_ABOVE * deviation) + ROUNDING
}

fn logs(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| libm::log(value.max(1e-3))).collect()
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
            libm::exp(bar(&logs(&history), observed, 1.0))
        };
        assert!(of(0.1, 5) < 1.6, "{}", of(0.1, 5));
        assert!(of(0.5, 5) > 2.5, "{}", of(0.5, 5));
        assert!(of(0.5, 20) < of(0.5, 5));
        assert!(!is_beyond(&[7.0; 30], &[14.0; 5], 2.0) && is_beyond(&[7.0; 30], &[14.1; 5], 2.0));
        assert!(!is_beyond(&[], &[14.1; 5], 2.0), "nothing to compare with");
    }
}
