//! Rows of `JSONCompactEachRow`, one array a line.
//!
//! Whole numbers come bare or, from servers whose settings say so, as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de::DeserializeOwned};
use telemetry::signal::Attributes;
use telemetry::{AskError, Value};

/// The rows of an answer.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, AskError> {
    // An error in the middle of an answer stands at its end, after the status said that all was well.
    if let Some(place) = text.find("\nCode: ").or_else(|| text.starts_with("Code: ").then_some(0)) {
        let what = text.get(place..).unwrap_or_default().trim().chars().take(300).collect::<String>();
        return Err(super::sql::error(AskError::Unavailable(what)));
    }
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_str(line).map_err(|error| {
                AskError::Unavailable(format!("the answer is none of ClickHouse's: {error}"))
            })
        })
        .collect()
}

/// A whole number, bare or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole(pub(super) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(i64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(Self(number)),
            Either::Text(text) => text.parse().map(Self).map_err(D::Error::custom),
        }
    }
}

impl Whole {
    /// As a count; what is negative is none.
    pub(super) fn count(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }
}

/// Attributes of a map, whose values are all text there.
pub(super) fn attributes(map: &BTreeMap<String, String>) -> Attributes {
    map.iter().map(|(key, value)| (Arc::from(key.as_str()), Value::Text(Arc::from(value.as_str())))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_bare_and_as_text_and_a_late_error_is_one() {
        let rows: Vec<(Whole, String)> = read("[1,\"a\"]\n[\"18\",\"b\"]\n").unwrap();
        assert_eq!(rows, [(Whole(1), "a".to_owned()), (Whole(18), "b".to_owned())]);
        let late = read::<(Whole,)>("[1]\nCode: 307. DB::Exception: Limit for bytes\n");
        assert!(matches!(late, Err(AskError::LimitReached(_))), "{late:?}");
        assert!(read::<(Whole,)>("<html>").is_err());
        assert!(read::<(Whole,)>("").unwrap().is_empty());
    }
}
