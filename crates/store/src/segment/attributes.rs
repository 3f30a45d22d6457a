//! Attributes as a map of texts, as the ClickHouse exporter of OpenTelemetry has them, and beside it one letter an
//! entry that says what the text was, so that the same values come back.
//!
//! Letters: `t` text, `b` bool, `i` integer, `d` double, `D` the bits of a double that no text gives, `x` bytes in
//! hexadecimal, `e` empty, `n` a list or a map in the JSON of OTLP (there, doubles are texts and bytes hexadecimal).

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use ahash::RandomState;
use parquet::data_type::ByteArray;
use serde_json::{Value as Json, json};
use telemetry::Value;
use telemetry::signal::Attributes;

use super::column::Column;
use super::file::{Columns, Part};
use super::words::Words;

/// Texts longer than this seldom repeat.
const SHARED_LEN_MAX: usize = 128;
/// Writes one set a row, in the order of [`schema`].
pub(super) fn write<'a>(
    columns: &mut Columns<'_, '_>,
    sets: impl Iterator<Item = &'a Attributes>,
) -> io::Result<()> {
    let mut of_set = Vec::new();
    columns.texts(|[keys, values, letters]| {
        // Together: most of the time goes into getting a set from memory.
        for set in sets {
            keys.push_list(|list| put_keys(list, set));
            values.push_list(|list| put_values(list, set));
            letters.push(letters_of(set, &mut of_set));
        }
    })
}

/// Writes a list of sets a row, in the order of [`list_schema`].
pub(super) fn write_lists<'a, L: Iterator<Item = &'a Attributes>>(
    columns: &mut Columns<'_, '_>,
    rows: impl Iterator<Item = L> + Clone,
) -> io::Result<()> {
    for put in [put_keys, put_values] {
        columns.text(|column| {
            rows.clone().for_each(|sets| {
                column.push_list(|row| sets.for_each(|set| row.list(|list| put(list, set))));
            });
        })?;
    }
    let mut letters = Vec::new();
    columns.text(|column| {
        rows.for_each(|sets| {
            column.push_list(|row| sets.for_each(|set| row.text(letters_of(set, &mut letters))));
        });
    })
}

fn put_keys<'a>(list: &mut Words<'a>, set: &'a Attributes) {
    set.iter().for_each(|(key, _)| list.shared(key));
}

fn put_values<'a>(list: &mut Words<'a>, set: &'a Attributes) {
    set.iter().for_each(|(_, value)| put_value(list, value));
}

/// Adds the text of a value.
pub(super) fn put_value<'a>(column: &mut Words<'a>, value: &'a Value) {
    match value {
        Value::Text(text) => column.shared(text),
        other => column.text(text_of(other).as_bytes()),
    }
}

/// The schema of one set a row.
pub(super) fn schema(name: &str) -> String {
    format!(
        "required group {name} (MAP) {{ repeated group key_value {{ required binary key (STRING); \
         required binary value (STRING); }} }} required binary {name}Letters (STRING);"
    )
}

/// The schema of a list of sets a row.
pub(super) fn list_schema(name: &str) -> String {
    format!(
        "required group {name} (LIST) {{ repeated group list {{ required group element (MAP) {{ repeated group \
         key_value {{ required binary key (STRING); required binary value (STRING); }} }} }} }} \
         required group {name}Letters (LIST) {{ repeated group list {{ required binary element (STRING); }} }}"
    )
}

/// Sets that were read.
pub(super) struct Sets {
    keys: Column<ByteArray>,
    values: Column<ByteArray>,
    letters: Column<ByteArray>,
    ranges: Vec<Range<usize>>,
}

impl Sets {
    /// Reads back what [`write()`] wrote under `name`.
    pub(super) fn read(part: &Part<'_>, name: &str) -> io::Result<Self> {
        let keys = part.text(&format!("{name}.key_value.key"))?;
        Ok(Self {
            ranges: keys.lists(1),
            keys,
            values: part.text(&format!("{name}.key_value.value"))?,
            letters: part.text(&format!("{name}Letters"))?,
        })
    }

    /// Reads back what [`write_lists`] wrote under `name`, and how many sets each row has.
    pub(super) fn read_lists(part: &Part<'_>, name: &str) -> io::Result<(Self, Vec<usize>)> {
        let keys = part.text(&format!("{name}.list.element.key_value.key"))?;
        let lengths = keys.lengths();
        let sets = Self {
            ranges: keys.lists(2),
            keys,
            values: part.text(&format!("{name}.list.element.key_value.value"))?,
            letters: part.text(&format!("{name}Letters.list.element"))?,
        };
        Ok((sets, lengths))
    }

    /// The set at `index`, counted over all rows.
    pub(super) fn get(&self, index: usize, texts: &mut Texts) -> Option<Attributes> {
        let range = self.ranges.get(index)?.clone();
        let letters = self.letters.values.get(index)?.data();
        let keys = self.keys.values.get(range.clone())?;
        let values = self.values.values.get(range)?;
        keys.iter()
            .zip(values)
            .zip(letters)
            .map(|((key, value), letter)| {
                Some((texts.share(text(key)?), value_of(text(value)?, *letter, texts)?))
            })
            .collect()
    }
}

/// The text of a value that was written as one.
pub(super) fn text(bytes: &ByteArray) -> Option<&str> {
    std::str::from_utf8(bytes.data()).ok()
}

fn letters_of<'l>(attributes: &Attributes, letters: &'l mut Vec<u8>) -> &'l [u8] {
    letters.clear();
    letters.extend(attributes.iter().map(|(_, value)| letter_of(value)));
    letters
}

/// Shares texts that are read again and again.
#[derive(Debug, Default)]
pub(super) struct Texts {
    known: HashSet<Arc<str>, RandomState>,
}

impl Texts {
    /// The text, shared with equal ones.
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if text.len() > SHARED_LEN_MAX {
            return Arc::from(text);
        }
        if let Some(known) = self.known.get(text) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(text);
        self.known.insert(Arc::clone(&shared));
        shared
    }
}

/// The letter of a value.
pub(super) fn letter_of(value: &Value) -> u8 {
    match value {
        Value::Empty => b'e',
        Value::Text(_) => b't',
        Value::Bool(_) => b'b',
        Value::Int(_) => b'i',
        Value::Double(number) if is_told_by_text(*number) => b'd',
        Value::Double(_) => b'D',
        Value::Bytes(_) => b'x',
        Value::List(_) | Value::Map(_) => b'n',
    }
}

fn is_told_by_text(number: f64) -> bool {
    number.to_string().parse::<f64>().is_ok_and(|again| again.to_bits() == number.to_bits())
}

/// The text of a value.
fn text_of(value: &Value) -> String {
    match value {
        Value::Double(number) => double_text(*number),
        Value::List(_) | Value::Map(_) => json_of(value).to_string(),
        plain => plain.render(),
    }
}

fn double_text(number: f64) -> String {
    if is_told_by_text(number) { number.to_string() } else { format!("0x{:016x}", number.to_bits()) }
}

fn double_of(text: &str) -> Option<f64> {
    match text.strip_prefix("0x") {
        Some(bits) => u64::from_str_radix(bits, 16).ok().map(f64::from_bits),
        None => text.parse().ok(),
    }
}

/// The value of a text with its letter; nothing when the two do not go together.
pub(super) fn value_of(text: &str, letter: u8, texts: &mut Texts) -> Option<Value> {
    Some(match letter {
        b'e' => Value::Empty,
        b't' => Value::Text(texts.share(text)),
        b'b' => Value::Bool(text.parse().ok()?),
        b'i' => Value::Int(text.parse().ok()?),
        b'd' | b'D' => Value::Double(double_of(text)?),
        b'x' => Value::Bytes(bytes_of(text)?),
        b'n' => value_of_json(&serde_json::from_str(text).ok()?, texts)?,
        _ => return None,
    })
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Empty => json!({}),
        Value::Text(text) => json!({ "stringValue": &**text }),
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Int(value) => json!({ "intValue": value.to_string() }),
        Value::Double(value) => json!({ "doubleValue": double_text(*value) }),
        Value::Bytes(_) => json!({ "bytesValue": value.render() }),
        Value::List(values) => {
            json!({ "arrayValue": { "values": values.iter().map(json_of).collect::<Vec<_>>() } })
        }
        Value::Map(entries) => {
            let entry = |(key, value): &(Arc<str>, Value)| json!({ "key": &**key, "value": json_of(value) });
            json!({ "kvlistValue": { "values": entries.iter().map(entry).collect::<Vec<_>>() } })
        }
    }
}

fn value_of_json(json: &Json, texts: &mut Texts) -> Option<Value> {
    let Some((kind, inner)) = json.as_object()?.iter().next() else { return Some(Value::Empty) };
    Some(match kind.as_str() {
        "stringValue" => Value::Text(texts.share(inner.as_str()?)),
        "boolValue" => Value::Bool(inner.as_bool()?),
        "intValue" => Value::Int(inner.as_str()?.parse().ok()?),
        "doubleValue" => Value::Double(double_of(inner.as_str()?)?),
        "bytesValue" => Value::Bytes(bytes_of(inner.as_str()?)?),
        "arrayValue" => {
            let values = inner.get("values")?.as_array()?.iter();
            Value::List(values.map(|value| value_of_json(value, texts)).collect::<Option<_>>()?)
        }
        "kvlistValue" => {
            let entry = |entry: &Json| {
                let key = texts.share(entry.get("key")?.as_str()?);
                Some((key, value_of_json(entry.get("value")?, texts)?))
            };
            Value::Map(inner.get("values")?.as_array()?.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
