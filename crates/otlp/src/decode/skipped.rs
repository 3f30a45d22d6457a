//! Fields that are known and not kept: they must be what their definition says all the same.
//!
//! A request is good or bad whatever of it we keep, so that a sender's mistake is told by every version. Allocates
//! nothing and keeps nothing.

use crate::scan::DEPTH_MAX;
use crate::schema::{Count, Kind, Message};
use crate::wire::{Field, Reader, WireError};

/// Checks one field of `message`; a field that it does not have is fine.
pub(super) fn check(message: &'static Message, number: u32, field: Field<'_>) -> Result<(), WireError> {
    check_within(message, number, field, 0)
}

fn check_within(
    message: &'static Message,
    number: u32,
    field: Field<'_>,
    depth: u32,
) -> Result<(), WireError> {
    let Some(known) = message.fields.iter().find(|known| known.number == number) else {
        return Ok(());
    };
    let checked = match (known.kind, field) {
        (Kind::Message(inner), field) => field.bytes().and_then(|bytes| check_message(inner, bytes, depth)),
        (Kind::Text, field) => field.text().map(drop),
        (Kind::Base64 | Kind::Hex, field) => field.bytes().map(drop),
        (kind, Field::Bytes(bytes)) if known.count == Count::Many => check_packed(kind, bytes),
        (kind, field) => match (kind.wire_type(), field) {
            (0, Field::Varint(_)) | (1, Field::Fixed64(_)) | (5, Field::Fixed32(_)) => Ok(()),
            _ => Err(WireError::new("wrong wire type")),
        },
    };
    checked.map_err(|error| error.within(known.name))
}

fn check_message(message: &'static Message, bytes: &[u8], depth: u32) -> Result<(), WireError> {
    let depth = depth + u32::from(message.name == "AnyValue");
    if depth > DEPTH_MAX {
        return Err(WireError::new("values nest too deep"));
    }
    let mut fields = Reader::new(bytes);
    while let Some((number, field)) = fields.next_field()? {
        check_within(message, number, field, depth)?;
    }
    Ok(())
}

/// Numbers that share one key.
fn check_packed(kind: Kind, bytes: &[u8]) -> Result<(), WireError> {
    if kind.wire_type() == 0 {
        return Reader::new(bytes).check_varints();
    }
    let size = if kind.wire_type() == 1 { 8 } else { 4 };
    if bytes.len().is_multiple_of(size) { Ok(()) } else { Err(WireError::new("truncated")) }
}
