//! Reads the trace expectation language: YAML with a root list `expectations`.
//!
//! Two liberties are taken before YAML sees the text, because the language was published with them: a text that was
//! flattened onto one line is unfolded, and `>= 1` may stand unquoted. Everything else is plain YAML, and a key that is
//! not known is an error with its line.

mod entries;
mod tolerance;
mod yaml;

#[cfg(test)]
mod tests;

use evidence::expectations::Expectations;

use crate::patterns::Patterns;

/// Bytes of a file at most.
const FILE_BYTES_MAX: usize = 1 << 20;

/// A file that was read: its statements, and its patterns compiled.
#[derive(Debug, Default)]
pub struct File {
    /// The statements.
    pub expectations: Expectations,
    /// The patterns in them.
    pub patterns: Patterns,
}

/// The text is not such a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ReadExpectationsError {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl ReadExpectationsError {
    fn at(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// Reads the expectations in `text`.
///
/// # Errors
/// When it is no YAML, or not of the language; with the line.
pub fn read(text: &str) -> Result<File, ReadExpectationsError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(ReadExpectationsError::at(1, format!("longer than {FILE_BYTES_MAX} bytes")));
    }
    let prepared = tolerance::prepare(text);
    entries::read(&yaml::parse(&prepared)?)
}
