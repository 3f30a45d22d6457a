//! Six named patterns of incidents, each with the figures that show it.
//!
//! Bounds of the first four are AgentTel's (which names the last two and never detects them). Where its rule is a slope or a ratio
//! alone a test stands beside it: a leak must be a trend that survives autocorrelation (`statistics::trend`, p <= 0.01), a
//! burst must be more than Poisson arrivals give, a cold start must separate early from later requests by rank. Stated
//! rate of the tested ones: 0.01 each on null data. A pattern names what is seen; which service caused it is not said here.
//! The coming tools and playbooks ask for them.

use crate::statistics::{median, rank_sum, trend};

/// Dependencies in error that make a cascade.
const CASCADE_MIN: usize = 3;
/// Growth of the median latency.
const LATENCY_GROWTH_MIN: f64 = 2.0;
/// Growth of the failure rate, and what the baseline is at least: none in a hundred is not never.
const ERROR_GROWTH_MIN: f64 = 5.0;
const ERROR_BASELINE_MIN: f64 = 0.001;
/// Samples of memory, and the slope a sample as a share of the mean.
const MEMORY_SAMPLES_MIN: usize = 10;
const MEMORY_SLOPE_MIN: f64 = 0.01;
/// Chance up to which a tested pattern is told.
const P_MAX: f64 = 0.01;
/// A burst: arrivals of one second over the median second, the seconds that it may last, and how much worse they are.
const BURST_MIN: f64 = 5.0;
const BURST_SHARE_MAX: f64 = 0.05;
const BURST_HARM_MIN: f64 = 2.0;
/// A cold start: seconds since the start that count as early, growth, and requests on each side.
const EARLY_SECONDS: f64 = 30.0;
const COLD_GROWTH_MIN: f64 = 3.0;
const COLD_REQUESTS_MIN: usize = 5;

/// The patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// Three dependencies or more fail at once.
    CascadeFailure,
    /// Requests of a fresh instance are slow, later ones are not.
    ColdStart,
    /// The failure rate grew more than fivefold.
    ErrorRateSpike,
    /// The median latency more than doubled.
    LatencyDegradation,
    /// Memory grows steadily.
    MemoryLeak,
    /// Many requests at the same moment overload what they reach.
    ThunderingHerd,
}

impl Pattern {
    /// All of them, sorted by name.
    pub const ALL: [Self; 6] = [
        Self::CascadeFailure,
        Self::ColdStart,
        Self::ErrorRateSpike,
        Self::LatencyDegradation,
        Self::MemoryLeak,
        Self::ThunderingHerd,
    ];

    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CascadeFailure => "cascade_failure",
            Self::ColdStart => "cold_start",
            Self::ErrorRateSpike => "error_rate_spike",
            Self::LatencyDegradation => "latency_degradation",
            Self::MemoryLeak => "memory_leak",
            Self::ThunderingHerd => "thundering_herd",
        }
    }
}

/// What was observed of a service. What is not known stays empty and shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Observed<'a> {
    /// Dependencies in error.
    pub failing_dependencies: usize,
    /// Median latency before and now, milliseconds.
    pub latency_p50_ms: (f64, f64),
    /// Failure rate before and now, 0 to 1.
    pub failure_rate: (f64, f64),
    /// Memory in use, equally spaced in time, of one process between two starts.
    pub memory: &'a [f64],
    /// Second by second: arrivals, and their mean latency in milliseconds.
    pub seconds: &'a [(u64, f64)],
    /// Requests of one instance: seconds since it started, and milliseconds taken.
    pub since_start: &'a [(f64, f64)],
}

/// The patterns that the figures show, sorted.
#[must_use]
pub fn all(observed: &Observed<'_>) -> Vec<Pattern> {
    let (latency, failures) = (observed.latency_p50_ms, observed.failure_rate);
    let shown = [
        (Pattern::CascadeFailure, observed.failing_dependencies >= CASCADE_MIN),
        (Pattern::ColdStart, is_cold_start(observed.since_start)),
        (Pattern::ErrorRateSpike, failures.1 > ERROR_GROWTH_MIN * failures.0.max(ERROR_BASELINE_MIN)),
        (Pattern::LatencyDegradation, latency.0 > 0.0 && latency.1 > LATENCY_GROWTH_MIN * latency.0),
        (Pattern::MemoryLeak, is_leak(observed.memory)),
        (Pattern::ThunderingHerd, is_herd(observed.seconds)),
    ];
    shown.into_iter().filter(|(_, is_shown)| *is_shown).map(|(pattern, _)| pattern).collect()
}

fn is_leak(memory: &[f64]) -> bool {
    let mean = median::mean(memory);
    memory.len() >= MEMORY_SAMPLES_MIN
        && mean > 0.0
        && trend::of(memory)
            .is_some_and(|trend| trend.slope / mean > MEMORY_SLOPE_MIN && trend.p_value <= P_MAX)
}

fn is_herd(seconds: &[(u64, f64)]) -> bool {
    let arrivals: Vec<f64> = seconds.iter().map(|(count, _)| *count as f64).collect();
    let Some(usual) = median::median(&arrivals) else { return false };
    let is_burst =
        |count: f64| count >= BURST_MIN * usual.max(1.0) && is_beyond_chance(count, usual, seconds.len());
    let of = |is_wanted: bool| -> Vec<f64> {
        let wanted = seconds.iter().filter(|(count, _)| is_burst(*count as f64) == is_wanted);
        wanted.map(|(_, ms)| *ms).collect()
    };
    let (burst, rest) = (of(true), of(false));
    let is_short = burst.len() as f64 <= (BURST_SHARE_MAX * seconds.len() as f64).max(1.0);
    !burst.is_empty() && is_short && median::mean(&burst) > BURST_HARM_MIN * median::mean(&rest)
}

/// Whether so many arrivals are more than chance gives in any second (normal approximation of the Poisson distribution by
/// the root, Anscombe 1948).
fn is_beyond_chance(count: f64, usual: f64, seconds: usize) -> bool {
    let z = 2.0 * (libm::sqrt(count + 0.375) - libm::sqrt(usual + 0.375));
    rank_sum::upper_tail(z) * seconds as f64 <= P_MAX
}

fn is_cold_start(requests: &[(f64, f64)]) -> bool {
    let of = |is_early: bool| -> Vec<f64> {
        let side =
            requests.iter().filter(|(since, _)| *since >= 0.0 && (*since <= EARLY_SECONDS) == is_early);
        side.map(|(_, ms)| *ms).collect()
    };
    let (early, later) = (of(true), of(false));
    let (Some(at_first), Some(then)) = (median::median(&early), median::median(&later)) else { return false };
    early.len().min(later.len()) >= COLD_REQUESTS_MIN
        && at_first >= COLD_GROWTH_MIN * then
        && rank_sum::p_raised(&later, &early) <= P_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn shown(observed: Observed<'_>) -> Vec<&'static str> {
        all(&observed).into_iter().map(Pattern::name).collect()
    }

    // covers: AG-36
    #[test]
    fn three_failing_dependencies_are_a_cascade_and_two_are_not() {
        let with = |failing_dependencies| shown(Observed { failing_dependencies, ..Observed::default() });
        assert_eq!(with(3), ["cascade_failure"]);
        assert!(with(2).is_empty());
    }

    // covers: AG-36
    #[test]
    fn twice_the_latency_and_five_times_the_failures_are_bounds() {
        let latency = |now| shown(Observed { latency_p50_ms: (10.0, now), ..Observed::default() });
        assert_eq!(latency(20.1), ["latency_degradation"]);
        assert!(latency(20.0).is_empty());
        let failures = |before, now| shown(Observed { failure_rate: (before, now), ..Observed::default() });
        assert_eq!(failures(0.01, 0.051), ["error_rate_spike"]);
        assert!(failures(0.01, 0.05).is_empty() && failures(0.0, 0.005).is_empty());
    }

    // covers: AG-36
    #[test]
    fn memory_that_grows_steadily_leaks_and_memory_that_wanders_does_not() {
        let mut noise = Seeded(1);
        let leak: Vec<f64> = (0..20).map(|at| 100.0 + 4.0 * f64::from(at) + noise.normal()).collect();
        assert_eq!(shown(Observed { memory: &leak, ..Observed::default() }), ["memory_leak"]);
        assert!(shown(Observed { memory: &leak[..9], ..Observed::default() }).is_empty(), "too few samples");
        let sawtooth: Vec<f64> = (0..40).map(|at| 100.0 + 30.0 * f64::from(at % 5)).collect();
        assert!(shown(Observed { memory: &sawtooth, ..Observed::default() }).is_empty(), "collected again");
        let rate = false_alarm_rate(1_000, |seed| {
            let walk: Vec<f64> =
                Seeded(seed).autocorrelated(0.8, 20).iter().map(|one| 100.0 + 30.0 * one).collect();
            is_leak(&walk)
        });
        assert!(rate <= 0.015, "stated 0.01, measured {rate}");
    }

    // covers: AG-36
    #[test]
    fn a_burst_that_hurts_is_a_herd_and_one_that_does_not_or_that_stays_is_none() {
        let seconds = |burst: u64, ms: f64, length: usize| -> Vec<(u64, f64)> {
            (0..60).map(|at| if (30..30 + length).contains(&at) { (burst, ms) } else { (10, 5.0) }).collect()
        };
        let of = |seconds: &[(u64, f64)]| shown(Observed { seconds, ..Observed::default() });
        assert_eq!(of(&seconds(200, 80.0, 2)), ["thundering_herd"]);
        assert!(of(&seconds(200, 6.0, 2)).is_empty(), "nobody suffers");
        assert!(of(&seconds(200, 80.0, 20)).is_empty(), "that is load");
        assert!(of(&seconds(30, 80.0, 2)).is_empty(), "three times as many are no herd");
    }

    // covers: AG-36
    #[test]
    fn a_fresh_instance_that_is_slow_at_first_is_a_cold_start_and_one_that_stays_slow_is_not() {
        let requests = |early_ms: f64, later_ms: f64| -> Vec<(f64, f64)> {
            (0..60)
                .map(|at| {
                    (
                        2.0 * f64::from(at),
                        if at < 15 { early_ms } else { later_ms } + 0.01 * f64::from(at % 7),
                    )
                })
                .collect()
        };
        let of = |since_start: &[(f64, f64)]| shown(Observed { since_start, ..Observed::default() });
        assert_eq!(of(&requests(300.0, 20.0)), ["cold_start"]);
        assert!(of(&requests(300.0, 300.0)).is_empty() && of(&requests(20.0, 300.0)).is_empty());
        assert!(of(&requests(300.0, 20.0)[..15]).is_empty(), "nothing later to compare with");
        let rate = false_alarm_rate(1_000, |seed| {
            let mut noise = Seeded(seed);
            let null: Vec<(f64, f64)> = (0..60).map(|at| (f64::from(at), noise.latency(20.0, 0.8))).collect();
            is_cold_start(&null)
        });
        assert!(rate <= 0.01, "stated 0.01, measured {rate}");
    }
}
