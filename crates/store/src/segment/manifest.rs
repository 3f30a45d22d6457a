//! The list of the segments of a space. What it does not name is not there.
//!
//! Written whole to a new file that then takes the old one's name, so that there is always one whole list: it has a few
//! hundred bytes a segment and changes once a segment. Every line has a checksum of its own.

use std::io;
use std::path::Path;

use platform::Disk;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use telemetry::Window;

const NAME: &str = "MANIFEST";
const DRAFT: &str = "MANIFEST.new";
const HEADER: &str = "firstcause-segments 1";

/// A file as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Its name in the folder of segments.
    pub(crate) name: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// CRC-32 of all of it.
    pub(crate) crc: u32,
}

impl Stored {
    /// Whether `bytes` are what was written.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.bytes && crc32fast::hash(bytes) == self.crc
    }

    /// The content of the file.
    ///
    /// # Errors
    /// `InvalidData` when it is not what was written; otherwise what the disk says.
    pub(crate) fn read(&self, disk: &dyn Disk, dir: &Path) -> io::Result<Vec<u8>> {
        let bytes = disk.read(&dir.join(&self.name))?;
        if !self.is(&bytes) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("`{}` is damaged: it is not what was written", self.name),
            ));
        }
        Ok(bytes)
    }
}

/// A table of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableEntry {
    /// Its file.
    pub(crate) stored: Stored,
    /// Rows in it.
    pub(crate) rows: u64,
    /// The earliest and the latest time of a row, nanoseconds.
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl TableEntry {
    /// Whether a row of it may lie in `window`.
    pub(crate) fn overlaps(&self, window: Window) -> bool {
        self.from < window.to.0 && window.from.0 <= self.to
    }
}

/// How far the log was moved into segments, whether they are still there or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Through {
    /// The log files up to this number.
    pub(crate) file: u64,
    /// The highest sequence in them.
    pub(crate) sequence: u64,
    /// The highest number of a segment.
    pub(crate) segment: u64,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its number within the space, rising.
    pub(crate) id: u64,
    /// When the last of it was received, and the latest end of a span, nanoseconds.
    pub(crate) received_to: i64,
    pub(crate) watermark: i64,
    /// The first and the last second in which something was counted, nanoseconds.
    pub(crate) first_second: i64,
    pub(crate) last_second: i64,
    /// Whether points tell of a service's entries.
    pub(crate) has_entry_points: bool,
    /// What is derived from the rows.
    pub(crate) summary: Stored,
    /// Spans, when there are any.
    pub(crate) spans: Option<TableEntry>,
    /// Log records, when there are any.
    pub(crate) logs: Option<TableEntry>,
    /// Metric points, when there are any.
    pub(crate) points: Option<TableEntry>,
}

impl Entry {
    /// Rows of all tables.
    pub(crate) fn rows(&self) -> u64 {
        [&self.spans, &self.logs, &self.points].into_iter().flatten().map(|table| table.rows).sum()
    }

    /// The files it is made of.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Stored> {
        let tables = [&self.spans, &self.logs, &self.points].into_iter().flatten();
        tables.map(|table| &table.stored).chain([&self.summary])
    }

    /// Bytes of its files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files().map(|stored| stored.bytes).sum()
    }
}

/// The list as it was read.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) through: Through,
    /// By rising number.
    pub(crate) entries: Vec<Entry>,
    /// Lines that could not be read: segments that are lost until the file is restored.
    pub(crate) damaged: u64,
}

impl Manifest {
    /// Reads the list in `dir`; there is none before the first segment.
    pub(crate) fn load(disk: &dyn Disk, dir: &Path) -> io::Result<Self> {
        // Before the list is read: the first segments may be written while a backup looks.
        let names = match disk.list(dir) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let bytes = match disk.read(&dir.join(NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::missing(&names)),
            Err(error) => return Err(error),
        };
        let mut manifest = Self::default();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        manifest.damaged += u64::from(lines.next() != Some(HEADER));
        let through = lines.next().and_then(read_line);
        manifest.damaged += u64::from(through.is_none());
        for line in lines {
            match read_line(line) {
                Some(entry) => manifest.entries.push(entry),
                None => manifest.damaged += 1,
            }
        }
        manifest.entries.sort_by_key(|entry: &Entry| entry.id);
        manifest.through = through.unwrap_or_default();
        Ok(manifest)
    }

    /// No list at all: there was none yet, or there is a second segment and it is gone.
    fn missing(names: &[String]) -> Self {
        let is_later = |name: &String| super::is_file_name(name) && !name.starts_with("00000001.");
        Self { damaged: u64::from(names.iter().any(is_later)), ..Self::default() }
    }

    /// Puts `entries` in place of what stands in `dir`, durably.
    pub(crate) fn save<'a>(
        disk: &dyn Disk,
        dir: &Path,
        through: Through,
        entries: impl Iterator<Item = &'a Entry>,
    ) -> io::Result<()> {
        let mut text = format!("{HEADER}\n{}", written_line(&through)?);
        for entry in entries {
            text.push_str(&written_line(entry)?);
        }
        let draft = dir.join(DRAFT);
        super::written::write_new(disk, &draft, text.as_bytes())?;
        disk.rename(&draft, &dir.join(NAME))?;
        disk.sync_dir(dir)
    }
}

fn written_line(of: &impl Serialize) -> io::Result<String> {
    let json = serde_json::to_string(of).map_err(io::Error::other)?;
    Ok(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())))
}

fn read_line<T: DeserializeOwned>(line: &str) -> Option<T> {
    let (sum, json) = line.split_once(' ')?;
    let is_whole = u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(json.as_bytes());
    serde_json::from_str(json).ok().filter(|_| is_whole)
}
