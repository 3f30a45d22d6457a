//! What a command ends with: its outcome, and errors with the exit code that fits them.

/// A negative result.
const NEGATIVE: u8 = 1;
/// Usage or configuration is wrong.
pub(crate) const USAGE: u8 = 2;
/// A needed source cannot be reached.
pub(crate) const UNREACHABLE: u8 = 3;
/// Our bug.
pub(crate) const BUG: u8 = 70;

/// What a command arrived at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As asked.
    AsAsked,
    /// It did its work and the result is negative.
    Negative,
    /// The policy or a person refused.
    Refused,
}

impl Outcome {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::AsAsked => 0,
            Self::Negative => NEGATIVE,
            Self::Refused => 4,
        }
    }
}

/// An expected failure: what was tried, the next step, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: String,
}

impl Failure {
    /// Usage or configuration is wrong.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { code: USAGE, message: message.into(), hint: hint.into() })
    }

    /// The thing looked at is not as it should be.
    pub(crate) fn negative(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { code: NEGATIVE, message: message.into(), hint: hint.into() })
    }

    /// A needed source cannot be reached.
    pub(crate) fn unreachable(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { code: UNREACHABLE, message: message.into(), hint: hint.into() })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\nhint: {}", self.message, self.hint)
    }
}

impl std::error::Error for Failure {}

/// The exit code of an error.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Failure>().map_or(BUG, |failure| failure.code)
}
