//! The rows of `log_search`: single lines, as they were written.

use serde::{Deserialize, Serialize};

use crate::ids::{SpanId, TraceId};
use crate::time::UnixNanos;

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogRow {
    /// When it was written.
    pub at: UnixNanos,
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`, empty when not told.
    pub instance: String,
    /// Severity number of OpenTelemetry: 1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal; 0
    /// when not told.
    pub severity: u8,
    /// The line, cut at 400 characters.
    pub body: String,
    /// The trace it was written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// The span it was written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
    /// Its attributes as text, in the order of their keys, long values cut at 200 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, String)>,
}
