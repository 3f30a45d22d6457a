//! What was done under which key, on disk before it is done and when it is: the same key never acts twice, and what
//! became of it can be asked after whoever asked for it is gone.
//! It deliberately knows nothing of processes, and forgets nothing: a full record refuses.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::wire::{Recalled, RecalledState, Refusal, Restarted};
use crate::clock;

/// The name of the record in the system's directory.
pub const FILE_NAME: &str = "actions.jsonl";

/// Keys kept. An incident takes two or three, each about half a KiB.
const KEYS_MAX: usize = 10_000;

/// One line of the record.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Line {
    /// Which action.
    pub key: String,
    /// When this was written.
    pub at_unix_nanos: i64,
    /// The instance.
    pub instance: String,
    /// What is known.
    #[serde(flatten)]
    pub what: What,
}

/// What is known of an action.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum What {
    /// It is about to be carried out.
    Begun {
        /// The values that it replaces.
        previous: BTreeMap<String, Option<String>>,
    },
    /// It was carried out.
    Done {
        /// With this result.
        restarted: Restarted,
    },
    /// It was tried.
    Failed {
        /// The values that it replaced.
        previous: BTreeMap<String, Option<String>>,
        /// And what was wrong.
        error: String,
    },
}

/// The record.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    len: u64,
    /// A failed write could not be taken back: what would come behind it could not be read.
    is_poisoned: bool,
    known: BTreeMap<String, Line>,
}

impl Ledger {
    /// Opens or makes the record in `directory`. A last line that was cut off is cut away; it was not yet acted upon.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE_NAME);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let bytes = std::fs::read(&path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut known = BTreeMap::new();
        for line in bytes.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            let line: Line = serde_json::from_slice(line).map_err(|error| {
                let what = format!("`{}` is damaged: {error}; hint: move it away", path.display());
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?;
            known.insert(line.key.clone(), line);
        }
        let len = u64::try_from(whole).unwrap_or(u64::MAX);
        file.set_len(len)?;
        file.sync_all()?;
        File::open(directory)?.sync_all()?;
        Ok(Self { path, file, len, is_poisoned: false, known })
    }

    /// What came of `key`, if it was ever begun.
    pub(super) fn result(&self, key: &str) -> Option<Result<Restarted, Refusal>> {
        Some(match &self.known.get(key)?.what {
            What::Done { restarted } => Ok(restarted.clone()),
            What::Failed { error, .. } => Err(Refusal::new(error.clone())),
            What::Begun { .. } => Err(Refusal::new(
                "it was begun before this supervisor was started, and what came of it is not known; hint: see status",
            )),
        })
    }

    /// What is known of `key`.
    pub(super) fn recall(&self, key: &str) -> Recalled {
        let mut recalled = Recalled {
            ok: true,
            state: RecalledState::NotBegun,
            ready_at_unix_nanos: None,
            previous: BTreeMap::new(),
            error: None,
        };
        match self.known.get(key).map(|line| line.what.clone()) {
            None => {}
            Some(What::Begun { previous }) => {
                recalled = Recalled { state: RecalledState::Begun, previous, ..recalled };
            }
            Some(What::Done { restarted }) => {
                let ready = Some(restarted.ready_at_unix_nanos);
                recalled = Recalled {
                    state: RecalledState::Done,
                    ready_at_unix_nanos: ready,
                    previous: restarted.previous,
                    ..recalled
                };
            }
            Some(What::Failed { previous, error }) => {
                recalled =
                    Recalled { state: RecalledState::Failed, previous, error: Some(error), ..recalled };
            }
        }
        recalled
    }

    /// Writes down, durably, what is known of `key` now.
    pub(super) fn write(&mut self, key: &str, instance: &str, what: What) -> Result<(), Refusal> {
        if self.known.len() >= KEYS_MAX && !self.known.contains_key(key) {
            let path = self.path.display();
            return Err(Refusal::new(format!(
                "`{path}` is full; hint: stop the supervisor and move it away"
            )));
        }
        let line = Line {
            key: key.to_owned(),
            at_unix_nanos: clock::unix_nanos(),
            instance: instance.to_owned(),
            what,
        };
        let written = serde_json::to_vec(&line).map_err(io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            self.append(&text)
        });
        written.map_err(|error| {
            let path = self.path.display();
            Refusal::new(format!("`{path}` cannot be written: {error}; hint: check the disk"))
        })?;
        self.known.insert(line.key.clone(), line);
        Ok(())
    }

    /// Adds a whole line, or leaves the file as it was.
    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if self.is_poisoned {
            return Err(io::Error::other("an earlier line was written in part and could not be cut away"));
        }
        let written = self.file.write_all(text).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.len += text.len() as u64,
            Err(_) => self.cut_back(),
        }
        written
    }

    fn cut_back(&mut self) {
        let cut = self.file.set_len(self.len).and_then(|()| self.file.sync_data());
        self.is_poisoned = cut.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> What {
        What::Begun { previous: BTreeMap::from([("A".to_owned(), Some("1".to_owned()))]) }
    }

    fn done() -> What {
        What::Done {
            restarted: Restarted {
                ok: true,
                instance: "orders-1".into(),
                version: "1".into(),
                ready_at_unix_nanos: 7,
                previous: BTreeMap::from([("A".to_owned(), None)]),
                pid: 1,
            },
        }
    }

    #[test]
    fn what_was_done_is_known_after_a_restart_and_what_was_only_begun_is_called_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        assert!(ledger.result("a").is_none());
        assert_eq!(ledger.recall("a").state, RecalledState::NotBegun);
        ledger.write("a", "orders-1", begun()).unwrap();
        ledger.write("a", "orders-1", done()).unwrap();
        ledger.write("b", "orders-2", begun()).unwrap();
        drop(ledger);
        let ledger = Ledger::open(folder.path()).unwrap();
        assert_eq!(ledger.result("a").unwrap().unwrap().ready_at_unix_nanos, 7);
        assert_eq!(ledger.recall("a").previous, BTreeMap::from([("A".to_owned(), None)]));
        assert_eq!(ledger.recall("b").state, RecalledState::Begun);
        assert!(ledger.result("b").unwrap().unwrap_err().error.contains("not known"));
    }

    #[test]
    fn a_cut_last_line_is_cut_away_and_any_other_damage_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let mut ledger = Ledger::open(folder.path()).unwrap();
        ledger.write("a", "orders-1", begun()).unwrap();
        ledger.write("b", "orders-1", begun()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        crate::files::write_atomically(&path, &bytes[..bytes.len() - 4]).unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        assert_eq!(ledger.recall("b").state, RecalledState::NotBegun);
        ledger.write("c", "orders-1", begun()).unwrap();
        assert_eq!(Ledger::open(folder.path()).unwrap().recall("c").state, RecalledState::Begun);
        let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let (first, second) = bytes.split_at(first);
        // Also where a line like the damaged one was cut off at the end.
        let damaged = [
            [b"{}\n", bytes.as_slice()].concat(),
            [first, b"\n", second].concat(),
            [first, b"{\n", second, b"{"].concat(),
            [bytes.as_slice(), b"{}\n"].concat(),
        ];
        for damaged in damaged {
            crate::files::write_atomically(&path, &damaged).unwrap();
            let error = Ledger::open(folder.path()).unwrap_err();
            assert!(error.to_string().contains("damaged"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), damaged, "it is not touched");
        }
    }

    #[test]
    fn a_line_written_in_part_is_cut_away_or_nothing_is_written_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        ledger.write("a", "orders-1", begun()).unwrap();
        ledger.file.write_all(b"{\"key\":").unwrap();
        ledger.cut_back();
        ledger.write("b", "orders-1", begun()).unwrap();
        assert_eq!(Ledger::open(folder.path()).unwrap().recall("b").state, RecalledState::Begun);
        let writable = std::mem::replace(&mut ledger.file, File::open(&ledger.path).unwrap());
        ledger.write("c", "orders-1", begun()).unwrap_err();
        ledger.file = writable;
        let refused = ledger.write("c", "orders-1", begun()).unwrap_err().error;
        assert!(refused.contains("written in part"), "{refused}");
        assert_eq!(ledger.recall("c").state, RecalledState::NotBegun);
    }
}
