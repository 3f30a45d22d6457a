//! Writes a segment: its tables, what is derived from them, and then the manifest that makes it exist.
//!
//! The order is the promise: every file and its name are durable before the manifest names them, and the manifest is
//! durable before anything that held the rows until then is removed. `tests` break it on purpose.

use std::io;
use std::path::Path;
use std::sync::Arc;

use otlp::Decoded;
use platform::Disk;
use telemetry::{LogRecord, MetricPoint, Span, UnixNanos};

use super::{
    Entry, Manifest, Segment, Stored, Summary, TableEntry, Through, all_rows, logs, points, spans, summary,
};
use crate::head::{Head, Place};
use crate::incarnation::Incarnations;

/// Whether a file of this name is one of a segment: a number, then what it holds.
pub(crate) fn is_file_name(name: &str) -> bool {
    name.split_once('.').is_some_and(|(number, kind)| {
        let is_number = number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number && ["spans.parquet", "logs.parquet", "points.parquet", "summary"].contains(&kind)
    })
}

/// What becomes a segment.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    /// Its spans and log records, and what was derived from all of it.
    pub(crate) head: &'a Head,
    /// The metric points, of which the head holds less than was sent.
    pub(crate) points: &'a [MetricPoint],
}

/// Writes `rows` as a segment beside the `others`, durably. It is in the manifest when this succeeds, which then says
/// that the log is moved `through`.
pub(crate) fn write(
    disk: &dyn Disk,
    dir: &Path,
    through: Through,
    rows: &Rows<'_>,
    others: &[Arc<Segment>],
) -> io::Result<Segment> {
    let (id, head) = (through.segment, rows.head);
    let put = |kind: &str, times: &mut dyn Iterator<Item = i64>, bytes: io::Result<Vec<u8>>| {
        table(disk, dir, &format!("{id:08}.{kind}.parquet"), times, bytes?)
    };
    let span_rows: Vec<&Span> = head.traces().flat_map(|trace| trace.spans().map(|span| &**span)).collect();
    let spans = (!span_rows.is_empty())
        .then(|| {
            put("spans", &mut span_rows.iter().map(|span| span.start.0), spans::write(span_rows.clone()))
        })
        .transpose()?;
    let log_rows: Vec<&LogRecord> = head.logs().flat_map(|logs| logs.iter()).collect();
    let logs = (!log_rows.is_empty())
        .then(|| put("logs", &mut log_rows.iter().map(|log| log.at.0), logs::write(log_rows.clone())))
        .transpose()?;
    let points = (!rows.points.is_empty())
        .then(|| {
            let of = rows.points.iter().collect();
            put("points", &mut rows.points.iter().map(|point| point.at.0), points::write(of))
        })
        .transpose()?;
    let traces = summary::fingerprints(head);
    let derived = head.derived();
    let (first_second, last_second) = derived.seconds();
    let stored = store(disk, dir, &format!("{id:08}.summary"), &summary::encode(derived, &traces))?;
    disk.sync_dir(dir)?;
    let entry = Entry {
        id,
        received_to: head.received_to().0,
        watermark: head.watermark().0,
        first_second,
        last_second,
        has_entry_points: rows.points.iter().any(|point| super::tells_entries(&point.name)),
        summary: stored,
        spans,
        logs,
        points,
    };
    Manifest::save(disk, dir, through, others.iter().map(|other| &other.entry).chain([&entry]))?;
    Ok(Segment::new(entry, dir.to_path_buf(), traces))
}

fn table(
    disk: &dyn Disk,
    dir: &Path,
    name: &str,
    times: &mut dyn Iterator<Item = i64>,
    bytes: Vec<u8>,
) -> io::Result<TableEntry> {
    let (mut from, mut to, mut rows) = (i64::MAX, i64::MIN, 0);
    for time in times {
        (from, to, rows) = (from.min(time), to.max(time), rows + 1);
    }
    Ok(TableEntry { stored: store(disk, dir, name, &bytes)?, rows, from, to })
}

fn store(disk: &dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<Stored> {
    write_new(disk, &dir.join(name), bytes)?;
    Ok(Stored { name: name.to_owned(), bytes: bytes.len() as u64, crc: crc32fast::hash(bytes) })
}

/// Writes a file whose content is durable afterwards, its name not yet. What an attempt before left is removed.
pub(super) fn write_new(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    match disk.remove(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = disk.open_new(path)?;
    file.append(bytes)?;
    file.sync_data()
}

impl Segment {
    /// Opens the segment of `entry`. What is derived is made again from the rows when its file is damaged; when they
    /// are, too, the segment is there without it, and reading it says so.
    /// Gives the processes that were seen in it, too.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path, entry: Entry) -> (Self, Incarnations, io::Result<()>) {
        let (summary, outcome) = match summary_of(disk, dir, &entry) {
            Ok(summary) => (summary, Ok(())),
            Err(error) => (Summary::default(), Err(error)),
        };
        (Self::new(entry, dir.to_path_buf(), summary.traces), summary.derived.lives, outcome)
    }
}

/// What is derived from the rows of `entry`: from its file or, when that is damaged, from the rows.
pub(super) fn summary_of(disk: &dyn Disk, dir: &Path, entry: &Entry) -> io::Result<Summary> {
    let read = entry.summary.read(disk, dir).ok().and_then(|bytes| Summary::decode(&bytes));
    read.map_or_else(|| derived_anew(disk, dir, entry), Ok)
}

fn derived_anew(disk: &dyn Disk, dir: &Path, entry: &Entry) -> io::Result<Summary> {
    let (spans, logs, points) = all_rows(disk, dir, entry)?;
    let mut head = Head::default();
    let decoded = Decoded { spans, logs, points, ..Decoded::default() };
    head.apply(decoded, UnixNanos(entry.received_to), Place::default());
    Ok(Summary { traces: summary::fingerprints(&head), derived: head.into_derived() })
}

/// Takes the segments that are not among `kept` out of the manifest, durably, and then removes their files.
pub(crate) fn remove(
    disk: &dyn Disk,
    dir: &Path,
    through: Through,
    kept: &[Arc<Segment>],
    gone: &[Arc<Segment>],
) -> io::Result<()> {
    Manifest::save(disk, dir, through, kept.iter().map(|segment| &segment.entry))?;
    for stored in gone.iter().flat_map(|segment| segment.entry.files()) {
        // A file that stays is one that no manifest names: the next start removes it.
        let _outcome = disk.remove(&dir.join(&stored.name));
    }
    Ok(())
}
