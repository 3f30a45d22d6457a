//! Objects and lists: reads what the tables of `schema` name and skips the rest.
//!
//! A field that stands twice in one object is an error, because the two readings of it differ. `null` is the same
//! as leaving the field out.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Dialect, Step, Writer};
use crate::schema::{Count, Field, Kind, Message};
use crate::wire::put_varint;

/// Reads one object and appends the fields of its message.
pub(super) struct MessageSeed<'w> {
    pub(super) message: &'static Message,
    pub(super) writer: &'w mut Writer,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", self.message.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        read_fields(self.message, self.writer, map)
    }
}

fn read_fields<'de, A: MapAccess<'de>>(
    message: &'static Message,
    writer: &mut Writer,
    mut map: A,
) -> Result<(), A::Error> {
    let (mut seen, mut has_choice) = (0_u64, false);
    while let Some(key) = map.next_key_seed(KeySeed(message, writer.dialect))? {
        let Some((place, field)) = key else {
            map.next_value::<IgnoredAny>()?;
            continue;
        };
        writer.enter(Step::Field(field.name))?;
        let bit = 1_u64 << (place % 64);
        if seen & bit != 0 {
            return Err(A::Error::custom("the field stands twice in one object"));
        }
        seen |= bit;
        let before = writer.out.len();
        map.next_value_seed(FieldSeed { field, place: Place::Field, writer: &mut *writer })?;
        // `null` writes nothing and chooses nothing.
        if message.choices().contains(&field.number) && writer.out.len() > before {
            if has_choice {
                return Err(A::Error::custom("a second one of fields of which there may be one"));
            }
            has_choice = true;
        }
        writer.leave();
    }
    Ok(())
}

/// Finds a field by its name.
struct KeySeed(&'static Message, Dialect);

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Option<(usize, &'static Field)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Option<(usize, &'static Field)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let is_named = |field: &Field| match self.1 {
            _ if matches!(field.kind, Kind::Index) => false,
            Dialect::Sent => field.name == name,
            Dialect::Filed => field.is_named(name),
        };
        Ok(self.0.fields.iter().enumerate().find(|(_, field)| is_named(field)))
    }
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Field,
    List,
    /// In a list of numbers, which share one key.
    Packed,
}

/// Reads one value and appends it under its field.
struct FieldSeed<'w> {
    field: &'static Field,
    place: Place,
    writer: &'w mut Writer,
}

impl FieldSeed<'_> {
    fn check_is_no_list<E: Error>(&self) -> Result<(), E> {
        if self.field.count == Count::Many && self.place == Place::Field {
            return Err(E::custom("expected a list"));
        }
        Ok(())
    }

    /// Appends what `write` writes, after the key unless it is packed.
    fn scalar<E: Error>(
        self,
        write: impl FnOnce(&'static Field, &mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), E> {
        self.check_is_no_list()?;
        if self.place != Place::Packed {
            put_key(self.field, &mut self.writer.out);
        }
        write(self.field, &mut self.writer.out).map_err(E::custom)
    }
}

fn put_key(field: &Field, out: &mut Vec<u8>) {
    put_varint(out, (u64::from(field.number) << 3) | field.kind.wire_type());
}

/// Appends what `write` writes with its length before it.
fn put_sized<E>(
    writer: &mut Writer,
    number: u32,
    write: impl FnOnce(&mut Writer) -> Result<(), E>,
) -> Result<(), E> {
    put_varint(&mut writer.out, (u64::from(number) << 3) | 2);
    let start = writer.out.len();
    write(writer)?;
    let mut len = Vec::with_capacity(5);
    put_varint(&mut len, (writer.out.len() - start) as u64);
    writer.out.splice(start..start, len);
    Ok(())
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.count == Count::Many && self.place == Place::Field {
            f.write_str("a list of ")?;
        }
        f.write_str(self.field.kind.expected())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.place == Place::Field { Ok(()) } else { Err(E::custom("null within a list")) }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(|field, out| field.kind.put_bool(value, out))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(|field, out| field.kind.put_integer(i128::from(value), out))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(|field, out| field.kind.put_integer(i128::from(value), out))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(|field, out| field.kind.put_double(value, out))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if matches!(self.field.kind, Kind::Enum(_)) && self.writer.dialect == Dialect::Sent {
            return Err(E::custom("a string, expected an integer"));
        }
        self.scalar(|field, out| field.kind.put_text(text, out))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.check_is_no_list()?;
        let Kind::Message(message) = self.field.kind else {
            return Err(A::Error::custom(format!("an object, expected {}", self.field.kind.expected())));
        };
        put_sized(self.writer, self.field.number, |writer| read_fields(message, writer, map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        let (field, writer) = (self.field, self.writer);
        if field.count != Count::Many || self.place != Place::Field {
            return Err(A::Error::custom(format!("a list, expected {}", field.kind.expected())));
        }
        if field.kind.is_packed() {
            put_sized(writer, field.number, |writer| read_list(field, Place::Packed, writer, list))
        } else {
            read_list(field, Place::List, writer, list)
        }
    }
}

fn read_list<'de, A: SeqAccess<'de>>(
    field: &'static Field,
    place: Place,
    writer: &mut Writer,
    mut list: A,
) -> Result<(), A::Error> {
    for index in 0_usize.. {
        writer.enter(Step::Index(index))?;
        let read = list.next_element_seed(FieldSeed { field, place, writer: &mut *writer })?;
        writer.leave();
        if read.is_none() {
            break;
        }
    }
    Ok(())
}
