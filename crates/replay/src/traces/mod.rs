//! Trace files: reads the forms that tools write, writes the one that they read.
//!
//! Read are OTLP/JSON documents (one, a list, or one after the other, as the file exporter of the Collector writes
//! them), OTLP protobuf requests (`.pb`), and our own answers to the question `trace`. Written is OTLP/JSON.

mod json;
mod rows;
mod write;

#[cfg(test)]
mod tests;

use std::path::Path;

use bytes::Bytes;
use evidence::expectations::{Run, split};
use otlp::Signal;
use platform::disk::Disk;
use telemetry::{LogRecord, Span, UnixNanos};

pub use rows::spans_of;
pub use write::to_otlp_json;

/// Bytes of a file at most.
const FILE_BYTES_MAX: usize = 256 << 20;

/// What came out of trace files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traces {
    /// The spans.
    pub spans: Vec<Span>,
    /// The log records.
    pub logs: Vec<LogRecord>,
    /// Spans and records that could not be used, such as those without a valid id.
    pub rejected: u64,
}

impl Traces {
    /// The runs in it.
    #[must_use]
    pub fn into_runs(self) -> Vec<Run> {
        split(self.spans, self.logs)
    }

    /// Adds what came out of another file.
    pub fn extend(&mut self, other: Self) {
        self.spans.extend(other.spans);
        self.logs.extend(other.logs);
        self.rejected += other.rejected;
    }
}

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadTracesError {
    /// It cannot be read.
    #[error("failed to read `{path}`")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is none of the forms.
    #[error("`{path}` holds no traces: {why}")]
    Malformed {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
}

/// Reads a trace file.
///
/// # Errors
/// When it cannot be read or is none of the forms.
pub fn read_file(disk: &dyn Disk, path: &Path) -> Result<Traces, ReadTracesError> {
    let shown = path.display().to_string();
    let bytes =
        disk.read(path).map_err(|source| ReadTracesError::Unreadable { path: shown.clone(), source })?;
    let is_protobuf = path.extension().is_some_and(|extension| extension == "pb");
    let read = match bytes.len() > FILE_BYTES_MAX {
        true => Err(format!("longer than {FILE_BYTES_MAX} bytes")),
        false if is_protobuf => decode(Signal::Traces, bytes),
        false => json::read(&bytes),
    };
    read.map_err(|why| ReadTracesError::Malformed { path: shown, why })
}

/// One OTLP request as protobuf.
fn decode(signal: Signal, bytes: Vec<u8>) -> Result<Traces, String> {
    let bytes = Bytes::from(bytes);
    otlp::scan(signal, &bytes).map_err(|error| error.to_string())?;
    // A time that is not told has no stand-in here: the file says nothing about when it was received.
    let decoded = otlp::decode(signal, &bytes, UnixNanos(0)).map_err(|error| error.to_string())?;
    Ok(Traces { spans: decoded.spans, logs: decoded.logs, rejected: decoded.receipt.rejected_total() })
}
