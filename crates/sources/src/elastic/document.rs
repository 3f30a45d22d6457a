//! A document as it was written, its fields by dotted name however they were nested, and its times.
//!
//! `{"a": {"b": 1}}` and `{"a.b": 1}` are the same field to the back end, and so are `x` and `[x]`; here too. A field that is
//! null is not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use telemetry::signal::Attributes;
use telemetry::{UnixNanos, Value};

/// Objects in objects deeper than this are left as they are: nobody's telemetry is.
const DEPTH_MAX: usize = 20;

/// A document's fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Document(BTreeMap<String, Json>);

impl Document {
    /// The fields of a source.
    pub(super) fn of(source: Json) -> Self {
        let mut fields = BTreeMap::new();
        flatten(String::new(), source, DEPTH_MAX, &mut fields);
        Self(fields)
    }

    /// The fields of a row: of what is null there is none.
    pub(super) fn of_row<'a>(fields: impl Iterator<Item = (&'a str, &'a Json)>) -> Self {
        let mut found = BTreeMap::new();
        fields.for_each(|(name, value)| flatten(name.to_owned(), value.clone(), DEPTH_MAX, &mut found));
        Self(found)
    }

    /// The first of these fields that is there; of several values the first.
    fn get(&self, names: &[&str]) -> Option<&Json> {
        names.iter().find_map(|name| match self.0.get(*name).or_else(|| self.first_within(name))? {
            Json::Array(values) => values.first(),
            value => Some(value),
        })
    }

    /// The field of the first of several objects.
    fn first_within(&self, name: &str) -> Option<&Json> {
        name.match_indices('.').find_map(|(place, _)| {
            let (list, field) = (self.0.get(name.get(..place)?)?.as_array()?, name.get(place + 1..)?);
            list.first()?.get(field)
        })
    }

    /// As text, numbers included.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        match self.get(names)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            Json::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// As a whole number, also where it was written as text or with a point. An `unsigned_long` that is too large for one
    /// is the largest.
    pub(super) fn whole(&self, names: &[&str]) -> Option<i64> {
        whole(self.get(names)?)
    }

    /// Every value of a field that is a number.
    pub(super) fn numbers(&self, name: &str) -> Vec<f64> {
        match self.0.get(name) {
            Some(Json::Array(values)) => values.iter().filter_map(Json::as_f64).collect(),
            Some(value) => value.as_f64().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// As a moment.
    pub(super) fn time(&self, names: &[&str]) -> Option<UnixNanos> {
        time(self.get(names)?)
    }

    /// The objects of a list; one object alone is a list of one.
    pub(super) fn list(&self, name: &str) -> Vec<Self> {
        if let Some(Json::Array(values)) = self.0.get(name) {
            return values.iter().filter(|value| value.is_object()).cloned().map(Self::of).collect();
        }
        let prefix = format!("{name}.");
        let fields = self.0.iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?, value)));
        let one: BTreeMap<String, Json> =
            fields.map(|(key, value)| (key.to_owned(), value.clone())).collect();
        if one.is_empty() { Vec::new() } else { vec![Self(one)] }
    }

    /// Whether a field of this name, or one within it, is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
            || self.0.keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// Every field with its value.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), self::value(value)))
    }

    /// The fields within `name`, by what they are called there.
    pub(super) fn within(&self, name: &str) -> Attributes {
        let inside = |key: &str| key.strip_prefix(name)?.strip_prefix('.').map(Arc::from);
        self.0.iter().filter_map(|(key, value)| Some((inside(key)?, self::value(value)))).collect()
    }
}

fn flatten(name: String, value: Json, depth: usize, fields: &mut BTreeMap<String, Json>) {
    match value {
        Json::Object(entries) if depth > 0 => {
            for (key, value) in entries {
                let name = if name.is_empty() { key } else { format!("{name}.{key}") };
                flatten(name, value, depth - 1, fields);
            }
        }
        Json::Null => {}
        Json::Array(values) if values.iter().all(Json::is_null) => {}
        value => {
            fields.insert(name, value);
        }
    }
}

fn value(value: &Json) -> Value {
    match value {
        Json::Null => Value::Empty,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(large)) => Value::Text(Arc::from(large.to_string())),
            (None, None) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(Arc::from(text.as_str())),
        Json::Array(values) => match values.as_slice() {
            [one] => self::value(one),
            values => Value::List(values.iter().map(self::value).collect()),
        },
        Json::Object(_) => Value::Text(Arc::from(value.to_string())),
    }
}

/// A whole number, as [`Document::whole`] reads it.
pub(super) fn whole(value: &Json) -> Option<i64> {
    let rounded = |number: f64| (number.is_finite()).then_some(number.round() as i64);
    match value {
        Json::Number(number) => number
            .as_i64()
            .or_else(|| number.as_u64().map(|_| i64::MAX))
            .or_else(|| number.as_f64().and_then(rounded)),
        Json::String(text) => text
            .parse()
            .ok()
            .or_else(|| text.parse::<u64>().ok().map(|_| i64::MAX))
            .or_else(|| text.parse().ok().and_then(rounded)),
        _ => None,
    }
}

/// A moment: RFC 3339 with up to nine digits, or milliseconds since the epoch with the rest behind a point, bare or as text.
pub(super) fn time(value: &Json) -> Option<UnixNanos> {
    match value {
        Json::Number(number) => number
            .as_i64()
            .map(|millis| UnixNanos(millis.saturating_mul(1_000_000)))
            .or_else(|| millis(&number.to_string())),
        Json::String(text) => millis(text).or_else(|| rfc3339(text)),
        _ => None,
    }
}

fn millis(text: &str) -> Option<UnixNanos> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let nanos = fraction(rest, 6)?;
    Some(UnixNanos(whole.saturating_mul(1_000_000).saturating_add(nanos)))
}

/// The digits behind a point as a number of `digits` digits; what is beyond them is cut.
fn fraction(text: &str, digits: usize) -> Option<i64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded: String = text.chars().chain(std::iter::repeat('0')).take(digits).collect();
    padded.parse().ok()
}

fn rfc3339(text: &str) -> Option<UnixNanos> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    if !is_date || !is_time || !matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let rest = text.get(19..)?;
    let zone = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (digits, zone) = rest.split_at(zone);
    let nanos = match digits.strip_prefix(['.', ',']) {
        Some(digits) => fraction(digits, 9)?,
        None if digits.is_empty() => 0,
        None => return None,
    };
    let seconds =
        crate::rfc3339::days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    Some(UnixNanos(0).plus_seconds(seconds)).map(|at| UnixNanos(at.0.saturating_add(nanos)))
}

/// Seconds that a zone is before UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next() {
        None | Some('Z' | 'z') => return Some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..4).unwrap_or("00"));
    Some(sign * (hours * 3600 + minutes.parse::<i64>().ok()? * 60))
}

/// A moment with all its digits, as every mapping of a time reads it.
pub(super) fn written(at: UnixNanos) -> String {
    crate::rfc3339::text(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_and_dotted_fields_are_the_same_and_null_is_none() {
        let nested =
            Document::of(json!({"resource": {"attributes": {"service": {"name": "web"}}, "x": null}}));
        let dotted = Document::of(json!({"resource.attributes": {"service.name": ["web"]}, "y": [null]}));
        for one in [&nested, &dotted] {
            assert_eq!(one.text(&["nothing", "resource.attributes.service.name"]).as_deref(), Some("web"));
            assert_eq!(one.within("resource.attributes").len(), 1);
            assert!(one.has("resource") && !one.has("resource.x") && !one.has("y") && !one.has("res"));
        }
        let links = Document::of(
            json!({"links": [{"trace": {"id": "a"}}, {"trace.id": "b"}], "one": {"trace.id": "c"}}),
        );
        let ids = |name: &str| {
            links.list(name).iter().filter_map(|link| link.text(&["trace.id"])).collect::<String>()
        };
        assert_eq!((ids("links"), ids("one"), ids("none")), ("ab".to_owned(), "c".to_owned(), String::new()));
    }

    #[test]
    fn numbers_keep_their_size_and_lists_their_values() {
        let one = Document::of(
            json!({"ns": 1.5e9, "text": "17", "large": u64::MAX, "list": [1, "a"], "one": [true]}),
        );
        assert_eq!((one.whole(&["ns"]), one.whole(&["text"])), (Some(1_500_000_000), Some(17)));
        assert_eq!(one.whole(&["large"]), Some(i64::MAX));
        let rendered: Vec<String> =
            one.fields().map(|(name, value)| format!("{name}={}", value.render())).collect();
        assert_eq!(
            rendered,
            ["large=18446744073709551615", "list=[1, a]", "ns=1500000000", "one=true", "text=17"]
        );
    }

    #[test]
    fn every_form_of_a_time_is_the_same_moment() {
        let at = UnixNanos(1_714_557_601_123_456_789);
        for text in [
            json!("2024-05-01T10:00:01.123456789Z"),
            json!("2024-05-01T12:00:01.123456789+02:00"),
            json!("2024-05-01 04:30:01,123456789-0530"),
            json!("1714557601123.456789"),
        ] {
            assert_eq!(time(&text), Some(at), "{text}");
        }
        assert_eq!(written(at), "2024-05-01T10:00:01.123456789Z");
        assert_eq!(time(&json!(1_714_557_601_123_i64)), Some(UnixNanos(1_714_557_601_123_000_000)));
        assert_eq!(time(&json!("2024-02-29T00:00:00Z")), Some(UnixNanos(1_709_164_800_000_000_000)));
        for wrong in
            [json!("yesterday"), json!("2024-13-01T00:00:00Z"), json!("2024-05-01T10:00:01.x9Z"), json!(true)]
        {
            assert_eq!(time(&wrong), None, "{wrong}");
        }
    }
}
