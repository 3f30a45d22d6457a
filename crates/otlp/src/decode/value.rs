//! Attributes and values (`KeyValue`, `AnyValue`), cut to the limits of one item.
//!
//! A value that is sent twice is merged as protobuf says: lists and maps grow, everything else is replaced.

use std::sync::Arc;

use telemetry::Value;
use telemetry::signal::Attributes;

use super::context::Context;
use crate::scan::DEPTH_MAX;
use crate::wire::{Field, Reader, WireError};

/// Attributes of one item: the default of the OpenTelemetry SDKs.
const ATTRIBUTES_MAX: usize = 128;
/// Bytes of a key.
const KEY_LEN_MAX: usize = 256;
/// Bytes of a text or bytes value.
const VALUE_LEN_MAX: usize = 64 * 1024;

/// Decodes one `KeyValue` and adds it, or counts it when there are enough.
pub(super) fn push_attribute<'a>(
    field: Field<'a>,
    attributes: &mut Attributes,
    context: &mut Context<'a>,
) -> Result<(), WireError> {
    let entry = key_value(field, 0, context)?;
    if attributes.capacity() == 0 {
        attributes.reserve_exact(context.attributes.clamp(1, ATTRIBUTES_MAX));
    }
    if attributes.len() < ATTRIBUTES_MAX {
        attributes.push(entry);
    } else {
        context.repair("attribute_dropped");
    }
    Ok(())
}

/// Decodes one `AnyValue` into `value`.
pub(super) fn merge_value<'a>(
    field: Field<'a>,
    value: &mut Value,
    depth: u32,
    context: &mut Context<'a>,
) -> Result<(), WireError> {
    if depth >= DEPTH_MAX {
        return Err(WireError::new("values nest too deep"));
    }
    let mut fields = Reader::new(field.bytes()?);
    while let Some((number, field)) = fields.next_field()? {
        match number {
            1 => *value = Value::Text(text(field.text()?, context)),
            2 => *value = Value::Bool(field.varint()? != 0),
            3 => *value = Value::Int(field.varint()?.cast_signed()),
            4 => *value = Value::Double(f64::from_bits(field.fixed64()?)),
            5 => {
                let mut values = match std::mem::replace(value, Value::Empty) {
                    Value::List(values) => values,
                    _ => Vec::new(),
                };
                push_list(field, &mut values, depth, context)?;
                *value = Value::List(values);
            }
            6 => {
                let mut entries = match std::mem::replace(value, Value::Empty) {
                    Value::Map(entries) => entries,
                    _ => Vec::new(),
                };
                push_map(field, &mut entries, depth, context)?;
                *value = Value::Map(entries);
            }
            7 => *value = Value::Bytes(bytes(field.bytes()?, context)),
            8 => {
                // A reference into a dictionary that only profiles have.
                field.varint()?;
                *value = Value::Empty;
            }
            _ => {}
        }
    }
    Ok(())
}

fn push_list<'a>(
    field: Field<'a>,
    values: &mut Vec<Value>,
    depth: u32,
    context: &mut Context<'a>,
) -> Result<(), WireError> {
    let mut fields = Reader::new(field.bytes()?);
    while let Some((number, field)) = fields.next_field()? {
        if number == 1 {
            let mut element = Value::Empty;
            merge_value(field, &mut element, depth + 1, context)?;
            values.push(element);
        }
    }
    Ok(())
}

fn push_map<'a>(
    field: Field<'a>,
    entries: &mut Attributes,
    depth: u32,
    context: &mut Context<'a>,
) -> Result<(), WireError> {
    let mut fields = Reader::new(field.bytes()?);
    while let Some((number, field)) = fields.next_field()? {
        if number == 1 {
            entries.push(key_value(field, depth + 1, context)?);
        }
    }
    Ok(())
}

fn key_value<'a>(
    field: Field<'a>,
    depth: u32,
    context: &mut Context<'a>,
) -> Result<(Arc<str>, Value), WireError> {
    let (mut key, mut value) = ("", Value::Empty);
    let mut fields = Reader::new(field.bytes()?);
    while let Some((number, field)) = fields.next_field()? {
        match number {
            1 => key = field.text().map_err(|error| error.within("key"))?,
            2 => {
                merge_value(field, &mut value, depth, context).map_err(|error| error.within("value"))?;
            }
            // A reference into a dictionary that only profiles have.
            3 => drop(field.varint().map_err(|error| error.within("key_strindex"))?),
            _ => {}
        }
    }
    let kept = cut(key, KEY_LEN_MAX);
    if kept.len() < key.len() {
        context.repair("key_cut");
    }
    Ok((context.share(kept), value))
}

/// The text, shared and cut to the limit of a value.
pub(super) fn text<'a>(text: &'a str, context: &mut Context<'a>) -> Arc<str> {
    let kept = cut(text, VALUE_LEN_MAX);
    if kept.len() < text.len() {
        context.repair("value_cut");
    }
    context.share(kept)
}

fn bytes(bytes: &[u8], context: &mut Context<'_>) -> Vec<u8> {
    if bytes.len() > VALUE_LEN_MAX {
        context.repair("value_cut");
    }
    bytes.iter().copied().take(VALUE_LEN_MAX).collect()
}

/// The longest beginning of at most `len_max` bytes that ends between characters.
fn cut(text: &str, len_max: usize) -> &str {
    let mut end = len_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
