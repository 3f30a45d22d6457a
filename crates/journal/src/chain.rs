//! Verification of the chain: every record is where it was written and as it was written.
//!
//! The chain alone shows a changed, dropped or moved record, but not one dropped from the end or a whole chain
//! written anew: for that the head, kept elsewhere (the report prints it), is compared.

use crate::record::{FIRST, Record, VERSION, hash};

/// A journal that holds together.
#[derive(Debug)]
pub struct Verified {
    /// Its records.
    pub records: Vec<Record>,
    /// BLAKE3 of the last line, zeros when there are no records.
    pub head: String,
}

/// Where and how a journal is damaged.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// A line is not a record.
    #[error("record {seq}: not a record of version {VERSION}")]
    NotARecord {
        /// Which line, from 1.
        seq: u64,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// The file is not text.
    #[error("not UTF-8 after {valid_bytes} bytes")]
    NotText {
        /// How many bytes are.
        valid_bytes: usize,
    },
    /// The number is not the next one: something was dropped, moved or added.
    #[error("record {expected}: numbered {found}; a record was dropped, moved or added")]
    WrongNumber {
        /// The number it should have.
        expected: u64,
        /// The number it has.
        found: u64,
    },
    /// The hash of the line before differs: that line was changed, or this one moved.
    #[error("record {seq}: does not follow the record before it; one of the two was changed or moved")]
    BrokenChain {
        /// Which record.
        seq: u64,
    },
    /// The file ends within a line.
    #[error("record {seq}: the last line is cut")]
    CutLine {
        /// Which record.
        seq: u64,
    },
    /// The chain holds, but it is not the journal whose head was given.
    #[error("the head is {found}, not {expected}; the last record was changed, dropped or added")]
    OtherHead {
        /// The head given.
        expected: String,
        /// The head found.
        found: String,
    },
}

/// Verifies the bytes of a journal, and its head when one is given.
///
/// # Errors
/// The first damage found.
pub fn verify(bytes: &[u8], head: Option<&str>) -> Result<Verified, Damage> {
    let (verified, stop) = read(bytes);
    if let Some((_, damage)) = stop {
        return Err(damage);
    }
    match head.filter(|head| *head != verified.head) {
        Some(expected) => Err(Damage::OtherHead { expected: expected.to_owned(), found: verified.head }),
        None => Ok(verified),
    }
}

/// What a crash left of a journal.
#[derive(Debug)]
pub struct Left {
    /// The records that hold together.
    pub verified: Verified,
    /// Their length in bytes.
    pub len: usize,
    /// How many bytes stand behind them that were never durable: a torn end, to be cut.
    pub torn: usize,
}

/// Reads what a crash left. A torn end, which can only hold what followed the last sync, is told from damage by the
/// lines within: a record that knows of a later sync proves that what stands before it was durable once.
///
/// # Errors
/// The first damage found, when it is damage.
pub fn left(bytes: &[u8]) -> Result<Left, Damage> {
    let (verified, stop) = read(bytes);
    let Some((len, damage)) = stop else {
        return Ok(Left { verified, len: bytes.len(), torn: 0 });
    };
    let behind = bytes.get(len..).unwrap_or_default();
    let sound = verified.records.len() as u64;
    let mut readable =
        behind.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    // What tears is no record at all; a record that does not follow was changed or moved.
    let is_torn =
        matches!(damage, Damage::NotARecord { .. } | Damage::NotText { .. } | Damage::CutLine { .. });
    if !is_torn || readable.any(|record: Record| record.durable > sound) {
        return Err(damage);
    }
    Ok(Left { verified, len, torn: behind.len() })
}

/// The records up to the first damage, and where and what that is.
fn read(bytes: &[u8]) -> (Verified, Option<(usize, Damage)>) {
    let mut verified = Verified { records: Vec::new(), head: FIRST.to_owned() };
    let mut len = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match next(line, &verified, len) {
            Ok((record, head)) => {
                verified.records.push(record);
                verified.head = head;
                len += line.len();
            }
            Err(damage) => return (verified, Some((len, damage))),
        }
    }
    (verified, None)
}

/// The record on `line`, which starts after `len` bytes, and its hash.
fn next(line: &[u8], before: &Verified, len: usize) -> Result<(Record, String), Damage> {
    let seq = before.records.len() as u64 + 1;
    let Some(line) = line.strip_suffix(b"\n") else {
        return Err(Damage::CutLine { seq });
    };
    let line = std::str::from_utf8(line)
        .map_err(|error| Damage::NotText { valid_bytes: len + error.valid_up_to() })?;
    let record: Record = serde_json::from_str(line).map_err(|source| Damage::NotARecord { seq, source })?;
    if record.seq != seq {
        return Err(Damage::WrongNumber { expected: seq, found: record.seq });
    }
    if record.prev != before.head || record.v != VERSION {
        return Err(Damage::BrokenChain { seq });
    }
    Ok((record, hash(line)))
}
