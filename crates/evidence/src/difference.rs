//! The difference in differences of a trial: what the treated instance gained beyond its untouched siblings.
//!
//! Both arms are compared second by second, so that whatever moves both (load, a neighbour on the host, a cause
//! that heals by itself) cancels. The interval is Welch's over the paired differences of the seconds before and
//! after, each variance inflated for first-order autocorrelation by (1 + r) / (1 - r) (Bartlett 1935), r between
//! 0 and 0.8. A baseline chosen because it was extreme regresses to the mean: the control carries that, too.

use incident::Interval;
use telemetry::UnixNanos;
use telemetry::number::Num;
use telemetry::time::Window;

use crate::series::{self, Series};
use crate::statistics::{median, student};

/// Coverage of the interval.
pub const LEVEL: f64 = 0.95;

/// Paired seconds that each window must hold.
pub const SECONDS_MIN: usize = 4;

/// The difference in differences of mean latency, in milliseconds, with its interval; nothing when either window
/// holds fewer than [`SECONDS_MIN`] seconds in which both arms have data.
#[must_use]
pub fn in_differences(treated: &Series, control: &Series, before: Window, after: Window) -> Option<Interval> {
    let pairs = |window| paired(treated, control, window, |treated, control| treated - control);
    let (estimate, half) = contrast(&pairs(before), &pairs(after))?;
    Some(interval(estimate, estimate - half, estimate + half))
}

/// The treated instance's change beyond its siblings, as a share: -0.9 is nine tenths less. Computed on the
/// logarithm of the ratio of the arms, because latency is multiplicative: load that slows both arms moves their
/// difference, not their ratio. Nothing under the same condition as [`in_differences`].
#[must_use]
pub fn relative(treated: &Series, control: &Series, before: Window, after: Window) -> Option<Interval> {
    // A microsecond as the floor: a mean of zero has no logarithm.
    let log = |ms: f64| libm::log(ms.max(0.001));
    let pairs = |window| paired(treated, control, window, |treated, control| log(treated) - log(control));
    let (estimate, half) = contrast(&pairs(before), &pairs(after))?;
    let share = |log: f64| libm::exp(log.min(50.0)) - 1.0;
    Some(interval(share(estimate), share(estimate - half), share(estimate + half)))
}

/// Mean of `now` minus mean of `then`, and half the width of its interval.
fn contrast(then: &[f64], now: &[f64]) -> Option<(f64, f64)> {
    if then.len() < SECONDS_MIN || now.len() < SECONDS_MIN {
        return None;
    }
    let estimate = median::mean(now) - median::mean(then);
    let (then_variance, now_variance) = (variance_of_mean(then), variance_of_mean(now));
    let degrees = welch_degrees((then_variance, then.len()), (now_variance, now.len()));
    let half =
        student::upper_quantile((1.0 - LEVEL) / 2.0, degrees) * libm::sqrt(then_variance + now_variance);
    Some((estimate, half))
}

fn interval(estimate: f64, low: f64, high: f64) -> Interval {
    Interval {
        estimate: Num::new(estimate),
        low: Num::new(low),
        high: Num::new(high),
        level: Num::new(LEVEL),
    }
}

fn paired(treated: &Series, control: &Series, window: Window, of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let other = |second: UnixNanos| control.get(&second).filter(|figures| figures.count > 0);
    series::within(treated, window)
        .filter(|(_, figures)| figures.count > 0)
        .filter_map(|(second, figures)| Some(of(figures.mean_ms(), other(second)?.mean_ms())))
        .collect()
}

fn variance_of_mean(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = median::mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    if squares <= 0.0 {
        return 0.0;
    }
    let lagged: f64 =
        values.iter().zip(values.iter().skip(1)).map(|(now, next)| (now - mean) * (next - mean)).sum();
    let correlation = (lagged / squares).clamp(0.0, 0.8);
    squares / (count - 1.0) / count * (1.0 + correlation) / (1.0 - correlation)
}

fn welch_degrees(then: (f64, usize), now: (f64, usize)) -> f64 {
    let part = |(variance, count): (f64, usize)| variance * variance / (count as f64 - 1.0);
    let below = part(then) + part(now);
    let sum = then.0 + now.0;
    if below <= 0.0 { (then.1 + now.1) as f64 - 2.0 } else { (sum * sum / below).max(1.0) }
}

#[cfg(test)]
mod tests {
    use telemetry::answer::{OnsetRow, Subject};

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn arm(seed: u64, level: impl Fn(i64) -> f64) -> Series {
        let mut noise = Seeded(seed);
        let rows: Vec<OnsetRow> = (0..20)
            .map(|second| {
                let mean_ns = (noise.latency(level(second), 0.2) * 1e6) as i64;
                OnsetRow {
                    is_message: false,
                    subject: Subject {
                        service: "s".into(),
                        operation: "o".into(),
                        instance: "i".into(),
                        version: "v".into(),
                    },
                    second: UnixNanos(0).plus_seconds(second),
                    count: 5,
                    errors: 0,
                    sum_ns: mean_ns * 5,
                    p50_ns: mean_ns,
                    p95_ns: mean_ns,
                }
            })
            .collect();
        series::of(&rows, |_| true)
    }

    fn window(from: i64, to: i64) -> Window {
        Window::new(UnixNanos(0).plus_seconds(from), UnixNanos(0).plus_seconds(to))
    }

    fn trial(seed: u64, treated: impl Fn(i64) -> f64, control: impl Fn(i64) -> f64) -> Interval {
        let (treated, control) = (arm(seed, treated), arm(seed + 100_000, control));
        in_differences(&treated, &control, window(0, 10), window(12, 20)).unwrap()
    }

    #[test]
    fn a_fix_is_found_and_its_size_is_inside_the_interval() {
        let covered = (1..=400)
            .filter(|seed| {
                let found = trial(*seed, |second| if second < 11 { 60.0 } else { 6.0 }, |_| 60.0);
                assert!(found.high.get() < 0.0, "seed {seed}");
                // The mean of the log-normal noise lies exp(0.02) above its median.
                let planted = -54.0 * 1.0202;
                found.low.get() <= planted && planted <= found.high.get()
            })
            .count();
        assert!(covered >= 364, "covered in {covered} of 400");
    }

    #[test]
    fn load_that_slows_both_arms_does_not_hide_a_fix() {
        // Both arms are four times slower while both are faulty, because they share a host; the fix relieves it.
        let treated = |second: i64| if second < 11 { 240.0 } else { 2.0 };
        let control = |second: i64| if second < 11 { 240.0 } else { 60.0 };
        for seed in 1..=200 {
            let (treated, control) = (arm(seed, treated), arm(seed + 100_000, control));
            let found = relative(&treated, &control, window(0, 10), window(12, 20)).unwrap();
            assert!(found.high.get() < -0.9, "seed {seed}: {found:?}");
        }
    }

    // covers: W-09
    #[test]
    fn a_relative_placebo_is_called_a_change_no_more_often_than_stated() {
        let rate = false_alarm_rate(1000, |seed| {
            let (treated, control) = (arm(seed, |_| 60.0), arm(seed + 100_000, |_| 60.0));
            let found = relative(&treated, &control, window(0, 10), window(12, 20)).unwrap();
            found.high.get() < 0.0 || found.low.get() > 0.0
        });
        assert!(rate <= 0.07, "stated 0.05, measured {rate}");
    }

    // covers: W-09
    #[test]
    fn a_placebo_is_called_a_change_no_more_often_than_stated() {
        let rate = false_alarm_rate(1000, |seed| {
            let found = trial(seed, |_| 60.0, |_| 60.0);
            found.high.get() < 0.0 || found.low.get() > 0.0
        });
        assert!(rate <= 0.07, "stated 0.05, measured {rate}");
    }

    // covers: W-09
    #[test]
    fn what_heals_on_both_arms_is_not_credited_to_the_treated_one() {
        let heals = |second: i64| if second < 15 { 60.0 } else { 5.0 };
        let rate = false_alarm_rate(1000, |seed| trial(seed, heals, heals).high.get() < 0.0);
        assert!(rate <= 0.05, "measured {rate}");
    }

    #[test]
    fn too_few_paired_seconds_give_no_interval() {
        let series = arm(1, |_| 5.0);
        assert!(in_differences(&series, &series, window(0, 3), window(12, 20)).is_none());
        assert!(in_differences(&series, &Series::new(), window(0, 10), window(12, 20)).is_none());
    }
}
