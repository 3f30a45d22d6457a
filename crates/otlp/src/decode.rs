//! From the bytes of an export request to signals, in one pass.
//!
//! Unknown fields are skipped; what is known must have its wire type and be UTF-8 where it is text, also where it is
//! not kept, or the whole request is refused with the path of the field. Items that cannot be used are rejected one by one, and what is
//! repaired is counted (I11). Call [`crate::scan()`] first: this allocates.

use bytes::Bytes;
use telemetry::{LogRecord, MetricPoint, Span, UnixNanos};

use crate::intake::{Receipt, Signal};
use crate::wire::WireError;

mod context;
mod logs;
mod metrics;
mod skipped;
mod traces;
mod value;

/// What was in a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decoded {
    /// Spans, in the order sent.
    pub spans: Vec<Span>,
    /// Log records, in the order sent.
    pub logs: Vec<LogRecord>,
    /// Metric points, in the order sent.
    pub points: Vec<MetricPoint>,
    /// What was kept, rejected and repaired.
    pub receipt: Receipt,
}

/// Decodes an export request of `signal` received at `received_at`, which stands in for times not told.
///
/// # Errors
/// When the bytes are not such a request.
pub fn decode(signal: Signal, bytes: &Bytes, received_at: UnixNanos) -> Result<Decoded, WireError> {
    let mut context = context::Context::new(received_at, bytes.len());
    let mut decoded = Decoded::default();
    match signal {
        Signal::Traces => decoded.spans = traces::decode(bytes, &mut context)?,
        Signal::Logs => decoded.logs = logs::decode(bytes, &mut context)?,
        Signal::Metrics => decoded.points = metrics::decode(bytes, &mut context)?,
    }
    decoded.receipt = context.into_receipt();
    decoded.receipt.accepted =
        decoded.spans.len() as u64 + decoded.logs.len() as u64 + decoded.points.len() as u64;
    Ok(decoded)
}
