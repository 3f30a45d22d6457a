//! The real watch over a [`World`], looking every two seconds at the last ninety, as the product does.

use incident::Symptom;
use investigation::Watch;
use investigation::watch::HISTORY_SECONDS;
use telemetry::answer::{Answer, OnsetRow, Table};
use telemetry::{Answered, Ask, Inquiry, Next, Question, QuestionId, SourceName, Space, UnixNanos};

use super::World;

/// Seconds between two looks.
const LOOK_SECONDS: i64 = 2;
/// Seconds without a symptom after which the next one is an incident of its own.
const APART_SECONDS: i64 = 60;

/// A world and its watch.
#[derive(Debug)]
pub struct Patrol {
    /// What is watched.
    pub world: World,
    rows: Vec<OnsetRow>,
    earliest: UnixNanos,
}

/// What the watch raised.
#[derive(Debug)]
pub struct Raised {
    /// At which look.
    pub at: UnixNanos,
    /// What.
    pub symptoms: Vec<Symptom>,
}

impl Patrol {
    /// The watch begins to look at `world`.
    #[must_use]
    pub fn new(world: World) -> Self {
        let earliest = world.now();
        Self { world, rows: Vec::new(), earliest }
    }

    /// Goes on for two seconds and looks.
    pub fn look(&mut self) -> Option<Raised> {
        (0..LOOK_SECONDS).for_each(|_| self.world.advance(&mut self.rows));
        let at = self.world.now();
        let from = at.plus_seconds(-HISTORY_SECONDS);
        let old = self.rows.partition_point(|row| row.second < from);
        self.rows.drain(..old);
        let mut watch = Watch::new(Space::default(), at, self.earliest);
        // The rows are lent to the answer: days of them are not copied.
        let asked = watch.step(&[]).next;
        let lent = Table::Onset(std::mem::take(&mut self.rows));
        let mut answers = vec![answered(&asked, lent)];
        let mut next = watch.step(&answers).next;
        if let Some(Answered { result: Ok(Answer { table: Table::Onset(rows), .. }), .. }) = answers.pop() {
            self.rows = rows;
        }
        loop {
            match next {
                Next::Done(symptoms) => return (!symptoms.is_empty()).then_some(Raised { at, symptoms }),
                Next::Ask(questions) => {
                    let answers: Vec<Answered> =
                        questions.iter().map(|question| self.queues(question)).collect();
                    next = watch.step(&answers).next;
                }
            }
        }
    }

    /// What is sent to every taker, as a store tells it: with a scope, only what was taken.
    fn queues(&self, question: &Question) -> Answered {
        let service = match &question.ask {
            Ask::Edges { scope, .. } => scope.service.as_deref(),
            _ => None,
        };
        let mut rows = self.world.queues();
        if let Some(service) = service {
            rows.retain(|row| row.callee == service);
            rows.iter_mut().filter_map(|row| row.queue.as_mut()).for_each(|queue| queue.untaken = 0);
        }
        Answered {
            question: question.id.clone(),
            source: SourceName("store".to_owned()),
            result: Ok(Answer::exact(Table::Edges(rows))),
        }
    }

    /// Looks for `seconds` and gives the incidents: what was raised after a minute without anything.
    pub fn incidents(&mut self, seconds: i64) -> Vec<Raised> {
        let mut found: Vec<Raised> = Vec::new();
        let mut last: Option<UnixNanos> = None;
        for _ in 0..seconds / LOOK_SECONDS {
            let Some(raised) = self.look() else { continue };
            let is_new = last.is_none_or(|last| raised.at.since(last) > APART_SECONDS * 1_000_000_000);
            last = Some(raised.at);
            if is_new {
                found.push(raised);
            }
        }
        found
    }
}

fn answered(asked: &Next<Vec<Symptom>>, table: Table) -> Answered {
    let question = match asked {
        Next::Ask(questions) => questions.first().map(|question| question.id.clone()),
        Next::Done(_) => None,
    };
    Answered {
        question: question.unwrap_or_else(|| QuestionId::numbered(1)),
        source: SourceName("store".to_owned()),
        result: Ok(Answer::exact(table)),
    }
}
