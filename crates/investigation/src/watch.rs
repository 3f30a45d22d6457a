//! Looks for symptoms at one point in data time: one question, one family of tests.
//!
//! Keeps no state between looks: the orchestrator makes a new one every two seconds and remembers which incidents
//! are open.

use incident::Symptom;
use telemetry::{
    Answered, Ask, Inquiry, Next, Note, NoteKind, Question, QuestionId, Scope, Space, Stage, Step, Table,
    UnixNanos, Window,
};

/// Seconds of history that the watch asks for; what the change point and the baseline are found in.
pub const HISTORY_SECONDS: i64 = 90;

/// One look at a space.
#[derive(Debug)]
pub struct Watch {
    space: Space,
    history_from: UnixNanos,
    at: UnixNanos,
}

impl Watch {
    /// A look at `space` at data time `at`, with history from `earliest` at the earliest.
    #[must_use]
    pub fn new(space: Space, at: UnixNanos, earliest: UnixNanos) -> Self {
        let at = at.floor_second();
        Self { space, history_from: at.plus_seconds(-HISTORY_SECONDS).max(earliest), at }
    }

    /// The start of the history that the look compares with.
    #[must_use]
    pub fn history_from(&self) -> UnixNanos {
        self.history_from
    }

    /// The data time looked at: the end of the last complete second.
    #[must_use]
    pub fn at(&self) -> UnixNanos {
        self.at
    }
}

impl Inquiry for Watch {
    type Outcome = Vec<Symptom>;

    fn step(&mut self, answers: &[Answered]) -> Step<Vec<Symptom>> {
        let Some(answer) = answers.first() else {
            let window = Window::new(self.history_from, self.at);
            let question = Question {
                id: QuestionId::numbered(1),
                space: self.space.clone(),
                ask: Ask::Onset { window, scope: Scope::all() },
                not_before: self.at,
            };
            return Step { notes: Vec::new(), next: Next::Ask(vec![question]) };
        };
        match &answer.result {
            Ok(answer) => {
                let Table::Onset(rows) = &answer.table else {
                    return Step { notes: Vec::new(), next: Next::Done(Vec::new()) };
                };
                let symptoms = evidence::symptoms::find(rows, self.history_from, self.at);
                if answer.truncated {
                    let text =
                        "the watch saw a part of the operations only: the answer was cut at its row limit";
                    let note = Note::new(Stage::Detect, NoteKind::Gap, text);
                    return Step { notes: vec![note], next: Next::Done(symptoms) };
                }
                Step { notes: Vec::new(), next: Next::Done(symptoms) }
            }
            Err(error) => {
                let note =
                    Note::new(Stage::Detect, NoteKind::Gap, format!("the watch could not look: {error}"));
                Step { notes: vec![note], next: Next::Done(Vec::new()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use telemetry::{AskError, SourceName};

    use super::*;

    #[test]
    fn a_source_that_fails_is_a_gap_and_no_symptom() {
        let mut watch = Watch::new(Space::default(), UnixNanos(0).plus_seconds(100), UnixNanos(0));
        let Next::Ask(questions) = watch.step(&[]).next else { panic!("asks first") };
        assert_eq!(questions[0].ask.name(), "onset");
        let failed = Answered {
            question: questions[0].id.clone(),
            source: SourceName("store".into()),
            result: Err(AskError::TimedOut(10)),
        };
        let step = watch.step(&[failed]);
        assert_eq!(step.notes[0].kind, NoteKind::Gap);
        assert!(matches!(step.next, Next::Done(symptoms) if symptoms.is_empty()));
    }
}
