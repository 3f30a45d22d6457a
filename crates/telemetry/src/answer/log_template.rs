//! The rows of `log_templates`: masked log lines with counts.

use serde::{Deserialize, Serialize};

use crate::time::UnixNanos;

/// Log lines of one service and severity that differ only in numbers and ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogTemplateRow {
    /// `service.name`.
    pub service: String,
    /// Severity number of OpenTelemetry: 1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal; 0
    /// when not told.
    pub severity: u8,
    /// The line with its varying parts masked.
    pub template: String,
    /// Lines in the window.
    pub count: u64,
    /// When the first of them was written.
    pub first: UnixNanos,
    /// When the third of them was written, or the last of fewer: one stray line does not date anything.
    pub third: UnixNanos,
    /// The first of them as it was written, cut at 400 characters.
    pub example: String,
    /// The attributes of that line as text, in the order of their keys, long values cut at 200 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, String)>,
}
