//! The file: a magic line, a number of named sections, and a checksum over all of it.
//!
//! ```text
//! firstcause.fcase/1\n
//! sections: u32                                  all numbers little-endian
//! for each, sorted by name: length of name u16, name, length of content u64, BLAKE3 of content (32 bytes), content
//! BLAKE3 of everything before (32 bytes)
//! ```
//!
//! Nothing is compressed: equal content gives equal bytes on every machine and in every version, and any tool that packs
//! files packs these. Nothing is allocated for a length before that many bytes are there.

use std::collections::BTreeMap;

/// How a file begins.
const MAGIC: &[u8] = b"firstcause.fcase/1\n";
/// How the files of every version begin.
const FAMILY: &[u8] = b"firstcause.fcase/";
/// Bytes of a BLAKE3 hash.
const HASH_BYTES: usize = 32;
/// Sections at most.
const SECTIONS_MAX: u32 = 64;
/// Bytes of a file at most.
pub const FILE_BYTES_MAX: u64 = 4 << 30;

/// Named sections, sorted by name.
pub type Sections = BTreeMap<String, Vec<u8>>;

/// A file is none, or is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// It begins otherwise.
    #[error("it is no case file")]
    NoCaseFile,
    /// It is of a version that is not known.
    #[error("it is `{0}`, and this version reads `firstcause.fcase/1`")]
    OtherVersion(String),
    /// It ends too early.
    #[error("it is cut off after {0} bytes")]
    CutOff(usize),
    /// A section does not have its checksum.
    #[error("section `{0}` was changed: its checksum differs")]
    ChangedSection(String),
    /// The whole does not have its checksum.
    #[error("it was changed: the checksum of the whole differs")]
    Changed,
    /// What stands there cannot be.
    #[error("it was changed: {0}")]
    Impossible(&'static str),
}

/// The bytes of a file with these sections.
#[must_use]
pub fn pack(sections: &Sections) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend((sections.len() as u32).to_le_bytes());
    for (name, content) in sections {
        out.extend((name.len() as u16).to_le_bytes());
        out.extend(name.as_bytes());
        out.extend((content.len() as u64).to_le_bytes());
        out.extend(hash(content));
        out.extend(content);
    }
    let whole = hash(&out);
    out.extend(whole);
    out
}

/// The sections of a file.
///
/// # Errors
/// When it is no case file, of another version, cut off or changed.
pub fn unpack(bytes: &[u8]) -> Result<Sections, ContainerError> {
    if !bytes.starts_with(MAGIC) {
        return Err(other(bytes));
    }
    let (inside, whole) =
        bytes.split_at_checked(bytes.len().saturating_sub(HASH_BYTES)).ok_or(ContainerError::CutOff(0))?;
    let mut reader = Reader { bytes: inside, place: MAGIC.len() };
    let count = u32::from_le_bytes(reader.array()?);
    if count > SECTIONS_MAX {
        return Err(ContainerError::Impossible("it claims more sections than there are"));
    }
    let mut sections = Sections::new();
    for _ in 0..count {
        let name_len = u16::from_le_bytes(reader.array()?);
        let name = std::str::from_utf8(reader.take(usize::from(name_len))?)
            .map_err(|_| ContainerError::Impossible("the name of a section is no text"))?
            .to_owned();
        let len = u64::from_le_bytes(reader.array()?);
        let told: [u8; HASH_BYTES] = reader.array()?;
        let content = reader.take(usize::try_from(len).unwrap_or(usize::MAX))?;
        if hash(content) != told {
            return Err(ContainerError::ChangedSection(name));
        }
        if sections.last_key_value().is_some_and(|(last, _)| *last >= name) {
            return Err(ContainerError::Impossible("its sections are not in order"));
        }
        sections.insert(name, content.to_vec());
    }
    match (reader.place == inside.len(), hash(inside) == *whole) {
        (true, true) => Ok(sections),
        (false, _) => Err(ContainerError::Impossible("something stands behind its last section")),
        (_, false) => Err(ContainerError::Changed),
    }
}

/// Why bytes that do not begin as they should are not taken.
fn other(bytes: &[u8]) -> ContainerError {
    if MAGIC.starts_with(bytes) {
        return ContainerError::CutOff(bytes.len());
    }
    let Some(behind) = bytes.strip_prefix(FAMILY) else { return ContainerError::NoCaseFile };
    let version: String =
        behind.iter().take(8).take_while(|b| b.is_ascii_alphanumeric()).map(|b| char::from(*b)).collect();
    ContainerError::OtherVersion(format!("firstcause.fcase/{version}"))
}

struct Reader<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], ContainerError> {
        let end = self.place.saturating_add(len);
        let taken = self.bytes.get(self.place..end).ok_or(ContainerError::CutOff(self.bytes.len()))?;
        self.place = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ContainerError> {
        let place = self.bytes.len();
        self.take(N)?.try_into().map_err(|_| ContainerError::CutOff(place))
    }
}

/// BLAKE3 as bytes.
fn hash(bytes: &[u8]) -> [u8; HASH_BYTES] {
    let hex = incident::canonical::blake3_hex(bytes);
    let mut hash = [0; HASH_BYTES];
    for (slot, place) in hash.iter_mut().zip((0..).step_by(2)) {
        *slot =
            hex.get(place..place + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or_default();
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections() -> Sections {
        [("a", b"one".to_vec()), ("b/c", Vec::new()), ("z", vec![0, 255, 10])]
            .map(|(name, content)| (name.to_owned(), content))
            .into()
    }

    #[test]
    fn what_is_packed_is_unpacked_and_packs_to_the_same_bytes() {
        let packed = pack(&sections());
        assert_eq!(unpack(&packed), Ok(sections()));
        assert_eq!(pack(&unpack(&packed).unwrap()), packed);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let packed = pack(&sections());
        for place in 0..packed.len() {
            for bit in 0..8 {
                let mut flipped = packed.clone();
                flipped[place] ^= 1 << bit;
                assert!(unpack(&flipped).is_err(), "byte {place}, bit {bit}");
            }
            assert!(unpack(&packed[..place]).is_err(), "cut at {place}");
        }
        let longer = [packed.as_slice(), b"x"].concat();
        assert!(unpack(&longer).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let packed = pack(&sections());
        assert_eq!(unpack(b"PK\x03\x04"), Err(ContainerError::NoCaseFile));
        let newer = [b"firstcause.fcase/27\n".as_slice(), &packed].concat();
        assert_eq!(unpack(&newer), Err(ContainerError::OtherVersion("firstcause.fcase/27".to_owned())));
        assert!(matches!(unpack(&packed[..40]), Err(ContainerError::CutOff(_))));
        let mut changed = packed.clone();
        let place = packed.windows(3).position(|window| window == b"one").unwrap();
        changed[place] = b'O';
        assert_eq!(unpack(&changed), Err(ContainerError::ChangedSection("a".to_owned())));
        let mut huge = packed;
        huge[MAGIC.len() + 4 + 2 + 1 + 7] = 255;
        assert!(matches!(unpack(&huge), Err(ContainerError::CutOff(_))), "no memory is asked for");
    }
}
