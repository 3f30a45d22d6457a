//! The ports through which questions are answered.
//!
//! [`Source`] is asynchronous and asked by the orchestrator; [`Answerer`] is its synchronous form for what lives
//! in this process. Answers of several sources are never merged.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::ids::SourceName;
use crate::question::Question;

/// A future that can be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that answers questions over a network or from elsewhere.
pub trait Source: Send + Sync {
    /// The configured name, cited by evidence.
    fn name(&self) -> SourceName;

    /// Which questions it answers.
    fn can(&self) -> Capabilities;

    /// Answers `question` within `limits`, stopping early when cancelled.
    fn ask<'a>(
        &'a self,
        question: &'a Question,
        limits: Limits,
        cancel: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>>;
}

/// Something in this process that answers questions without waiting for others.
pub trait Answerer: Send + Sync {
    /// Which questions it answers.
    fn can(&self) -> Capabilities;

    /// Answers `question` within `limits`, stopping early when cancelled.
    ///
    /// # Errors
    /// When the question is not one of [`Answerer::can`], a limit does not suffice, or it was cancelled.
    fn answer(&self, question: &Question, limits: &Limits, cancel: &Cancel) -> Result<Answer, AskError>;
}

/// The names of the questions that a source answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Capabilities {
    /// Question names (see `question::NAMES`).
    pub questions: Vec<String>,
}

impl Capabilities {
    /// Whether the question of this name is answered.
    #[must_use]
    pub fn answers(&self, name: &str) -> bool {
        self.questions.iter().any(|question| question == name)
    }
}

/// What an answer may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows in the answer.
    pub rows_max: usize,
    /// Items looked at.
    pub scanned_max: u64,
    /// Seconds until the asker gives up.
    pub seconds_max: u64,
}

impl Default for Limits {
    /// 10,000 rows (a question's answer is a small table), 20 million items, 10 seconds: an answer that needs
    /// more cannot help at 2 AM.
    fn default() -> Self {
        Self { rows_max: 10_000, scanned_max: 20_000_000, seconds_max: 10 }
    }
}

/// Tells an answerer to stop; cheap to clone and to look at.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for a stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why there is no answer. It becomes a Gap, never a failure of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "error", content = "detail", rename_all = "snake_case")]
pub enum AskError {
    /// The source does not answer this question.
    #[error("the question `{0}` is not answered here")]
    Unsupported(String),
    /// The source could not be reached or failed.
    #[error("source unavailable: {0}")]
    Unavailable(String),
    /// It took too long.
    #[error("no answer within {0} s")]
    TimedOut(u64),
    /// A limit was reached before the answer was whole.
    #[error("limit reached: {0}")]
    LimitReached(String),
    /// The asker gave up.
    #[error("cancelled")]
    Cancelled,
}
