//! Looks for symptoms at one point in data time: one question, one family of tests. Where messages seem to be missing, a
//! second question decides whether they were sent at all.
//!
//! Keeps no state between looks: the orchestrator makes a new one every two seconds and remembers which incidents
//! are open.

use std::collections::BTreeSet;

use evidence::symptoms;
use incident::{AlertSignal, Symptom};
use telemetry::answer::{Answer, EdgeRow};
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
    /// What was found, while it is asked where the missing messages are.
    found: Option<Vec<Symptom>>,
}

impl Watch {
    /// A look at `space` at data time `at`, with history from `earliest` at the earliest.
    #[must_use]
    pub fn new(space: Space, at: UnixNanos, earliest: UnixNanos) -> Self {
        let at = at.floor_second();
        Self { space, history_from: at.plus_seconds(-HISTORY_SECONDS).max(earliest), at, found: None }
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

impl Watch {
    fn ask(&self, number: usize, ask: Ask) -> Question {
        Question { id: QuestionId::numbered(number), space: self.space.clone(), ask, not_before: self.at }
    }

    /// Everything that is found, or a question about the queues first.
    fn told(&mut self, symptoms: Vec<Symptom>) -> Next<Vec<Symptom>> {
        let window = Window::new(self.history_from, self.at);
        let takers: BTreeSet<&str> =
            symptoms.iter().filter(|found| is_missing(found)).map(|found| found.service.as_str()).collect();
        let questions: Vec<Question> = takers
            .into_iter()
            .zip(2..)
            .map(|(taker, number)| self.ask(number, Ask::Edges { window, scope: Scope::service(taker) }))
            .collect();
        if questions.is_empty() {
            return Next::Done(symptoms);
        }
        self.found = Some(symptoms);
        Next::Ask(questions)
    }
}

/// Whether messages are missing.
fn is_missing(symptom: &Symptom) -> bool {
    symptom.signal == AlertSignal::Throughput
}

/// Without the messages that nobody sent. Where queues cannot be followed, the symptom stands.
fn sent(symptoms: Vec<Symptom>, answers: &[Answered]) -> Vec<Symptom> {
    let rows: Vec<EdgeRow> = answers
        .iter()
        .filter_map(|answered| match &answered.result {
            Ok(Answer { table: Table::Edges(rows), .. }) => Some(rows.iter().cloned()),
            _ => None,
        })
        .flatten()
        .collect();
    symptoms.into_iter().filter(|found| !is_missing(found) || symptoms::is_lost(found, &rows)).collect()
}

impl Inquiry for Watch {
    type Outcome = Vec<Symptom>;

    fn step(&mut self, answers: &[Answered]) -> Step<Vec<Symptom>> {
        if let Some(symptoms) = self.found.take() {
            return Step { notes: Vec::new(), next: Next::Done(sent(symptoms, answers)) };
        }
        let Some(answer) = answers.first() else {
            let window = Window::new(self.history_from, self.at);
            let question = self.ask(1, Ask::Onset { window, scope: Scope::all() });
            return Step { notes: Vec::new(), next: Next::Ask(vec![question]) };
        };
        match &answer.result {
            Ok(answer) => {
                let Table::Onset(rows) = &answer.table else {
                    return Step { notes: Vec::new(), next: Next::Done(Vec::new()) };
                };
                let mut notes = Vec::new();
                if answer.truncated {
                    let text =
                        "the watch saw a part of the operations only: the answer was cut at its row limit";
                    notes.push(Note::new(Stage::Detect, NoteKind::Gap, text));
                }
                let symptoms = symptoms::find(rows, self.history_from, self.at);
                Step { notes, next: self.told(symptoms) }
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
