//! Settings by name, leaf by leaf, and their values as they may be told: what may be a secret never.
//!
//! Judges by names and by logins in addresses; a secret that is called otherwise is told. Nothing is guessed from values.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// What names of settings hold whose values are not told.
const SECRETS: [&str; 7] = ["SECRET", "TOKEN", "PASSW", "KEY", "CREDENTIAL", "AUTH", "DSN"];

/// Settings and their values.
pub(crate) type Values = BTreeMap<String, String>;

/// Adds the leaves of a value, each by its way below `name`.
pub(crate) fn flat(name: &str, value: &Json, values: &mut Values) {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Json::Object(all) => all.iter().for_each(|(key, one)| flat(&below(key), one, values)),
        Json::Array(all) if all.iter().any(|one| one.is_object() || one.is_array()) => {
            all.iter().enumerate().for_each(|(place, one)| flat(&below(&place.to_string()), one, values));
        }
        Json::String(text) => {
            values.insert(name.to_owned(), text.clone());
        }
        other => {
            values.insert(name.to_owned(), other.to_string());
        }
    }
}

/// Name and value, as they may be told.
pub(crate) fn shown(name: &str, value: &str) -> String {
    let loud = name.to_uppercase();
    let has_login = value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    let is_secret = has_login || SECRETS.iter().any(|word| loud.contains(word));
    format!("{name}={}", if is_secret { "(not told)" } else { value })
}
