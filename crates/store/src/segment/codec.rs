//! Numbers and texts as bytes, for what stands beside a segment. Nothing here says what they mean.

use std::sync::Arc;

/// Bytes that are written.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) bytes: Vec<u8>,
}

impl Out {
    /// A number, seven bits a byte.
    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7F) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A number that may be negative; those near zero are short.
    pub(crate) fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    /// A text with its length.
    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

/// Bytes that are read. Every reading gives nothing when they end early or are not what they should be.
#[derive(Debug)]
pub(crate) struct In<'a> {
    rest: &'a [u8],
}

impl<'a> In<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for index in 0..10 {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7F).checked_shl(7 * index)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn text(&mut self) -> Option<Arc<str>> {
        let len = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        std::str::from_utf8(text).ok().map(Arc::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_come_back_and_what_is_cut_short_is_nothing() {
        let mut out = Out::default();
        let numbers = [0, 127, 128, u64::MAX];
        let signed = [0, -1, 1, i64::MIN, i64::MAX];
        numbers.into_iter().for_each(|number| out.number(number));
        signed.into_iter().for_each(|number| out.signed(number));
        out.text("kind");
        let mut input = In::new(&out.bytes);
        assert_eq!(numbers.map(|_| input.number().unwrap()), numbers);
        assert_eq!(signed.map(|_| input.signed().unwrap()), signed);
        assert_eq!(input.text().as_deref(), Some("kind"));
        assert!(input.is_at_end() && input.number().is_none());
        assert!(In::new(&[200]).number().is_none() && In::new(&[5, b'a']).text().is_none());
        assert!(In::new(&[0xFF; 11]).number().is_none());
    }
}
