//! A monotonic trend that survives autocorrelation: the slope of Theil (1950) and Sen (1968) with the test of Mann (1945)
//! and Kendall, its variance corrected for serial dependence in two ways, of which the larger one counts.
//!
//! Hamed and Rao (1998) add the significant autocorrelations of the ranks of the detrended series; that is too small in
//! short series. Yue and Wang (2004) divide by the effective sample size, here of a first-order process whose
//! coefficient is corrected for its bias in small samples (Marriott and Pope 1954, Kendall 1954).

use super::{median, student};

/// Fewest values of which a trend is told.
pub const VALUES_MIN: usize = 10;
/// Largest autocorrelation that is corrected for; beyond it a series is a random walk and has no trend to tell.
const COEFFICIENT_MAX: f64 = 0.97;

/// Share of the largest value up to which a rest is one of rounding.
const ROUNDING: f64 = 1e-12;

/// A trend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Median slope, in units of the values a step.
    pub slope: f64,
    /// Kendall's tau, -1 to 1.
    pub tau: f64,
    /// Two-sided probability of as much agreement in a series without a trend.
    pub p_value: f64,
}

/// The trend of equally spaced `values`; nothing with fewer than [`VALUES_MIN`] of them or any that is no number.
#[must_use]
pub fn of(values: &[f64]) -> Option<Trend> {
    if values.len() < VALUES_MIN || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut slopes = Vec::with_capacity(values.len() * (values.len() - 1) / 2);
    let mut agreement = 0.0;
    for (place, early) in values.iter().enumerate() {
        for (later, late) in values.iter().enumerate().skip(place + 1) {
            slopes.push((late - early) / (later - place) as f64);
            agreement += sign(late - early);
        }
    }
    let slope = median::median(&slopes)?;
    let n = values.len() as f64;
    let tau = agreement / (n * (n - 1.0) / 2.0);
    let variance = variance(values) * inflation(&detrended(values, slope));
    if variance <= 0.0 {
        return Some(Trend { slope, tau, p_value: 1.0 });
    }
    let z = (agreement.abs() - 1.0).max(0.0) / libm::sqrt(variance);
    // The effective size is an estimate, so the tail is that of the t distribution, as for the variance of a mean.
    let degrees = (n * effective_share(&detrended(values, slope)) - 2.0).max(2.0);
    Some(Trend { slope, tau, p_value: (2.0 * student::upper_tail(z, degrees)).min(1.0) })
}

/// Variance of the agreement of independent values, with ties (Kendall 1955).
fn variance(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let term = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|group| term(group.len() as f64)).sum();
    (term(values.len() as f64) - ties) / 18.0
}

/// What the slope leaves over; where that is the rounding of the computation alone, nothing: rounding errors of a straight
/// line hang together and would look like a dependence.
fn detrended(values: &[f64], slope: f64) -> Vec<f64> {
    let left: Vec<f64> = values.iter().enumerate().map(|(step, value)| value - slope * step as f64).collect();
    let middle = median::median(&left).unwrap_or_default();
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let is_rounding = left.iter().all(|value| (value - middle).abs() <= ROUNDING * largest);
    if is_rounding { vec![middle; values.len()] } else { left }
}

/// How much larger the variance is than that of independent values.
fn inflation(residuals: &[f64]) -> f64 {
    hamed_rao(residuals).max(1.0 / effective_share(residuals))
}

fn hamed_rao(residuals: &[f64]) -> f64 {
    let ranks = ranks(residuals);
    let n = ranks.len() as f64;
    let bound = 1.96 / libm::sqrt(n);
    let term = |lag: usize| {
        let correlation = autocorrelation(&ranks, lag);
        let left = n - lag as f64;
        if correlation.abs() > bound { left * (left - 1.0) * (left - 2.0) * correlation } else { 0.0 }
    };
    let sum: f64 = (1..ranks.len() - 1).map(term).sum();
    (1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * sum).max(1.0)
}

/// The share of `values` that are worth as much as independent ones, above 0 and up to 1: that of a first-order process
/// with the autocorrelation of the values.
#[must_use]
pub fn effective_share(values: &[f64]) -> f64 {
    share_at(coefficient(values), values.len())
}

/// The same for what a model leaves over that was chosen because it leaves little over: its autocorrelation is too low,
/// so that one standard error is added to it.
#[must_use]
pub fn effective_share_left(residuals: &[f64]) -> f64 {
    let (phi, n) = (coefficient(residuals), residuals.len() as f64);
    let error = libm::sqrt((1.0 - phi * phi) / n.max(1.0));
    share_at((phi + error).min(COEFFICIENT_MAX), residuals.len())
}

fn share_at(phi: f64, length: usize) -> f64 {
    let n = length as f64;
    let (mut weight, mut sum) = (1.0, 0.0);
    for lag in 1..length {
        weight *= phi;
        sum += (1.0 - lag as f64 / n) * weight;
    }
    1.0 / (1.0 + 2.0 * sum).max(1.0)
}

/// First-order autocorrelation, corrected for its bias; between 0 and a bound below 1.
#[must_use]
pub fn coefficient(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if values.len() < 4 {
        return 0.0;
    }
    let raw = autocorrelation(values, 1);
    ((n * raw + 2.0) / (n - 4.0).max(1.0)).clamp(0.0, COEFFICIENT_MAX)
}

fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let mean = median::mean(values);
    let whole: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let lagged: f64 =
        values.iter().zip(values.iter().skip(lag)).map(|(early, late)| (early - mean) * (late - mean)).sum();
    if whole > 0.0 { lagged / whole } else { 0.0 }
}

/// The mid-ranks of `values`, from 1.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for group in order.chunk_by(|a, b| a.1 == b.1) {
        let rank = below as f64 + (group.len() as f64 + 1.0) / 2.0;
        for (place, _) in group {
            if let Some(own) = ranks.get_mut(*place) {
                *own = rank;
            }
        }
        below += group.len();
    }
    ranks
}

fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};
    use crate::statistics::rank_sum;

    // covers: W-06
    #[test]
    fn a_planted_slope_is_measured_and_one_wild_value_does_not_move_it() {
        let mut noise = Seeded(1);
        let mut values: Vec<f64> = (0..60).map(|at| 10.0 + 0.5 * f64::from(at) + noise.normal()).collect();
        values[30] = 10_000.0;
        let trend = of(&values).unwrap();
        assert!((trend.slope - 0.5).abs() < 0.05 && trend.p_value < 1e-6, "{trend:?}");
        let falling: Vec<f64> = values.iter().map(|value| -value).collect();
        assert!(of(&falling).unwrap().tau < -0.9);
    }

    /// Stated: one series in a hundred; by the textbook's variance it would be a third of them.
    // covers: W-06
    #[test]
    fn autocorrelated_series_without_a_trend_stay_at_the_stated_rate() {
        for (phi, length) in [(0.0, 60), (0.5, 60), (0.8, 60), (0.5, 20)] {
            let series = |seed| {
                let mut noise = Seeded(seed);
                noise.autocorrelated(phi, length)
            };
            let rate = false_alarm_rate(1_000, |seed| of(&series(seed)).unwrap().p_value <= 0.01);
            assert!(rate <= 0.02, "stated 0.01, measured {rate} at {phi} and {length}");
        }
        let textbook = false_alarm_rate(300, |seed| {
            let values = Seeded(seed).autocorrelated(0.8, 60);
            let trend = of(&values).unwrap();
            let agreement = trend.tau * 60.0 * 59.0 / 2.0;
            2.0 * rank_sum::upper_tail((agreement.abs() - 1.0) / libm::sqrt(variance(&values))) <= 0.01
        });
        assert!(textbook > 0.1, "without the correction it would be red: {textbook}");
    }

    #[test]
    fn a_straight_line_is_a_trend_and_its_rounding_errors_no_dependence() {
        let line: Vec<f64> = (0..60).map(|at| 45.0 + 4.5e-2 * f64::from(at)).collect();
        assert!(of(&line).unwrap().p_value < 1e-6);
    }

    #[test]
    fn short_flat_and_broken_series_have_no_trend() {
        assert!(of(&[1.0; 9]).is_none());
        assert_eq!(of(&[1.0; 20]).unwrap().p_value, 1.0);
        let mut values = vec![1.0; 20];
        values[3] = f64::NAN;
        assert!(of(&values).is_none());
        assert!((effective_share(&[1.0, 2.0, 1.0, 2.0, 1.0, 2.0]) - 1.0).abs() < 1e-12);
    }
}
