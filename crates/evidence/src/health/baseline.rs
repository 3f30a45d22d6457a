//! What is usual for an operation: declared by its operator, else measured over the days before, else a default; and which of
//! the three it is (AG-38, C-05).
//!
//! A rolling baseline is of a time and not of the last requests: it is the median over parts of that time, weighted by
//! requests, so that one bad hour among many does not become usual. It counts from medium confidence on. What is
//! declared in part is filled from the next source, and the origin is that of the median latency.

use telemetry::Window;
use telemetry::time::UnixNanos;

use super::Part;
use super::declared::Operation;
use super::figures::{self, Figures};
use super::settings::Settings;

/// Where a baseline comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The operator says so.
    Declared,
    /// Measured before.
    Rolling,
    /// Assumed.
    Default,
}

impl Origin {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Rolling => "rolling",
            Self::Default => "default",
        }
    }
}

/// How much data stands behind a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Below 30 requests.
    Low,
    /// Below 200.
    Medium,
    /// 200 or more, or declared.
    High,
}

impl Confidence {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// Where it comes from.
    pub origin: Origin,
    /// Requests behind it, 0 unless it is rolling.
    pub count: u64,
    /// How much data that is.
    pub confidence: Confidence,
    /// Median latency, milliseconds.
    pub p50_ms: f64,
    /// 99th percentile, milliseconds.
    pub p99_ms: f64,
    /// Failure rate, 0 to 1.
    pub failure_rate: f64,
}

impl Baseline {
    /// The default one.
    #[must_use]
    pub fn fallback(settings: &Settings) -> Self {
        Self {
            origin: Origin::Default,
            count: 0,
            confidence: Confidence::Low,
            p50_ms: settings.default_p50_ms,
            p99_ms: settings.default_p99_ms,
            failure_rate: settings.default_failure_rate,
        }
    }
}

/// The time that a rolling baseline is measured over when `now` is looked at: the days before it, without it.
#[must_use]
pub fn reference(now: Window, settings: &Settings) -> Window {
    let seconds = i64::from(settings.rolling_days).saturating_mul(86_400);
    Window::new(UnixNanos(now.from.0).plus_seconds(-seconds), now.from)
}

/// The rolling baseline of an operation from parts of the time before, or nothing below ten requests. Parts that reach
/// into `now` are left out.
#[must_use]
pub fn rolling(
    parts: &[Part<'_>],
    now: Window,
    (service, operation): (&str, &str),
    settings: &Settings,
) -> Option<Baseline> {
    let all: Vec<Figures> = parts
        .iter()
        .filter(|(window, _)| window.to <= now.from)
        .map(|(_, rows)| figures::of_operation(rows, service, Some(operation)))
        .filter(|figures| figures.count > 0)
        .collect();
    let count: u64 = all.iter().map(|figures| figures.count).sum();
    if count < settings.baseline_requests_min {
        return None;
    }
    let median = |of: fn(&Figures) -> f64| {
        let mut values: Vec<(f64, u64)> = all.iter().map(|figures| (of(figures), figures.count)).collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        weighted_median(&values)
    };
    let confidence = if count < settings.medium_confidence_from {
        Confidence::Low
    } else if count < settings.high_confidence_from {
        Confidence::Medium
    } else {
        Confidence::High
    };
    Some(Baseline {
        origin: Origin::Rolling,
        count,
        confidence,
        p50_ms: median(|figures| figures.p50_ms),
        p99_ms: median(|figures| figures.p99_ms),
        failure_rate: median(Figures::failure_rate),
    })
}

/// The first of sorted values at which half of the weight is reached.
fn weighted_median(sorted: &[(f64, u64)]) -> f64 {
    let half = sorted.iter().map(|(_, weight)| weight).sum::<u64>().div_ceil(2);
    let mut below = 0;
    for (value, weight) in sorted {
        below += weight;
        if below >= half {
            return *value;
        }
    }
    0.0
}

/// The baseline that counts: declared, else rolling from medium confidence on, else the default.
#[must_use]
pub fn choose(declared: Option<&Operation>, rolling: Option<Baseline>, settings: &Settings) -> Baseline {
    let measured = rolling
        .filter(|baseline| baseline.confidence >= Confidence::Medium)
        .unwrap_or_else(|| Baseline::fallback(settings));
    let Some(operation) = declared else { return measured };
    let Some(p50) = operation.expected_latency_p50 else {
        return Baseline {
            p99_ms: operation.expected_latency_p99.map_or(measured.p99_ms, |latency| latency.ms()),
            failure_rate: operation.expected_error_rate.unwrap_or(measured.failure_rate),
            ..measured
        };
    };
    Baseline {
        origin: Origin::Declared,
        count: 0,
        confidence: Confidence::High,
        p50_ms: p50.ms(),
        p99_ms: operation.expected_latency_p99.map_or(measured.p99_ms, |latency| latency.ms()),
        failure_rate: operation.expected_error_rate.unwrap_or(measured.failure_rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::planted::{row, window};

    fn of(counts: &[(u64, f64)]) -> Option<Baseline> {
        let hours: Vec<_> = counts.iter().map(|(count, ms)| [row("a", "GET /", *count, 0, *ms)]).collect();
        let parts: Vec<Part<'_>> = hours
            .iter()
            .enumerate()
            .map(|(at, rows)| (window(at as i64 * 3600, (at as i64 + 1) * 3600), rows.as_slice()))
            .collect();
        rolling(&parts, window(100 * 3600, 101 * 3600), ("a", "GET /"), &Settings::default())
    }

    // covers: AG-38
    #[test]
    fn confidence_grows_with_requests_and_ten_are_the_least() {
        let at = |count| of(&[(count, 10.0)]).map(|baseline| baseline.confidence);
        assert_eq!([at(9), at(10), at(29)], [None, Some(Confidence::Low), Some(Confidence::Low)]);
        assert_eq!(
            [at(30), at(199), at(200)],
            [Some(Confidence::Medium), Some(Confidence::Medium), Some(Confidence::High)]
        );
    }

    // covers: AG-38
    #[test]
    fn a_bad_hour_does_not_become_usual_and_now_is_not_in_it() {
        let mut hours = vec![(100, 10.0); 20];
        hours[3] = (400, 900.0);
        assert_eq!(of(&hours).unwrap().p50_ms, 10.0);
        let rows = [row("a", "GET /", 500, 0, 10.0)];
        let parts: [Part<'_>; 1] = [(window(0, 3600), &rows)];
        let found = |now| rolling(&parts, now, ("a", "GET /"), &Settings::default());
        assert!(found(window(3600, 7200)).is_some() && found(window(3000, 7200)).is_none());
        assert_eq!(reference(window(700_000, 703_600), &Settings::default()), window(95_200, 700_000));
    }

    // covers: AG-38, C-05
    #[test]
    fn declared_wins_over_rolling_and_rolling_over_the_default_and_each_says_what_it_is() {
        let settings = Settings::default();
        let (medium, low) = (of(&[(30, 20.0)]), of(&[(29, 20.0)]));
        let declared = Operation {
            expected_latency_p50: Some("45ms".parse().unwrap()),
            expected_error_rate: Some(0.001),
            ..Operation::default()
        };
        let chosen = choose(Some(&declared), medium, &settings);
        assert_eq!((chosen.origin, chosen.p50_ms, chosen.p99_ms), (Origin::Declared, 45.0, 80.0));
        assert_eq!((chosen.failure_rate, choose(None, medium, &settings).origin), (0.001, Origin::Rolling));
        assert_eq!(choose(None, low, &settings).origin, Origin::Default, "low confidence does not count");
        let partly = Operation { expected_error_rate: Some(0.2), ..Operation::default() };
        let chosen = choose(Some(&partly), medium, &settings);
        assert_eq!((chosen.origin, chosen.failure_rate), (Origin::Rolling, 0.2));
        let slowest = Operation { expected_latency_p99: Some("2s".parse().unwrap()), ..Operation::default() };
        let chosen = choose(Some(&slowest), medium, &settings);
        assert_eq!((chosen.origin, chosen.p50_ms, chosen.p99_ms), (Origin::Rolling, 20.0, 2_000.0));
    }
}
