//! The one scale of severity, and how an incident gets its place on it (AG-32).

use super::service::Status;
use super::settings::Settings;
use crate::patterns::Pattern;

/// How severe an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// Worth knowing.
    Low,
    /// Worth looking at.
    Medium,
    /// Worth acting.
    High,
    /// Worth waking somebody.
    Critical,
}

impl Severity {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The severity of an incident: critical when the service is or when failures cascade, high above a tenth of failed requests,
/// medium when the service is degraded, else low.
#[must_use]
pub fn of(status: Status, patterns: &[Pattern], failure_rate: f64, settings: &Settings) -> Severity {
    if status == Status::Critical || patterns.contains(&Pattern::CascadeFailure) {
        Severity::Critical
    } else if failure_rate > settings.high_failure_rate {
        Severity::High
    } else if status == Status::Degraded {
        Severity::Medium
    } else {
        Severity::Low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: AG-32
    #[test]
    fn each_row_of_the_table_gives_its_severity() {
        let settings = Settings::default();
        let of = |status, patterns: &[Pattern], rate| of(status, patterns, rate, &settings);
        assert_eq!(of(Status::Critical, &[], 0.0), Severity::Critical);
        assert_eq!(of(Status::Healthy, &[Pattern::CascadeFailure], 0.0), Severity::Critical);
        assert_eq!(of(Status::Degraded, &[], 0.101), Severity::High);
        assert_eq!(of(Status::Degraded, &[], 0.10), Severity::Medium);
        assert_eq!(
            of(Status::Degraded, &[Pattern::ErrorRateSpike], 0.052),
            Severity::Medium,
            "the source prints HIGH"
        );
        assert_eq!(of(Status::Healthy, &[Pattern::MemoryLeak], 0.0), Severity::Low);
        assert_eq!(of(Status::Unknown, &[], 0.0), Severity::Low);
    }
}
