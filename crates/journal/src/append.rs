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

use crate::chain::{self, Damage, Left};
use crate::record::{FIRST, Record, VERSION, hash};

/// An open journal.
pub struct Journal {
    file: Box<dyn DiskFile>,
    clock: Arc<dyn Clock>,
    path: PathBuf,
    seq: u64,
    /// How many records are durable.
    durable: u64,
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
    /// Creates the journal at `path`.
    ///
    /// # Errors
    /// When there is one already or the disk fails.
    pub fn create(disk: &dyn Disk, clock: Arc<dyn Clock>, path: &Path) -> Result<Self, JournalError> {
        let file = disk.open_new(path).map_err(failed("create", path))?;
        sync_folder(disk, path)?;
        Ok(Self {
            file,
            clock,
            path: path.to_owned(),
            seq: 0,
            durable: 0,
            head: FIRST.to_owned(),
            is_poisoned: false,
        })
    }

    /// Opens what a crash left of the journal at `path`: verifies it, cuts a torn end, and makes what was read
    /// durable before anything is based on it.
    ///
    /// # Errors
    /// When the disk fails or the journal is damaged; a damaged one is not touched.
    pub fn resume(disk: &dyn Disk, clock: Arc<dyn Clock>, path: &Path) -> Result<(Self, Left), JournalError> {
        let bytes = disk.read(path).map_err(failed("read", path))?;
        let left = chain::left(&bytes)
            .map_err(|source| JournalError::Damaged { path: path.display().to_string(), source })?;
        if left.torn > 0 {
            disk.truncate(path, left.len as u64).map_err(failed("cut the torn end of", path))?;
        }
        let file = disk.open_append(path).map_err(failed("open", path))?;
        sync_folder(disk, path)?;
        let seq = left.verified.records.len() as u64;
        let head = left.verified.head.clone();
        let mut journal =
            Self { file, clock, path: path.to_owned(), seq, durable: 0, head, is_poisoned: false };
        journal.commit()?;
        Ok((journal, left))
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
            durable: self.durable,
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
        if let Err(source) = self.file.sync_data() {
            self.is_poisoned = true;
            return Err(self.disk_error("sync", source));
        }
        self.durable = self.seq;
        Ok(())
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

/// What the disk said while `what` was tried with the journal at `path`.
fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> JournalError {
    move |source| JournalError::Disk { what, path: path.display().to_string(), source }
}

fn sync_folder(disk: &dyn Disk, path: &Path) -> Result<(), JournalError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    disk.sync_dir(folder).map_err(failed("sync the folder of", path))
}
