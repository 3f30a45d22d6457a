//! Settings in a TOML file, with the line of each.
//!
//! An unknown key is an error: it is a setting that somebody believes in. The file's text is never quoted in an error
//! about its syntax.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use evidence::health::Declared;
use platform::disk::Disk;
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::layers::{Given, Origin};
use super::{FILE, KEYS, nearest};
use crate::failure::Failure;

/// What a file says.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) path: PathBuf,
    pub(super) given: Vec<Given>,
    pub(super) asked: Asked,
}

/// The sections that are more than settings of a fixed name: who is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// `[sources.NAME]`: the back ends, by the name that evidence cites.
    pub(crate) sources: BTreeMap<String, sources::Settings>,
    /// `[tools.NAME]`: tools of the operator's own, beside those of the dialect.
    pub(crate) tools: BTreeMap<String, tools::Definition>,
    /// `[health]`: services, their operations and objectives, playbooks, and bounds.
    pub(crate) health: Declared,
    /// `[prefer]`: by question, the source that is asked first.
    pub(crate) prefer: BTreeMap<String, String>,
}

/// The names of those sections.
const SECTIONS: [&str; 4] = ["health", "prefer", "sources", "tools"];

/// Reads the file that is named, or the usual one when it is there.
pub(super) fn read(named: Option<PathBuf>, disk: &dyn Disk) -> anyhow::Result<Option<Read>> {
    let is_named = named.is_some();
    let path = named.unwrap_or_else(|| PathBuf::from(FILE));
    let bytes = match disk.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => return Ok(None),
        Err(error) => {
            return Err(Failure::usage(
                format!("failed to read the configuration `{}`: {error}", path.display()),
                "`--config` and FIRSTCAUSE_CONFIG name the file",
            ));
        }
    };
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(format!("the configuration `{}` is not UTF-8", path.display()), "save it as UTF-8")
    })?;
    let given = parse(&path, &text)?;
    let asked = asked(&path, &text)?;
    Ok(Some(Read { path, given, asked }))
}

/// What is wrong with a value, without the value: it may be a secret in the wrong place.
fn unquoted(message: &str) -> &str {
    let is_quoted = message.starts_with("invalid type") || message.starts_with("invalid value");
    if is_quoted { "a value of another form belongs here" } else { message }
}

/// The sections about sources. That the rest is sound was seen before.
fn asked(path: &Path, text: &str) -> anyhow::Result<Asked> {
    let asked: Asked = toml::from_str(text).map_err(|error| {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        Failure::usage(
            format!(
                "failed to read the configuration: {}:{line}: {}",
                path.display(),
                unquoted(error.message())
            ),
            "[sources.NAME] with `kind` and `url`, `firstcause config sources` tells the kinds; [tools.NAME] with `description` \
             and `question`",
        )
    })?;
    if asked.sources.contains_key(crate::wiring::STORE) {
        let what = format!("a source of {} is called `{}`", path.display(), crate::wiring::STORE);
        return Err(Failure::usage(what, "that is our own; give it another name"));
    }
    for (question, source) in &asked.prefer {
        let known: Vec<String> = telemetry::question::NAMES.iter().map(|name| (*name).to_owned()).collect();
        if !known.contains(question) {
            let what = format!("no question `{question}` in [prefer] of {}", path.display());
            return Err(Failure::usage(what, nearest(question, &known)));
        }
        let names: Vec<String> =
            asked.sources.keys().cloned().chain([crate::wiring::STORE.to_owned()]).collect();
        if !names.contains(source) {
            let what = format!("no source `{source}`, which [prefer] of {} names", path.display());
            return Err(Failure::usage(what, nearest(source, &names)));
        }
    }
    if let Some(problem) = asked.health.problems().into_iter().next() {
        let what = format!("[health] of {} cannot be meant: {problem}", path.display());
        return Err(Failure::usage(what, "`docs/health.md` tells what may be declared"));
    }
    Ok(asked)
}

fn parse(path: &Path, text: &str) -> anyhow::Result<Vec<Given>> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        Failure::usage(
            format!("failed to read the configuration: {}:{line}: {}", path.display(), error.message()),
            "TOML: `key = \"text\"`, `key = 5`, `[section]`",
        )
    })?;
    let mut given = Vec::new();
    collect(path, text, ("", table.get_ref()), &mut given)?;
    Ok(given)
}

/// Flattens a table; `prefix` ends with a dot or is empty. Depth is bounded by the parser's own limit.
fn collect(
    path: &Path,
    text: &str,
    (prefix, table): (&str, &DeTable<'_>),
    given: &mut Vec<Given>,
) -> anyhow::Result<()> {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        let line = line_of(text, name.span().start);
        let section = format!("{key}.");
        if prefix.is_empty() && SECTIONS.contains(&key.as_str()) {
            continue;
        }
        let is_section = KEYS.iter().any(|known| known.starts_with(&section));
        if let (DeValue::Table(inner), true) = (value.get_ref(), is_section) {
            collect(path, text, (&section, inner), given)?;
            continue;
        }
        let origin = Origin::File(path.to_path_buf(), line);
        if !KEYS.contains(&key.as_str()) {
            let known: Vec<_> = KEYS.iter().map(|key| (*key).to_owned()).collect();
            return Err(Failure::usage(format!("no setting `{key}` ({origin})"), nearest(&key, &known)));
        }
        let (text, is_text) = match value.get_ref() {
            DeValue::String(text) => (text.to_string(), true),
            DeValue::Integer(number) if number.radix() == 10 => (number.as_str().to_owned(), false),
            DeValue::Float(number) => (number.as_str().to_owned(), false),
            DeValue::Boolean(is_so) => (is_so.to_string(), false),
            other => {
                let what =
                    format!("the setting `{key}` ({origin}) cannot be used: found {}", other.type_str());
                return Err(Failure::usage(what, "one text or one decimal number"));
            }
        };
        given.push(Given { key, text, origin, is_text });
    }
    Ok(())
}

/// The line, from 1, of a byte.
fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
