//! OTLP/JSON into the protobuf bytes of the same request, so that everything behind it knows one form only.
//!
//! Reads the document once, from front to back, and writes as it goes; no tree is built. It follows the rules of
//! OTLP 1.x (ids in hex, unknown fields ignored); files may also have the spellings of [`Dialect::Filed`]. What a field means, and whether an item can be used, is left to
//! [`mod@crate::decode`].

use std::fmt::{self, Write as _};

use serde::de::DeserializeSeed;

use crate::intake::Signal;
use crate::schema;

mod message;
mod scalar;

/// Fields and elements within one another. Values of [`crate::scan::DEPTH_MAX`] levels need less: a list of pairs takes
/// four a level.
pub const JSON_DEPTH_MAX: usize = 144;
/// Protobuf bytes for one byte of JSON, at most: in `[1,1]` two bytes become a fixed64.
pub const GROWTH_MAX: u64 = 4;
/// Characters of a library's message, which may quote the document.
const DETAIL_CHARS_MAX: usize = 200;

/// Why a document is not taken. Paths read like `resourceSpans[0].scopeSpans[1].spans[7].kind`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// No JSON, or not of the shape of the request.
    #[error("bad JSON at `{path}`: {detail}")]
    Malformed {
        /// Where.
        path: String,
        /// What, with line and column.
        detail: String,
    },
    /// Nested deeper than [`JSON_DEPTH_MAX`].
    #[error("bad JSON at `{path}`: objects and lists nest deeper than {JSON_DEPTH_MAX}")]
    TooDeep {
        /// Where.
        path: String,
    },
    /// More protobuf than the caller has room for.
    #[error("more than {max_bytes} bytes as protobuf")]
    TooLarge {
        /// The room there was.
        max_bytes: u64,
    },
}

/// How closely a document keeps to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// What is sent: names in `lowerCamelCase` only (another spelling is an unknown field), enums as integers only.
    Sent,
    /// What other programs left in files: names also in `snake_case`, enums also by name.
    Filed,
}

/// The protobuf bytes of the export request of `signal` that the file `json` holds.
///
/// # Errors
/// When `json` is not one such request.
pub fn to_protobuf(signal: Signal, json: &[u8]) -> Result<Vec<u8>, JsonError> {
    let room = (json.len() as u64).saturating_mul(GROWTH_MAX).saturating_add(64);
    to_protobuf_within(signal, json, Dialect::Filed, room)
}

/// Like [`to_protobuf`], writing at most about `max_bytes` (passed by no more than one string of the document).
///
/// # Errors
/// When `json` is not one such request or needs more room.
pub fn to_protobuf_within(
    signal: Signal,
    json: &[u8],
    dialect: Dialect,
    max_bytes: u64,
) -> Result<Vec<u8>, JsonError> {
    // Fields that are passed over are text as well.
    let text = std::str::from_utf8(json).map_err(|error| JsonError::Malformed {
        path: "$".to_owned(),
        detail: format!("invalid UTF-8 behind byte {}", error.valid_up_to()),
    })?;
    let mut writer = Writer { out: Vec::new(), path: Vec::new(), dialect, max_bytes, limit: None };
    let mut reader = serde_json::Deserializer::from_str(text);
    // The path has a limit of its own, which holds values as deep as their protobuf form may be.
    reader.disable_recursion_limit();
    let seed = message::MessageSeed { message: schema::request(signal), writer: &mut writer };
    let read = seed.deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        Ok(()) => Ok(writer.out),
        Err(error) => Err(writer.error(&error)),
    }
}

/// One step into the document.
#[derive(Debug, Clone, Copy)]
enum Step {
    Field(&'static str),
    Index(usize),
}

/// A limit that was reached, so that the library's error is not the last word.
#[derive(Debug, Clone, Copy)]
enum Limit {
    Depth,
    Size,
}

/// What was written, and where in the document we are. After a failure the path still says where.
#[derive(Debug)]
struct Writer {
    out: Vec<u8>,
    path: Vec<Step>,
    dialect: Dialect,
    max_bytes: u64,
    limit: Option<Limit>,
}

impl Writer {
    /// Goes one step in; the caller pops it when all was well.
    fn enter<E: serde::de::Error>(&mut self, step: Step) -> Result<(), E> {
        self.path.push(step);
        if self.path.len() > JSON_DEPTH_MAX {
            self.limit = Some(Limit::Depth);
            return Err(E::custom("too deep"));
        }
        if self.out.len() as u64 > self.max_bytes {
            self.limit = Some(Limit::Size);
            return Err(E::custom("too large"));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    fn error(&self, error: &serde_json::Error) -> JsonError {
        let path = PathText(&self.path).to_string();
        match self.limit {
            Some(Limit::Depth) => JsonError::TooDeep { path },
            Some(Limit::Size) => JsonError::TooLarge { max_bytes: self.max_bytes },
            None => {
                let detail = error.to_string();
                let place = format!(" at line {} column {}", error.line(), error.column());
                let what = detail.strip_suffix(&place).unwrap_or(&detail);
                let mut short: String = what.chars().take(DETAIL_CHARS_MAX).collect();
                if short.len() < what.len() {
                    short.push_str("...");
                }
                JsonError::Malformed { path, detail: short + &place }
            }
        }
    }
}

/// A path as text; the whole document is `$`.
struct PathText<'a>(&'a [Step]);

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if place == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        if self.0.is_empty() { f.write_char('$') } else { Ok(()) }
    }
}
