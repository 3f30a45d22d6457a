//! The journals of a data directory that several processes write, `control.journal`, `changes.journal` and `tools.journal`: where they lie, and
//! how they are written, by one process at a time.
//!
//! Several processes may write it, a running `serve` and a command beside it. Each takes the lock, reads what is there,
//! appends, commits and lets go; nobody keeps it open. What its records mean is the business of who writes them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::Context;
use journal::{Journal, Record};
use platform::disk::{Disk, DiskLock};
use server::identity::Control;

use crate::failure::Failure;
use crate::wiring::Doors;

/// One of them.
pub(crate) struct Named {
    /// Its name in the data directory.
    file: &'static str,
    /// Whoever holds this one may write it.
    lock: &'static str,
    /// What it means that it cannot be read.
    lost: &'static str,
}

/// Keys.
pub(crate) const CONTROL: Named = Named {
    file: "control.journal",
    lock: "control.lock",
    lost: "with keys that cannot be read nobody is let in",
};
/// Changes that somebody told.
pub(crate) const CHANGES: Named = Named {
    file: "changes.journal",
    lock: "changes.lock",
    lost: "until then investigations do not see what was recorded",
};
/// How often the lock is tried, and how long is waited in between: two seconds in all.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// Tools that were made over the Agent Builder's paths.
pub(crate) const TOOLS: Named = Named {
    file: "tools.journal",
    lock: "tools.lock",
    lost: "or remove it: then the tools that were made are gone",
};

/// A journal as others read it.
pub(crate) struct JournalFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    named: &'static Named,
}

impl JournalFile {
    /// The keys of a data directory.
    pub(crate) fn new(doors: &Doors, data_dir: &Path) -> Self {
        Self::of(doors, data_dir, &CONTROL)
    }

    /// A journal of a data directory.
    pub(crate) fn of(doors: &Doors, data_dir: &Path, named: &'static Named) -> Self {
        Self { disk: Arc::clone(&doors.disk), path: data_dir.join(named.file), named }
    }

    /// Its records; none when there is no such file.
    pub(crate) fn records(&self) -> anyhow::Result<Vec<Record>> {
        let bytes = match self.disk.read(&self.path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            read => read.with_context(|| format!("failed to read `{}`", self.path.display()))?,
        };
        Ok(journal::left(&bytes).map_err(|damage| damaged(&self.path, self.named, damage))?.verified.records)
    }
}

impl Control for JournalFile {
    fn grown(&self) -> std::io::Result<Option<u64>> {
        match self.disk.open_append(&self.path) {
            Ok(file) => Ok(Some(file.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        self.disk.read(&self.path)
    }
}

/// Hands a journal and its records to `work`, while nobody else writes it.
///
/// # Errors
/// When another holds it, it is damaged, the disk fails, or `work` does.
pub(crate) fn write<T>(
    doors: &Doors,
    data_dir: &Path,
    named: &Named,
    work: impl FnOnce(&mut Journal, &[Record]) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (disk, path) = (&*doors.disk, data_dir.join(named.file));
    disk.create_dir_all(data_dir)
        .with_context(|| format!("failed to make the folder `{}`", data_dir.display()))?;
    let _held = held(disk, &data_dir.join(named.lock)).map_err(|error| {
        Failure::usage(
            format!("failed to take `{}`: {error}", data_dir.join(named.lock).display()),
            format!(
                "another process writes {} just now: try again, or look at the folder's rights",
                named.file
            ),
        )
    })?;
    let clock = Arc::clone(&doors.clock);
    let (mut journal, records) = match disk.read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            (Journal::create(disk, clock, &path)?, Vec::new())
        }
        _ => {
            let (journal, left) =
                Journal::resume(disk, clock, &path).map_err(|error| damaged(&path, named, error))?;
            (journal, left.verified.records)
        }
    };
    work(&mut journal, &records)
}

/// The lock, waited for as long as others take to write a few lines.
fn held(disk: &dyn Disk, path: &Path) -> std::io::Result<Box<dyn DiskLock>> {
    // Nothing is ever sent: it is waited on a channel, so that a second passes and no more.
    let (_open, silence) = mpsc::sync_channel::<()>(0);
    for _ in 0..TRIES {
        match disk.lock(path) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => drop(silence.recv_timeout(PAUSE)),
            taken => return taken,
        }
    }
    disk.lock(path)
}

fn damaged(
    path: &Path,
    named: &Named,
    error: impl std::error::Error + Send + Sync + 'static,
) -> anyhow::Error {
    let error = anyhow::Error::new(error);
    let why = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Failure::usage(
        format!("`{}` cannot be used: {why}", path.display()),
        format!("restore it from a copy; {}", named.lost),
    )
}
