//! What a filter is held against: fields with values, under their one name and in one unit.

use std::collections::BTreeMap;

use serde_json::Value;
use telemetry::UnixNanos;

use crate::dialects::elastic::fields::{self, Kind};
use crate::when;

/// Depth to which a document is read.
const DEPTH_MAX: usize = 16;

/// A value of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// Text.
    Text(String),
    /// A number; of a duration, its nanoseconds.
    Number(f64),
    /// A point in time.
    Time(UnixNanos),
}

impl Held {
    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Time(at) => at.rfc3339(),
        }
    }

    /// As a number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(number) => Some(*number),
            Self::Time(_) => None,
        }
    }

    pub(super) fn time(&self) -> Option<UnixNanos> {
        match self {
            Self::Time(at) => Some(*at),
            Self::Text(text) => when::parse(text, UnixNanos(0)).ok(),
            Self::Number(_) => None,
        }
    }
}

/// Fields with values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    pub(super) fields: BTreeMap<String, Vec<Held>>,
    pub(super) nested: BTreeMap<String, Vec<Record>>,
}

impl Record {
    /// With a text under one of the names of its field; an empty one says nothing.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.add(name, Held::Text(text.to_owned()));
        self
    }

    /// With a number, in the unit of the name.
    #[must_use]
    pub fn with_number(mut self, name: &str, number: f64) -> Self {
        self.add(name, Held::Number(number));
        self
    }

    /// With a point in time.
    #[must_use]
    pub fn with_time(mut self, name: &str, at: UnixNanos) -> Self {
        self.add(name, Held::Time(at));
        self
    }

    /// With objects below `path`.
    #[must_use]
    pub fn with_nested(mut self, path: &str, records: Vec<Self>) -> Self {
        self.nested.entry(path.to_owned()).or_default().extend(records);
        self
    }

    /// With attributes.
    #[must_use]
    pub fn with_all(mut self, attributes: &[(String, String)]) -> Self {
        for (key, value) in attributes {
            self.add(key, Held::Text(value.clone()));
        }
        self
    }

    /// A document as one of the two conventions writes it; a list of objects is nested.
    #[must_use]
    pub fn of_document(document: &Value) -> Self {
        let mut record = Self::default();
        record.take("", document, DEPTH_MAX);
        record
    }

    /// The names of its fields, sorted; nested ones with their path.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        let nested = self.nested.iter().flat_map(|(path, records)| {
            let below = records.iter().flat_map(Self::names).map(move |name| format!("{path}.{name}"));
            std::iter::once(path.clone()).chain(below.collect::<Vec<_>>())
        });
        self.fields.keys().cloned().chain(nested)
    }

    /// Its fields with their values, sorted by name; nested ones are not among them.
    pub fn held(&self) -> impl Iterator<Item = (&str, &[Held])> {
        self.fields.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The values of a field.
    #[must_use]
    pub fn values(&self, name: &str) -> &[Held] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }

    /// The first value of a field as text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.fields.get(name).and_then(|values| values.first()).map(Held::text)
    }

    fn add(&mut self, name: &str, held: Held) {
        let resolved = fields::resolve(name);
        let held = match (resolved.kind, held) {
            (_, Held::Text(text)) if text.is_empty() => return,
            (Kind::Duration, held) => match held.number() {
                Some(number) => Held::Number(number * resolved.factor),
                None => held,
            },
            (_, Held::Text(text)) => Held::Text(fields::plain_value(&resolved.name, &text).to_owned()),
            (_, held) => held,
        };
        self.fields.entry(resolved.name).or_default().push(held);
    }

    fn take(&mut self, name: &str, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::Null => {}
            Value::Bool(truth) => self.add(name, Held::Text(truth.to_string())),
            Value::Number(number) => self.add(name, Held::Number(number.as_f64().unwrap_or(f64::NAN))),
            Value::String(text) => self.add(name, Held::Text(text.clone())),
            Value::Array(values) => {
                for value in values {
                    if value.is_object() {
                        let mut inner = Self::default();
                        inner.take("", value, depth);
                        self.nested.entry(name.to_owned()).or_default().push(inner);
                    } else {
                        self.take(name, value, depth);
                    }
                }
            }
            Value::Object(object) => {
                for (key, value) in object {
                    let path = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                    self.take(&path, value, depth);
                }
            }
        }
    }
}
