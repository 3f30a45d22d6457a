//! What left the head: Parquet files that nobody changes any more, and what is known of them without reading them.
//!
//! Reading order: `column`, `hybrid`, `words`, `chunk`, `file`, `attributes`, `spans`, `logs`, `points`, `codec`, `summary`, `manifest`, `cache`. A
//! segment exists only if the manifest names it; a file whose length or checksum is not the manifest's is never
//! parsed. No index over attributes or texts yet, no compaction.

use std::io;
use std::path::{Path, PathBuf};

use platform::Disk;
use telemetry::{LogRecord, MetricPoint, Span, SpanKind, TraceId, UnixNanos, Window};

use crate::head::Head;

mod attributes;
mod cache;
mod chunk;
mod codec;
mod column;
mod file;
mod hybrid;
mod logs;
mod manifest;
mod points;
mod resources;
mod spans;
mod summary;
mod words;
mod written;

pub(crate) use cache::Cache;
pub(crate) use manifest::{Entry, Manifest, Stored, TableEntry, Through};
pub(crate) use summary::Summary;
pub(crate) use written::{Rows, is_file_name, remove, write};

/// A segment of one space.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) entry: Entry,
    dir: PathBuf,
    /// Sorted fingerprints of the traces in it: the only thing of a segment that always is in memory.
    traces: Vec<u32>,
}

/// What a question needs of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// What was counted in the seconds that begin inside the first window, and who sent what in those of the second.
    Derived {
        /// Of what was counted.
        rollups: Window,
        /// Of who sent what.
        presence: Window,
        /// Whether single seconds of the first are wanted.
        by_second: bool,
    },
    /// Spans that began in the window.
    Spans(Window),
    /// Spans that send or take messages.
    Messages,
    /// The spans of one trace.
    Trace(TraceId),
    /// Log records of the window.
    Logs(Window),
    /// Metric points of the window.
    Points(Window),
    /// Those of them that tell of a service's entries (`series::ENTRY_METRICS`).
    EntryPoints(Window),
}

impl Segment {
    /// The segment of `entry`, whose files stand in `dir` and whose traces have these fingerprints.
    pub(crate) fn new(entry: Entry, dir: PathBuf, traces: Vec<u32>) -> Self {
        Self { entry, dir, traces }
    }

    /// The latest time of a row.
    pub(crate) fn latest(&self) -> UnixNanos {
        UnixNanos(self.tables().map(|table| table.to).max().unwrap_or(i64::MIN))
    }

    fn tables(&self) -> impl Iterator<Item = &TableEntry> {
        let Entry { spans, logs, points, .. } = &self.entry;
        [spans, logs, points].into_iter().flatten()
    }

    /// The rows that hold what is wanted, 0 when this segment holds nothing of it.
    pub(crate) fn rows_of(&self, wanted: Wanted) -> u64 {
        if let Wanted::Derived { rollups, presence, .. } = wanted {
            let (first, last) = (self.entry.first_second, self.entry.last_second);
            let is_in = |window: Window| first < window.to.0 && window.from.0 <= last;
            return if is_in(rollups) || is_in(presence) { self.entry.rows() } else { 0 };
        }
        self.table(wanted).map_or(0, |table| table.rows)
    }

    /// The table that holds what is wanted, when this segment may hold any of it.
    fn table(&self, wanted: Wanted) -> Option<&TableEntry> {
        let Entry { spans, logs, points, .. } = &self.entry;
        match wanted {
            Wanted::Derived { .. } => None,
            Wanted::Spans(window) => spans.as_ref().filter(|table| table.overlaps(window)),
            Wanted::Messages => spans.as_ref(),
            Wanted::Trace(trace) => {
                spans.as_ref().filter(|_| self.traces.binary_search(&summary::fingerprint(trace)).is_ok())
            }
            Wanted::Logs(window) => logs.as_ref().filter(|table| table.overlaps(window)),
            Wanted::Points(window) => points.as_ref().filter(|table| table.overlaps(window)),
            Wanted::EntryPoints(window) => {
                points.as_ref().filter(|table| self.entry.has_entry_points && table.overlaps(window))
            }
        }
    }

    /// Reads what is wanted into a head that holds nothing else.
    pub(crate) fn read(&self, disk: &dyn Disk, wanted: Wanted) -> io::Result<Head> {
        if let Wanted::Derived { rollups, presence, by_second } = wanted {
            let summary = written::summary_of(disk, &self.dir, &self.entry)?;
            return Ok(Head::of_derived(summary.within(rollups, presence, by_second)));
        }
        let Some(table) = self.table(wanted) else { return Ok(Head::default()) };
        let bytes = table.stored.read(disk, &self.dir)?;
        let received_at = UnixNanos(self.entry.received_to);
        Ok(match wanted {
            Wanted::Derived { .. } => Head::default(),
            Wanted::Spans(window) => {
                Head::of_spans(spans::read(bytes, |row| window.contains(row.start))?, received_at)
            }
            Wanted::Messages => Head::of_spans(messages(bytes)?, received_at),
            Wanted::Trace(trace) => {
                let trace = trace.to_string();
                Head::of_spans(spans::read(bytes, |row| row.trace_id == trace)?, received_at)
            }
            Wanted::Logs(window) => Head::of_logs(logs::read(bytes, |at| window.contains(at))?),
            Wanted::Points(window) => Head::of_points(points::read(bytes, |at, _| window.contains(at))?),
            Wanted::EntryPoints(window) => {
                Head::of_points(points::read(bytes, |at, name| window.contains(at) && tells_entries(name))?)
            }
        })
    }
}

/// Whether a metric tells of the entries of a service.
fn tells_entries(metric: &str) -> bool {
    crate::series::ENTRY_METRICS.iter().any(|(name, _)| *name == metric)
}

fn messages(bytes: Vec<u8>) -> io::Result<Vec<Span>> {
    let kinds = [SpanKind::Producer, SpanKind::Consumer].map(spans::kind_name);
    spans::read(bytes, |row| kinds.contains(&row.kind))
}

/// What is damaged of a segment, a sentence each; empty when all of it reads.
pub(crate) fn damage(disk: &dyn Disk, dir: &Path, entry: &Entry) -> Vec<String> {
    let mut told = Vec::new();
    for table in [&entry.spans, &entry.logs, &entry.points].into_iter().flatten() {
        if let Err(error) = table.stored.read(disk, dir) {
            told.push(format!("{error}; {} rows are lost", table.rows));
        }
    }
    if told.is_empty()
        && let Err(error) = all_rows(disk, dir, entry)
    {
        told.push(format!("segment {}: {error}", entry.id));
    }
    let summary = entry.summary.read(disk, dir);
    if !summary.is_ok_and(|bytes| Summary::decode(&bytes).is_some()) {
        told.push(format!("`{}` is damaged; it is made again from the rows", entry.summary.name));
    }
    told
}

/// All rows of the tables of `entry`.
fn all_rows(
    disk: &dyn Disk,
    dir: &Path,
    entry: &Entry,
) -> io::Result<(Vec<Span>, Vec<LogRecord>, Vec<MetricPoint>)> {
    let bytes =
        |table: &Option<TableEntry>| table.as_ref().map(|table| table.stored.read(disk, dir)).transpose();
    Ok((
        bytes(&entry.spans)?.map_or_else(|| Ok(Vec::new()), |bytes| spans::read(bytes, |_| true))?,
        bytes(&entry.logs)?.map_or_else(|| Ok(Vec::new()), |bytes| logs::read(bytes, |_| true))?,
        bytes(&entry.points)?.map_or_else(|| Ok(Vec::new()), |bytes| points::read(bytes, |_, _| true))?,
    ))
}

/// A row of a file whose bytes are whole does not read as what it should be.
fn unreadable(what: &str, row: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("row {row} is no {what}"))
}
