//! What durable code may ask of a disk, in terms that a crash can be argued about.
//!
//! A write is durable only after [`DiskFile::sync_data`] returned; a new, renamed or removed name only after
//! [`Disk::sync_dir`] of its folder returned. Nothing here buffers, retries or interprets content.

use std::fmt::Debug;
use std::io;
use std::path::Path;

/// A disk. All errors are those of the operating system.
pub trait Disk: Send + Sync + Debug {
    /// Creates a folder and those above it; fine when they exist.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Opens an existing file for appending at its end.
    ///
    /// # Errors
    /// `NotFound` when it does not exist; otherwise what the operating system says.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Creates a file that did not exist, for appending.
    ///
    /// # Errors
    /// `AlreadyExists` when it exists; otherwise what the operating system says.
    fn open_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// The whole content of a file.
    ///
    /// # Errors
    /// `NotFound` when it does not exist; otherwise what the operating system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The length of a file in bytes. A real disk tells it without reading the file.
    ///
    /// # Errors
    /// `NotFound` when it does not exist; otherwise what the operating system says.
    fn file_len(&self, path: &Path) -> io::Result<u64> {
        Ok(self.read(path)?.len() as u64)
    }

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// `NotFound` when it does not exist; otherwise what the operating system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Cuts a file to `len` bytes, durably.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the exclusive lock on a file, which is created when needed, until the result is dropped.
    ///
    /// # Errors
    /// `WouldBlock` when another holds it; otherwise what the operating system says.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
}

/// A file open for appending.
pub trait DiskFile: Send + Debug {
    /// Writes all of `bytes` at the end. After an error, a part of them may stand there.
    ///
    /// # Errors
    /// When the operating system refuses, for example because the disk is full.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended so far durable. After an error nothing is known about what was written since
    /// the last success, and asking again on this file proves nothing: the kernel may have dropped the pages
    /// (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
    ///
    /// # Errors
    /// When the operating system reports a failed write-back.
    fn sync_data(&mut self) -> io::Result<()>;

    /// Length in bytes, what is not yet durable included.
    fn len(&self) -> u64;

    /// Whether nothing is in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Holds an exclusive lock until dropped.
pub trait DiskLock: Send + Sync + Debug {}
