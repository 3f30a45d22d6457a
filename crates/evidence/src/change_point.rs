//! One change point in the level of a latency series, with an interval.
//!
//! Least squares on the logarithm (latency is multiplicative): the split with the smallest sum of squares within
//! its two sides. The interval holds every split whose profile likelihood is within 1.92 of the best one (half
//! the 95 % point of chi-squared with one degree of freedom; Hinkley 1970 for the model). Seasonal level and
//! trends are not modelled: callers give a window of minutes, not of days.

use telemetry::UnixNanos;

/// Half the 95 % point of chi-squared with one degree of freedom.
const PROFILE_DROP: f64 = 1.92;

/// The smallest number of seconds on either side of a split.
const SIDE_MIN: usize = 3;

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Start of the first second at the new level.
    pub at: UnixNanos,
    /// Start of the earliest second that the data allow.
    pub earliest: UnixNanos,
    /// End of the latest second that the data allow: within a second the order is not known.
    pub latest: UnixNanos,
    /// Geometric mean before.
    pub before: f64,
    /// Geometric mean after.
    pub after: f64,
}

/// Where the level of `series` (second, positive value) rose, at `not_after` at the latest; nothing when it is shorter
/// than six seconds or never rises. A fall (the end of a slow start) is no onset, however large. Whether the rise is
/// more than noise is for the caller to test.
#[must_use]
pub fn find_rise(series: &[(UnixNanos, f64)], not_after: UnixNanos) -> Option<ChangePoint> {
    let logs: Vec<f64> = series.iter().map(|(_, value)| libm::log(value.max(1e-6))).collect();
    let (count, total) = (logs.len(), logs.iter().sum::<f64>());
    let squares: f64 = logs.iter().map(|log| log * log).sum();
    let (mut costs, mut left) = (Vec::new(), 0.0);
    for (place, log) in logs.iter().enumerate() {
        let is_early = series.get(place).is_some_and(|(second, _)| *second <= not_after);
        if is_early && place >= SIDE_MIN && place + SIDE_MIN <= count {
            let (left_n, right_n) = (place as f64, (count - place) as f64);
            let right = total - left;
            costs.push((
                place,
                squares - left * left / left_n - right * right / right_n,
                left / left_n,
                right / right_n,
            ));
        }
        left += log;
    }
    costs.retain(|split| split.3 > split.2);
    let best = costs.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    // A perfect split has cost zero; the floor keeps the logarithm finite and the interval at one second.
    let floor = 1e-9;
    let near =
        |cost: f64| 0.5 * count as f64 * libm::log((cost.max(0.0) + floor) / (best.1.max(0.0) + floor));
    let mut inside = costs.iter().filter(|split| near(split.1) <= PROFILE_DROP).map(|split| split.0);
    let (first, last) = (inside.next().unwrap_or(best.0), inside.next_back().unwrap_or(best.0));
    let second = |place: usize| series.get(place).map(|(second, _)| *second);
    Some(ChangePoint {
        at: second(best.0)?,
        earliest: second(first)?,
        latest: second(last.max(best.0))?.plus_seconds(1),
        before: libm::exp(best.2),
        after: libm::exp(best.3),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::Seeded;

    const LATE: UnixNanos = UnixNanos(i64::MAX);

    #[test]
    fn the_end_of_a_slow_start_is_no_onset() {
        let level = |second: i64| match second {
            0..20 => 30.0,
            20..85 => 5.0,
            _ => 100.0,
        };
        for seed in 1..=200 {
            let mut noise = Seeded(seed);
            let series: Vec<_> =
                (0..90).map(|s| (UnixNanos(0).plus_seconds(s), noise.latency(level(s), 0.2))).collect();
            let found = find_rise(&series, UnixNanos(0).plus_seconds(87)).unwrap();
            assert_eq!(found.at, UnixNanos(0).plus_seconds(85), "seed {seed}");
        }
    }

    fn series(seed: u64, change_at: i64, factor: f64) -> Vec<(UnixNanos, f64)> {
        let mut noise = Seeded(seed);
        (0..60)
            .map(|second| {
                let level = if second >= change_at { 5.0 * factor } else { 5.0 };
                (UnixNanos(0).plus_seconds(second), noise.latency(level, 0.3))
            })
            .collect()
    }

    // covers: W-03
    #[test]
    fn a_planted_change_is_found_within_two_seconds_and_its_interval_covers_it() {
        let (mut near, mut covered) = (0, 0);
        for seed in 1..=200 {
            let planted = UnixNanos(0).plus_seconds(40);
            let found = find_rise(&series(seed, 40, 5.0), LATE).unwrap();
            near += u32::from((found.at.0 - planted.0).abs() <= 2_000_000_000);
            covered += u32::from(found.earliest <= planted && planted <= found.latest);
        }
        assert!(near >= 198, "within two seconds in {near} of 200");
        assert!(covered >= 190, "covered in {covered} of 200");
    }

    #[test]
    fn a_perfect_step_has_an_interval_of_one_second() {
        let step: Vec<_> =
            (0..20).map(|s| (UnixNanos(0).plus_seconds(s), if s < 12 { 1.0 } else { 9.0 })).collect();
        let found = find_rise(&step, LATE).unwrap();
        assert_eq!((found.at, found.earliest), (UnixNanos(0).plus_seconds(12), found.at));
        assert_eq!(found.latest, found.at.plus_seconds(1));
        assert!((found.after / found.before - 9.0).abs() < 1e-9);
    }

    #[test]
    fn a_short_series_has_no_change_point() {
        assert!(find_rise(&series(1, 40, 5.0)[..5], LATE).is_none());
        assert!(find_rise(&[], LATE).is_none());
    }
}
