//! Writing a journal: append, then commit.
//!
//! A record is durable when [`Journal::commit`] has returned; the orchestrator commits before every effect, before
//! every answer to a person and at each stage end (I7). A failed sync poisons the journal: on the same descriptor a
//! later sync could succeed without the lost pages (fsyncgate), so nothing more is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use platform::clock::Clock;
use platform::disk::{Disk, DiskFile};
use serde::Serialize;

use crate::chain::{self, Damage};
use crate::record::{FIRST, Record, VERSION, hash};

/// An open journal.
pub struct Journal {
    file: Box<dyn DiskFile>,
    clock: Arc<dyn Clock>,
    path: PathBuf,
    seq: u64,
    head: String,
    is_poisoned: bool,
}

/// A journal could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk failed.
    #[error("failed to {what} journal `{path}`")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: String,
        /// What the disk said.
        #[source]
        source: std::io::Error,
    },
    /// The body cannot be JSON.
    #[error("failed to write a record as JSON")]
    Body(#[source] incident::canonical::CanonicalError),
    /// The envelope cannot be JSON.
    #[error("failed to write an envelope as JSON")]
    Envelope(#[source] serde_json::Error),
    /// The file is damaged.
    #[error("journal `{path}` is damaged")]
    Damaged {
        /// Which file.
        path: String,
        /// Where.
        #[source]
        source: Damage,
    },
    /// An earlier sync failed.
    #[error(
        "journal `{0}` takes no more records: an earlier sync failed; hint: check the disk and start anew"
    )]
    Poisoned(String),
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("path", &self.path).field("seq", &self.seq).finish_non_exhaustive()
    }
}

impl Journal {
    /// Opens the journal at `path`, new or to go on with; an existing one is verified first.
    ///
    /// # Errors
    /// When the disk fails or the existing journal is damaged.
    pub fn open(disk: &dyn Disk, clock: Arc<dyn Clock>, path: &Path) -> Result<Self, JournalError> {
        let failed =
            |what| move |source| JournalError::Disk { what, path: path.display().to_string(), source };
        let existing = match disk.read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("read")(error)),
        };
        let file = match &existing {
            Some(_) => disk.open_append(path),
            None => disk.open_new(path),
        };
        let file = file.map_err(failed("open"))?;
        let existing = existing.unwrap_or_default();
        let verified = chain::verify(&existing, None)
            .map_err(|source| JournalError::Damaged { path: path.display().to_string(), source })?;
        if let Some(folder) = path.parent() {
            disk.sync_dir(folder).map_err(failed("sync the folder of"))?;
        }
        let seq = verified.records.len() as u64;
        let head = if seq == 0 { FIRST.to_owned() } else { verified.head };
        Ok(Self { file, clock, path: path.to_owned(), seq, head, is_poisoned: false })
    }

    /// Appends a record; durable after the next [`Journal::commit`].
    ///
    /// # Errors
    /// When the body is no JSON, the disk fails, or an earlier sync failed.
    pub fn append(
        &mut self,
        kind: &str,
        body: &impl Serialize,
        took: Option<Duration>,
    ) -> Result<Record, JournalError> {
        self.check()?;
        let text = incident::canonical::to_text(body).map_err(JournalError::Body)?;
        let record = Record {
            v: VERSION,
            seq: self.seq + 1,
            at: self.clock.now_unix_nanos(),
            prev: self.head.clone(),
            kind: kind.to_owned(),
            took_us: took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            body: serde_json::value::RawValue::from_string(text).map_err(JournalError::Envelope)?,
        };
        let mut line = serde_json::to_string(&record).map_err(JournalError::Envelope)?;
        let head = hash(&line);
        line.push('\n');
        if let Err(source) = self.file.append(line.as_bytes()) {
            self.is_poisoned = true;
            return Err(self.disk_error("append to", source));
        }
        self.seq += 1;
        self.head = head;
        Ok(record)
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// When the disk fails; the journal then takes no more records.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        self.check()?;
        let synced = self.file.sync_data();
        synced.map_err(|source| {
            self.is_poisoned = true;
            self.disk_error("sync", source)
        })
    }

    /// BLAKE3 of the last line.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self) -> Result<(), JournalError> {
        if self.is_poisoned { Err(JournalError::Poisoned(self.path.display().to_string())) } else { Ok(()) }
    }

    fn disk_error(&self, what: &'static str, source: std::io::Error) -> JournalError {
        JournalError::Disk { what, path: self.path.display().to_string(), source }
    }
}
