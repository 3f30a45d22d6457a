//! Reading the log back when the store is opened.
//!
//! What follows the last whole record of the last file is a write that was cut short: it is truncated. Damage
//! elsewhere is stepped over to the next whole record and counted, because what stands behind it was
//! acknowledged. Records pass through the same decoder as live requests.

use std::io;
use std::path::Path;

use bytes::Bytes;
use otlp::{Decoded, Signal, decode};
use platform::Disk;
use telemetry::UnixNanos;

use crate::head::Place;
use crate::record::{self, Record};
use crate::wal;

/// What was read back, besides the records.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The number of the next file.
    pub(crate) next_file: u64,
    /// The highest sequence seen.
    pub(crate) last_sequence: u64,
    /// Bytes cut from the end.
    pub(crate) torn_bytes: u64,
    /// Bytes that could not be read.
    pub(crate) damaged_bytes: u64,
    /// Items in the records that could be read.
    pub(crate) items: u64,
}

/// Replays the files of the log in `dir` beyond the number `sealed`, oldest record first, into `apply`, which takes the
/// signals, their receive time and where they stand.
pub(crate) fn replay(
    disk: &dyn Disk,
    dir: &Path,
    sealed: u64,
    mut apply: impl FnMut(Decoded, UnixNanos, Place),
) -> io::Result<Recovered> {
    let mut recovered = Recovered { next_file: sealed.saturating_add(1), ..Recovered::default() };
    let files = wal::files(disk, dir)?;
    let last = files.last().map(|file| file.0);
    for (number, path) in files {
        if number <= sealed {
            // In a segment already: the power failed between that and the removal.
            disk.remove(&path)?;
            continue;
        }
        recovered.next_file = number.saturating_add(1);
        let bytes = disk.read(&path)?;
        let good_len = read_file(
            &bytes,
            &mut recovered,
            |_| true,
            |decoded, at, sequence| {
                apply(decoded, at, Place { file: number, sequence });
            },
        );
        let rest = (bytes.len() - good_len) as u64;
        if rest == 0 {
            continue;
        }
        if Some(number) == last {
            disk.truncate(&path, good_len as u64)?;
            recovered.torn_bytes += rest;
        } else {
            recovered.damaged_bytes += rest;
        }
    }
    Ok(recovered)
}

/// What one file of the log holds.
#[derive(Debug)]
pub(crate) struct ReadFile {
    /// Items in the records that could be read.
    pub(crate) items: u64,
    /// Bytes that could not be read, before the end of the last whole record.
    pub(crate) damaged_bytes: u64,
    /// Where the last whole record ends.
    pub(crate) whole_len: u64,
}

/// Hands the records of one file whose signal is `wanted` to `apply`: the signals, their receive time and the sequence.
pub(crate) fn read(
    bytes: &[u8],
    wanted: impl Fn(Signal) -> bool,
    apply: impl FnMut(Decoded, UnixNanos, u64),
) -> ReadFile {
    let mut recovered = Recovered::default();
    let whole_len = read_file(bytes, &mut recovered, wanted, apply) as u64;
    ReadFile { items: recovered.items, damaged_bytes: recovered.damaged_bytes, whole_len }
}

/// Reads the records of one file. Gives the end of the last whole one.
fn read_file(
    bytes: &[u8],
    recovered: &mut Recovered,
    wanted: impl Fn(Signal) -> bool,
    mut apply: impl FnMut(Decoded, UnixNanos, u64),
) -> usize {
    let (mut good_len, mut offset) = (0, 0);
    loop {
        let Some((record, end)) = record::decode(bytes, offset, &wanted) else {
            match record::next_magic(bytes, offset.saturating_add(1)) {
                Some(next) => offset = next,
                None => return good_len,
            }
            continue;
        };
        recovered.damaged_bytes += (offset - good_len) as u64;
        good_len = end;
        let len = (end - offset) as u64;
        offset = end;
        if record.sequence <= recovered.last_sequence {
            // A record out of order is not one of ours.
            recovered.damaged_bytes += len;
            continue;
        }
        let sequence = record.sequence;
        recovered.last_sequence = sequence;
        if !wanted(record.signal) {
            continue;
        }
        match decode_record(record) {
            Some((decoded, received_at)) => {
                recovered.items += decoded.receipt.accepted;
                apply(decoded, received_at, sequence);
            }
            None => recovered.damaged_bytes += len,
        }
    }
}

fn decode_record(record: Record) -> Option<(Decoded, UnixNanos)> {
    let bytes = Bytes::from(record.payload);
    let decoded = decode(record.signal, &bytes, record.received_at).ok()?;
    Some((decoded, record.received_at))
}
