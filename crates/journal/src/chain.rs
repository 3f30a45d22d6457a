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
    let text =
        std::str::from_utf8(bytes).map_err(|error| Damage::NotText { valid_bytes: error.valid_up_to() })?;
    let (mut records, mut prev) = (Vec::new(), FIRST.to_owned());
    for line in text.split_inclusive('\n') {
        let seq = records.len() as u64 + 1;
        let Some(line) = line.strip_suffix('\n') else {
            return Err(Damage::CutLine { seq });
        };
        let record: Record =
            serde_json::from_str(line).map_err(|source| Damage::NotARecord { seq, source })?;
        if record.seq != seq {
            return Err(Damage::WrongNumber { expected: seq, found: record.seq });
        }
        if record.prev != prev || record.v != VERSION {
            return Err(Damage::BrokenChain { seq });
        }
        prev = hash(line);
        records.push(record);
    }
    match head.filter(|head| *head != prev) {
        Some(expected) => Err(Damage::OtherHead { expected: expected.to_owned(), found: prev }),
        None => Ok(Verified { records, head: prev }),
    }
}
