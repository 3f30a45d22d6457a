//! How far a figure lies from its own history, in standard deviations, and that as a score (AG-33).
//!
//! A score from 0 to 1 to sort by, no probability: histories are neither normal nor independent.

use super::settings::Settings;
use crate::statistics::median;

/// Values that a history needs.
pub const VALUES_MIN: usize = 10;
/// The spread is at least this share of the mean: a history without any spread is one that was rounded, and what lies
/// a hair beside it is no anomaly.
const SPREAD_SHARE_MIN: f64 = 0.01;
/// Standard deviations at which the score is full (AG-33).
const FULL_Z: f64 = 4.0;

/// How anomalous a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anomaly {
    /// Standard deviations from the mean, with sign.
    pub z: f64,
    /// 0 to 1.
    pub score: f64,
    /// Whether it lies at the bound or beyond it.
    pub is_anomalous: bool,
}

/// How anomalous `value` is against `history`; nothing when that has fewer than ten values.
#[must_use]
pub fn of(value: f64, history: &[f64], settings: &Settings) -> Option<Anomaly> {
    if history.len() < VALUES_MIN || !value.is_finite() || history.iter().any(|one| !one.is_finite()) {
        return None;
    }
    let mean = median::mean(history);
    let squares: f64 = history.iter().map(|one| (one - mean) * (one - mean)).sum();
    let spread = libm::sqrt(squares / (history.len() - 1) as f64).max(SPREAD_SHARE_MIN * mean.abs());
    let z = match (value - mean, spread) {
        (difference, spread) if spread > 0.0 => difference / spread,
        (0.0, _) => 0.0,
        // Always zero until now: any value at all is beyond every bound.
        (difference, _) => difference.signum() * FULL_Z,
    };
    Some(Anomaly { z, score: (z.abs() / FULL_Z).min(1.0), is_anomalous: z.abs() >= settings.anomaly_z })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64, history: &[f64]) -> Option<Anomaly> {
        of(value, history, &Settings::default())
    }

    // covers: AG-33
    #[test]
    fn the_score_is_a_quarter_of_the_deviations_and_full_from_four_on() {
        // Mean 10, standard deviation 1 over ten values.
        let step = libm::sqrt(0.9);
        let history: Vec<f64> = (0..10).map(|at| 10.0 + if at % 2 == 0 { step } else { -step }).collect();
        let of = |value| at(value, &history).unwrap();
        assert!((of(12.0).score - 0.5).abs() < 1e-9 && !of(12.0).is_anomalous);
        assert!(of(13.001).is_anomalous && of(6.999).is_anomalous && of(6.999).z < 0.0);
        assert_eq!(of(100.0).score, 1.0);
        // The source's example says z 4.2 with a score of 0.85; by its own formula that is 1.
        assert_eq!(of(14.2).score, 1.0);
    }

    // covers: AG-33
    #[test]
    fn a_history_without_spread_makes_no_anomaly_of_a_hair() {
        let flat = [50.0; 12];
        assert_eq!(at(50.0, &flat).unwrap().score, 0.0);
        assert!(!at(50.4, &flat).unwrap().is_anomalous && at(52.0, &flat).unwrap().is_anomalous);
        let zero = [0.0; 12];
        assert_eq!((at(0.0, &zero).unwrap().z, at(0.1, &zero).unwrap().score), (0.0, 1.0));
        assert!(at(1.0, &[1.0; 9]).is_none() && at(f64::NAN, &flat).is_none());
    }
}
