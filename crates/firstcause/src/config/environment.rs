//! Settings in the environment: `FIRSTCAUSE_*`, with `__` where the file nests.
//!
//! A variable that is set and empty counts as not set. One that is no setting is told, not refused: others may use the
//! prefix, and its value may be their secret.

use std::ffi::OsString;
use std::path::PathBuf;

use super::layers::{Given, Origin};
use super::{KEYS, nearest, wrong};

const PREFIX: &str = "FIRSTCAUSE_";
/// The variable that names the file.
const CONFIG: &str = "FIRSTCAUSE_CONFIG";
/// The variable with the key that commands ask with: no setting of `serve`, and nothing to warn of.
pub(crate) const KEY: &str = "FIRSTCAUSE_KEY";

/// What the environment says.
#[derive(Debug, Default)]
pub(super) struct Environment {
    pub(super) config: Option<PathBuf>,
    pub(super) given: Vec<Given>,
    pub(super) ignored: Vec<String>,
}

/// The variable of a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// Sorts the variables.
pub(super) fn read(variables: impl Iterator<Item = (OsString, OsString)>) -> anyhow::Result<Environment> {
    let mut environment = Environment::default();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX) && !value.is_empty()) else {
            continue;
        };
        if name == KEY {
            continue;
        }
        if name == CONFIG {
            environment.config = Some(PathBuf::from(value));
        } else if let Some(key) = KEYS.iter().find(|key| variable_of(key) == name) {
            let origin = Origin::Environment(name.to_owned());
            let text = value.into_string().map_err(|_| wrong(key, &origin, "it is not UTF-8"))?;
            environment.given.push(Given { key: (*key).to_owned(), text, origin, is_text: true });
        } else {
            let known: Vec<_> = KEYS.iter().map(|key| variable_of(key)).chain([CONFIG.to_owned()]).collect();
            environment.ignored.push(format!("{name} is no setting; hint: {}", nearest(name, &known)));
        }
    }
    environment.ignored.sort();
    Ok(environment)
}
