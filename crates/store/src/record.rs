//! One record of the write-ahead log: a request as it was sent, compressed, with a checksum.
//!
//! Little endian: magic, compressed length, raw length, sequence, receive time, signal, three zero bytes, CRC-32
//! of all that and the payload, payload (LZ4 block). The content of the payload is not looked at here.

use otlp::Signal;
use telemetry::UnixNanos;

const MAGIC: [u8; 4] = *b"FCR1";
const HEADER_LEN: usize = 36;
/// Largest raw request; larger ones are refused before they come here.
pub(crate) const RAW_LEN_MAX: usize = 64 << 20;

/// A record to be written, or read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Number within the store, rising.
    pub(crate) sequence: u64,
    /// What the payload holds.
    pub(crate) signal: Signal,
    /// When it was received.
    pub(crate) received_at: UnixNanos,
    /// The request as sent; empty when it was not wanted.
    pub(crate) payload: Vec<u8>,
}

/// Encodes a record whose payload is compressed already (see [`compress`]).
pub(crate) fn encode(
    sequence: u64,
    signal: Signal,
    received_at: UnixNanos,
    raw_len: usize,
    compressed: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_LEN + compressed.len());
    out.extend(MAGIC);
    out.extend((compressed.len() as u32).to_le_bytes());
    out.extend((raw_len as u32).to_le_bytes());
    out.extend(sequence.to_le_bytes());
    out.extend(received_at.0.to_le_bytes());
    out.extend([signal_number(signal), 0, 0, 0]);
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&out);
    hasher.update(compressed);
    out.extend(hasher.finalize().to_le_bytes());
    out.extend_from_slice(compressed);
    out
}

/// The compressed form of a request.
pub(crate) fn compress(raw: &[u8]) -> Vec<u8> {
    lz4_flex::block::compress(raw)
}

/// The record that begins at `offset` of `bytes`, and where it ends; `None` when there is no whole and
/// undamaged one. The payload is left out unless its signal is `wanted`.
pub(crate) fn decode(
    bytes: &[u8],
    offset: usize,
    wanted: impl Fn(Signal) -> bool,
) -> Option<(Record, usize)> {
    let rest = bytes.get(offset..)?;
    let header = rest.get(..HEADER_LEN)?;
    if header.get(..4)? != MAGIC {
        return None;
    }
    let number = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(header.get(at..at.checked_add(4)?)?.try_into().ok()?))
    };
    let long = |at: usize| -> Option<[u8; 8]> { header.get(at..at.checked_add(8)?)?.try_into().ok() };
    let (len, raw_len) = (usize::try_from(number(4)?).ok()?, usize::try_from(number(8)?).ok()?);
    let end = HEADER_LEN.checked_add(len)?;
    let compressed = rest.get(HEADER_LEN..end)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header.get(..HEADER_LEN - 4)?);
    hasher.update(compressed);
    if hasher.finalize() != number(HEADER_LEN - 4)? || raw_len > RAW_LEN_MAX {
        return None;
    }
    let signal = signal_of(*header.get(28)?)?;
    let unpacked = || lz4_flex::block::decompress(compressed, raw_len).ok();
    let record = Record {
        sequence: u64::from_le_bytes(long(12)?),
        signal,
        received_at: UnixNanos(i64::from_le_bytes(long(20)?)),
        payload: if wanted(signal) { unpacked()? } else { Vec::new() },
    };
    Some((record, offset.checked_add(end)?))
}

/// Where the next bytes after `offset` stand that look like the beginning of a record.
pub(crate) fn next_magic(bytes: &[u8], offset: usize) -> Option<usize> {
    let rest = bytes.get(offset..)?;
    rest.windows(MAGIC.len()).position(|window| window == MAGIC).map(|at| offset + at)
}

fn signal_number(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 1,
        Signal::Logs => 2,
        Signal::Metrics => 3,
    }
}

fn signal_of(number: u8) -> Option<Signal> {
    Signal::ALL.into_iter().find(|signal| signal_number(*signal) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let raw = b"some request, some request, some request";
        encode(7, Signal::Logs, UnixNanos(-5), raw.len(), &compress(raw))
    }

    #[test]
    fn a_record_comes_back_as_it_went() {
        let bytes = sample();
        let (record, end) = decode(&bytes, 0, |_| true).unwrap();
        assert_eq!(
            (record.sequence, record.signal, record.received_at, end),
            (7, Signal::Logs, UnixNanos(-5), bytes.len())
        );
        assert_eq!(record.payload, b"some request, some request, some request");
    }

    #[test]
    fn a_record_with_any_bit_flipped_or_cut_short_is_no_record() {
        let bytes = sample();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged, 0, |_| true), None, "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len], 0, |_| true), None, "cut to {len}");
        }
    }
}
