//! What the store has done, in numbers that sum up (I11).
//!
//! Counts since the store was opened; nothing here is written to the disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Figures of one store. Sent items = `accepted` + the `rejected` + `refused_items`, as far as a refused request
/// could be counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Items acknowledged.
    pub accepted: u64,
    /// Items of taken requests that were not kept, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Repairs, by reason.
    pub repaired: BTreeMap<String, u64>,
    /// Requests refused as a whole, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Items of refused requests, where they could be counted.
    pub refused_items: u64,
    /// Items replayed from the log when the store was opened.
    pub recovered: u64,
    /// Spans and metric points that came again and were not counted again.
    pub duplicates: u64,
    /// Bytes cut from the end of the log when the store was opened: writes that never were acknowledged.
    pub torn_bytes: u64,
    /// Bytes of the log that could not be read back: a loss, to be told as a Gap.
    pub damaged_bytes: u64,
    /// Items of segments that were removed because there were enough, or they were old enough.
    pub expired: u64,
    /// Items in segments, those of the head left out.
    pub sealed: u64,
    /// Segments, and the bytes of their files.
    pub segments: u64,
    /// See `segments`.
    pub segment_bytes: u64,
    /// Attempts to write a segment that failed; what it should hold stays in the log.
    pub failed_seals: u64,
    /// Segments of which something could not be read when the store was opened, and lines of lists of segments: a loss,
    /// to be told as a Gap.
    pub damaged_segments: u64,
    /// Syncs or appends that failed, each the end of one file.
    pub failed_writes: u64,
    /// Bytes charged by requests in flight.
    pub used_bytes: u64,
    /// Estimated bytes of the head.
    pub head_bytes: u64,
    /// Spans in the head.
    pub spans: u64,
    /// Log records in the head.
    pub logs: u64,
    /// Metric points in the head.
    pub points: u64,
}

/// The counting part of [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    stats: Mutex<Stats>,
}

impl Counters {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds `more` to `counts`, reason by reason.
pub(crate) fn add(counts: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (reason, count) in more {
        *counts.entry(reason.clone()).or_default() += count;
    }
}
