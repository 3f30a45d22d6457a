//! Bodies in zstd: collected first, decompressed at the end.
//!
//! The decoder reads and does not take chunks, so that the compressed bytes are kept (and charged) until all are
//! there. The window that a frame may ask for is limited and charged as well. No dictionaries.

use std::io::{self, Read, Write};

use otlp::{Budget, Charge};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::xxh64::Xxh64;

/// What RFC 8878 asks every decoder to support, in section 3.1.1.1.2; the usual encoders stay within it.
const WINDOW_BYTES_MAX: u64 = 8 << 20;
/// Decompressed bytes handed on at a time.
const PIECE_BYTES: usize = 64 << 10;
/// Frames of one body, those passed over included. A sender writes one, or one a flush; an empty one takes 9 bytes and
/// costs as much to begin as a full one.
const FRAMES_MAX: usize = 1024;

/// A compressed body and where its decompressed bytes go.
pub(crate) struct ZstdBody<W> {
    wire: Vec<u8>,
    charges: Vec<Charge>,
    budget: Budget,
    out: W,
}

impl<W: Write> ZstdBody<W> {
    pub(crate) fn new(out: W, budget: Budget) -> Self {
        Self { wire: Vec::new(), charges: Vec::new(), budget, out }
    }

    pub(crate) fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Keeps `chunk`; nothing when there is no memory for it.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Option<()> {
        self.charges.push(self.budget.charge(chunk.len() as u64)?);
        self.wire.extend_from_slice(chunk);
        Some(())
    }

    /// The memory of the window, to be held while [`Self::decode`] runs.
    pub(crate) fn charge_window(&self) -> Option<Charge> {
        self.budget.charge(WINDOW_BYTES_MAX)
    }

    /// Decompresses all frames, passing over those that are to be skipped. Fails as `out` fails.
    pub(crate) fn decode(&mut self) -> io::Result<()> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_BYTES_MAX);
        let mut rest = self.wire.as_slice();
        let mut piece = vec![0; PIECE_BYTES];
        let mut frames = 0;
        while !rest.is_empty() {
            frames += 1;
            if frames > FRAMES_MAX {
                return Err(io::Error::other(format!("more than {FRAMES_MAX} frames")));
            }
            match decoder.reset(&mut rest) {
                Ok(()) => decode_frame(&mut decoder, &mut rest, &mut piece, &mut self.out)?,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = usize::try_from(length).ok().and_then(|length| rest.get(length..));
                    rest = skipped.ok_or(io::ErrorKind::UnexpectedEof)?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(())
    }
}

fn decode_frame(
    decoder: &mut FrameDecoder,
    rest: &mut &[u8],
    piece: &mut [u8],
    out: &mut impl Write,
) -> io::Result<()> {
    let (mut sum, mut length) = (Xxh64::new(), 0_u64);
    while !decoder.is_finished() {
        // One block is at most 128 KiB, so that `out` can stop a bomb early.
        decoder.decode_blocks(&mut *rest, BlockDecodingStrategy::UptoBlocks(1)).map_err(io::Error::other)?;
        loop {
            let len = decoder.read(piece)?;
            if len == 0 {
                break;
            }
            let got = piece.get(..len).unwrap_or_default();
            sum.update(got);
            length = length.saturating_add(len as u64);
            out.write_all(got)?;
        }
    }
    // Zero is also what a frame says that does not tell its size.
    if decoder.content_size() != 0 && decoder.content_size() != length {
        return Err(io::Error::other("a frame has another size than it tells"));
    }
    // The low half of the sum.
    if decoder.get_checksum_from_data().is_some_and(|told| told != sum.finish() as u32) {
        return Err(io::Error::other("the checksum of a frame is wrong"));
    }
    Ok(())
}
