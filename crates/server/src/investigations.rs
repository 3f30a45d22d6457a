//! Investigations, closed and running, read from their journals and from nothing else (I7).
//!
//! A closed one is read when somebody asks for it. Of a running one as many records are shown as its [`Feed`] has
//! seen durable, so that nobody is told what a crash could take back. Writes nothing, and does not know where
//! journals lie: that is the [`Shelf`]'s business.

pub mod feed;
pub mod seen;
pub mod summary;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use incident::{ConclusionKind, Report, Verdict};
use journal::Record;
use orchestrator::log::Logged;
use serde::Serialize;
use telemetry::UnixNanos;

pub use feed::Feed;

/// Rows of closed investigations kept in memory; beyond it they are read again.
const ROWS_MAX: usize = 1000;

/// Where journals lie.
pub trait Shelf: Send + Sync {
    /// The incidents that have a journal: the space and the id of each, in any order.
    ///
    /// # Errors
    /// When the disk fails; a folder that does not exist yet holds nothing.
    fn list(&self) -> std::io::Result<Vec<(String, String)>>;

    /// The bytes of a journal.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    fn read(&self, space: &str, incident: &str) -> std::io::Result<Vec<u8>>;

    /// The operator's documents for agents: the folder of each, and its bytes.
    ///
    /// # Errors
    /// When the disk fails.
    fn skills(&self) -> std::io::Result<Vec<(String, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

/// How far an investigation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is worked on in this process.
    Running,
    /// It has its closing record.
    Closed,
    /// It has none, and nobody works on it here: the process ended.
    CutOff,
    /// Its journal is damaged or of a newer version.
    Unreadable,
}

impl Status {
    /// The name in interfaces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Closed => "closed",
            Self::CutOff => "cut_off",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One line of the list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The incident's id.
    pub investigation_id: String,
    /// Its space.
    pub space: String,
    /// How far it is.
    pub status: Status,
    /// One line.
    pub headline: String,
    /// What was wrong, in a sentence.
    pub symptom: String,
    /// Which conclusion, when there is one.
    pub conclusion: Option<ConclusionKind>,
    /// Where the cause lies, empty when none was found.
    pub service: String,
    /// Did the action work, when one was measured.
    pub verdict: Option<Verdict>,
    /// RFC 3339.
    pub opened_at: String,
    /// RFC 3339, of the last record so far.
    pub updated_at: String,
}

/// An investigation as far as it can be shown.
#[derive(Debug)]
pub struct Opened {
    /// How far it is.
    pub status: Status,
    /// Its space.
    pub space: String,
    /// The records, in order.
    pub records: Vec<Record>,
    /// The same, typed.
    pub logged: Vec<Logged>,
    /// The report so far.
    pub report: Report,
}

/// Why an investigation cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No such investigation.
    #[error("no investigation `{0}`")]
    Unknown(String),
    /// The disk failed.
    #[error("failed to read the journals: {0}")]
    Disk(#[from] std::io::Error),
    /// The journal is damaged.
    #[error("the journal is damaged: {0}")]
    Damaged(#[from] journal::Damage),
    /// The journal is not understood.
    #[error("the journal is not understood: {0}")]
    NotUnderstood(String),
}

/// Reads investigations.
#[derive(Clone)]
pub struct Investigations {
    shelf: Arc<dyn Shelf>,
    feed: Arc<Feed>,
    rows: Arc<Mutex<BTreeMap<String, Row>>>,
}

impl std::fmt::Debug for Investigations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Investigations").finish_non_exhaustive()
    }
}

impl Investigations {
    /// The operator's documents for agents: the folder of each, and its bytes.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn skills(&self) -> std::io::Result<Vec<(String, Vec<u8>)>> {
        self.shelf.skills()
    }

    /// Those on `shelf`, of which `feed` tells what runs.
    #[must_use]
    pub fn new(shelf: Arc<dyn Shelf>, feed: Arc<Feed>) -> Self {
        Self { shelf, feed, rows: Arc::default() }
    }

    /// What runs.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Space and id of all, newest first: ids begin with the time.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn ids(&self) -> Result<Vec<(String, String)>, OpenError> {
        let mut ids = self.known()?;
        ids.sort_by(|one, other| other.1.cmp(&one.1));
        Ok(ids)
    }

    /// What has begun: a journal whose first record is not durable yet says nothing.
    fn known(&self) -> Result<Vec<(String, String)>, OpenError> {
        let mut ids = self.shelf.list()?;
        ids.retain(|(_, id)| is_id(id) && self.feed.durable(id) != Some(0));
        Ok(ids)
    }

    /// The line of the list for one of [`Investigations::ids`].
    #[must_use]
    pub fn row(&self, space: &str, id: &str) -> Row {
        if let Some(row) = self.rows.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return row.clone();
        }
        let row = match self.open_in(space, id) {
            Ok(opened) => row(id, &opened),
            Err(error) => unreadable(space, id, &error),
        };
        if row.status == Status::Closed {
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            if rows.len() >= ROWS_MAX {
                rows.clear();
            }
            rows.insert(id.to_owned(), row.clone());
        }
        row
    }

    /// Opens an investigation.
    ///
    /// # Errors
    /// When there is none, or its journal cannot be read.
    pub fn open(&self, id: &str) -> Result<Opened, OpenError> {
        let space = self.space_of(id)?;
        self.open_in(&space, id)
    }

    /// The space of an investigation.
    ///
    /// # Errors
    /// When there is none.
    pub fn space_of(&self, id: &str) -> Result<String, OpenError> {
        let unknown = || OpenError::Unknown(id.chars().take(80).collect());
        if !is_id(id) {
            return Err(unknown());
        }
        let found = self.known()?.into_iter().find(|(_, known)| known == id);
        found.map(|(space, _)| space).ok_or_else(unknown)
    }

    /// The journal's lines that may be shown, and whether it is worked on here.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn durable(&self, space: &str, id: &str) -> Result<(Vec<u8>, bool), OpenError> {
        // Counted first: what is durable now is in the file that is read afterwards.
        let count = self.feed.durable(id);
        let mut bytes = self.shelf.read(space, id)?;
        let lines = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
        let whole: usize = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .take(lines)
            .filter(|line| line.ends_with(b"\n"))
            .map(<[u8]>::len)
            .sum();
        bytes.truncate(whole);
        Ok((bytes, count.is_some()))
    }

    fn open_in(&self, space: &str, id: &str) -> Result<Opened, OpenError> {
        let (bytes, is_running) = self.durable(space, id)?;
        let verified = journal::verify(&bytes, None)?;
        let logged = orchestrator::replay::entries(&verified.records).map_err(not_understood)?;
        let report = orchestrator::report::build(id, &logged, &verified.head);
        let is_closed = verified.records.iter().any(|record| record.kind == "resolution");
        let status = match (is_running, is_closed) {
            (true, _) => Status::Running,
            (false, true) => Status::Closed,
            (false, false) => Status::CutOff,
        };
        Ok(Opened { status, space: space.to_owned(), records: verified.records, logged, report })
    }
}

fn not_understood(error: orchestrator::replay::ReplayError) -> OpenError {
    use std::error::Error as _;
    let because = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    OpenError::NotUnderstood(format!("{error}{because}"))
}

/// Whether this can be an id of ours, and so a part of a file's name.
#[must_use]
pub fn is_id(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    id.len() <= 80 && id.starts_with("inc_") && id.chars().all(is_plain)
}

fn row(id: &str, opened: &Opened) -> Row {
    let report = &opened.report;
    let has_concluded = has_concluded(&opened.logged);
    let symptom = report.diagnosis.symptoms.first().map(seen::symptom_title).unwrap_or_default();
    Row {
        investigation_id: id.to_owned(),
        space: opened.space.clone(),
        status: opened.status,
        headline: if has_concluded { report.headline.clone() } else { symptom.clone() },
        symptom,
        conclusion: has_concluded.then_some(report.conclusion),
        service: report.root_cause.as_ref().map(|cause| cause.service.clone()).unwrap_or_default(),
        verdict: report.verification.as_ref().map(|summary| summary.verdict),
        opened_at: report.opened_at.rfc3339(),
        updated_at: report.closed_at.rfc3339(),
    }
}

/// Whether the diagnosis has ended.
#[must_use]
pub fn has_concluded(logged: &[Logged]) -> bool {
    logged.iter().any(|logged| matches!(logged.entry, orchestrator::Entry::Conclusion(_)))
}

fn unreadable(space: &str, id: &str, error: &OpenError) -> Row {
    Row {
        investigation_id: id.to_owned(),
        space: space.to_owned(),
        status: Status::Unreadable,
        headline: error.to_string(),
        symptom: String::new(),
        conclusion: None,
        service: String::new(),
        verdict: None,
        opened_at: UnixNanos(0).rfc3339(),
        updated_at: UnixNanos(0).rfc3339(),
    }
}
