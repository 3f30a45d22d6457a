//! Copies a store while it is in use: the copy opens as the directory itself would after a power failure at that moment.
//!
//! The log comes first and the list of segments after it: a file of the log that becomes a segment in between stands in both,
//! and opening the copy leaves it out of one. The stamp of the format comes last, so that a copy that was cut short is no
//! store. Takes no lock and changes nothing; what else lies in a data directory is its owner's business.

use std::io;
use std::path::{Path, PathBuf};

use platform::Disk;
use telemetry::Space;

use crate::layout::{self, FORMAT, OpenStoreError, on};
use crate::segment::Manifest;
use crate::wal;

/// How often the files of a space are listed anew because some went while they were copied.
const TRIES: usize = 5;

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files, the stamp and the lists of segments left out.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are not what was written, copied as they are.
    pub damaged: Vec<PathBuf>,
}

/// Copies the store of `data_dir` into `dest`, durably.
///
/// # Errors
/// When `dest` holds a store already, `data_dir` holds none, or a file cannot be read or written.
pub fn backup(disk: &dyn Disk, data_dir: &Path, dest: &Path) -> Result<Copied, OpenStoreError> {
    let stamp = dest.join("FORMAT");
    if disk.read(&stamp).is_ok() {
        let taken = io::Error::new(io::ErrorKind::AlreadyExists, "it holds a store already");
        return Err(on("copy to", dest)(taken));
    }
    let spaces = layout::spaces(disk, data_dir)?;
    let mut copied = Copied::default();
    for space in spaces {
        copy_space(disk, (data_dir, dest), &space, &mut copied).map_err(on("copy a space of", data_dir))?;
    }
    let folder = dest.join("spaces");
    disk.create_dir_all(&folder).map_err(on("create", &folder))?;
    disk.sync_dir(&folder).map_err(on("sync", &folder))?;
    write(disk, &stamp, FORMAT.as_bytes()).map_err(on("write", &stamp))?;
    disk.sync_dir(dest).map_err(on("sync", dest))?;
    Ok(copied)
}

fn copy_space(
    disk: &dyn Disk,
    (data_dir, dest): (&Path, &Path),
    space: &Space,
    copied: &mut Copied,
) -> io::Result<()> {
    let log = layout::wal_dir(dest, space);
    layout::create_dir(disk, dest, space, &log)?;
    for (_, path) in wal::files(disk, &layout::wal_dir(data_dir, space))? {
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            // In a segment by now, which is copied after it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        copied.put(disk, &log, &path, &bytes)?;
    }
    disk.sync_dir(&log)?;
    let (from, to) = (layout::segments_dir(data_dir, space), layout::segments_dir(dest, space));
    for _ in 0..TRIES {
        if copy_segments(disk, &from, &to, copied)? {
            return Ok(());
        }
    }
    Err(io::Error::other(format!("segments went {TRIES} times while they were copied")))
}

/// Whether every file of the list was there.
fn copy_segments(disk: &dyn Disk, from: &Path, to: &Path, copied: &mut Copied) -> io::Result<bool> {
    let manifest = Manifest::load(disk, from)?;
    if manifest.damaged > 0 {
        let text = format!("{} lines of the list in `{}` cannot be read", manifest.damaged, from.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    if manifest.entries.is_empty() && manifest.through.file == 0 {
        return Ok(true);
    }
    disk.create_dir_all(to)?;
    for stored in manifest.entries.iter().flat_map(|entry| entry.files()) {
        let path = from.join(&stored.name);
        // What an attempt before copied is the same: a segment never changes.
        if disk.read(&to.join(&stored.name)).is_ok() {
            continue;
        }
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if !stored.is(&bytes) {
            copied.damaged.push(path.clone());
        }
        copied.put(disk, to, &path, &bytes)?;
    }
    disk.sync_dir(to)?;
    Manifest::save(disk, to, manifest.through, manifest.entries.iter())?;
    if let Some(space) = to.parent() {
        disk.sync_dir(space)?;
    }
    Ok(true)
}

impl Copied {
    fn put(&mut self, disk: &dyn Disk, folder: &Path, from: &Path, bytes: &[u8]) -> io::Result<()> {
        let name = from.file_name().ok_or_else(|| io::Error::other("a file without a name"))?;
        write(disk, &folder.join(name), bytes)?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// A new file whose content is durable; its name is synced with its folder.
fn write(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk.open_new(path)?;
    file.append(bytes)?;
    file.sync_data()
}
