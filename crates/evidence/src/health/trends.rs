//! Which way the latency, the failures and the throughput of an operation go over a window (AG-17, AG-37, W-06).
//!
//! A sample is the quantile, rate or count of its own part of the window and not of all time until then: a cumulative
//! median hides what begins and invents what is over. A direction needs a monotonic trend that chance and autocorrelation do
//! not explain (`statistics::trend`) and a change large enough to matter. Stated rate: of operations without any trend
//! at most one in a hundred is called other than stable, over all four measures together.

use telemetry::Window;

use super::Part;
use super::figures::{self, Figures};
use super::settings::Settings;
use crate::statistics::{median, trend};

/// Seconds of a sample, and the most samples that are looked at (AG-37).
pub const SAMPLE_SECONDS: i64 = 30;
/// See [`SAMPLE_SECONDS`].
pub const SAMPLES_MAX: usize = 120;
/// Samples at each end whose median is where it came from and where it went.
const END_SAMPLES: usize = 3;
/// What the start is at least when a change is related to it, by measure: none in a hundred is not never.
const FAILURE_RATE_MIN: f64 = 0.001;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Too few samples with requests.
    Unknown,
    /// Neither.
    Stable,
    /// Up.
    Rising,
    /// Down.
    Falling,
}

impl Direction {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Stable => "stable",
            Self::Rising => "rising",
            Self::Falling => "falling",
        }
    }
}

/// The trend of one measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasureTrend {
    /// Median of the first samples.
    pub from: f64,
    /// Median of the last samples.
    pub to: f64,
    /// Change along the median slope as a share of `from`; nothing when that is zero.
    pub change: Option<f64>,
    /// Chance of as much agreement without a trend; 1 with too few samples.
    pub p_value: f64,
    /// Which way.
    pub direction: Direction,
}

/// What the trends of an operation say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assessment {
    /// Too few samples with requests.
    Unknown,
    /// Neither.
    Stable,
    /// Latency or failures fall and neither rises.
    Improving,
    /// Latency or failures rise.
    Degrading,
}

impl Assessment {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Stable => "stable",
            Self::Improving => "improving",
            Self::Degrading => "degrading",
        }
    }
}

/// The trends of one operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trends {
    /// Samples with requests.
    pub samples: usize,
    /// Median latency, milliseconds.
    pub p50_ms: MeasureTrend,
    /// 99th percentile, milliseconds.
    pub p99_ms: MeasureTrend,
    /// Failure rate, 0 to 1.
    pub failure_rate: MeasureTrend,
    /// Requests a minute.
    pub per_minute: MeasureTrend,
    /// All of them together.
    pub assessment: Assessment,
}

/// The parts of `window` to ask `health` for, earliest first: of half a minute, or longer so that there are at most 120.
#[must_use]
pub fn parts(window: Window) -> Vec<Window> {
    let seconds = window.seconds() as i64;
    let least = seconds.div_euclid(SAMPLES_MAX as i64) + i64::from(seconds % SAMPLES_MAX as i64 > 0);
    let step = SAMPLE_SECONDS.max(least);
    let whole = seconds / step;
    (0..whole)
        .map(|at| {
            let from = window.to.plus_seconds(-(whole - at) * step);
            Window::new(from, from.plus_seconds(step))
        })
        .collect()
}

/// The trends of an operation of `service` over equally long parts, earliest first.
#[must_use]
pub fn of(parts: &[Part<'_>], service: &str, operation: &str, settings: &Settings) -> Trends {
    let samples: Vec<(Window, Figures)> = parts
        .iter()
        .take(SAMPLES_MAX)
        .map(|(window, rows)| (*window, figures::of_operation(rows, service, Some(operation))))
        .collect();
    let told: Vec<&(Window, Figures)> = samples.iter().filter(|(_, figures)| figures.count > 0).collect();
    let of = |value: &dyn Fn(&Figures) -> f64| -> Vec<f64> {
        told.iter().map(|(_, figures)| value(figures)).collect()
    };
    // A part without requests has no latency, but it has a throughput: none.
    let throughput: Vec<f64> = samples.iter().map(|(window, figures)| figures.per_minute(*window)).collect();
    let p50_ms = measure(&of(&|figures| figures.p50_ms), 0.0, settings);
    let p99_ms = measure(&of(&|figures| figures.p99_ms), 0.0, settings);
    let failure_rate = measure(&of(&Figures::failure_rate), FAILURE_RATE_MIN, settings);
    let per_minute = measure(&throughput, 0.0, settings);
    let assessment = assess(&[p50_ms, p99_ms, failure_rate]);
    Trends { samples: told.len(), p50_ms, p99_ms, failure_rate, per_minute, assessment }
}

/// What the trends of latencies and failures say together; throughput alone is neither good nor bad.
fn assess(trends: &[MeasureTrend]) -> Assessment {
    let has = |direction| trends.iter().any(|trend| trend.direction == direction);
    if has(Direction::Rising) {
        Assessment::Degrading
    } else if has(Direction::Falling) {
        Assessment::Improving
    } else if has(Direction::Stable) {
        Assessment::Stable
    } else {
        Assessment::Unknown
    }
}

fn measure(values: &[f64], start_min: f64, settings: &Settings) -> MeasureTrend {
    let end = |values: &[f64]| median::median(values).unwrap_or_default();
    let first: Vec<f64> = values.iter().take(END_SAMPLES).copied().collect();
    let last: Vec<f64> = values.iter().rev().take(END_SAMPLES).copied().collect();
    let (from, to) = (end(&first), end(&last));
    let change = (from > 0.0).then(|| to / from - 1.0);
    let Some(trend) = trend::of(values) else {
        return MeasureTrend { from, to, change, p_value: 1.0, direction: Direction::Unknown };
    };
    // The whole change along the slope, so that one wild sample at an end makes no direction. A series of failures is
    // often zero until it is not: its median slope is zero, and what its ends say counts when the test agrees.
    let along = trend.slope * (values.len() - 1) as f64;
    let moved = if along == 0.0 { to - from } else { along };
    let is_large = moved.abs() >= settings.trend_change_min * from.max(start_min) && moved != 0.0;
    let direction = match (is_large && trend.p_value <= settings.trend_p_max, moved > 0.0) {
        (false, _) => Direction::Stable,
        (true, true) => Direction::Rising,
        (true, false) => Direction::Falling,
    };
    MeasureTrend { from, to, change, p_value: trend.p_value, direction }
}

#[cfg(test)]
#[path = "trends/tests.rs"]
mod tests;
