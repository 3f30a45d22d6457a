//! The journal of a running incident, and those who look on.
//!
//! Every entry is shown after it is durable, so that nobody is told what a crash could take back (I7). A log that is
//! resumed first goes through what was recorded: what is appended must equal it byte for byte, and is not written
//! again. Does not decide what follows from a difference.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use incident::canonical;
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

/// An entry of an earlier life, not yet gone through again.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its number.
    pub seq: u64,
    /// Its body as written.
    pub body: String,
    /// What it says.
    pub logged: Logged,
}

/// An entry could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The journal cannot be written.
    #[error("failed to write the journal")]
    Journal(#[from] JournalError),
    /// What was computed is not what was recorded.
    #[error(
        "the recorded investigation does not re-run with this version: record {seq} is a `{recorded}`, and \
         another `{computed}` was computed; hint: judge from what was found, and look at what was done by hand"
    )]
    Diverged {
        /// The record's number.
        seq: u64,
        /// Its kind.
        recorded: String,
        /// The kind computed.
        computed: &'static str,
    },
    /// The body cannot be compared.
    #[error("failed to write an entry as JSON")]
    Body(#[from] canonical::CanonicalError),
}

/// The journal, its entries in memory, and the observer.
pub struct Log {
    journal: Journal,
    observer: Arc<dyn Observer>,
    logged: Vec<Logged>,
    /// How many of `logged` the observer has seen.
    seen: usize,
    /// What an earlier life recorded and this one has not yet gone through.
    recorded: VecDeque<Recorded>,
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
        Self { journal, observer, logged: Vec::new(), seen: 0, recorded: VecDeque::new() }
    }

    /// A log that goes through `recorded`, which `journal` holds, before it writes on. The record that says so is
    /// durable first, so that resumptions can be counted whatever becomes of them.
    ///
    /// # Errors
    /// When the journal cannot take it.
    pub fn resume(
        mut journal: Journal,
        observer: Arc<dyn Observer>,
        mut recorded: VecDeque<Recorded>,
        note: Note,
    ) -> Result<Self, LogError> {
        let entry = Entry::Resumed(note);
        let record = journal.append(entry.kind(), &entry, None)?;
        journal.commit()?;
        let logged = Logged { at: UnixNanos(record.at), took: Duration::ZERO, entry };
        recorded.push_back(Recorded { seq: record.seq, body: record.body.get().to_owned(), logged });
        let mut log = Self { journal, observer, logged: Vec::new(), seen: 0, recorded };
        log.pass_resumptions();
        Ok(log)
    }

    /// Appends an entry; while the log goes through what was recorded, compares it instead.
    ///
    /// # Errors
    /// When the journal cannot take it, or something else was recorded.
    pub fn append(&mut self, entry: Entry) -> Result<(), LogError> {
        self.append_timed(entry, None)
    }

    /// Appends an entry that the engine computed for `took`.
    ///
    /// # Errors
    /// When the journal cannot take it, or something else was recorded.
    pub fn append_timed(&mut self, entry: Entry, took: Option<Duration>) -> Result<(), LogError> {
        if let Some(recorded) = self.recorded.front() {
            if recorded.logged.entry.kind() != entry.kind() || recorded.body != canonical::to_text(&entry)? {
                return Err(self.diverged(entry.kind()));
            }
            self.pass();
            return Ok(());
        }
        let record = self.journal.append(entry.kind(), &entry, took)?;
        let at = UnixNanos(record.at);
        self.logged.push(Logged { at, took: took.unwrap_or_default(), entry });
        Ok(())
    }

    /// Whether something recorded is still to be gone through.
    #[must_use]
    pub fn is_catching_up(&self) -> bool {
        !self.recorded.is_empty()
    }

    /// The next recorded entry.
    #[must_use]
    pub fn recorded(&self) -> Option<&Entry> {
        self.recorded.front().map(|recorded| &recorded.logged.entry)
    }

    /// Goes past the next recorded entry, which is fed instead of computed, and gives it.
    pub fn pass(&mut self) -> Option<&Entry> {
        let passed = self.recorded.pop_front()?;
        self.logged.push(passed.logged);
        let place = self.logged.len() - 1;
        self.pass_resumptions();
        self.logged.get(place).map(|logged| &logged.entry)
    }

    /// Goes past everything recorded: what comes next is written, whatever it is.
    pub fn give_up(&mut self) {
        while self.pass().is_some() {}
    }

    /// That the next recorded entry is not the `computed` one.
    #[must_use]
    pub fn diverged(&self, computed: &'static str) -> LogError {
        let (seq, recorded) = self
            .recorded
            .front()
            .map_or((0, String::new()), |front| (front.seq, front.logged.entry.kind().to_owned()));
        LogError::Diverged { seq, recorded, computed }
    }

    fn pass_resumptions(&mut self) {
        while matches!(self.recorded(), Some(Entry::Resumed(_))) {
            self.logged.extend(self.recorded.pop_front().map(|recorded| recorded.logged));
        }
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
    ) -> Result<(), LogError> {
        self.append(Entry::Progress(Note::new(stage, kind, text)))
    }

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn commit(&mut self) -> Result<(), LogError> {
        // What was recorded is durable already: the journal was synced when it was opened.
        if !self.is_catching_up() {
            self.journal.commit()?;
        }
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
