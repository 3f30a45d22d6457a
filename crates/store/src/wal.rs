//! The write-ahead log of one space: numbered files, each only appended to.
//!
//! A file whose append or sync failed is given up for good: the kernel may have dropped its pages, and asking
//! again on the same descriptor would report success (Rebello et al., USENIX ATC 2020). What it held beyond the
//! last success is cut off when the disk lets us, and later requests go to a new file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use platform::{Disk, DiskFile};

use crate::config::{Config, Durability};

/// The log of one space.
#[derive(Debug)]
pub(crate) struct Log {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    durability: Durability,
    file_len_max: u64,
    next_number: u64,
    current: Option<Open>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    file: Box<dyn DiskFile>,
    /// Length at the last success.
    durable_len: u64,
}

impl Log {
    /// The log in `dir`, whose files below `next_number` are never appended to again.
    pub(crate) fn new(dir: PathBuf, disk: Arc<dyn Disk>, config: &Config, next_number: u64) -> Self {
        Self {
            dir,
            disk,
            durability: config.durability,
            file_len_max: config.wal_file_bytes,
            next_number,
            current: None,
        }
    }

    /// Appends `records` and makes them durable with one sync. Gives the number of the file that holds them.
    pub(crate) fn commit<'a>(&mut self, records: impl Iterator<Item = &'a [u8]>) -> io::Result<u64> {
        let mut open = match self.current.take() {
            Some(open) if open.file.len() < self.file_len_max => open,
            _ => self.create()?,
        };
        match self.write(&mut open, records) {
            Ok(()) => {
                let number = open.number;
                self.current = Some(open);
                Ok(number)
            }
            Err(error) => {
                let path = self.path(open.number);
                let durable_len = open.durable_len;
                drop(open);
                // Best effort: a record that stays is replayed although it was refused, which a sender that
                // tries again cannot tell from its own second attempt.
                let _outcome = self.disk.truncate(&path, durable_len);
                Err(error)
            }
        }
    }

    fn write<'a>(&self, open: &mut Open, records: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        for record in records {
            open.file.append(record)?;
        }
        if self.durability == Durability::Fsync {
            open.file.sync_data()?;
        }
        open.durable_len = open.file.len();
        Ok(())
    }

    fn create(&mut self) -> io::Result<Open> {
        let number = self.next_number;
        self.next_number += 1;
        let file = self.disk.open_new(&self.path(number))?;
        if self.durability == Durability::Fsync {
            self.disk.sync_dir(&self.dir)?;
        }
        Ok(Open { number, file, durable_len: 0 })
    }

    /// Appends no more to the file of now.
    pub(crate) fn close(&mut self) {
        self.current = None;
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:08}.wal"))
    }
}

/// Removes the files of the log in `dir` up to `number`, which nobody appends to any more. Failures leave files to be removed
/// next time.
pub(crate) fn remove_through(disk: &dyn Disk, dir: &Path, number: u64) {
    let Ok(files) = files(disk, dir) else {
        return;
    };
    let mut removed = false;
    for (old, path) in files {
        if old <= number {
            removed |= disk.remove(&path).is_ok();
        }
    }
    if removed {
        let _outcome = disk.sync_dir(dir);
    }
}

/// The files of a log, by rising number.
pub(crate) fn files(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let names = match disk.list(dir) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut files: Vec<(u64, PathBuf)> = names
        .iter()
        .filter_map(|name| {
            let number = name.strip_suffix(".wal")?.parse().ok()?;
            Some((number, dir.join(name)))
        })
        .collect();
    files.sort();
    Ok(files)
}
