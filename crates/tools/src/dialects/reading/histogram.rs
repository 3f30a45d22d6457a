//! A window cut into buckets of an even length, and what falls into each.

use telemetry::time::SECOND_NS;
use telemetry::{UnixNanos, Window};

/// Lengths of a bucket in seconds.
const LENGTHS: [i64; 16] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200, 86_400, 604_800];
/// Buckets at most, whatever is asked for.
const MOST: i64 = 400;

/// Buckets of one length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buckets {
    window: Window,
    step_ns: i64,
}

impl Buckets {
    /// About `wanted` buckets of a round length.
    pub(crate) fn about(window: Window, wanted: i64) -> Self {
        let length_s = (window.to.since(window.from).max(0) / SECOND_NS).max(1);
        let step = LENGTHS.iter().copied().find(|step| length_s <= step * wanted.max(1));
        Self { window, step_ns: step.unwrap_or(length_s / wanted.max(1) + 1) * SECOND_NS }
    }

    /// Exactly `count` buckets, the last of them shorter by less than `count` nanoseconds.
    pub(crate) fn exactly(window: Window, count: i64) -> Self {
        let (length, count) = (window.to.since(window.from).max(1), count.max(1));
        // Rounded down, what is left over would be a bucket of its own, nearly without anything in it.
        Self { window, step_ns: length.saturating_add(count - 1) / count }
    }

    /// Buckets of `seconds`; a window that has too many of them gets longer ones.
    pub(crate) fn of(window: Window, seconds: i64) -> Self {
        let least = window.to.since(window.from).max(0) / MOST + 1;
        Self { window, step_ns: seconds.max(1).saturating_mul(SECOND_NS).max(least) }
    }

    /// What is cut into buckets.
    pub(crate) fn window(self) -> Window {
        self.window
    }

    pub(crate) fn seconds(self) -> f64 {
        self.step_ns as f64 / SECOND_NS as f64
    }

    pub(crate) fn count(self) -> usize {
        let length = self.window.to.since(self.window.from).max(0);
        usize::try_from((length + self.step_ns - 1) / self.step_ns.max(1)).unwrap_or(0)
    }

    /// The bucket of a moment, none outside of the window.
    pub(crate) fn place(self, at: UnixNanos) -> Option<usize> {
        let is_inside = self.window.contains(at);
        is_inside.then(|| usize::try_from(at.since(self.window.from) / self.step_ns.max(1)).ok()).flatten()
    }

    /// When a bucket begins.
    pub(crate) fn start(self, place: usize) -> UnixNanos {
        UnixNanos(self.window.from.0.saturating_add(self.step_ns.saturating_mul(place as i64)))
    }

    /// How many of the moments fall into each bucket.
    pub(crate) fn counts(self, moments: impl IntoIterator<Item = UnixNanos>) -> Vec<u64> {
        let mut counts = vec![0; self.count()];
        for at in moments {
            if let Some(slot) = self.place(at).and_then(|place| counts.get_mut(place)) {
                *slot += 1;
            }
        }
        counts
    }
}

/// One bucket as it is shown.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub(crate) struct Bucket {
    /// When it begins.
    pub(crate) start: String,
    pub(crate) count: u64,
}

/// Counts as they are shown.
pub(crate) fn shown(buckets: Buckets, counts: &[u64]) -> Vec<Bucket> {
    let rows = counts.iter().enumerate();
    rows.map(|(place, count)| Bucket { start: buckets.start(place).rfc3339(), count: *count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_of_a_window_is_in_one_bucket_and_none_outside() {
        let at = |s: i64| UnixNanos(0).plus_seconds(s);
        for (length, wanted) in [(3600, 30), (7, 30), (100_000, 30), (1, 1)] {
            let buckets = Buckets::about(Window::new(at(1000), at(1000 + length)), wanted);
            assert!(buckets.count() as i64 <= wanted.max(1), "{length}");
            let all = (0..length).map(|s| at(1000 + s)).chain([at(999), at(1000 + length)]);
            assert_eq!(buckets.counts(all).iter().sum::<u64>(), length as u64);
            assert_eq!(buckets.place(buckets.start(buckets.count() - 1)), Some(buckets.count() - 1));
        }
        assert_eq!(Buckets::of(Window::new(at(0), at(1_000_000)), 1).count(), 400);
    }

    #[test]
    fn a_length_that_does_not_divide_gives_no_bucket_more() {
        for (to, count) in [(320_000_000_000, 60), (3_600_000_000_030, 60), (3_600_000_000_000, 24)] {
            let buckets = Buckets::exactly(Window::new(UnixNanos(0), UnixNanos(to)), count);
            assert_eq!(buckets.count() as i64, count, "{to}");
            assert_eq!(buckets.place(UnixNanos(to - 1)), Some(buckets.count() - 1), "{to}");
        }
    }
}
