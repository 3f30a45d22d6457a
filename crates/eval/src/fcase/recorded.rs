//! Recorded answers as a source: a question is answered when the same one was asked before, whatever its number.

use orchestrator::entry::Entry;
use orchestrator::log::Logged;
use telemetry::{Answered, Ask, AskError, Question, SourceName};

use super::filtered;
use super::rerun::Without;

/// What was asked and answered.
#[derive(Debug)]
pub(super) struct Recorded<'a> {
    /// In the order of the questions.
    asked: Vec<(&'a Ask, Vec<&'a Answered>)>,
}

impl<'a> Recorded<'a> {
    /// The questions and answers of `logged`.
    pub(super) fn of(logged: &'a [Logged]) -> Self {
        let mut asked: Vec<(&Question, Vec<&Answered>)> = Vec::new();
        for logged in logged {
            match &logged.entry {
                Entry::Question(question) => asked.push((question, Vec::new())),
                Entry::Answered(answered) => {
                    // A trial numbers its questions on from those of the diagnosis, so a number stands for one question.
                    let of = asked.iter_mut().rev().find(|(question, _)| question.id == answered.question);
                    if let Some((_, answers)) = of {
                        answers.push(answered);
                    }
                }
                _ => {}
            }
        }
        Self { asked: asked.into_iter().map(|(question, answers)| (&question.ask, answers)).collect() }
    }

    /// The answers to `question` with `without` taken out of them; nothing when it was not asked before.
    pub(super) fn answers(&self, question: &Question, without: &[Without]) -> Option<Vec<Answered>> {
        let (_, answers) =
            self.asked.iter().find(|(ask, answers)| **ask == question.ask && !answers.is_empty())?;
        let again = |answered: &&Answered| {
            let result = answered.result.clone().map(|answer| filtered::answer(answer, without));
            Answered { question: question.id.clone(), source: answered.source.clone(), result }
        };
        Some(answers.iter().map(again).collect())
    }
}

/// What is answered to a question that nobody asked when this was recorded.
pub(super) fn not_recorded(question: &Question) -> Answered {
    let why = format!("`{}` over this window was not asked when this was recorded", question.ask.name());
    Answered {
        question: question.id.clone(),
        source: SourceName("case file".to_owned()),
        result: Err(AskError::Unavailable(why)),
    }
}
