//! Bodies in gzip: taken chunk by chunk, in as many members as a sender may need.
//!
//! Each member begins a decoder of its own, which costs as much for an empty one as for a full one; so their number
//! has a limit. Limits on bytes are those of the writer behind it.

use std::io::{self, Write};

use flate2::write::GzDecoder;

/// Members of one body. A sender writes one, or one a flush; an empty one takes 20 bytes.
const MEMBERS_MAX: usize = 1024;

/// A decoder of all members of a body.
pub(crate) struct GzipBody<W: Write> {
    /// Nothing only while one member's decoder gives way to the next one's, and after that has failed.
    decoder: Option<GzDecoder<W>>,
    members: usize,
}

impl<W: Write> GzipBody<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { decoder: Some(GzDecoder::new(out)), members: 1 }
    }

    /// Where the decompressed bytes go.
    pub(crate) fn out(&mut self) -> Option<&mut W> {
        self.decoder.as_mut().map(GzDecoder::get_mut)
    }

    fn decoder(&mut self) -> io::Result<&mut GzDecoder<W>> {
        self.decoder.as_mut().ok_or_else(|| io::Error::other("after a failure"))
    }

    /// Takes the next bytes from the wire.
    pub(crate) fn take(&mut self, mut chunk: &[u8]) -> io::Result<()> {
        while !chunk.is_empty() {
            let taken = self.decoder()?.write(chunk)?;
            if taken == 0 {
                self.next_member()?;
            }
            chunk = chunk.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends a member that is whole, and begins another.
    fn next_member(&mut self) -> io::Result<()> {
        self.members += 1;
        if self.members > MEMBERS_MAX {
            return Err(io::Error::other(format!("more than {MEMBERS_MAX} members")));
        }
        self.decoder()?.try_finish()?;
        if let Some(ended) = self.decoder.take() {
            self.decoder = Some(GzDecoder::new(ended.finish()?));
        }
        Ok(())
    }

    /// Checks that the last member is whole.
    pub(crate) fn try_finish(&mut self) -> io::Result<()> {
        self.decoder()?.try_finish()
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(wire: &[u8], step: usize) -> Result<Vec<u8>, String> {
        let mut body = GzipBody::new(Vec::new());
        for chunk in wire.chunks(step) {
            body.take(chunk).map_err(|error| error.to_string())?;
        }
        body.try_finish().map_err(|error| error.to_string())?;
        Ok(body.out().unwrap().clone())
    }

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_continue_each_other_however_they_are_cut_and_their_number_is_limited() {
        let three = [member(b"one "), member(b""), member(b"three")].concat();
        for step in [1, 2, 7, 100] {
            assert_eq!(read(&three, step).unwrap(), b"one three");
            assert!(read(&three[..three.len() - 1], step).is_err());
            assert!(read(&[&three[..], b"x"].concat(), step).is_err());
        }
        assert_eq!(read(&member(b"a").repeat(1024), 4096).unwrap(), b"a".repeat(1024));
        assert!(read(&member(b"").repeat(1025), 4096).unwrap_err().contains("1024 members"));
    }
}
