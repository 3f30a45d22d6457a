//! The one loop: step a machine, write down what it said and asked, ask, write down the answers, step again.

use std::sync::Arc;
use std::time::Duration;

use journal::JournalError;
use platform::clock::Clock;
use telemetry::{Answered, Inquiry, Next};

use crate::entry::Entry;
use crate::log::Log;
use crate::sources::Sources;

/// Steps after which a machine is considered not to end (I9). Today's machines need at most eight.
const STEPS_MAX: usize = 64;

/// A machine was not driven to its outcome.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal failed; nothing is done that is not written.
    #[error("failed to write the journal")]
    Journal(#[from] JournalError),
    /// The machine asked on and on.
    #[error("the machine did not end within {STEPS_MAX} steps")]
    TooManySteps,
}

/// Drives `inquiry` to its outcome. Everything it says, asks and is told stands in `log`, durable before each
/// round of questions. Gives the outcome and how long its last step computed.
///
/// # Errors
/// When the journal fails or the machine does not end.
pub async fn drive<I: Inquiry>(
    inquiry: &mut I,
    sources: &Sources,
    log: &mut Log,
    clock: &Arc<dyn Clock>,
) -> Result<(I::Outcome, Duration), DriveError> {
    let mut answers: Vec<Answered> = Vec::new();
    for _ in 0..STEPS_MAX {
        let began = clock.monotonic();
        let step = inquiry.step(&answers);
        let took = clock.monotonic().saturating_sub(began);
        for note in step.notes {
            log.append(Entry::Note(note))?;
        }
        let questions = match step.next {
            Next::Done(outcome) => return Ok((outcome, took)),
            Next::Ask(questions) => questions,
        };
        let mut took = Some(took);
        for question in &questions {
            log.append_timed(Entry::Question(question.clone()), took.take())?;
        }
        log.commit()?;
        answers = sources.ask(&questions, clock).await;
        for answer in &answers {
            log.append(Entry::Answered(answer.clone()))?;
        }
    }
    Err(DriveError::TooManySteps)
}
