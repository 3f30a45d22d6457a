//! Noise that remembers, and medians of many durations without drawing each.

use crate::dice::Dice;

/// First-order autoregressive noise around zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drift {
    value: f64,
    memory: f64,
    spread: f64,
}

impl Drift {
    /// Noise of this standard deviation that keeps `memory` of itself from second to second.
    pub(super) fn new(memory: f64, spread: f64) -> Self {
        Self { value: 0.0, memory, spread }
    }

    pub(super) fn next(&mut self, dice: &mut Dice) -> f64 {
        let fresh = libm::sqrt(1.0 - self.memory * self.memory) * self.spread * dice.normal();
        self.value = self.memory * self.value + fresh;
        self.value
    }
}

/// The figures of many durations.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Durations {
    pub(super) sum_ms: f64,
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
}

/// Above this many, the sample median is drawn from its own distribution.
const DRAWN_MAX: u64 = 24;

/// `count` log-normal durations around `centre`.
pub(super) fn durations(dice: &mut Dice, count: u64, centre: f64, spread: f64) -> Durations {
    if count > DRAWN_MAX {
        let error = 1.2533 * spread / libm::sqrt(count as f64);
        let p50_ms = centre * libm::exp(error * dice.normal());
        let mean = centre * libm::exp(spread * spread / 2.0 + 0.8 * error * dice.normal());
        return Durations { sum_ms: mean * count as f64, p50_ms, p95_ms: p50_ms * libm::exp(1.645 * spread) };
    }
    let mut all: Vec<f64> = (0..count).map(|_| dice.log_normal(centre, spread)).collect();
    all.sort_by(f64::total_cmp);
    let at = |q: f64| {
        let rank = libm::ceil(q * count as f64).max(1.0) as usize;
        all.get(rank - 1).copied().unwrap_or_default()
    };
    Durations { sum_ms: all.iter().sum(), p50_ms: at(0.5), p95_ms: at(0.95) }
}
