//! How a command says no: a sentence, the next step, and an exit code.
//!
//! Exit codes are those of the product: 1 a negative result, 2 wrong usage.
//! Any other error is printed with its whole chain and exits with 1.

use std::fmt;

/// A failure that knows what the reader should do next.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: String,
    exit: u8,
}

impl Failure {
    /// The command ran and its answer is negative.
    pub(crate) fn negative(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        Self { message: message.into(), hint: hint.into(), exit: 1 }.into()
    }

    /// The command was not understood.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        Self { message: message.into(), hint: hint.into(), exit: 2 }.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nhint: {}", self.message, self.hint)
    }
}

impl std::error::Error for Failure {}

/// The exit code an error stands for.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Failure>().map_or(1, |failure| failure.exit)
}

/// The error with its causes, one per line.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("\n  because: {cause}"));
    }
    text
}
