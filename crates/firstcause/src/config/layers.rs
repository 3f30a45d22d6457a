//! The layers of settings, and which of them decides.
//!
//! A value that is overridden is read all the same: a mistake in the file does not hide behind a flag.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::values::Reading;
use super::{KEYS, flag_of, wrong};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag(String),
    /// The environment: the variable.
    Environment(String),
    /// A file and its line, from 1.
    File(PathBuf, usize),
    /// Nobody said anything.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment(variable) => write!(f, "env {variable}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting with its value and origin, as people see it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The key.
    pub(crate) key: &'static str,
    /// The value, as it would be written in the file, without quotes.
    pub(crate) value: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// A value that somebody wrote.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) key: String,
    pub(super) text: String,
    pub(super) origin: Origin,
    /// Whether it is a text, as opposed to a bare number or truth value in the file.
    pub(super) is_text: bool,
}

/// Environment and file, and what was decided so far.
#[derive(Debug)]
pub(super) struct Layers {
    environment: BTreeMap<String, Given>,
    file: BTreeMap<String, Given>,
    rows: Vec<Row>,
}

impl Layers {
    pub(super) fn new(environment: Vec<Given>, file: Vec<Given>) -> Self {
        let by_key = |given: Vec<Given>| given.into_iter().map(|given| (given.key.clone(), given)).collect();
        Self { environment: by_key(environment), file: by_key(file), rows: Vec::new() }
    }

    /// Decides `key`, and keeps its origin.
    pub(super) fn pick<T>(
        &mut self,
        key: &'static str,
        flag: Option<T>,
        reading: Reading<T>,
    ) -> anyhow::Result<T> {
        debug_assert!(KEYS.contains(&key), "`{key}` is in the list");
        let flag = flag.map(|value| (value, Origin::Flag(flag_of(key))));
        let environment = self.environment.get(key).map(|given| read(given, &reading)).transpose()?;
        let file = self.file.get(key).map(|given| read(given, &reading)).transpose()?;
        let (value, origin) =
            flag.or(environment).or(file).unwrap_or_else(|| ((reading.default)(), Origin::Default));
        self.rows.push(Row { key, value: (reading.show)(&value), origin });
        Ok(value)
    }

    pub(super) fn rows(self) -> Vec<Row> {
        self.rows
    }
}

fn read<T>(given: &Given, reading: &Reading<T>) -> anyhow::Result<(T, Origin)> {
    let value = match (reading.wants_text, given.is_text) {
        (true, false) => Err(format!("`{}` is no text; hint: put it in quotes", given.text)),
        _ => (reading.read)(&given.text),
    };
    let value = value.map_err(|why| wrong(&given.key, &given.origin, &why))?;
    Ok((value, given.origin.clone()))
}
