//! The rows of `coverage`: who sends which signals.

use serde::{Deserialize, Serialize};

/// Which signals a service sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CoverageRow {
    /// `service.name`; what an uninstrumented callee is known by, as `edges` says it.
    pub service: String,
    /// Whether it sends signals itself; false when it is only seen in the calls of others.
    pub is_instrumented: bool,
    /// Spans.
    pub spans: u64,
    /// Entry spans among them.
    pub entry_spans: u64,
    /// Log records.
    pub logs: u64,
    /// Metric points.
    pub points: u64,
    /// Calls to it, in complete traces, that no span of its own answers; 0 when it sends signals itself.
    pub unanswered_calls: u64,
    /// What tells that its spans are a sample: attribute names, sorted; empty when nothing does.
    pub sampled: Vec<String>,
}
