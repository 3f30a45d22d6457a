//! From values to places on an axis, and where its ticks stand.
//!
//! Draws nothing.

use telemetry::UnixNanos;

/// A ratio between the largest and the smallest value from which a linear axis would hide the small ones.
const LOG_FROM_RATIO: f64 = 20.0;

/// An axis from `from` to `to` in pixels (either may be the larger).
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    is_log: bool,
}

impl Scale {
    /// A linear axis; a domain without length is given one.
    pub(super) fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to, is_log: false }
    }

    /// An axis for latencies: from zero, or logarithmic when the values differ by more than twenty times.
    pub(super) fn latency(values: &[f64], from: f64, to: f64) -> Self {
        let high = values.iter().copied().fold(0.0, f64::max);
        let low = values.iter().copied().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        if low.is_finite() && high / low > LOG_FROM_RATIO {
            let floor = (low * 0.8).max(1e-3);
            return Self { low: floor, high: high * 1.15, from, to, is_log: true };
        }
        Self::linear(0.0, if high > 0.0 { high * 1.08 } else { 1.0 }, from, to)
    }

    /// Whether equal distances are equal ratios.
    pub(super) fn is_log(self) -> bool {
        self.is_log
    }

    /// The place of a value, inside the axis.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = if self.is_log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// About `count` round values for ticks.
    pub(super) fn ticks(self, count: usize) -> Vec<f64> {
        if self.is_log {
            return log_ticks(self.low, self.high, count);
        }
        let raw = (self.high - self.low) / count.max(1) as f64;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].iter().map(|times| times * power).find(|step| *step >= raw * 0.999);
        let step = step.unwrap_or(raw);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last.min(first + 40)).map(|index| index as f64 * step).collect()
    }
}

fn log_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let of = |steps: &[f64]| -> Vec<f64> {
        decades
            .clone()
            .flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)))
            .filter(|tick| (low..=high).contains(tick))
            .collect()
    };
    let fine = of(&[1.0, 2.0, 5.0]);
    if fine.len() <= count + 3 { fine } else { of(&[1.0]) }
}

/// Round times between two points, at most about `count`.
pub(super) fn time_ticks(from: UnixNanos, to: UnixNanos, count: usize) -> Vec<UnixNanos> {
    const STEPS: [i64; 17] =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];
    let seconds = to.since(from).max(0) / telemetry::time::SECOND_NS;
    let count = count.max(1) as i64;
    let days = 86_400 * (seconds / 86_400 / count + 1);
    let step = STEPS.into_iter().find(|step| seconds / step <= count).unwrap_or(days);
    let step_ns = step.saturating_mul(telemetry::time::SECOND_NS);
    let first = from.0.div_euclid(step_ns) + i64::from(from.0.rem_euclid(step_ns) != 0);
    let last = to.0.div_euclid(step_ns);
    (first..=last).take(64).map(|index| UnixNanos(index.saturating_mul(step_ns))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_far_apart_get_a_logarithmic_axis() {
        assert!(!Scale::latency(&[10.0, 40.0], 100.0, 0.0).is_log());
        assert!(Scale::latency(&[10.0, 900.0], 100.0, 0.0).is_log());
        assert!(Scale::latency(&[], 100.0, 0.0).at(0.0) >= 100.0);
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(Scale::linear(0.0, 100.0, 0.0, 1.0).ticks(5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        let minute = 60 * telemetry::time::SECOND_NS;
        let ticks = time_ticks(UnixNanos(1), UnixNanos(3 * minute), 6);
        assert_eq!(ticks.len(), 6);
        assert_eq!(ticks.first(), Some(&UnixNanos(minute / 2)));
    }
}
