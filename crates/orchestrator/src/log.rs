//! The journal of a running incident, and those who look on.
//!
//! Every entry is shown after it is durable, so that nobody is told what a crash could take back (I7).

use std::sync::Arc;
use std::time::Duration;

use journal::{Journal, JournalError};
use telemetry::{Note, NoteKind, Stage, UnixNanos};

use crate::entry::Entry;

/// Someone who looks on while an incident is worked on; must not block.
pub trait Observer: Send + Sync {
    /// Sees an entry, written at `at`, once it is durable.
    fn saw(&self, at: UnixNanos, entry: &Entry);
}

/// An entry with the times of its envelope.
#[derive(Debug, Clone)]
pub struct Logged {
    /// When it was written.
    pub at: UnixNanos,
    /// How long the engine computed for it.
    pub took: Duration,
    /// What it says.
    pub entry: Entry,
}

/// The journal, its entries in memory, and the observer.
pub struct Log {
    journal: Journal,
    observer: Arc<dyn Observer>,
    logged: Vec<Logged>,
    /// How many of `logged` the observer has seen.
    seen: usize,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("entries", &self.logged.len()).finish_non_exhaustive()
    }
}

impl Log {
    /// A log that writes to `journal` and shows to `observer`.
    #[must_use]
    pub fn new(journal: Journal, observer: Arc<dyn Observer>) -> Self {
        Self { journal, observer, logged: Vec::new(), seen: 0 }
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// When the journal cannot take it.
    pub fn append(&mut self, entry: Entry) -> Result<(), JournalError> {
        self.append_timed(entry, None)
    }

    /// Appends an entry that the engine computed for `took`.
    ///
    /// # Errors
    /// When the journal cannot take it.
    pub fn append_timed(&mut self, entry: Entry, took: Option<Duration>) -> Result<(), JournalError> {
        let record = self.journal.append(entry.kind(), &entry, took)?;
        let at = UnixNanos(record.at);
        self.logged.push(Logged { at, took: took.unwrap_or_default(), entry });
        Ok(())
    }

    /// Appends a note of the orchestrator's own.
    ///
    /// # Errors
    /// When the journal cannot take it.
    pub fn progress(
        &mut self,
        stage: Stage,
        kind: NoteKind,
        text: impl Into<String>,
    ) -> Result<(), JournalError> {
        self.append(Entry::Progress(Note::new(stage, kind, text)))
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn commit(&mut self) -> Result<(), JournalError> {
        self.journal.commit()?;
        for logged in self.logged.iter().skip(self.seen) {
            self.observer.saw(logged.at, &logged.entry);
        }
        self.seen = self.logged.len();
        Ok(())
    }

    /// The entries so far.
    #[must_use]
    pub fn logged(&self) -> &[Logged] {
        &self.logged
    }

    /// Questions asked so far.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.logged.iter().filter(|logged| matches!(logged.entry, Entry::Question(_))).count()
    }

    /// The journal's head.
    #[must_use]
    pub fn head(&self) -> &str {
        self.journal.head()
    }

    /// The journal's file.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        self.journal.path()
    }
}
