//! The small typed tables that answer the questions.
//!
//! Units are in the names: `_ns` is nanoseconds, counts are whole numbers. Rows are sorted, so that the same data
//! gives the same bytes. Quantiles carry the answer's stated relative error; counts, ids and sets are exact.

mod change;
mod compare;
mod coverage;
mod log;
mod log_template;
mod message;
mod order;
mod path;
pub mod state;
mod topology;

pub use change::{ChangeDetail, ChangeKind, ChangeRow, FileDiff};
pub use compare::{Carrier, CompareAttribute, CompareTable, CompareValue, Split};
pub use coverage::CoverageRow;
pub use log::LogRow;
pub use log_template::LogTemplateRow;
pub use message::{MessageRow, MessageStep};
pub use path::{PathEvent, PathEventKind, PathPair, PathRow, PathTable, Tally};
use serde::{Deserialize, Serialize};
pub use state::{StateKind, StateRow};
pub use topology::{CallRow, TopologyTable};

use crate::ids::{SpanId, TraceId};
use crate::number::Num;
use crate::signal::{SpanKind, StatusCode};
use crate::time::UnixNanos;

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// The rows.
    pub table: Table,
    /// Relative error of each quantile, 0 when exact.
    pub quantile_error: Num,
    /// How many items the rows were computed from when not from all: `sampled_of` is the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_of: Option<u64>,
    /// Items in the window that could not be used (traces not yet complete, spans without a parent).
    pub left_out: u64,
    /// Items in the reach of the question that could not be read because what holds them is damaged; the answer is one
    /// over the rest.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unreadable: u64,
    /// Whether rows were cut at a limit.
    pub truncated: bool,
    /// Services that sent no entry spans and whose rows are made of the durations that their servers measured,
    /// sorted. Their counts, errors and sums are exact, but belong to whole export intervals, each in the second
    /// of its end; their quantiles are those of the intervals' means, and `quantile_error` does not hold for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from_metrics: Vec<String>,
    /// What was asked of the back end, as it was asked, where the answer comes from one; the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locators: Vec<Locator>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A query of a back end, and where it can be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Locator {
    /// The query in the back end's own language.
    pub query: String,
    /// An address that shows it, range included.
    pub link: String,
}

impl Answer {
    /// An exact, whole answer.
    #[must_use]
    pub fn exact(table: Table) -> Self {
        Self {
            table,
            quantile_error: Num::default(),
            sampled_of: None,
            left_out: 0,
            unreadable: 0,
            truncated: false,
            from_metrics: Vec::new(),
            locators: Vec::new(),
        }
    }
}

/// The rows of an answer; one variant a question that can be answered today.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "table", content = "rows", rename_all = "snake_case")]
pub enum Table {
    /// Answers `health`.
    Health(Vec<HealthRow>),
    /// Answers `onset`.
    Onset(Vec<OnsetRow>),
    /// Answers `compare`.
    Compare(CompareTable),
    /// Answers `self_time`.
    SelfTime(SelfTimeTable),
    /// Answers `paths`.
    Paths(PathTable),
    /// Answers `exemplars`.
    Exemplars(Vec<ExemplarRow>),
    /// Answers `trace`.
    Trace(Vec<TraceRow>),
    /// Answers `message`.
    Message(Vec<MessageRow>),
    /// Answers `edges`.
    Edges(Vec<EdgeRow>),
    /// Answers `log_templates`.
    LogTemplates(Vec<LogTemplateRow>),
    /// Answers `log_search`.
    LogSearch(Vec<LogRow>),
    /// Answers `changes`.
    Changes(Vec<ChangeRow>),
    /// Answers `series_change`.
    SeriesChange(Vec<SeriesRow>),
    /// Answers `coverage`.
    Coverage(Vec<CoverageRow>),
    /// Answers `state`.
    State(Vec<StateRow>),
    /// Answers `topology`.
    Topology(TopologyTable),
}

impl Table {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Health(rows) => rows.len(),
            Self::Onset(rows) => rows.len(),
            Self::Compare(table) => table.attributes.len(),
            Self::SelfTime(table) => table.rows.len(),
            Self::Paths(table) => table.rows.len(),
            Self::Exemplars(rows) => rows.len(),
            Self::Trace(rows) => rows.len(),
            Self::Message(rows) => rows.len(),
            Self::Edges(rows) => rows.len(),
            Self::LogTemplates(rows) => rows.len(),
            Self::LogSearch(rows) => rows.len(),
            Self::Changes(rows) => rows.len(),
            Self::SeriesChange(rows) => rows.len(),
            Self::Coverage(rows) => rows.len(),
            Self::State(rows) => rows.len(),
            Self::Topology(table) => table.services.len() + table.calls.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Who a row speaks of: entry spans of one operation of one instance of one version of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subject {
    /// `service.name`.
    pub service: String,
    /// Span name.
    pub operation: String,
    /// `service.instance.id`, empty when not told.
    pub instance: String,
    /// `service.version`, empty when not told.
    pub version: String,
}

/// Rate, errors and duration over a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthRow {
    /// Of whom.
    pub subject: Subject,
    /// Entry spans.
    pub count: u64,
    /// Failed entry spans.
    pub errors: u64,
    /// Sum of durations.
    pub sum_ns: i64,
    /// Median duration.
    pub p50_ns: i64,
    /// 95th percentile of durations.
    pub p95_ns: i64,
    /// 99th percentile of durations.
    pub p99_ns: i64,
}

/// Rate, errors and duration of one second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnsetRow {
    /// Of whom.
    pub subject: Subject,
    /// The start of the second in which the spans ended.
    pub second: UnixNanos,
    /// Entry spans.
    pub count: u64,
    /// Failed entry spans.
    pub errors: u64,
    /// Sum of durations.
    pub sum_ns: i64,
    /// Median duration.
    pub p50_ns: i64,
    /// 95th percentile of durations.
    pub p95_ns: i64,
    /// Whether the entry spans take messages from a queue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_message: bool,
}

/// Exclusive time in the complete traces of a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SelfTimeTable {
    /// Complete traces used.
    pub traces: u64,
    /// The groups.
    pub rows: Vec<SelfTimeRow>,
    /// How the calls of one instance to one target lie in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<LaneRow>,
}

/// The spans of one instance that wait for the same thing, as they lie in time: do they overlap, and does the
/// process do anything else meanwhile?
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LaneRow {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`, empty when not told.
    pub instance: String,
    /// `service.version`, empty when not told.
    pub version: String,
    /// What is waited for: a database system, the name of a callee; empty for the instance's entry spans.
    pub target: String,
    /// The operation of a callee that emits telemetry; else the calls' own span name. Empty for a database, whose
    /// connections all statements share, and for entry spans.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operation: String,
    /// Whether the target is a database.
    pub is_database: bool,
    /// Spans.
    pub count: u64,
    /// Sum of their durations.
    pub total_ns: i64,
    /// Length of the union of their intervals.
    pub busy_ns: i64,
    /// From the first start to the last end.
    pub elapsed_ns: i64,
    /// How many were open at the same time, at most.
    pub most_at_once: u64,
    /// Sum of the idle time of the parents right before these spans.
    pub lead_ns: i64,
    /// Starts and ends of the instance's spans, these included, from the first start to the last end.
    pub events: u64,
    /// Those of other traces among them that lie strictly inside one of these spans.
    pub events_inside: u64,
}

/// Exclusive time of one group of spans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SelfTimeRow {
    /// Of whom; here the operation is the span's own name.
    pub subject: Subject,
    /// The entry span's name under which the work was done.
    pub entry: String,
    /// Role of the spans.
    pub kind: SpanKind,
    /// What the spans call when it is not instrumented: `db.query.summary`, a queue, a host. Empty when nothing.
    pub resource: String,
    /// `db.system.name`, empty when not a database.
    pub database: String,
    /// Spans.
    pub count: u64,
    /// Failed spans with no failed child: where an error began.
    pub error_origins: u64,
    /// Failed spans.
    pub errors: u64,
    /// Sum of exclusive time.
    pub sum_ns: i64,
    /// Median exclusive time per span.
    pub p50_ns: i64,
    /// 95th percentile of exclusive time per span.
    pub p95_ns: i64,
    /// Sum of the idle time of the parents right before these spans: since the parent began, or since the sibling
    /// before ended.
    #[serde(default)]
    pub lead_ns: i64,
    /// Per second (by the start of the trace): the clusters that statistics resample.
    pub blocks: Vec<Block>,
}

/// What fell into one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Block {
    /// The start of the second.
    pub second: UnixNanos,
    /// Items.
    pub count: u64,
    /// Their sum in nanoseconds.
    pub sum_ns: i64,
}

/// A trace that stands for a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExemplarRow {
    /// Which.
    pub trace_id: TraceId,
    /// Why it was chosen.
    pub choice: Choice,
    /// The entry operation of the scope within this trace.
    pub operation: String,
    /// When that span began.
    pub start: UnixNanos,
    /// How long it took.
    pub duration_ns: i64,
    /// Whether it failed.
    pub is_error: bool,
}

/// Why an exemplar was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Among the slowest or failed.
    Worst,
    /// Nearest to the median.
    Typical,
}

/// One span of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TraceRow {
    /// Its id.
    pub span_id: SpanId,
    /// Its parent's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SpanId>,
    /// Of whom.
    pub subject: Subject,
    /// Role.
    pub kind: SpanKind,
    /// When it began.
    pub start: UnixNanos,
    /// How long it took.
    pub duration_ns: i64,
    /// Exclusive time.
    pub exclusive_ns: i64,
    /// For a call whose other side is in the trace: what the other side does not explain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge_delay_ns: Option<i64>,
    /// How it ended.
    pub status: StatusCode,
    /// Attributes as text, in the order of their keys, long values cut at 200 characters.
    pub attributes: Vec<(String, String)>,
}

/// Calls from one service to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeRow {
    /// Who calls.
    pub caller: String,
    /// Who is called; what an uninstrumented callee is known by.
    pub callee: String,
    /// Whether the callee's own spans are there.
    pub is_instrumented: bool,
    /// Calls.
    pub count: u64,
    /// Failed calls, as the caller saw them.
    pub errors: u64,
    /// Sum of client durations.
    pub client_sum_ns: i64,
    /// Sum of server durations of the same calls, 0 when not instrumented.
    pub server_sum_ns: i64,
    /// Median of client minus server duration.
    pub delay_p50_ns: i64,
    /// Median of how much later the middle of the callee's span lies than that of the caller's. A call that contains
    /// its other side allows at most half of the delay; more is what the two clocks differ. 0 when not instrumented.
    #[serde(default)]
    pub clock_offset_p50_ns: i64,
    /// Per second: calls and their edge delay; for a queue, messages and the time until they are taken.
    pub blocks: Vec<Block>,
    /// Calls that repeat a failed one: by `http.request.resend_count`, or after a failed sibling of the same name.
    #[serde(default)]
    pub resends: u64,
    /// The queue between the two, when messages are sent and not calls made; `count` is then messages sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueFigures>,
}

/// What became of the messages that one service sent over one queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueueFigures {
    /// `messaging.destination.name`.
    pub name: String,
    /// Messages that a span without an error took.
    pub processed: u64,
    /// Messages that spans took, each with an error.
    pub failed: u64,
    /// Messages that no span took.
    pub untaken: u64,
    /// Spans that took these messages, repeated deliveries included.
    pub deliveries: u64,
    /// Failed deliveries of the message that failed most often.
    pub deliveries_max: u64,
    /// The trace that sent that message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_delivered: Option<TraceId>,
}

/// One metric series in two windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeriesRow {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`, empty when not told.
    pub instance: String,
    /// `service.version`, empty when not told.
    pub version: String,
    /// The metric's name.
    pub metric: String,
    /// The metric's unit, UCUM; a rate is in this unit per second. Observations have the unit `1`.
    pub unit: String,
    /// The points' attributes as text, in the order of their keys, long values cut at 200 characters.
    pub attributes: Vec<(String, String)>,
    /// What the figures are figures of.
    pub kind: SeriesKind,
    /// In the good window.
    pub good: SeriesFigures,
    /// In the bad window.
    pub bad: SeriesFigures,
}

/// What the figures of a series are figures of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SeriesKind {
    /// The values as they were measured: a gauge, or a sum that may fall.
    Gauge,
    /// The growth per second of a sum, or the observations per second of a distribution.
    Rate,
    /// The mean observation of a distribution.
    Mean,
}

/// A series in one window; all zero when nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeriesFigures {
    /// Points, or intervals between points, that ended in the window.
    pub n: u64,
    /// The mean of the values; of a rate the whole growth by the whole time, of a mean the whole sum by the whole
    /// count.
    pub mean: Num,
    /// The smallest value of a point or interval.
    pub min: Num,
    /// The largest value of a point or interval.
    pub max: Num,
}

impl SeriesFigures {
    /// The figures of the points of a gauge; all zero when there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        Self {
            n: values.len() as u64,
            mean: Num::new(values.iter().sum::<f64>() / values.len() as f64),
            min: Num::new(values.iter().copied().fold(f64::INFINITY, f64::min)),
            max: Num::new(values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        }
    }
}
