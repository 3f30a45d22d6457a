//! The protobuf wire form, read without copying and written by hand.
//!
//! Reads one message's fields in order; what a field means is the caller's business. The content of
//! groups is skipped, as the specification of proto3 asks of unknown fields. No schema, no reflection, no allocation while reading.

/// How deep skipped groups may nest.
const GROUPS_MAX: usize = 32;

/// What is wrong with the bytes, and in which field. It is boxed: results that carry it stay small, and reading a field
/// is what decoding consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireError(Box<Wrong>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wrong {
    problem: &'static str,
    /// Innermost field first.
    path: Vec<&'static str>,
}

impl WireError {
    /// An error without a place.
    #[must_use]
    #[cold]
    pub fn new(problem: &'static str) -> Self {
        Self(Box::new(Wrong { problem, path: Vec::new() }))
    }

    /// The same error, within this field.
    #[must_use]
    #[cold]
    pub fn within(mut self, field: &'static str) -> Self {
        self.0.path.push(field);
        self
    }
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Wrong { problem, path } = &*self.0;
        if path.is_empty() {
            return f.write_str(problem);
        }
        let path: Vec<&str> = path.iter().rev().copied().collect();
        write!(f, "{}: {problem}", path.join("."))
    }
}

impl std::error::Error for WireError {}

/// One field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
    /// Wire types 3 and 4, already passed over; no field of OTLP is one.
    Group,
}

const WRONG_TYPE: &str = "wrong wire type";

impl<'a> Field<'a> {
    /// The number of a varint field.
    ///
    /// # Errors
    /// When the field has another wire type.
    #[inline]
    pub fn varint(self) -> Result<u64, WireError> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(WireError::new(WRONG_TYPE)),
        }
    }

    /// The number of a fixed64 field; also the bits of a double.
    ///
    /// # Errors
    /// When the field has another wire type.
    #[inline]
    pub fn fixed64(self) -> Result<u64, WireError> {
        match self {
            Self::Fixed64(value) => Ok(value),
            _ => Err(WireError::new(WRONG_TYPE)),
        }
    }

    /// The content of a bytes or message field.
    ///
    /// # Errors
    /// When the field has another wire type.
    #[inline]
    pub fn bytes(self) -> Result<&'a [u8], WireError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::new(WRONG_TYPE)),
        }
    }

    /// The content of a string field.
    ///
    /// # Errors
    /// When the field has another wire type or is not UTF-8.
    #[inline]
    pub fn text(self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| WireError::new("invalid UTF-8"))
    }
}

/// Reads the fields of one message.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of one message.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field's number and value, or nothing at the end.
    ///
    /// # Errors
    /// When the bytes end early or are no protobuf.
    #[inline]
    pub fn next_field(&mut self) -> Result<Option<(u32, Field<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.key()?;
        if wire_type == 3 {
            self.skip_group(number, GROUPS_MAX)?;
            return Ok(Some((number, Field::Group)));
        }
        Ok(Some((number, self.value(wire_type)?)))
    }

    /// Reads what is left as numbers one after the other, as they stand in a packed field.
    pub(crate) fn check_varints(mut self) -> Result<(), WireError> {
        while !self.rest.is_empty() {
            self.varint()?;
        }
        Ok(())
    }

    #[inline]
    fn key(&mut self) -> Result<(u32, u64), WireError> {
        let key = u32::try_from(self.varint()?).map_err(|_| WireError::new("invalid field key"))?;
        match key >> 3 {
            0 => Err(WireError::new("field number 0")),
            number => Ok((number, u64::from(key & 7))),
        }
    }

    #[inline]
    fn value(&mut self, wire_type: u64) -> Result<Field<'a>, WireError> {
        match wire_type {
            0 => Ok(Field::Varint(self.varint()?)),
            1 => Ok(Field::Fixed64(u64::from_le_bytes(self.array()?))),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| WireError::new("truncated"))?;
                Ok(Field::Bytes(self.take(len)?))
            }
            5 => Ok(Field::Fixed32(u32::from_le_bytes(self.array()?))),
            _ => Err(WireError::new("invalid wire type")),
        }
    }

    fn skip_group(&mut self, group: u32, depth: usize) -> Result<(), WireError> {
        let depth = depth.checked_sub(1).ok_or_else(|| WireError::new("groups nest too deep"))?;
        loop {
            match self.key()? {
                (number, 4) if number == group => return Ok(()),
                (_, 4) => return Err(WireError::new("unexpected end of group")),
                (number, 3) => self.skip_group(number, depth)?,
                (_, wire_type) => {
                    self.value(wire_type)?;
                }
            }
        }
    }

    /// Most keys, lengths and numbers take one byte.
    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        match self.rest.split_first() {
            Some((byte, rest)) if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for (index, byte) in self.rest.iter().enumerate().take(10) {
            if index == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(index + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(WireError::new("invalid varint"))
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(|| WireError::new("truncated"))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.take(N)?.try_into().map_err(|_| WireError::new("truncated"))
    }
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a varint field, left out when zero, as proto3 writes it.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        put_varint(out, u64::from(field) << 3);
        put_varint(out, value);
    }
}

/// Appends a bytes, string or message field, even when empty.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, (u64::from(field) << 3) | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order_and_groups_are_skipped() {
        let mut out = Vec::new();
        put_number(&mut out, 1, 300);
        out.extend([(2 << 3) | 3, 3 << 3, 7, (2 << 3) | 4]);
        put_bytes(&mut out, 4, b"hi");
        let mut reader = Reader::new(&out);
        assert_eq!(reader.next_field().unwrap(), Some((1, Field::Varint(300))));
        assert_eq!(reader.next_field().unwrap(), Some((2, Field::Group)));
        assert!(Field::Group.bytes().is_err(), "no field that is known is a group");
        assert_eq!(reader.next_field().unwrap(), Some((4, Field::Bytes(b"hi"))));
        assert_eq!(reader.next_field().unwrap(), None);
    }

    #[test]
    fn broken_bytes_are_errors_with_the_path_of_the_field() {
        assert!(Reader::new(&[0x80]).next_field().is_err());
        assert!(Reader::new(&[0x0A, 5, 1]).next_field().is_err());
        assert!(Reader::new(&[0x00, 0]).next_field().is_err());
        assert!(Reader::new(&[0xFF; 11]).next_field().is_err());
        let endless_groups = [0x0B; 1000];
        assert!(Reader::new(&endless_groups).next_field().is_err());
        let error = WireError::new("truncated").within("name").within("spans");
        assert_eq!(error.to_string(), "spans.name: truncated");
    }
}
