//! Did the action make the symptom go away? A trial, its figures and the verdict.

use serde::{Deserialize, Serialize};
use telemetry::number::Num;
use telemetry::{Space, UnixNanos, Window};

/// The five verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The treated instance improved and its untouched sibling did not.
    Effective,
    /// Nothing changed.
    NotEffective,
    /// The treated instance got worse and its untouched sibling did not.
    Worse,
    /// Too little data.
    Inconclusive,
    /// The symptom went away on the untouched sibling too: not our doing.
    RecoveredUnattributed,
}

impl Verdict {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Effective => "effective",
            Self::NotEffective => "not_effective",
            Self::Worse => "worse",
            Self::Inconclusive => "inconclusive",
            Self::RecoveredUnattributed => "recovered_unattributed",
        }
    }
}

/// An interval of an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Interval {
    /// The best estimate.
    pub estimate: Num,
    /// The lower end.
    pub low: Num,
    /// The upper end.
    pub high: Num,
    /// Coverage, for example 0.95.
    pub level: Num,
}

/// What is tried on whom, and compared with whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trial {
    /// In which area.
    pub space: Space,
    /// The service.
    pub service: String,
    /// The entry operation that is measured.
    pub operation: String,
    /// The instance that the action touched.
    pub treated: String,
    /// Instances of the same service that it did not touch.
    pub controls: Vec<String>,
    /// The window before the action.
    pub before: Window,
    /// When the treated instance was ready again.
    pub ready_at: UnixNanos,
    /// The median before the incident, in nanoseconds: what recovery means.
    pub healthy_p50_ns: i64,
}

/// The figures of one arm of a trial in one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ArmFigures {
    /// Requests.
    pub count: u64,
    /// Failed requests.
    pub errors: u64,
    /// Seconds with data.
    pub seconds: u64,
    /// Mean latency in milliseconds.
    pub mean_ms: Num,
    /// Median over the seconds of the per-second median, in milliseconds.
    pub p50_ms: Num,
    /// Median over the seconds of the per-second 95th percentile, in milliseconds.
    pub p95_ms: Num,
}

/// The figures and verdict of one trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerificationRecord {
    /// What was tried.
    pub trial: Trial,
    /// The verdict.
    pub verdict: Verdict,
    /// The sentence for people.
    pub statement: String,
    /// The measured window after the action, warm-up excluded.
    pub after: Window,
    /// The treated instance before.
    pub treated_before: ArmFigures,
    /// The treated instance after.
    pub treated_after: ArmFigures,
    /// The untouched siblings before.
    pub control_before: ArmFigures,
    /// The untouched siblings after.
    pub control_after: ArmFigures,
    /// Difference in differences of mean latency, in milliseconds; negative is better.
    pub difference_ms: Option<Interval>,
    /// The same as a share of the treated instance's latency before; -0.9 is nine tenths less.
    pub relative: Option<Interval>,
    /// Improvement of the treated instance alone, (before - after) / before x 100.
    pub improvement_percent: Num,
}
