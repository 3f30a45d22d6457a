//! Makes a case file: from the journal of an incident, or from a staged case on which the engine is run.
//!
//! A journal holds no signals beyond those in its answers. A staged case holds all of them; its records are written
//! as a journal would be, in a time that begins at the alert and stands still, so that the same case gives the same
//! bytes.

use std::path::Path;
use std::sync::Arc;

use incident::{Conclusion, canonical};
use investigation::Diagnosis;
use journal::{Journal, JournalError};
use orchestrator::entry::Entry;
use platform::disk::Disk;
use platform::{SimClock, SimDisk};
use telemetry::{Inquiry, Next};

use super::container::Sections;
use super::contents::{ABOUT, About, CONCLUSION, JOURNAL, OpenError, SCHEMA, SIGNALS};
use crate::files::{self, FileError};
use crate::folder;
use crate::predict;
use telemetry::recorded::TableSource;

/// A case file cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// What it is made of cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The records cannot be written.
    #[error("failed to write the records of the case")]
    Journal(#[from] JournalError),
    /// Something cannot be JSON.
    #[error(transparent)]
    Canonical(#[from] canonical::CanonicalError),
    /// The journal has no conclusion to keep.
    #[error(
        "the journal ends before its conclusion; hint: keep it as it is, or save it when the incident is closed"
    )]
    Unfinished,
    /// The engine did not arrive at anything.
    #[error("the engine asked on and on")]
    Endless,
}

/// The sections of a case file of the incident `id` whose journal holds `bytes`.
///
/// # Errors
/// When the journal is damaged or has no conclusion.
pub fn from_journal(id: &str, bytes: Vec<u8>) -> Result<Sections, SaveError> {
    let verified = journal::verify(&bytes, None).map_err(OpenError::from)?;
    let logged = orchestrator::replay::entries(&verified.records).map_err(OpenError::from)?;
    let conclusion = logged.iter().rev().find_map(|logged| match &logged.entry {
        Entry::Conclusion(conclusion) => Some((**conclusion).clone()),
        _ => None,
    });
    let conclusion = conclusion.ok_or(SaveError::Unfinished)?;
    let count = |is: fn(&Entry) -> bool| logged.iter().filter(|logged| is(&logged.entry)).count();
    let about = About {
        schema: SCHEMA.to_owned(),
        origin: "journal".to_owned(),
        incident: id.to_owned(),
        journal_head: verified.head,
        questions: count(|entry| matches!(entry, Entry::Question(_))),
        answers: count(|entry| matches!(entry, Entry::Answered(_))),
        has_signals: false,
    };
    sections(&about, &conclusion, bytes)
}

/// The sections of a case file of the staged case in the folder `path`.
///
/// # Errors
/// When it is no staged case.
pub fn from_case(path: &Path) -> Result<Sections, SaveError> {
    let case = folder::read(path)?;
    let alert = case.alert();
    let source = TableSource::new(case.tables.clone());
    let disk = SimDisk::new();
    let clock = Arc::new(SimClock::at(alert.at.0));
    let place = Path::new("/case.journal");
    let mut journal = Journal::create(&disk, clock, place)?;
    let (mut questions, mut answered) = (0, 0);
    let mut diagnosis = Diagnosis::new(alert.clone());
    append(&mut journal, &Entry::Alert(alert))?;
    let mut answers = Vec::new();
    let mut found: Option<Conclusion> = None;
    for _ in 0..predict::STEPS_MAX {
        let step = diagnosis.step(&answers);
        step.notes.into_iter().try_for_each(|note| append(&mut journal, &Entry::Note(note)))?;
        match step.next {
            Next::Done(conclusion) => {
                found = Some(conclusion);
                break;
            }
            Next::Ask(asked) => {
                questions += asked.len();
                answers = asked.iter().map(|question| predict::answer(question, &source)).collect();
                answered += answers.len();
                asked
                    .into_iter()
                    .try_for_each(|question| append(&mut journal, &Entry::Question(question)))?;
                for answer in &answers {
                    append(&mut journal, &Entry::Answered(answer.clone()))?;
                }
            }
        }
    }
    let conclusion = found.ok_or(SaveError::Endless)?;
    for hypothesis in &conclusion.hypotheses {
        append(&mut journal, &Entry::Hypothesis(hypothesis.clone()))?;
    }
    append(&mut journal, &Entry::Conclusion(Box::new(conclusion.clone())))?;
    journal.commit()?;
    let about = About {
        schema: SCHEMA.to_owned(),
        origin: "case".to_owned(),
        incident: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        journal_head: journal.head().to_owned(),
        questions,
        answers: answered,
        has_signals: true,
    };
    let bytes = disk.read(place).map_err(|error| FileError::io(place, error))?;
    let mut sections = sections(&about, &conclusion, bytes)?;
    for name in files::list(path)? {
        let file = path.join(&name);
        let content = std::fs::read(&file).map_err(|error| FileError::io(&file, error))?;
        sections.insert(format!("{SIGNALS}{name}"), content);
    }
    Ok(sections)
}

fn append(journal: &mut Journal, entry: &Entry) -> Result<(), SaveError> {
    journal.append(entry.kind(), entry, None)?;
    Ok(())
}

fn sections(about: &About, conclusion: &Conclusion, journal: Vec<u8>) -> Result<Sections, SaveError> {
    let text = |text: String| text.into_bytes();
    Ok(Sections::from([
        (ABOUT.to_owned(), text(canonical::to_text(about)?)),
        (CONCLUSION.to_owned(), text(canonical::to_text(conclusion)?)),
        (JOURNAL.to_owned(), journal),
    ]))
}
