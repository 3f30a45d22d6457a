//! How far a median latency lies from its baseline (AG-31).
//!
//! A ratio and no test: it says how large a difference is, not whether chance makes it; `symptoms` tests. A default
//! baseline is no knowledge of the operation, so nothing is judged against it.

use super::baseline::{Baseline, Origin};
use super::figures::Figures;
use super::settings::Settings;

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deviation {
    /// There is no baseline of its own, or nothing to hold against it.
    Unknown,
    /// At most twice the baseline.
    Normal,
    /// More than twice.
    Elevated,
    /// More than five times.
    Critical,
}

impl Deviation {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Normal => "normal",
            Self::Elevated => "elevated",
            Self::Critical => "critical",
        }
    }
}

/// How far the median latency of `now` lies from `baseline`; exactly twice is normal, exactly five times is elevated.
#[must_use]
pub fn of(now: &Figures, baseline: &Baseline, settings: &Settings) -> Deviation {
    if now.count == 0 || baseline.origin == Origin::Default || baseline.p50_ms <= 0.0 {
        return Deviation::Unknown;
    }
    if now.p50_ms > settings.critical_ratio * baseline.p50_ms {
        Deviation::Critical
    } else if now.p50_ms > settings.elevated_ratio * baseline.p50_ms {
        Deviation::Elevated
    } else {
        Deviation::Normal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: AG-31
    #[test]
    fn twice_is_normal_five_times_is_elevated_and_more_is_more() {
        let settings = Settings::default();
        let baseline = Baseline { origin: Origin::Declared, p50_ms: 45.0, ..Baseline::fallback(&settings) };
        let at = |p50_ms| of(&Figures { count: 1, p50_ms, ..Figures::default() }, &baseline, &settings);
        assert_eq!(
            [at(45.0), at(90.0), at(90.1)],
            [Deviation::Normal, Deviation::Normal, Deviation::Elevated]
        );
        assert_eq!(
            [at(225.0), at(225.1), at(312.0)],
            [Deviation::Elevated, Deviation::Critical, Deviation::Critical]
        );
    }

    // covers: AG-31
    #[test]
    fn without_a_baseline_of_its_own_or_without_requests_it_is_unknown() {
        let settings = Settings::default();
        let now = Figures { count: 9, p50_ms: 1e6, ..Figures::default() };
        assert_eq!(of(&now, &Baseline::fallback(&settings), &settings), Deviation::Unknown);
        let declared = Baseline { origin: Origin::Declared, ..Baseline::fallback(&settings) };
        assert_eq!(of(&now, &declared, &settings), Deviation::Critical, "the same figures, declared");
        assert_eq!(of(&Figures::default(), &declared, &settings), Deviation::Unknown);
        let zero = Baseline { p50_ms: 0.0, ..declared };
        assert_eq!(of(&now, &zero, &settings), Deviation::Unknown);
    }
}
