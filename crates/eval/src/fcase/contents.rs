//! What the sections are: `about.json`, `conclusion.json`, `journal.jsonl`, and, where a staged case was saved, its
//! files below `signals/`.

use std::path::Path;

use incident::{Conclusion, canonical};
use journal::{Record, Verified};
use orchestrator::entry::Entry;
use orchestrator::log::Logged;
use orchestrator::replay::ReplayError;
use serde::{Deserialize, Serialize};

use super::container::{self, ContainerError, FILE_BYTES_MAX, Sections};
use crate::case::Case;
use crate::files::{self, FileError};
use crate::folder;

/// The schema name of `about.json`.
pub const SCHEMA: &str = "firstcause.fcase/1";
/// The section that tells what the file is.
pub(super) const ABOUT: &str = "about.json";
/// The section with the conclusion, as canonical JSON.
pub(super) const CONCLUSION: &str = "conclusion.json";
/// The section with the hash-chained records: the alert, what was asked, answered and concluded.
pub(super) const JOURNAL: &str = "journal.jsonl";
/// How the sections with signals begin.
pub(super) const SIGNALS: &str = "signals/";

/// What a file is, for people and programs that read nothing else of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// [`SCHEMA`].
    pub schema: String,
    /// What it was saved from: `journal` or `case`.
    pub origin: String,
    /// The incident's name.
    pub incident: String,
    /// Hash of the last record of the journal.
    pub journal_head: String,
    /// Questions that were asked.
    pub questions: usize,
    /// Answers that were given, errors included.
    pub answers: usize,
    /// Whether the signals are in it that the answers were made of.
    pub has_signals: bool,
}

/// A case file that was opened.
#[derive(Debug)]
pub struct Contents {
    /// What it is.
    pub about: About,
    /// The conclusion.
    pub conclusion: Conclusion,
    /// The records, which hold together.
    pub records: Vec<Record>,
    /// The entries that the records say.
    pub logged: Vec<Logged>,
    /// The signals, when they are in it.
    pub case: Option<Case>,
    /// The sections with their lengths in bytes.
    pub sections: Vec<(String, usize)>,
}

/// A file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is none, or damaged.
    #[error("failed to open the case file")]
    Container(#[from] ContainerError),
    /// A section that must be there is not.
    #[error("the case file has no section `{0}`")]
    Missing(&'static str),
    /// A section is not what it is called.
    #[error("failed to read section `{name}` of the case file: {why}")]
    Section {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// Its journal does not hold together.
    #[error("the journal in the case file is damaged")]
    Journal(#[from] journal::Damage),
    /// Its journal is not understood.
    #[error("the journal in the case file cannot be read")]
    Entries(#[from] ReplayError),
}

impl OpenError {
    /// Whether the file is there and is not as it was written.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        !matches!(
            self,
            Self::File(_) | Self::Container(ContainerError::NoCaseFile | ContainerError::OtherVersion(_))
        )
    }
}

/// Opens the case file at `path`.
///
/// # Errors
/// When it cannot be read, is none, or is damaged.
pub fn open(path: &Path) -> Result<Contents, OpenError> {
    let len = std::fs::metadata(path).map_err(|error| FileError::io(path, error))?.len();
    if len > FILE_BYTES_MAX {
        return Err(FileError::content(path, format!("it is longer than {FILE_BYTES_MAX} bytes")).into());
    }
    let bytes = std::fs::read(path).map_err(|error| FileError::io(path, error))?;
    read(&container::unpack(&bytes)?)
}

/// Reads the sections of a case file.
///
/// # Errors
/// When one is missing or is not what it is called.
pub fn read(sections: &Sections) -> Result<Contents, OpenError> {
    let about: About = json(sections, ABOUT)?;
    let conclusion: Conclusion = json(sections, CONCLUSION)?;
    let journal = sections.get(JOURNAL).ok_or(OpenError::Missing(JOURNAL))?;
    let Verified { records, .. } = journal::verify(journal, Some(&about.journal_head))?;
    let logged = orchestrator::replay::entries(&records)?;
    let case = if about.has_signals { Some(signals(sections)?) } else { None };
    let sections = sections.iter().map(|(name, content)| (name.clone(), content.len())).collect();
    Ok(Contents { about, conclusion, records, logged, case, sections })
}

impl Contents {
    /// The alert that began it.
    #[must_use]
    pub fn alert(&self) -> Option<&incident::Alert> {
        self.logged.iter().find_map(|logged| match &logged.entry {
            Entry::Alert(alert) => Some(alert),
            _ => None,
        })
    }

    /// Runs the engine again on the recorded answers, and gives where its records or its conclusion differ from those
    /// in the file.
    ///
    /// # Errors
    /// When a body cannot be written.
    pub fn replay(&self) -> Result<(orchestrator::replay::Replayed, bool), ReplayError> {
        let replayed = orchestrator::replay::replay(&self.records)?;
        let text = |conclusion: &Conclusion| canonical::to_text(conclusion);
        let again = replayed.conclusion.as_ref().map(text).transpose()?;
        let is_same = again.as_deref() == Some(text(&self.conclusion)?.as_str());
        Ok((replayed, is_same))
    }
}

fn json<T: serde::de::DeserializeOwned>(sections: &Sections, name: &'static str) -> Result<T, OpenError> {
    let content = sections.get(name).ok_or(OpenError::Missing(name))?;
    serde_json::from_slice(content)
        .map_err(|error| OpenError::Section { name: name.to_owned(), why: error.to_string() })
}

/// The case in the sections with signals.
fn signals(sections: &Sections) -> Result<Case, OpenError> {
    folder::read_from(&folder::Files::Sections(sections, SIGNALS)).map_err(OpenError::File)
}

/// Writes these sections as the case file `path`.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, sections: &Sections) -> Result<(), FileError> {
    files::write_bytes(path, &container::pack(sections))
}
