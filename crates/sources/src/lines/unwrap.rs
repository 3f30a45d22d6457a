//! What a line says when it is a record itself: JSON or logfmt with a message, as most programs write to standard output.
//!
//! A template of the outer text would be of its punctuation. Nested objects are not looked into; text that is no such record
//! is itself.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// The names that a message has in records, in the order of preference.
const MESSAGES: [&str; 5] = ["msg", "message", "_msg", "log", "event"];

/// The message of a record and its further fields; nothing when the line is no record with a message.
pub(super) fn record(line: &str) -> Option<(String, BTreeMap<String, String>)> {
    let line = line.trim();
    let mut fields = if line.starts_with('{') { json(line)? } else { logfmt(line)? };
    let message = MESSAGES.iter().find_map(|name| fields.remove(*name))?;
    Some((message, fields))
}

fn json(line: &str) -> Option<BTreeMap<String, String>> {
    let Json::Object(entries) = serde_json::from_str(line).ok()? else { return None };
    let text = |value: Json| match value {
        Json::String(text) => Some(text),
        Json::Null | Json::Object(_) | Json::Array(_) => None,
        other => Some(other.to_string()),
    };
    Some(entries.into_iter().filter_map(|(key, value)| Some((key, text(value)?))).collect())
}

/// `key=value key="quoted value"`, from the first character on, every part of it.
fn logfmt(line: &str) -> Option<BTreeMap<String, String>> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-/@".contains(c);
    let (mut fields, mut rest) = (BTreeMap::new(), line);
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let (value, after) = if after.starts_with('"') {
            let end = closing(after)?;
            let text = after.get(..=end)?;
            let value =
                serde_json::from_str::<String>(text).unwrap_or_else(|_| text.trim_matches('"').to_owned());
            (value, after.get(end + 1..)?)
        } else {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            let (value, after) = after.split_at(end);
            (value.to_owned(), after)
        };
        fields.insert(name.to_owned(), value);
        rest = after.trim_start();
    }
    Some(fields)
}

/// Where the quote that begins the text ends.
fn closing(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (place, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !is_escaped => return Some(place),
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_unwrapped_and_other_lines_are_not() {
        let (message, fields) =
            record(r#"{"level":"error","msg":"can't pay","order":17,"x":{"y":1}}"#).unwrap();
        assert_eq!(message, "can't pay");
        assert_eq!(
            fields,
            [("level", "error"), ("order", "17")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
        );
        let (message, fields) =
            record(r#"ts=2024-01-01T00:00:00Z level=warn msg="said \"no\" twice" n=3"#).unwrap();
        assert_eq!(
            (message.as_str(), fields["level"].as_str(), fields["n"].as_str()),
            ("said \"no\" twice", "warn", "3")
        );
        for line in [
            "",
            "plain text",
            "user=17 paid",
            "{\"a\":1}",
            "{broken",
            "a=b c",
            "msg=\"open",
            "level=info a=b",
        ] {
            assert!(record(line).is_none(), "{line}");
        }
    }
}
