//! The data directory: its format stamp, its lock, its folders.
//!
//! The stamp is durable before anything else is written, so that a directory without one is new or foreign.

use std::io;
use std::path::{Path, PathBuf};

use platform::{Disk, DiskLock};
use telemetry::Space;

/// The stamp of the format that this code writes and reads.
pub const FORMAT: &str = "firstcause-data 2\n";
/// The stamp before there were segments; such a directory gets the new one.
const FORMAT_BEFORE: &str = "firstcause-data 1\n";

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenStoreError {
    /// Another process has the directory open.
    #[error(
        "data directory `{dir}` is in use by another process\nhint: stop it, or choose another `--data-dir`"
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory was written by another version, or by something else.
    #[error(
        "data directory `{dir}` has the format `{found}`, expected `firstcause-data 2`\nhint: use the version \
         that wrote it, or choose another `--data-dir`"
    )]
    Format {
        /// The directory.
        dir: PathBuf,
        /// What its stamp says.
        found: String,
    },
    /// The disk refused.
    #[error("cannot {what} `{path}`\nhint: check that the directory can be written and the disk has room")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// The writer's thread could not be started.
    #[error("cannot start the writer\nhint: check the limit on threads")]
    Writer(#[source] io::Error),
}

/// Turns what the disk says into an error about `path`.
pub(crate) fn on<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> OpenStoreError + 'a {
    move |source| OpenStoreError::Disk { what, path: path.to_path_buf(), source }
}

/// Creates what is missing, takes the lock and checks the stamp.
pub(crate) fn open(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn DiskLock>, OpenStoreError> {
    disk.create_dir_all(dir).map_err(on("create", dir))?;
    sync_parents(disk, dir);
    let lock_path = dir.join("LOCK");
    let lock = disk.lock(&lock_path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenStoreError::InUse { dir: dir.to_path_buf() },
        _ => on("lock", &lock_path)(error),
    })?;
    let path = dir.join("FORMAT");
    match disk.read(&path) {
        Ok(bytes) if bytes == FORMAT.as_bytes() => {}
        Ok(bytes) if bytes == FORMAT_BEFORE.as_bytes() => {
            stamp(disk, dir, &path).map_err(on("write", &path))?;
        }
        Ok(bytes) => {
            let found = String::from_utf8_lossy(&bytes).trim().chars().take(40).collect();
            let dir = dir.to_path_buf();
            return Err(OpenStoreError::Format { dir, found });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            stamp(disk, dir, &path).map_err(on("write", &path))?;
        }
        Err(error) => return Err(on("read", &path)(error)),
    }
    let spaces = dir.join("spaces");
    disk.create_dir_all(&spaces).map_err(on("create", &spaces))?;
    disk.sync_dir(dir).map_err(on("sync", dir))?;
    Ok(lock)
}

/// The folders above may not be ours to open; when their names cannot be synced, ours may vanish as a whole.
fn sync_parents(disk: &dyn Disk, dir: &Path) {
    for parent in dir.ancestors().skip(1).chain([Path::new(".")]) {
        let _outcome = disk.sync_dir(parent);
    }
}

fn stamp(disk: &dyn Disk, dir: &Path, path: &Path) -> io::Result<()> {
    let draft = dir.join("FORMAT.new");
    match disk.remove(&draft) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = disk.open_new(&draft)?;
    file.append(FORMAT.as_bytes())?;
    file.sync_data()?;
    disk.rename(&draft, path)?;
    disk.sync_dir(dir)
}

/// The folder of a space's log.
pub(crate) fn wal_dir(data_dir: &Path, space: &Space) -> PathBuf {
    data_dir.join("spaces").join(space.as_str()).join("wal")
}

/// The folder of a space's segments.
pub(crate) fn segments_dir(data_dir: &Path, space: &Space) -> PathBuf {
    data_dir.join("spaces").join(space.as_str()).join("segments")
}

/// Creates the folder `dir` of a space, durably.
pub(crate) fn create_dir(disk: &dyn Disk, data_dir: &Path, space: &Space, dir: &Path) -> io::Result<()> {
    disk.create_dir_all(dir)?;
    let spaces = data_dir.join("spaces");
    disk.sync_dir(&spaces)?;
    disk.sync_dir(&spaces.join(space.as_str()))
}

/// The spaces that the directory holds.
pub(crate) fn spaces(disk: &dyn Disk, data_dir: &Path) -> Result<Vec<Space>, OpenStoreError> {
    let dir = data_dir.join("spaces");
    let names = disk.list(&dir).map_err(on("list", &dir))?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}
