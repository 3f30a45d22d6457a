//! A histogram of latencies in fixed memory: its buckets grow by one percent, which bounds the error of a quantile.
//! It deliberately forgets the order: a summary has no time axis.

use std::time::Duration;

/// Ten microseconds to about eighty minutes.
const BUCKETS: usize = 2_000;
const FIRST_MS: f64 = 0.01;
const GROWTH: f64 = 1.01;

#[derive(Debug)]
pub(super) struct Latencies {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }
}

impl Latencies {
    pub(super) fn record(&mut self, latency: Duration) {
        let milliseconds = latency.as_secs_f64() * 1_000.0;
        // A float saturates when it is cast, so both ends are covered.
        let bucket = ((milliseconds / FIRST_MS).ln() / GROWTH.ln()) as usize;
        if let Some(count) = self.counts.get_mut(bucket.min(BUCKETS - 1)) {
            *count += 1;
        }
        self.total += 1;
    }

    /// The upper bound of the bucket that holds the quantile, or zero when nothing was recorded.
    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        let rank = (self.total as f64 * quantile).ceil().max(1.0);
        let mut below = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            below += count;
            if below as f64 >= rank {
                return FIRST_MS * GROWTH.powf(bucket as f64 + 1.0);
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_percent() {
        let mut latencies = Latencies::default();
        for milliseconds in 1..=1_000 {
            latencies.record(Duration::from_millis(milliseconds));
        }
        assert!((latencies.quantile_ms(0.5) / 500.0 - 1.0).abs() < 0.011);
        assert!((latencies.quantile_ms(0.99) / 990.0 - 1.0).abs() < 0.011);
    }

    #[test]
    fn nothing_recorded_is_zero() {
        assert_eq!(Latencies::default().quantile_ms(0.5), 0.0);
    }
}
