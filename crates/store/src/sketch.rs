//! Quantiles of durations with a known relative error, in little memory.
//!
//! Logarithmic buckets as in DDSketch (Masson, Rim and Lee, VLDB 2019); below one microsecond every nanosecond
//! has its own bucket, so that rounding to whole nanoseconds stays within the error. Logarithms come from `libm`: the same
//! bytes on every machine.

/// The stated relative error of a quantile.
pub(crate) const RELATIVE_ERROR: f64 = 0.01;
/// The error of a bucket; what is left pays for rounding.
const BUCKET_ERROR: f64 = 0.0095;
/// Durations below this are counted exactly, in nanoseconds.
const EXACT_BELOW_NS: i64 = 1_000;

/// A multiset of durations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sketch {
    /// Bucket and count, by rising bucket; no zero counts.
    buckets: Vec<(i16, u64)>,
}

fn gamma() -> f64 {
    (1.0 + BUCKET_ERROR) / (1.0 - BUCKET_ERROR)
}

fn bucket_of(nanos: i64) -> i16 {
    if nanos < EXACT_BELOW_NS {
        return (nanos.max(0) - EXACT_BELOW_NS) as i16;
    }
    libm::ceil(libm::log(nanos as f64) / libm::log(gamma())) as i16
}

fn value_of(bucket: i16) -> i64 {
    if bucket < 0 {
        return i64::from(bucket) + EXACT_BELOW_NS;
    }
    let value = 2.0 * libm::pow(gamma(), f64::from(bucket)) / (gamma() + 1.0);
    libm::round(value) as i64
}

impl Sketch {
    /// Of buckets and their counts, by rising bucket.
    pub(crate) fn of(buckets: Vec<(i16, u64)>) -> Self {
        Self { buckets }
    }

    /// Buckets and their counts, by rising bucket.
    pub(crate) fn buckets(&self) -> &[(i16, u64)] {
        &self.buckets
    }

    pub(crate) fn add(&mut self, nanos: i64) {
        self.add_count(bucket_of(nanos), 1);
    }

    /// Adds `count` of the same duration.
    pub(crate) fn add_many(&mut self, nanos: i64, count: u64) {
        if count > 0 {
            self.add_count(bucket_of(nanos), count);
        }
    }

    fn add_count(&mut self, bucket: i16, count: u64) {
        match self.buckets.binary_search_by_key(&bucket, |entry| entry.0) {
            Ok(at) => {
                if let Some(entry) = self.buckets.get_mut(at) {
                    entry.1 += count;
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, count)),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            self.add_count(*bucket, *count);
        }
    }

    /// The duration of rank `ceil(q * n)`, within [`RELATIVE_ERROR`]; zero when there is none.
    pub(crate) fn quantile(&self, q: f64) -> i64 {
        let total: u64 = self.buckets.iter().map(|entry| entry.1).sum();
        let rank = rank(q, total);
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen >= rank {
                return value_of(*bucket);
            }
        }
        0
    }
}

/// The nearest rank of a quantile among `total`, counted from one.
fn rank(q: f64, total: u64) -> u64 {
    (libm::ceil(q * total as f64) as u64).clamp(1, total.max(1))
}

#[cfg(test)]
mod tests {
    use platform::{Chance, SeededChance};
    use telemetry::rows::exact_quantile;

    use super::*;

    #[test]
    fn quantiles_lie_within_the_stated_error_of_the_exact_ones() {
        let mut chance = SeededChance::new(3);
        for round in 0..200 {
            let mut values: Vec<i64> = (0..=round)
                .map(|_| {
                    let bits = chance.below(62);
                    (chance.next_u64() >> (2 + bits)).cast_signed()
                })
                .collect();
            let mut sketch = Sketch::default();
            values.iter().for_each(|value| sketch.add(*value));
            values.sort_unstable();
            for q in [0.0, 0.5, 0.95, 0.99, 1.0] {
                let (exact, got) = (exact_quantile(&values, q), sketch.quantile(q));
                let error = (got - exact).abs() as f64;
                assert!(error <= RELATIVE_ERROR * exact as f64, "q {q}: {got} for {exact} in round {round}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_counted_and_merging_adds() {
        let (mut sketch, mut other) = (Sketch::default(), Sketch::default());
        [0, 5, 999, 1_000].into_iter().for_each(|nanos| sketch.add(nanos));
        [1_000_000, i64::MAX].into_iter().for_each(|nanos| other.add(nanos));
        sketch.merge(&other);
        assert_eq!((sketch.quantile(0.0), sketch.quantile(0.5)), (0, 999));
    }
}
