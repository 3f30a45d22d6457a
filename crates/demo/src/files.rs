//! The few files the demo writes: its description, its ground truth, its summaries and its logs.
//! It deliberately knows nothing of records and recovery: everything here can be created again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces the file at `path` with `bytes`, so that a reader sees the old content or the new, never a part.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = Path::new(&name);
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(partial, path)
}

/// Replaces the file at `path` with `bytes` in one step for its readers, without waiting for the disk.
pub(crate) fn write_scratch(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = Path::new(&name);
    OpenOptions::new().create(true).write(true).truncate(true).open(partial)?.write_all(bytes)?;
    rename(partial, path)
}

/// Renames `from` to `to`, replacing what was there.
#[expect(
    clippy::disallowed_methods,
    reason = "not a durable record: a demo that is interrupted is made again"
)]
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Opens a log file for appending, creating it if need be.
pub(crate) fn open_log(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
