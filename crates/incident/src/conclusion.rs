//! What an investigation arrives at: a root cause, no cause in our system, or insufficient evidence.

use serde::{Deserialize, Serialize};
use telemetry::number::Num;
use telemetry::{UnixNanos, answer::ChangeRow};

use crate::alert::Symptom;
use crate::evidence::{Evidence, EvidenceId};
use crate::hypothesis::{Hypothesis, RuledOut};

/// The schema name of `conclusion.json`.
pub const SCHEMA: &str = "firstcause.conclusion/1";

/// The three kinds of conclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConclusionKind {
    /// A cause in the system was found.
    RootCause,
    /// The symptom is real and its cause is not in the system: load, an external party, data.
    NoCause,
    /// The evidence does not suffice.
    Insufficient,
}

/// The engine's conclusion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conclusion {
    /// [`SCHEMA`].
    pub schema: String,
    /// Which of the three.
    #[serde(rename = "conclusion")]
    pub kind: ConclusionKind,
    /// The sentence for people.
    pub statement: String,
    /// The cause, when one was found.
    pub root_cause: Option<RootCause>,
    /// Further causes at the same time, each with its own part of the extra time; largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_causes: Vec<RootCause>,
    /// When it began, when that could be told.
    pub onset: Option<Onset>,
    /// What was wrong, as seen from outside.
    pub symptoms: Vec<Symptom>,
    /// Candidates, best first.
    pub hypotheses: Vec<Hypothesis>,
    /// Candidates that are not the cause.
    pub ruled_out: Vec<RuledOut>,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
    /// Calibrated probability that the root cause is right; null reads "unmeasured".
    pub confidence: Option<Num>,
    /// All facts cited above.
    pub evidence: Vec<Evidence>,
}

/// When something began, with an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Onset {
    /// The best estimate.
    pub at: UnixNanos,
    /// The earliest time that the data allow.
    pub earliest: UnixNanos,
    /// The latest time that the data allow.
    pub latest: UnixNanos,
}

/// What kind of fault a root cause is; the profiles of `remediation` go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Replicas of a new revision do not become ready, while those of the old one serve.
    BadRollout,
    /// A container cannot be started because of what it is told: a missing secret, map, variable or command.
    BadSetting,
    /// Blocking work holds the thread that serves all requests of a process: nothing else begins or ends meanwhile.
    BlockedExecutor,
    /// Connections are opened for single calls instead of being kept.
    ConnectionChurn,
    /// A database accepts no further connection: all that it allows are held.
    ConnectionsExhausted,
    /// Statements keep the processors of a database busy.
    CpuSaturated,
    /// A container ends by itself again and again.
    CrashLoop,
    /// Reads and writes wait for a volume that takes no more of them.
    DiskSaturated,
    /// Calls fail here first.
    ErrorOrigin,
    /// A database was restarted or moved to another host.
    Failover,
    /// The image of a container cannot be fetched.
    ImagePull,
    /// A service waits, for an even time and for nothing: no call, no queue, no computing.
    InjectedDelay,
    /// Statements wait for locks that others hold.
    LockContention,
    /// An operation leaves the path that it always took: what followed is lost, or an error stands in its place.
    LostStep,
    /// Background work of a database (vacuum, checkpoints, an index build) takes what requests need.
    MaintenanceLoad,
    /// A process is ended, or a host swaps, because memory is used up.
    MemoryExhausted,
    /// Messages are sent and nobody processes them.
    MessageLoss,
    /// One message is delivered again and again, and those behind it wait.
    MessageStuck,
    /// A request makes more calls of one kind than before (N+1 queries).
    MoreCalls,
    /// A name that is called cannot be resolved to an address.
    NameResolution,
    /// An operation that has never succeeded since it was first seen.
    NeverSucceeded,
    /// A node runs no pods any more.
    NodeNotReady,
    /// A node runs out of memory, disk or process ids and evicts its pods.
    NodePressure,
    /// Requests wait for one of too few connections of a pool.
    PoolWait,
    /// A container works and is ended, or kept from traffic, because a probe of it fails.
    ProbeFailure,
    /// A replica falls behind because more is written than it can apply.
    ReplicationLag,
    /// A resource of an instance (CPU, memory, network, a pool) is used more than it has lately been good for.
    ResourceExhausted,
    /// Failed calls are repeated so often that the repetitions keep the callee overloaded.
    RetryStorm,
    /// A party that emits no telemetry answers late or fails.
    SlowDependency,
    /// The way between two services takes longer: neither side explains it.
    SlowEdge,
    /// A database query takes longer per call.
    SlowQuery,
    /// A service's own work takes longer per call.
    SlowWork,
    /// A volume has no room left, and writes stop.
    StorageFull,
    /// Pods find no node that may run them.
    Unschedulable,
    /// A volume cannot be mounted.
    VolumeUnavailable,
}

impl Fault {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRollout => "bad_rollout",
            Self::BadSetting => "bad_setting",
            Self::BlockedExecutor => "blocked_executor",
            Self::ConnectionChurn => "connection_churn",
            Self::ConnectionsExhausted => "connections_exhausted",
            Self::CpuSaturated => "cpu_saturated",
            Self::CrashLoop => "crash_loop",
            Self::DiskSaturated => "disk_saturated",
            Self::ErrorOrigin => "error_origin",
            Self::Failover => "failover",
            Self::ImagePull => "image_pull",
            Self::InjectedDelay => "injected_delay",
            Self::LockContention => "lock_contention",
            Self::LostStep => "lost_step",
            Self::MaintenanceLoad => "maintenance_load",
            Self::MemoryExhausted => "memory_exhausted",
            Self::MessageLoss => "message_loss",
            Self::MessageStuck => "message_stuck",
            Self::MoreCalls => "more_calls",
            Self::NameResolution => "name_resolution",
            Self::NeverSucceeded => "never_succeeded",
            Self::NodeNotReady => "node_not_ready",
            Self::NodePressure => "node_pressure",
            Self::PoolWait => "pool_wait",
            Self::ProbeFailure => "probe_failure",
            Self::ReplicationLag => "replication_lag",
            Self::ResourceExhausted => "resource_exhausted",
            Self::RetryStorm => "retry_storm",
            Self::SlowDependency => "slow_dependency",
            Self::SlowEdge => "slow_edge",
            Self::SlowQuery => "slow_query",
            Self::SlowWork => "slow_work",
            Self::StorageFull => "storage_full",
            Self::Unschedulable => "unschedulable",
            Self::VolumeUnavailable => "volume_unavailable",
        }
    }
}

/// What kind of thing a root cause lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// A service that emits telemetry.
    #[default]
    Service,
    /// A party that emits none, known by what its callers say: the cause lies at or behind it.
    Dependency,
    /// A queue between services.
    Queue,
    /// The way between two services.
    Edge,
}

impl ComponentKind {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Dependency => "dependency",
            Self::Queue => "queue",
            Self::Edge => "edge",
        }
    }
}

/// The cause that is not itself an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RootCause {
    /// What kind of thing it lies in.
    #[serde(default)]
    pub component: ComponentKind,
    /// Its name: the service, the dependency or queue as its callers name it, or `caller -> callee` of an edge.
    pub service: String,
    /// Services that saw it, when it emits no telemetry itself; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_from: Vec<String>,
    /// On which of its instances.
    pub instances: Vec<String>,
    /// The entry operation whose requests suffer.
    pub operation: String,
    /// The span in which the time is spent or the error begins.
    pub span: String,
    /// The query, host or queue, empty when the service's own code.
    pub resource: String,
    /// What kind of fault.
    pub fault: Fault,
    /// The sentence for people.
    pub statement: String,
    /// What set it off, when a change explains it.
    pub trigger: Option<Trigger>,
    /// What contributes to its effect, and what keeps it up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<Factor>,
    /// The facts it rests on.
    pub evidence: Vec<EvidenceId>,
}

/// The change that set a root cause off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trigger {
    /// The first row of the change (first instance).
    pub change: ChangeRow,
    /// Nanoseconds from the change to the onset; negative when within the clock error after it.
    pub before_onset_ns: i64,
}

impl Trigger {
    /// How long before the onset, in words; the onset is known to the second, so less than that is "at the onset".
    #[must_use]
    pub fn lead(&self) -> String {
        let seconds = self.before_onset_ns as f64 / 1e9;
        if seconds < 1.0 { "at the onset".to_owned() } else { format!("{seconds:.1} s before the onset") }
    }
}

/// What a factor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FactorRole {
    /// Without it the cause would have had less effect, or none.
    Contributing,
    /// It keeps the effect up, and may go on when the cause is gone: the loop of a metastable failure (Bronson et al.,
    /// HotOS 2021).
    Sustaining,
}

impl FactorRole {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Contributing => "contributing",
            Self::Sustaining => "sustaining",
        }
    }
}

/// Something beside a cause that contributes to its effect or keeps it up. It is not the cause, and no trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Factor {
    /// Which of the two.
    pub role: FactorRole,
    /// The sentence for people.
    pub statement: String,
    /// The facts it rests on.
    pub evidence: Vec<EvidenceId>,
}

/// Something that could not be looked at, and what it could change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gap {
    /// What is missing.
    pub missing: String,
    /// What it could change.
    pub could_change: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_an_older_journal_still_reads_and_says_no_more_than_it_did() {
        let old = r#"{"at":1,"kind":"deploy","service":"a","instance":"a-1","before":"1","after":"2"}"#;
        let row: ChangeRow = serde_json::from_str(old).unwrap();
        assert_eq!(row.detail, None);
        assert_eq!(serde_json::to_string(&row).unwrap(), old);
    }
}
