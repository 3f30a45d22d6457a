//! Runs an investigation again from its journal: the same answers must give the same bytes.
//!
//! Inputs (alert, answers, approvals, executions, trials) are fed from the journal; everything derived (notes,
//! questions, hypotheses, conclusion, verifications) is computed anew and compared byte for byte. Asks no source
//! and changes nothing.

use incident::{Conclusion, canonical};
use investigation::Diagnosis;
use journal::Record;
use remediation::Verification;
use telemetry::{Answered, Inquiry, Next, QuestionId, UnixNanos};

use crate::entry::{Entry, ReadEntryError};
use crate::log::Logged;

/// A journal run again.
#[derive(Debug)]
pub struct Replayed {
    /// Every body in order, as computed or fed: one canonical JSON text each, with its kind.
    pub bodies: Vec<(String, String)>,
    /// The conclusion, as computed.
    pub conclusion: Option<Conclusion>,
    /// Where the computed bodies differ from the recorded ones.
    pub differences: Vec<Difference>,
}

/// A body that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The record's number.
    pub seq: u64,
    /// What was recorded, with its kind.
    pub recorded: String,
    /// What was computed, with its kind.
    pub computed: String,
}

/// A journal cannot be run again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A record is not understood.
    #[error("failed to read record {seq}")]
    Entry {
        /// Which.
        seq: u64,
        /// Why.
        #[source]
        source: ReadEntryError,
    },
    /// A body cannot be written.
    #[error("failed to write a body")]
    Body(#[from] canonical::CanonicalError),
}

/// Reads the entries of verified records.
///
/// # Errors
/// When a record is of an unknown kind or its body does not fit.
pub fn entries(records: &[Record]) -> Result<Vec<Logged>, ReplayError> {
    let read = |record: &Record| {
        let entry = Entry::read(&record.kind, record.body.get())
            .map_err(|source| ReplayError::Entry { seq: record.seq, source })?;
        let took = std::time::Duration::from_micros(record.took_us.unwrap_or(0));
        Ok(Logged { at: UnixNanos(record.at), took, entry })
    };
    records.iter().map(read).collect()
}

/// Runs the journal of `records` again.
///
/// # Errors
/// When a record is not understood.
pub fn replay(records: &[Record]) -> Result<Replayed, ReplayError> {
    let (resumed, recorded): (Vec<_>, Vec<_>) = entries(records)?
        .into_iter()
        .map(|logged| logged.entry)
        .enumerate()
        .partition(|(_, entry)| matches!(entry, Entry::Resumed(_)));
    let recorded: Vec<Entry> = recorded.into_iter().map(|(_, entry)| entry).collect();
    let mut run = Run { recorded: &recorded, place: 0, computed: Vec::new(), conclusion: None };
    while let Some(entry) = recorded.get(run.place) {
        run.feed(entry);
    }
    // A crash can fall between any two records: what says so is put back where it stood.
    for (place, entry) in resumed {
        run.computed.insert(place.min(run.computed.len()), entry);
    }
    let mut bodies = Vec::new();
    for entry in &run.computed {
        bodies.push((entry.kind().to_owned(), canonical::to_text(entry)?));
    }
    Ok(Replayed { differences: differences(records, &bodies), bodies, conclusion: run.conclusion })
}

fn differences(records: &[Record], bodies: &[(String, String)]) -> Vec<Difference> {
    let show = |kind: &str, body: &str| format!("{kind} {body}");
    let longest = records.len().max(bodies.len());
    (0..longest)
        .filter_map(|place| {
            let recorded = records.get(place).map(|record| show(&record.kind, record.body.get()));
            let computed = bodies.get(place).map(|(kind, body)| show(kind, body));
            (recorded != computed).then(|| Difference {
                seq: place as u64 + 1,
                recorded: recorded.unwrap_or_default(),
                computed: computed.unwrap_or_default(),
            })
        })
        .collect()
}

struct Run<'a> {
    recorded: &'a [Entry],
    place: usize,
    computed: Vec<Entry>,
    conclusion: Option<Conclusion>,
}

impl Run<'_> {
    /// Takes the next recorded entry: an input is kept and may start a machine; what is derived and was not
    /// computed by a machine is skipped, and so shows as a difference.
    fn feed(&mut self, entry: &Entry) {
        self.place += 1;
        if entry.is_derived() {
            return;
        }
        self.computed.push(entry.clone());
        match entry {
            Entry::Alert(alert) => {
                let Some(conclusion) = self.drive(&mut Diagnosis::new(alert.clone())) else {
                    return;
                };
                self.computed.extend(conclusion.hypotheses.iter().cloned().map(Entry::Hypothesis));
                self.computed.push(Entry::Conclusion(Box::new(conclusion.clone())));
                self.conclusion = Some(conclusion);
                self.skip_derived();
            }
            Entry::Trial(trial) => {
                let asked = self.computed.iter().filter(|entry| matches!(entry, Entry::Question(_))).count();
                let record = self.drive(&mut Verification::new(trial.clone(), asked + 1));
                self.computed.extend(record.map(|record| Entry::Verification(Box::new(record))));
                self.skip_derived();
            }
            _ => {}
        }
    }

    /// Drives a machine with the recorded answers to the questions it asks now.
    fn drive<I: Inquiry>(&mut self, machine: &mut I) -> Option<I::Outcome> {
        let mut answers: Vec<Answered> = Vec::new();
        loop {
            let step = machine.step(&answers);
            self.computed.extend(step.notes.into_iter().map(Entry::Note));
            let questions = match step.next {
                Next::Done(outcome) => return Some(outcome),
                Next::Ask(questions) => questions,
            };
            let asked: Vec<QuestionId> = questions.iter().map(|question| question.id.clone()).collect();
            self.computed.extend(questions.into_iter().map(Entry::Question));
            answers = self.answers_to(&asked);
            self.computed.extend(answers.iter().cloned().map(Entry::Answered));
            if !asked.iter().all(|id| answers.iter().any(|answer| answer.question == *id)) {
                // The journal ends here: the incident was cut off while it waited.
                return None;
            }
        }
    }

    fn answers_to(&mut self, asked: &[QuestionId]) -> Vec<Answered> {
        self.skip_derived();
        let mut answers = Vec::new();
        while let Some(Entry::Answered(answered)) = self.recorded.get(self.place) {
            if !asked.contains(&answered.question) {
                break;
            }
            answers.push(answered.clone());
            self.place += 1;
        }
        answers
    }

    fn skip_derived(&mut self) {
        while self.recorded.get(self.place).is_some_and(Entry::is_derived) {
            self.place += 1;
        }
    }
}
