//! Attributes as a map of texts, as the ClickHouse exporter of OpenTelemetry has them, and beside it one letter an
//! entry that says what the text was, so that the same values come back.
//!
//! Letters: `t` text, `b` bool, `i` integer, `d` double, `D` the bits of a double that no text gives, `x` bytes in
//! hexadecimal, `e` empty, `n` a list or a map in the JSON of OTLP (there, doubles are texts and bytes hexadecimal).

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::sync::Arc;

use ahash::RandomState;
use parquet::data_type::ByteArray;
use serde_json::{Value as Json, json};
use telemetry::signal::Attributes;
use telemetry::{Resource, Value};

use super::column::Column;
use super::file::{File, Leaf};

/// Texts longer than this seldom repeat.
const SHARED_LEN_MAX: usize = 128;
/// Texts known while writing; values that never repeat must not fill the memory.
const WRITTEN_MAX: usize = 65_536;

/// The map of one attribute set a row, or of several.
#[derive(Debug, Default)]
pub(super) struct AttributeColumns {
    keys: Column<ByteArray>,
    values: Column<ByteArray>,
    letters: Column<ByteArray>,
    written: Written,
    /// Where the set of a resource was pushed last, by its address: thousands of rows share one.
    of_resources: HashMap<usize, Pushed, RandomState>,
}

/// A set that was pushed.
#[derive(Debug)]
struct Pushed {
    /// In the values of both columns.
    entries: Range<usize>,
    letters: ByteArray,
}

/// Bytes of texts that were written: equal ones share them.
#[derive(Debug, Default)]
pub(super) struct Written {
    known: HashMap<Arc<str>, ByteArray, RandomState>,
}

impl Written {
    /// The bytes of `text`.
    pub(super) fn of(&mut self, text: &Arc<str>) -> ByteArray {
        if text.len() > SHARED_LEN_MAX {
            return ByteArray::from(&**text);
        }
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        self.learn(Arc::clone(text))
    }

    /// The bytes of a short text that nobody shares.
    fn of_word(&mut self, text: &str) -> ByteArray {
        match self.known.get(text) {
            Some(known) => known.clone(),
            None => self.learn(Arc::from(text)),
        }
    }

    fn learn(&mut self, text: Arc<str>) -> ByteArray {
        if self.known.len() >= WRITTEN_MAX {
            self.known.clear();
        }
        let bytes = ByteArray::from(&*text);
        self.known.insert(text, bytes.clone());
        bytes
    }

    fn value(&mut self, value: &Value) -> ByteArray {
        match value {
            Value::Text(text) => self.of(text),
            other => text_of(other),
        }
    }
}

impl AttributeColumns {
    /// A row of one set.
    pub(super) fn push(&mut self, attributes: &Attributes) {
        let Self { keys, values, letters, written, .. } = self;
        keys.push_list(attributes.iter().map(|(key, _)| written.of(key)));
        values.push_list(attributes.iter().map(|(_, value)| written.value(value)));
        letters.push(written.of_word(&letters_of(attributes)));
    }

    /// A row of the set of a resource, which must live until all of them are pushed.
    pub(super) fn push_resource(&mut self, resource: &Arc<Resource>) {
        let address = Arc::as_ptr(resource).addr();
        if let Some(Pushed { entries, letters }) = self.of_resources.get(&address) {
            self.keys.push_again(entries.clone());
            self.values.push_again(entries.clone());
            self.letters.push(letters.clone());
            return;
        }
        let first = self.keys.values.len();
        self.push(&resource.attributes);
        let entries = first..self.keys.values.len();
        let letters = self.letters.values.last().cloned().unwrap_or_default();
        self.of_resources.insert(address, Pushed { entries, letters });
    }

    /// A row of several sets.
    pub(super) fn push_all<'a>(&mut self, sets: impl Iterator<Item = &'a Attributes> + Clone) {
        self.keys.push_lists(sets.clone().map(keys));
        let values = |set: &'a Attributes| set.iter().map(|(_, value)| text_of(value));
        self.values.push_lists(sets.clone().map(values));
        self.letters.push_list(sets.map(|set| ByteArray::from(&*letters_of(set))));
    }

    /// In the order of [`schema`] and [`list_schema`].
    pub(super) fn leaves(&self) -> [Leaf<'_>; 3] {
        [Leaf::Text(&self.keys), Leaf::Text(&self.values), Leaf::Text(&self.letters)]
    }

    /// Reads back what [`AttributeColumns::push`] wrote under `name`.
    pub(super) fn read(file: &File, name: &str) -> io::Result<Sets> {
        let columns = Self {
            keys: file.text(&format!("{name}.key_value.key"))?,
            values: file.text(&format!("{name}.key_value.value"))?,
            letters: file.text(&format!("{name}Letters"))?,
            ..Self::default()
        };
        Ok(Sets { ranges: columns.keys.lists(1), columns })
    }

    /// Reads back what [`AttributeColumns::push_all`] wrote under `name`, and how many sets each row has.
    pub(super) fn read_all(file: &File, name: &str) -> io::Result<(Sets, Vec<usize>)> {
        let columns = Self {
            keys: file.text(&format!("{name}.list.element.key_value.key"))?,
            values: file.text(&format!("{name}.list.element.key_value.value"))?,
            letters: file.text(&format!("{name}Letters.list.element"))?,
            ..Self::default()
        };
        let lengths = columns.keys.lengths();
        Ok((Sets { ranges: columns.keys.lists(2), columns }, lengths))
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
    columns: AttributeColumns,
    ranges: Vec<Range<usize>>,
}

impl Sets {
    /// The set at `index`, counted over all rows.
    pub(super) fn get(&self, index: usize, texts: &mut Texts) -> Option<Attributes> {
        let range = self.ranges.get(index)?.clone();
        let letters = self.columns.letters.values.get(index)?.data();
        let keys = self.columns.keys.values.get(range.clone())?;
        let values = self.columns.values.values.get(range)?;
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

fn keys(attributes: &Attributes) -> impl Iterator<Item = ByteArray> + '_ {
    attributes.iter().map(|(key, _)| ByteArray::from(&**key))
}

fn letters_of(attributes: &Attributes) -> String {
    attributes.iter().map(|(_, value)| char::from(letter_of(value))).collect()
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
pub(super) fn text_of(value: &Value) -> ByteArray {
    match value {
        Value::Text(text) => ByteArray::from(&**text),
        Value::Double(number) => ByteArray::from(double_text(*number).into_bytes()),
        Value::List(_) | Value::Map(_) => ByteArray::from(json_of(value).to_string().into_bytes()),
        plain => ByteArray::from(plain.render().into_bytes()),
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
