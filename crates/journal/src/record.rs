//! One line of a journal.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the line format.
pub const VERSION: u32 = 1;

/// What `prev` is in the first record.
pub(crate) const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An envelope and its body.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`VERSION`].
    pub v: u32,
    /// Place in the journal, from 1.
    pub seq: u64,
    /// When it was written, Unix nanoseconds.
    pub at: i64,
    /// BLAKE3 of the line before, in hex; zeros at first.
    pub prev: String,
    /// How many records were durable when this one was written: tells a torn end from damage.
    #[serde(default)]
    pub durable: u64,
    /// What the body is.
    pub kind: String,
    /// Microseconds that the engine computed to arrive at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// The body, byte for byte as written: canonical JSON.
    pub body: Box<RawValue>,
}

/// The hash of a line without its line feed.
pub(crate) fn hash(line: &str) -> String {
    incident::canonical::blake3_hex(line.as_bytes())
}
