//! Looks for symptoms at one point in data time: one question, one family of tests. Where messages seem to be missing, a
//! second question decides whether they were sent at all.
//!
//! Keeps no state between looks: the orchestrator makes a new one every two seconds and remembers which incidents
//! are open.

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

    /// Everything that is found, or a question about the queues first: about all of them, because a message that nobody
    /// took belongs to no taker, and an answer for one taker leaves it out.
    fn told(&mut self, symptoms: Vec<Symptom>) -> Next<Vec<Symptom>> {
        if !symptoms.iter().any(is_missing) {
            return Next::Done(symptoms);
        }
        self.found = Some(symptoms);
        let window = Window::new(self.history_from, self.at);
        Next::Ask(vec![self.ask(2, Ask::Edges { window, scope: Scope::all() })])
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
    use telemetry::answer::{OnsetRow, QueueFigures, Subject};
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

    fn onset(second: i64, service: &str, operation: &str, count: u64) -> OnsetRow {
        let text = str::to_owned;
        OnsetRow {
            subject: Subject {
                service: text(service),
                operation: text(operation),
                instance: text("1"),
                version: text("1"),
            },
            second: UnixNanos(0).plus_seconds(second),
            count,
            errors: 0,
            sum_ns: 1_000_000 * count as i64,
            p50_ns: 1_000_000,
            p95_ns: 1_000_000,
            is_message: operation.starts_with("process"),
        }
    }

    fn queue(untaken: u64) -> EdgeRow {
        EdgeRow {
            caller: "shop".to_owned(),
            callee: "worker".to_owned(),
            is_instrumented: true,
            count: 900,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: Vec::new(),
            resends: 0,
            queue: Some(QueueFigures {
                name: "mail".to_owned(),
                processed: 900 - untaken,
                failed: 0,
                untaken,
                deliveries: 900 - untaken,
                deliveries_max: 0,
                most_delivered: None,
            }),
        }
    }

    /// What a look says when nine messages a second become one in the last fifteen, and the queue answers `result`.
    fn look(result: Result<Answer, AskError>) -> Vec<Symptom> {
        let rows = (0..90).flat_map(|second| {
            let taken = if second < 75 { 9 + second as u64 % 3 } else { 1 };
            [onset(second, "shop", "POST /order", 10), onset(second, "worker", "process mail", taken)]
        });
        let source = || SourceName("store".to_owned());
        let mut watch = Watch::new(Space::default(), UnixNanos(0).plus_seconds(90), UnixNanos(0));
        let Next::Ask(first) = watch.step(&[]).next else { panic!("asks first") };
        let answer = Ok(Answer::exact(Table::Onset(rows.collect())));
        let answered = Answered { question: first[0].id.clone(), source: source(), result: answer };
        let Next::Ask(second) = watch.step(&[answered]).next else { panic!("asks for the queues") };
        let is_whole = |ask: &Ask| matches!(ask, Ask::Edges { scope, .. } if *scope == Scope::all());
        assert!(second.len() == 1 && is_whole(&second[0].ask), "what nobody took is no taker's: {second:?}");
        let answered = Answered { question: second[0].id.clone(), source: source(), result };
        let Next::Done(symptoms) = watch.step(&[answered]).next else { panic!("is done") };
        symptoms
    }

    #[test]
    fn messages_that_were_not_sent_are_no_symptom_and_lost_ones_are() {
        let of = |untaken| look(Ok(Answer::exact(Table::Edges(vec![queue(untaken)]))));
        assert_eq!(of(120).len(), 1);
        assert!(of(2).is_empty(), "a run is over");
        assert_eq!(look(Err(AskError::TimedOut(10))).len(), 1, "where nobody knows, it stands");
    }
}
