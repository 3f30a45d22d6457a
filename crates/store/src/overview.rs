//! How much a data directory holds, from the lists of segments and the sizes of the log's files.
//!
//! Reads no rows, changes nothing and takes no lock, so it costs the same however much there is. Whether what is listed
//! can be read is the business of [`crate::check`].

use std::io;
use std::path::Path;

use platform::Disk;
use telemetry::{Space, UnixNanos};

use crate::layout::{self, OpenStoreError};
use crate::segment::{Entry, Manifest, TableEntry};
use crate::wal;

/// What one space holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceOverview {
    /// Its name.
    pub space: Space,
    /// Segments in its list, and the bytes of their files.
    pub segments: u64,
    /// See `segments`.
    pub segment_bytes: u64,
    /// Rows of the segments, by signal. What only stands in the log is not counted.
    pub spans: u64,
    /// See `spans`.
    pub log_records: u64,
    /// See `spans`.
    pub metric_points: u64,
    /// The earliest and the latest time of these rows; none without rows.
    pub range: Option<(UnixNanos, UnixNanos)>,
    /// Files of the log whose requests are in no segment yet, and their bytes.
    pub log_files: u64,
    /// See `log_files`.
    pub log_bytes: u64,
    /// Lines of the list of segments that cannot be read: what they name is missing in these figures.
    pub damaged_lines: u64,
}

impl SpaceOverview {
    /// Rows of the segments, of all signals.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.spans + self.log_records + self.metric_points
    }
}

/// Tells of every space of the data directory, also beside a running store.
///
/// # Errors
/// When the directory or a file of it cannot be read.
pub fn overview(disk: &dyn Disk, data_dir: &Path) -> Result<Vec<SpaceOverview>, OpenStoreError> {
    let spaces = layout::spaces(disk, data_dir)?;
    spaces.into_iter().map(|space| of_space(disk, data_dir, space)).collect()
}

fn of_space(disk: &dyn Disk, data_dir: &Path, space: Space) -> Result<SpaceOverview, OpenStoreError> {
    let segments = layout::segments_dir(data_dir, &space);
    let log = layout::wal_dir(data_dir, &space);
    // The log first: files that become a segment meanwhile are left out by the list that is read then. The other way
    // round they would be missing in both.
    let files = log_files(disk, &log).map_err(layout::on("look at", &log))?;
    let manifest = Manifest::load(disk, &segments).map_err(layout::on("read the list in", &segments))?;
    let open = files.iter().filter(|(number, _)| *number > manifest.through.file);
    let mut found = SpaceOverview {
        space,
        segments: 0,
        segment_bytes: 0,
        spans: 0,
        log_records: 0,
        metric_points: 0,
        range: None,
        log_files: open.clone().count() as u64,
        log_bytes: open.map(|(_, bytes)| bytes).sum(),
        damaged_lines: manifest.damaged,
    };
    manifest.entries.iter().for_each(|entry| found.add(entry));
    Ok(found)
}

impl SpaceOverview {
    fn add(&mut self, entry: &Entry) {
        let Entry { spans, logs, points, .. } = entry;
        let rows = |table: &Option<TableEntry>| table.as_ref().map_or(0, |table| table.rows);
        self.segments += 1;
        self.segment_bytes += entry.bytes();
        self.spans += rows(spans);
        self.log_records += rows(logs);
        self.metric_points += rows(points);
        for table in [spans, logs, points].into_iter().flatten() {
            let (from, to) = (UnixNanos(table.from), UnixNanos(table.to));
            self.range = Some(self.range.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
        }
    }
}

/// Number and length of the log's files. One that goes meanwhile is in a segment by then.
fn log_files(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut lengths = Vec::new();
    for (number, path) in wal::files(disk, dir)? {
        match disk.file_len(&path) {
            Ok(length) => lengths.push((number, length)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(lengths)
}
