//! Numbers of few bits, in runs or packed: the hybrid of Parquet's specification ("Run Length Encoding / Bit-Packing
//! Hybrid"), in which levels and the numbers of dictionary entries are written. Written only; the library reads.

/// Values of a packed group.
const GROUP: usize = 8;

/// The bits that `max` takes, one at least: not every reader takes numbers of no bits.
pub(super) fn width(max: u32) -> u8 {
    (u32::BITS - max.leading_zeros()).max(1) as u8
}

/// Appends `values`, none of which takes more than `width` bits, to `out`. The last group is filled with zeros.
pub(super) fn encode<T: Copy + PartialEq + Into<u32>>(values: &[T], width: u8, out: &mut Vec<u8>) {
    let (mut rest, mut packed) = (values, values);
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|value| *value == first).count();
        if run >= GROUP {
            pack(before(packed, rest), width, out);
            number((run as u64) << 1, out);
            out.extend((*first).into().to_le_bytes().into_iter().take(usize::from(width.div_ceil(8))));
            rest = rest.get(run..).unwrap_or_default();
            packed = rest;
        } else {
            rest = rest.get(GROUP..).unwrap_or_default();
        }
    }
    pack(packed, width, out);
}

/// What of `whole` lies before its end `rest`.
fn before<'a, T>(whole: &'a [T], rest: &[T]) -> &'a [T] {
    whole.get(..whole.len() - rest.len()).unwrap_or_default()
}

/// Appends whole groups.
fn pack<T: Copy + Into<u32>>(values: &[T], width: u8, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    number((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * usize::from(width);
    let (mut waiting, mut bits) = (0_u64, 0);
    for value in values {
        waiting |= u64::from((*value).into()) << bits;
        bits += u32::from(width);
        if bits >= u32::BITS {
            out.extend_from_slice(&(waiting as u32).to_le_bytes());
            waiting >>= u32::BITS;
            bits -= u32::BITS;
        }
    }
    out.extend_from_slice(&waiting.to_le_bytes());
    out.resize(end, 0);
}

/// Seven bits a byte, the lowest first.
fn number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads it back, by the words of the specification and not by the code above.
    fn decode(bytes: &[u8], width: u8, count: usize) -> Vec<u32> {
        let (mut at, mut values) = (0, Vec::new());
        while values.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                header |= u64::from(bytes[at] & 0x7F) << shift;
                (shift, at) = (shift + 7, at + 1);
                if bytes[at - 1] & 0x80 == 0 {
                    break;
                }
            }
            let groups = (header >> 1) as usize;
            if header & 1 == 0 {
                let len = usize::from(width).div_ceil(8);
                let value =
                    bytes[at..at + len].iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                values.extend(std::iter::repeat_n(value, groups));
                at += len;
            } else {
                let bit = |nth: usize| u32::from(bytes[at + nth / 8] >> (nth % 8) & 1);
                let value = |nth: usize| {
                    (0..usize::from(width)).map(|of| bit(nth * usize::from(width) + of) << of).sum::<u32>()
                };
                values.extend((0..groups * 8).map(value));
                at += groups * usize::from(width);
            }
        }
        assert_eq!(at, bytes.len(), "nothing follows");
        assert!(values[count..].iter().all(|value| *value == 0));
        values.truncate(count);
        values
    }

    #[test]
    fn numbers_of_every_width_come_back_in_runs_and_packed() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        };
        for bits in 1..=32_u8 {
            let mask = u32::MAX >> (32 - bits);
            for _ in 0..40 {
                let mut values: Vec<u32> = Vec::new();
                for _ in 0..next() % 6 {
                    let length = next() % 40;
                    let (value, is_run) = (next() & mask, next() % 2 == 0);
                    values.extend((0..length).map(|_| if is_run { value } else { next() & mask }));
                }
                let mut bytes = Vec::new();
                encode(&values, bits, &mut bytes);
                assert_eq!(decode(&bytes, bits, values.len()), values, "{bits} bits");
            }
        }
        assert_eq!([0, 1, 2, 255, 256, u32::MAX].map(width), [1, 1, 2, 8, 9, 32]);
    }

    #[test]
    fn a_run_takes_a_few_bytes() {
        let mut bytes = Vec::new();
        encode(&[1_u8; 8_192], 1, &mut bytes);
        assert_eq!(bytes, [0x80, 0x80, 1, 1], "8192 times 1");
    }
}
