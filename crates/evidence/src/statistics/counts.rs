//! Whether counts of events became fewer: two Poisson rates compared by the number that falls into the later window,
//! given how many there are in both (Przyborowski and Wilenski 1940), in the normal approximation.
//!
//! Real arrivals come in bursts; the variance is multiplied by the index of dispersion of the earlier counts where that
//! exceeds one (quasi-Poisson, McCullagh and Nelder 1989, section 6.2.3). A rank test would throw away how many events
//! a second had, and with small counts most seconds tie.

use super::median;
use super::rank_sum::upper_tail;

/// Probability, if the rate had not changed, of at most as many events as `now` holds; both are counts of equally long
/// blocks. One when either is empty.
#[must_use]
pub fn p_lowered(before: &[f64], now: &[f64]) -> f64 {
    let (blocks_before, blocks_now) = (before.len() as f64, now.len() as f64);
    let (events_before, events_now) = (before.iter().sum::<f64>(), now.iter().sum::<f64>());
    let events = events_before + events_now;
    if before.is_empty() || now.is_empty() || events <= 0.0 {
        return 1.0;
    }
    let share = blocks_now / (blocks_before + blocks_now);
    let variance = dispersion(before) * events * share * (1.0 - share);
    // Half an event for continuity.
    upper_tail((events * share - events_now - 0.5) / libm::sqrt(variance))
}

/// Variance over mean of `counts`, at least one.
fn dispersion(counts: &[f64]) -> f64 {
    let mean = median::mean(counts);
    if counts.len() < 2 || mean <= 0.0 {
        return 1.0;
    }
    let squares: f64 = counts.iter().map(|count| (count - mean) * (count - mean)).sum();
    (squares / (counts.len() - 1) as f64 / mean).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    /// Arrivals of one second: exponential gaps.
    fn arrivals(noise: &mut Seeded, rate: f64) -> f64 {
        let (mut at, mut count) = (0.0, 0.0);
        loop {
            at -= libm::log(noise.uniform()) / rate;
            if at > 1.0 {
                return count;
            }
            count += 1.0;
        }
    }

    fn seconds(noise: &mut Seeded, rate: f64, count: usize) -> Vec<f64> {
        (0..count).map(|_| arrivals(noise, rate)).collect()
    }

    #[test]
    fn half_of_the_events_missing_is_no_chance_and_the_same_rate_is() {
        let mut noise = Seeded(1);
        let before = seconds(&mut noise, 7.0, 20);
        assert!(p_lowered(&before, &[3.0; 8]) < 1e-3);
        assert!(p_lowered(&before, &[3.0; 14]) < 1e-4, "longer is surer");
        assert!(p_lowered(&before, &[7.0; 8]) > 0.05);
        assert!(p_lowered(&before, &[14.0; 8]) > 0.999, "more is not fewer");
        assert_eq!((p_lowered(&[], &[1.0]), p_lowered(&[1.0], &[])), (1.0, 1.0));
        assert_eq!(p_lowered(&[0.0; 9], &[0.0; 9]), 1.0, "none before, none now");
    }

    #[test]
    fn arrivals_by_chance_and_in_bursts_stay_near_the_stated_rate() {
        for burst in [1.0, 3.0] {
            let rate = false_alarm_rate(20_000, |seed| {
                let mut noise = Seeded(seed);
                let mut sample = |count| -> Vec<f64> {
                    seconds(&mut noise, 7.0 / burst, count).iter().map(|count| count * burst).collect()
                };
                let before = sample(20);
                p_lowered(&before, &sample(8)) <= 0.001
            });
            assert!(rate <= 0.002, "stated 0.001, measured {rate} with bursts of {burst}");
        }
    }
}
