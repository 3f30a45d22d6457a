//! A source that remembers what it answered, and reads its case only for what it was not asked before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;

use telemetry::{Answer, Answerer, AskError, Cancel, Capabilities, Limits, Question};

use super::Condition;
use crate::case::Case;
use crate::files::FileError;
use crate::folder;
use telemetry::recorded::TableSource;

/// The answers about one case.
#[derive(Debug)]
pub(super) struct Remembered {
    folder: PathBuf,
    condition: Condition,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<String, Result<Answer, AskError>>,
    /// The tables, while a diagnosis that needs them is under way.
    source: Option<TableSource>,
    failed: Option<FileError>,
    /// Questions that were answered with something.
    told: BTreeSet<&'static str>,
}

impl Remembered {
    /// A source over the case in `folder`, changed as `condition` says.
    pub(super) fn new(folder: PathBuf, condition: Condition) -> Self {
        Self { folder, condition, state: Mutex::default() }
    }

    /// Reads the case.
    pub(super) fn read(&self) -> Result<Case, FileError> {
        let mut case = folder::read(&self.folder)?;
        self.condition.apply(&mut case);
        Ok(case)
    }

    /// Whether one of these questions was answered with something so far.
    pub(super) fn says_something(&self, questions: &[&str]) -> bool {
        self.state.lock().is_ok_and(|state| questions.iter().any(|name| state.told.contains(name)))
    }

    /// Drops the tables at the end of a diagnosis.
    ///
    /// # Errors
    /// When the case could not be read for one of its questions.
    pub(super) fn settle(&self) -> Result<(), FileError> {
        let Ok(mut state) = self.state.lock() else { return Ok(()) };
        state.source = None;
        state.failed.take().map_or(Ok(()), Err)
    }
}

impl Answerer for Remembered {
    fn can(&self) -> Capabilities {
        TableSource::capabilities()
    }

    fn answer(&self, question: &Question, limits: &Limits, cancel: &Cancel) -> Result<Answer, AskError> {
        let unavailable = |why: &str| Err(AskError::Unavailable(why.to_owned()));
        let Ok(key) = serde_json::to_string(&question.ask) else { return unavailable("no key") };
        let Ok(mut state) = self.state.lock() else { return unavailable("another thread failed") };
        if let Some(known) = state.answers.get(&key) {
            return known.clone();
        }
        if state.source.is_none() {
            match self.read() {
                Ok(case) => state.source = Some(TableSource::new(case.tables)),
                Err(error) => {
                    state.failed = Some(error);
                    return unavailable("the case cannot be read");
                }
            }
        }
        let Some(source) = &state.source else { return unavailable("no tables") };
        let answer = source.answer(question, limits, cancel);
        if answer.as_ref().is_ok_and(|answer| !answer.table.is_empty()) {
            state.told.insert(question.ask.name());
        }
        state.answers.insert(key, answer.clone());
        answer
    }
}
