//! The real watch over a [`World`], looking every two seconds at the last ninety, as the product does.

use incident::Symptom;
use investigation::Watch;
use investigation::watch::HISTORY_SECONDS;
use telemetry::answer::{Answer, OnsetRow, Table};
use telemetry::{Answered, Inquiry, Next, QuestionId, SourceName, Space, UnixNanos};

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
        let mut answers = Vec::new();
        loop {
            match watch.step(&answers).next {
                Next::Ask(questions) => {
                    // The rows are lent to the answer: days of them are not copied.
                    let table = Table::Onset(std::mem::take(&mut self.rows));
                    let question = questions.first().map_or_else(|| QuestionId::numbered(1), |q| q.id.clone());
                    let source = SourceName("store".to_owned());
                    answers = vec![Answered { question, source, result: Ok(Answer::exact(table)) }];
                }
                Next::Done(symptoms) => {
                    if let Some(Answered { result: Ok(Answer { table: Table::Onset(rows), .. }), .. }) =
                        answers.pop()
                    {
                        self.rows = rows;
                    }
                    return (!symptoms.is_empty()).then_some(Raised { at, symptoms });
                }
            }
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
