//! The rows of `message`: what was done with one message, by whom.

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::ids::{SpanId, TraceId};
use crate::time::UnixNanos;

/// One span of the way of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MessageRow {
    /// When it began.
    pub at: UnixNanos,
    /// What was done with the message.
    pub step: MessageStep,
    /// Of whom; the operation is the span's name.
    pub subject: Subject,
    /// `messaging.destination.name`, empty when not told.
    pub queue: String,
    /// The trace of the span: taking is often in another trace than sending.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// How long it took.
    pub duration_ns: i64,
    /// Whether it failed.
    pub is_error: bool,
}

/// What was done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MessageStep {
    /// Put into the queue.
    Sent,
    /// Fetched from the queue, and not worked on yet.
    Received,
    /// Worked on.
    Processed,
}
