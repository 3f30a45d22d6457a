//! Taking up incidents that a process left open: found by their journals, and walked again through what was recorded.
//!
//! A journal without a closing record is open. A damaged one is reported and not touched. What cannot be walked again
//! is closed as failed, with what was found. Nothing is decided here about actions: whether one was carried out is
//! asked of the actuator by the second half of the walk.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use incident::{Action, Alert, ExecutionOutcome, Resolution};
use journal::{Journal, JournalError, Left};
use telemetry::{Note, NoteKind, Stage};

use super::{Closed, ResolveError, Resolver};
use crate::entry::Entry;
use crate::log::{Log, LogError, Logged, Observer, Recorded};
use crate::{replay, report};

/// How often an incident is taken up again. One more, and the incident itself is what ends the process.
pub const RESUMES_MAX: usize = 16;

/// The ending of a journal's file name.
const ENDING: &str = ".journal";

/// What a look at the journals found.
#[derive(Debug, Default)]
pub struct Found {
    /// Incidents to take up, the oldest first.
    pub open: Vec<Open>,
    /// Journals that are left as they are.
    pub damaged: Vec<Unreadable>,
}

/// A journal that cannot be used.
#[derive(Debug)]
pub struct Unreadable {
    /// Which.
    pub journal: PathBuf,
    /// Why.
    pub why: JournalError,
}

/// An incident that was cut off.
#[derive(Debug, Clone)]
pub struct Open {
    /// Its id.
    pub incident: String,
    /// Its journal.
    pub journal: PathBuf,
    /// What opened it, when that is durable.
    pub alert: Option<Alert>,
}

impl Resolver {
    /// The incidents that were cut off, and the journals that are damaged. Changes nothing.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn open_incidents(&self) -> Result<Found, ResolveError> {
        let mut found = Found::default();
        let spaces = self.data_dir.join("spaces");
        for space in self.list(&spaces)? {
            let folder = spaces.join(space).join("incidents");
            for name in self.list(&folder)? {
                if let Some(incident) = name.strip_suffix(ENDING) {
                    self.look(incident, folder.join(&name), &mut found);
                }
            }
        }
        // Ids begin with the time at which they were made.
        found.open.sort_by(|a, b| a.incident.cmp(&b.incident));
        Ok(found)
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, ResolveError> {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        match self.disk.list(folder) {
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(Vec::new()),
            Err(source) => Err(ResolveError::Folder { path: folder.display().to_string(), source }),
            Ok(names) => Ok(names),
        }
    }

    fn look(&self, incident: &str, journal: PathBuf, found: &mut Found) {
        let path = journal.display().to_string();
        let left = match self.disk.read(&journal) {
            Ok(bytes) => journal::left(&bytes).map_err(|source| JournalError::Damaged { path, source }),
            Err(source) => Err(JournalError::Disk { what: "read", path, source }),
        };
        match left {
            Err(why) => found.damaged.push(Unreadable { journal, why }),
            Ok(left) if left.verified.records.iter().any(|record| record.kind == "resolution") => {}
            Ok(left) => {
                let first = left.verified.records.first();
                let alert = first.and_then(|record| match Entry::read(&record.kind, record.body.get()) {
                    Ok(Entry::Alert(alert)) => Some(alert),
                    _ => None,
                });
                found.open.push(Open { incident: incident.to_owned(), journal, alert });
            }
        }
    }

    /// Takes `open` up where it was cut off and works on it to its end; everything recorded is shown to `observer`
    /// again, with its times.
    ///
    /// # Errors
    /// When the journal cannot be written or was damaged in the meantime, and when the incident was being acted on and
    /// there is no remedy: then it stays open, and this does not count as a resumption. Everything else closes the
    /// incident as failed.
    pub async fn resume(&self, open: &Open, observer: Arc<dyn Observer>) -> Result<Closed, ResolveError> {
        let (journal, left) = Journal::resume(&*self.disk, Arc::clone(&self.clock), &open.journal)
            .map_err(LogError::Journal)?;
        let read = replay::entries(&left.verified.records);
        let entries: Vec<Logged> = read.as_ref().map(Clone::clone).unwrap_or_default();
        if self.remedy.is_none() && was_acted_on(&entries) {
            return Err(ResolveError::NoRemedy);
        }
        let resumes = entries.iter().filter(|logged| matches!(logged.entry, Entry::Resumed(_))).count();
        let note = Note::new(stage(&entries), NoteKind::Learned, resumed(&left));
        let recorded: VecDeque<Recorded> = entries
            .into_iter()
            .zip(&left.verified.records)
            .map(|(logged, record)| Recorded { seq: record.seq, body: record.body.get().to_owned(), logged })
            .collect();
        let mut log = Log::resume(journal, observer, recorded, note)?;
        let walked = match (read, &open.alert) {
            (Err(error), _) => Err(error.into()),
            (Ok(_), _) if resumes >= RESUMES_MAX => Err(ResolveError::TooOften(resumes + 1)),
            (Ok(_), None) => Err(ResolveError::NoAlert),
            (Ok(_), Some(alert)) => self.walk(&open.incident, alert.clone(), &mut log).await,
        };
        self.close(&open.incident, walked, &mut log)
    }
}

fn resumed(left: &Left) -> String {
    let text = "taken up again: the process that worked on it had ended".to_owned();
    if left.torn == 0 {
        text
    } else {
        format!("{text}; {} bytes that were never durable were cut", left.torn)
    }
}

/// Whether somebody who may act had begun with what can be done.
fn was_acted_on(logged: &[Logged]) -> bool {
    logged.iter().any(|logged| matches!(&logged.entry, Entry::Progress(note) if note.stage == Stage::Fix))
}

/// The stage that the incident was in.
fn stage(logged: &[Logged]) -> Stage {
    let of = |logged: &Logged| match &logged.entry {
        Entry::Note(note) | Entry::Progress(note) | Entry::Resumed(note) => Some(note.stage),
        _ => None,
    };
    logged.iter().rev().find_map(of).unwrap_or(Stage::Detect)
}

/// Says in the journal why the incident ends here, and gives the closing record with what was found.
pub(super) fn failed(error: &ResolveError, log: &mut Log) -> Result<Resolution, ResolveError> {
    log.give_up();
    let why = chain(error);
    log.progress(stage(log.logged()), NoteKind::Failed, why.clone())?;
    Ok(Resolution { failed: Some(why), ..found(log.logged()) })
}

/// The error with its causes in one line; transparent ones repeat their cause and are said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = cause.source();
    }
    texts.join(": ")
}

/// What the entries say was done.
fn found(logged: &[Logged]) -> Resolution {
    let mut resolution = Resolution::nothing_done();
    let mut intent: Option<Action> = None;
    for Logged { entry, .. } in logged {
        match entry {
            Entry::Proposal(actions) => {
                resolution.service = actions.first().map(|action| action.service.clone()).unwrap_or_default();
                resolution.profile = actions.first().map(|action| action.profile.clone());
            }
            Entry::Approval(record) => resolution.approvals.push(record.clone()),
            Entry::Intent(action) => intent = Some(action.clone()),
            Entry::Execution(execution) => {
                let is_done = matches!(execution.outcome, ExecutionOutcome::Done { .. });
                resolution.actions.extend(intent.take().filter(|_| is_done));
            }
            Entry::Verification(record) => resolution.verifications.push((**record).clone()),
            Entry::Undo(_) => resolution.was_undone = true,
            _ => {}
        }
    }
    resolution
}

/// What a person has to look at when it is not known whether `action` was carried out.
pub(super) fn by_hand(action: &Action) -> String {
    format!(
        "look whether `{}` runs with {}, and restart it with the values that you want",
        action.instance,
        report::settings(action)
    )
}
