//! A case as a folder: `case.json` and the tables beside it, each only when there is something in it.
//!
//! Attributes are JSON inside one CSV field: text stays text, everything else becomes its rendering.

mod attributes;
mod logs;
mod metrics;
mod spans;

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::case::{Case, CaseFile, SCHEMA};
use crate::files::{self, CsvOut, CsvRows, FileError};
use telemetry::recorded::{Call, Tables};

pub(crate) use attributes::Shared;

/// The names that a folder may hold; anything else could be an answer.
pub const NAMES: [&str; 7] =
    ["calls.csv", "case.json", "changes.json", "logs.csv", "metrics.csv", "spans.csv", "states.json"];

/// Writes `case` into the folder `path`, which is created.
///
/// # Errors
/// When a file cannot be written.
pub fn write(path: &Path, case: &Case) -> Result<(), FileError> {
    files::create_dir(path)?;
    files::write_json(&path.join("case.json"), &case.file)?;
    let Tables { spans, logs, series, calls, changes, states } = &case.tables;
    if !spans.is_empty() {
        spans::write(&path.join("spans.csv"), spans)?;
    }
    if !logs.is_empty() {
        logs::write(&path.join("logs.csv"), logs)?;
    }
    if !series.is_empty() {
        metrics::write(&path.join("metrics.csv"), series)?;
    }
    if !calls.is_empty() {
        write_calls(&path.join("calls.csv"), calls)?;
    }
    if !changes.is_empty() {
        files::write_json(&path.join("changes.json"), changes)?;
    }
    if !states.is_empty() {
        files::write_json(&path.join("states.json"), states)?;
    }
    Ok(())
}

/// Reads the case in the folder `path`.
///
/// # Errors
/// When a file cannot be read, or the folder holds anything that is not part of a case.
pub fn read(path: &Path) -> Result<Case, FileError> {
    let names = files::list(path)?;
    if let Some(other) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(FileError::content(
            path,
            format!("`{other}` is no part of a case and could hold its answer; hint: give a staged folder"),
        ));
    }
    read_from(&Files::Folder(path))
}

/// Where the files of a case are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Files<'a> {
    /// On disk.
    Folder(&'a Path),
    /// In memory, those whose name begins so.
    Sections(&'a BTreeMap<String, Vec<u8>>, &'a str),
}

impl Files<'_> {
    fn rows(self, name: &str) -> Result<Option<CsvRows>, FileError> {
        match self {
            Self::Folder(path) if path.join(name).is_file() => CsvRows::open(&path.join(name)).map(Some),
            Self::Folder(_) => Ok(None),
            Self::Sections(all, begin) => {
                let content = all.get(&format!("{begin}{name}"));
                content.map(|content| CsvRows::of_bytes(name, content.clone())).transpose()
            }
        }
    }

    fn json<T: DeserializeOwned>(self, name: &str) -> Result<Option<T>, FileError> {
        match self {
            Self::Folder(path) if path.join(name).is_file() => files::read_json(&path.join(name)).map(Some),
            Self::Folder(_) => Ok(None),
            Self::Sections(all, begin) => {
                let content = all.get(&format!("{begin}{name}"));
                content.map(|content| files::json_of(Path::new(name), content)).transpose()
            }
        }
    }
}

/// Reads a case from `files`; what is there beside it is not looked at.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn read_from(files: &Files<'_>) -> Result<Case, FileError> {
    let path = match files {
        Files::Folder(path) => path,
        Files::Sections(..) => Path::new("signals"),
    };
    let file: Option<CaseFile> = files.json("case.json")?;
    let file = file.ok_or_else(|| FileError::content(path, "there is no `case.json`"))?;
    if file.schema != SCHEMA {
        return Err(FileError::content(path, format!("`case.json` is `{}`, not `{SCHEMA}`", file.schema)));
    }
    let mut tables = read_tables(files)?;
    tables.changes = files.json("changes.json")?.unwrap_or_default();
    Ok(Case { file, tables })
}

/// Reads the tables, as far as they are there and but for the changes; other files are not looked at.
///
/// # Errors
/// When a table cannot be read.
pub(crate) fn read_tables(files: &Files<'_>) -> Result<Tables, FileError> {
    let mut tables = Tables::default();
    if let Some(rows) = files.rows("spans.csv")? {
        tables.spans = spans::read(rows)?;
    }
    if let Some(rows) = files.rows("logs.csv")? {
        tables.logs = logs::read(rows)?;
    }
    if let Some(rows) = files.rows("metrics.csv")? {
        tables.series = metrics::read(rows)?;
    }
    if let Some(rows) = files.rows("calls.csv")? {
        tables.calls = read_calls(rows)?;
    }
    tables.states = files.json("states.json")?.unwrap_or_default();
    Ok(tables)
}

fn write_calls(path: &Path, calls: &[Call]) -> Result<(), FileError> {
    let mut out = CsvOut::create(path, &["caller", "callee"])?;
    calls.iter().try_for_each(|call| out.row(&[&call.caller, &call.callee]))?;
    out.finish()
}

fn read_calls(mut rows: CsvRows) -> Result<Vec<Call>, FileError> {
    let (caller, callee) = (rows.column("caller")?, rows.column("callee")?);
    let mut calls = Vec::new();
    while let Some(row) = rows.advance()? {
        calls.push(Call { caller: row.text(caller).to_owned(), callee: row.text(callee).to_owned() });
    }
    Ok(calls)
}

#[cfg(test)]
mod tests;
