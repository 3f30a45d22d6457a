//! The rows of `paths`: what happens within the spans of one operation, on one way through the services.

use serde::{Deserialize, Serialize};

use crate::time::UnixNanos;

/// What happened within spans, by service, operation and way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PathTable {
    /// Length of the blocks that spans are counted in.
    pub block_ns: i64,
    /// The ways, sorted.
    pub rows: Vec<PathRow>,
}

/// The spans of one operation that were reached on one way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PathRow {
    /// `service.name`.
    pub service: String,
    /// Span name.
    pub operation: String,
    /// The services that the request came through, the nearest first.
    pub callers: Vec<String>,
    /// Spans; of one trace at most one, the first.
    pub spans: Vec<Tally>,
    /// What happened in them: log statements and child spans.
    pub events: Vec<PathEvent>,
    /// Which of the events happened in the same span, and in which order.
    pub pairs: Vec<PathPair>,
}

/// Something that happens within spans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PathEvent {
    /// What kind.
    pub kind: PathEventKind,
    /// The log template, or the child's span name.
    pub name: String,
    /// Severity number of OpenTelemetry: 17 and more are errors; 0 when not told, and for child spans.
    pub severity: u8,
    /// Spans in which it happened, however often.
    pub spans: Vec<Tally>,
}

/// The kind of an event within a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PathEventKind {
    /// A log line was written.
    Log,
    /// A child span began.
    Call,
}

/// Two events that happened in the same span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PathPair {
    /// Place of the event that came first, among the row's events.
    pub first: u32,
    /// Place of the other.
    pub then: u32,
    /// Spans in which both happened, in this order.
    pub spans: Vec<Tally>,
}

/// How many spans began in one block of time; blocks without any are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tally {
    /// The start of the block.
    pub at: UnixNanos,
    /// How many.
    pub count: u64,
}
