//! Reads everything in a data directory once and says what is damaged. Changes nothing and takes no lock.
//!
//! Beside a running store, files may go and the log's last record may be half there; the first are passed over, the
//! second is counted as torn, which is no damage.

use std::io;
use std::path::Path;

use platform::Disk;
use telemetry::Space;

use crate::layout::{self, OpenStoreError};
use crate::segment::{self, Manifest};
use crate::{recovery, wal};

/// What one space holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSpace {
    /// Its name.
    pub space: Space,
    /// Segments in its list, their rows and the bytes of their files.
    pub segments: u64,
    /// See `segments`.
    pub segment_rows: u64,
    /// See `segments`.
    pub segment_bytes: u64,
    /// Files of the log, the items in them, and their bytes.
    pub log_files: u64,
    /// See `log_files`.
    pub log_items: u64,
    /// See `log_files`.
    pub log_bytes: u64,
    /// Bytes at the end of the log that are no whole record: being written now, or cut short and never acknowledged.
    pub torn_bytes: u64,
    /// What is damaged, a sentence each, with the rows or bytes that it costs.
    pub damage: Vec<String>,
}

/// Checks every space of the data directory.
///
/// # Errors
/// When the directory or a file of it cannot be read.
pub fn check(disk: &dyn Disk, data_dir: &Path) -> Result<Vec<CheckedSpace>, OpenStoreError> {
    let spaces = layout::spaces(disk, data_dir)?;
    spaces.into_iter().map(|space| checked(disk, data_dir, space)).collect()
}

fn checked(disk: &dyn Disk, data_dir: &Path, space: Space) -> Result<CheckedSpace, OpenStoreError> {
    let segments = layout::segments_dir(data_dir, &space);
    let log = layout::wal_dir(data_dir, &space);
    let mut found = CheckedSpace {
        space,
        segments: 0,
        segment_rows: 0,
        segment_bytes: 0,
        log_files: 0,
        log_items: 0,
        log_bytes: 0,
        torn_bytes: 0,
        damage: Vec::new(),
    };
    let through = check_segments(disk, &segments, &mut found).map_err(layout::on("check", &segments))?;
    check_log(disk, &log, through, &mut found).map_err(layout::on("check", &log))?;
    Ok(found)
}

/// Gives the number up to which log files are in segments.
fn check_segments(disk: &dyn Disk, dir: &Path, found: &mut CheckedSpace) -> io::Result<u64> {
    let manifest = Manifest::load(disk, dir)?;
    if manifest.damaged > 0 {
        found.damage.push(format!("the list of segments has {} lines that cannot be read", manifest.damaged));
    }
    for entry in &manifest.entries {
        found.segments += 1;
        found.segment_rows += entry.rows();
        found.segment_bytes += entry.bytes();
        found.damage.extend(segment::damage(disk, dir, entry));
    }
    Ok(manifest.through.file)
}

fn check_log(disk: &dyn Disk, dir: &Path, through: u64, found: &mut CheckedSpace) -> io::Result<()> {
    let files: Vec<_> = wal::files(disk, dir)?.into_iter().filter(|(number, _)| *number > through).collect();
    let last = files.last().map(|(number, _)| *number);
    for (number, path) in files {
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let read = recovery::read(&bytes, |_| true, |_, _, _| {});
        found.log_files += 1;
        found.log_items += read.items;
        found.log_bytes += bytes.len() as u64;
        let rest = bytes.len() as u64 - read.whole_len;
        let torn = if Some(number) == last { rest } else { 0 };
        found.torn_bytes += torn;
        let damaged = read.damaged_bytes + rest - torn;
        if damaged > 0 {
            found.damage.push(format!("{} bytes of `{}` are no records", damaged, path.display()));
        }
    }
    Ok(())
}
