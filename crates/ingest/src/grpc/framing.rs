//! The framing of gRPC: a flag, a length, a message. Exactly one message, however it is cut into chunks.
//!
//! The length is believed only as far as the limits go, and no memory is taken for it before the bytes are there.

use otlp::Budget;

use crate::body::{Decoder, Encoding, Read};
use crate::limits::Limits;
use crate::reply::Problem;

/// A flag and a length of four bytes.
const PREFIX_BYTES: usize = 5;

/// Takes the body of a unary call.
pub(crate) struct Framing {
    encoding: Encoding,
    limits: Limits,
    budget: Budget,
    prefix: Vec<u8>,
    /// The message and how much of it is still to come, once the prefix is there.
    message: Option<(Decoder, usize)>,
}

impl Framing {
    /// Of a call whose messages are encoded so when their flag says they are.
    pub(crate) fn new(encoding: Encoding, limits: &Limits, budget: &Budget) -> Self {
        Self { encoding, limits: *limits, budget: budget.clone(), prefix: Vec::new(), message: None }
    }

    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        let missing = PREFIX_BYTES.saturating_sub(self.prefix.len()).min(chunk.len());
        let (prefix, rest) = chunk.split_at(missing);
        self.prefix.extend_from_slice(prefix);
        if self.message.is_none() {
            self.message = self.begin()?;
        }
        let Some((decoder, left)) = &mut self.message else {
            return Ok(());
        };
        *left = left
            .checked_sub(rest.len())
            .ok_or(Problem::Cardinality("more than one message in a unary call"))?;
        decoder.take(rest)
    }

    /// Begins the message when its prefix is whole.
    fn begin(&self) -> Result<Option<(Decoder, usize)>, Problem> {
        let [flag, length @ ..] = self.prefix.as_slice() else {
            return Ok(None);
        };
        let Ok(length) = <[u8; 4]>::try_from(length) else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(length);
        if u64::from(length) > self.limits.wire_bytes_max {
            return Err(Problem::too_large("bytes", self.limits.wire_bytes_max));
        }
        let encoding = match (flag, self.encoding) {
            (0, _) => Encoding::Identity,
            (1, Encoding::Identity) => {
                return Err(Problem::WrongFlag("a compressed message, and no `grpc-encoding` says how"));
            }
            (1, encoding) => encoding,
            _ => return Err(malformed("an unknown flag before the message")),
        };
        Ok(Some((Decoder::new(encoding, &self.limits, &self.budget), length as usize)))
    }

    pub(crate) fn finish(self) -> Result<Read, Problem> {
        match self.message {
            Some((decoder, 0)) => decoder.finish(),
            None if self.prefix.is_empty() => Err(Problem::Cardinality("no message in a unary call")),
            _ => Err(malformed("the message is not whole")),
        }
    }
}

fn malformed(what: &str) -> Problem {
    Problem::Malformed(format!("bad gRPC: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(encoding: Encoding, bytes: &[u8], step: usize) -> Result<Vec<u8>, String> {
        let mut framing = Framing::new(encoding, &Limits::default(), &Budget::new(1 << 20));
        for chunk in bytes.chunks(step) {
            framing.take(chunk).map_err(|problem| format!("{problem:?}"))?;
        }
        framing.finish().map(|read| read.bytes.to_vec()).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn one_message_is_read_however_it_is_cut() {
        let bytes = [0, 0, 0, 0, 3, 7, 8, 9];
        for step in 1..=8 {
            assert_eq!(read(Encoding::Identity, &bytes, step), Ok(vec![7, 8, 9]));
            // Uncompressed messages are allowed in a call that may compress.
            assert_eq!(read(Encoding::Gzip, &bytes, step), Ok(vec![7, 8, 9]));
        }
        assert_eq!(read(Encoding::Identity, &[0; 5], 5), Ok(vec![]));
    }

    #[test]
    fn anything_but_one_whole_message_is_refused() {
        for (bytes, what) in [
            (&[][..], "no message"),
            (&[0, 0, 0], "not whole"),
            (&[0, 0, 0, 0, 2, 1], "not whole"),
            (&[0, 0, 0, 0, 0, 0], "more than one"),
            (&[0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], "more than one"),
            (&[1, 0, 0, 0, 0], "no `grpc-encoding`"),
            (&[2, 0, 0, 0, 0], "unknown flag"),
            (&[0, 0xFF, 0xFF, 0xFF, 0xFF], "over the limit"),
        ] {
            for step in [1, 16] {
                let got = read(Encoding::Identity, bytes, step).unwrap_err();
                assert!(got.contains(what), "{bytes:?}: {got}");
            }
        }
        assert!(read(Encoding::Gzip, &[1, 0, 0, 0, 2, 1, 2], 16).unwrap_err().contains("bad gzip"));
    }
}
