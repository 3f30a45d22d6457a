//! The one loop: step a machine, write down what it said and asked, ask, write down the answers, step again.
//!
//! Resuming is the same loop: recorded answers are fed, and only what was asked and not answered is asked again.

use std::sync::Arc;
use std::time::Duration;

use platform::clock::Clock;
use telemetry::{Answered, Inquiry, Next, Question};

use crate::entry::Entry;
use crate::log::{Log, LogError};
use crate::sources::Sources;

/// Steps after which a machine is considered not to end (I9). Today's machines need at most eight.
const STEPS_MAX: usize = 64;

/// A machine was not driven to its outcome.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal failed, or holds something else.
    #[error(transparent)]
    Log(#[from] LogError),
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
        answers = answer(&questions, sources, log, clock).await?;
    }
    Err(DriveError::TooManySteps)
}

/// The answers to `questions`: what was recorded of them, and the rest from the sources.
async fn answer(
    questions: &[Question],
    sources: &Sources,
    log: &mut Log,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Answered>, LogError> {
    let mut answers: Vec<Answered> = Vec::new();
    while let Some(Entry::Answered(answered)) = log.recorded() {
        answers.push(answered.clone());
        log.pass();
    }
    if log.is_catching_up() {
        return Ok(answers);
    }
    // Answers are written in this order, so what a crash left of them is a beginning.
    let order = |answered: &Answered| (answered.question.clone(), answered.source.clone());
    let last = answers.last().map(order);
    let is_open = |question: &&Question| last.as_ref().is_none_or(|(id, _)| question.id >= *id);
    let open: Vec<Question> = questions.iter().filter(is_open).cloned().collect();
    for answered in sources.ask(&open, clock).await {
        if last.as_ref().is_none_or(|last| order(&answered) > *last) {
            log.append(Entry::Answered(answered.clone()))?;
            answers.push(answered);
        }
    }
    Ok(answers)
}
