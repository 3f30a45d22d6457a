//! The report of one incident: what the terminal, the JSON output and the page all show.
//!
//! Built from the journal alone (`orchestrator::report`), so that it can be made again at any time. Here times of
//! ours and minted ids may stand; the conclusion inside holds none.

use serde::{Deserialize, Serialize};
use telemetry::answer::{ChangeRow, TraceRow};
use telemetry::number::Num;
use telemetry::{Space, Stage, UnixNanos};

use crate::action::Resolution;
use crate::conclusion::{Conclusion, ConclusionKind, RootCause};
use crate::verification::{Interval, Verdict};

/// The schema name of the report.
pub const SCHEMA: &str = "firstcause.report/1";

/// The report of one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The incident's id.
    pub incident: String,
    /// In which area.
    pub space: Space,
    /// When the alert was accepted.
    pub opened_at: UnixNanos,
    /// When the last record was written.
    pub closed_at: UnixNanos,
    /// One line for the page of a telephone.
    pub headline: String,
    /// Which of the three conclusions.
    pub conclusion: ConclusionKind,
    /// The cause, when one was found; the same as in `diagnosis`.
    pub root_cause: Option<RootCause>,
    /// The whole diagnosis: symptoms, onset, hypotheses, rule-outs, gaps, evidence.
    pub diagnosis: Conclusion,
    /// The verdict over all trials, absent when nothing was tried.
    pub verification: Option<VerificationSummary>,
    /// What was done and measured, absent when nothing was.
    pub resolution: Option<Resolution>,
    /// The stages gone through, in order.
    pub stages: Vec<StageTime>,
    /// The affected operation over time, by instance.
    pub series: Vec<Series>,
    /// Changes seen in the window looked at.
    pub changes: Vec<ChangeRow>,
    /// Calls between services in the bad window.
    pub service_map: Vec<Call>,
    /// A trace that shows the symptom.
    pub bad_trace: Option<Vec<TraceRow>>,
    /// A typical trace from before.
    pub good_trace: Option<Vec<TraceRow>>,
    /// Milliseconds that the engine itself computed, waiting for data and answers excluded.
    pub engine_ms: Num,
    /// Hash of the journal's last record: `journal verify --head` takes it.
    pub journal_head: String,
}

/// The verdict over all trials of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerificationSummary {
    /// The verdict.
    pub verdict: Verdict,
    /// Instances that were acted on and verified to be better.
    pub instances_fixed: u64,
    /// Instances for which an action was proposed.
    pub instances_proposed: u64,
    /// The deciding trial's difference in differences, milliseconds.
    pub difference_ms: Option<Interval>,
    /// The same as a share of the latency before.
    pub relative: Option<Interval>,
}

impl VerificationSummary {
    /// Whether every instance that needed the fix has it and is better.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.verdict == Verdict::Effective && self.instances_fixed == self.instances_proposed
    }
}

/// How long a stage took and what it said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageTime {
    /// Which stage.
    pub stage: Stage,
    /// When it began.
    pub began_at: UnixNanos,
    /// When it ended; the last record when it did not.
    pub ended_at: UnixNanos,
    /// Whether it failed.
    pub has_failed: bool,
    /// What was learned and ruled out.
    pub notes: Vec<String>,
}

/// A series over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Series {
    /// `service.name`.
    pub service: String,
    /// Span name.
    pub operation: String,
    /// `service.instance.id`.
    pub instance: String,
    /// By second.
    pub points: Vec<Point>,
}

/// One second of a series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Point {
    /// The start of the second.
    pub second: UnixNanos,
    /// Requests.
    pub count: u64,
    /// Failed requests.
    pub errors: u64,
    /// Median in milliseconds.
    pub p50_ms: Num,
    /// 95th percentile in milliseconds.
    pub p95_ms: Num,
}

/// Calls from one service to another, for the service map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Call {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
    /// Whether the callee's own spans are there.
    pub is_instrumented: bool,
    /// Calls.
    pub count: u64,
    /// Failed calls.
    pub errors: u64,
    /// Mean latency in milliseconds, as the caller saw it.
    pub mean_ms: Num,
    /// The same in the good window, 0 when there was none.
    pub good_mean_ms: Num,
}
