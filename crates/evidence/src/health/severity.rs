//! The one scale of severity, how an incident gets its place on it (AG-32), and what other systems' words mean on it (C-11).

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

    /// What a word of an alert, a ticket or a monitor means on this scale, in whatever case; nothing when it is none of the known
    /// ones, since a guess would be believed.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        WORDS.iter().find(|(name, _)| *name == word).map(|(_, severity)| *severity)
    }
}

/// Words of other systems: priorities, severities of tickets, levels of monitors and of the shipped scales.
const WORDS: &[(&str, Severity)] = &[
    ("alert", Severity::High),
    ("blocker", Severity::Critical),
    ("critical", Severity::Critical),
    ("debug", Severity::Info),
    ("emergency", Severity::Critical),
    ("error", Severity::High),
    ("fatal", Severity::Critical),
    ("high", Severity::High),
    ("info", Severity::Info),
    ("informational", Severity::Info),
    ("low", Severity::Low),
    ("major", Severity::High),
    ("medium", Severity::Medium),
    ("minimal", Severity::Info),
    ("minor", Severity::Low),
    ("moderate", Severity::Medium),
    ("none", Severity::Info),
    ("notice", Severity::Info),
    ("ok", Severity::Info),
    ("p1", Severity::Critical),
    ("p2", Severity::High),
    ("p3", Severity::Medium),
    ("p4", Severity::Low),
    ("p5", Severity::Info),
    ("page", Severity::Critical),
    ("sev0", Severity::Critical),
    ("sev1", Severity::Critical),
    ("sev2", Severity::High),
    ("sev3", Severity::Medium),
    ("sev4", Severity::Low),
    ("sev5", Severity::Info),
    ("ticket", Severity::Medium),
    ("trivial", Severity::Info),
    ("warn", Severity::Medium),
    ("warning", Severity::Medium),
];

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

    // covers: C-11
    #[test]
    fn words_of_other_systems_have_one_place_each_and_unknown_ones_none() {
        assert!(WORDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let priorities = ["P1", "P2", "P3", "P4", "P5"].map(|word| Severity::named(word).unwrap());
        assert!(priorities.windows(2).all(|pair| pair[0] > pair[1]));
        assert_eq!(Severity::named(" CRITICAL "), Some(Severity::Critical));
        assert_eq!(Severity::named("MINIMAL"), Some(Severity::Info));
        assert_eq!(
            [Severity::named("error"), Severity::named("warning")],
            [Some(Severity::High), Some(Severity::Medium)]
        );
        assert_eq!([Severity::named("p6"), Severity::named("")], [None, None]);
        for severity in [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]
        {
            assert_eq!(Severity::named(severity.name()), Some(severity), "the scale reads itself");
        }
    }
}
