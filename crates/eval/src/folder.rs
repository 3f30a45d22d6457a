//! A case as a folder: `case.json` and the tables beside it, each only when there is something in it.
//!
//! Attributes are JSON inside one CSV field: text stays text, everything else becomes its rendering.

mod attributes;
mod logs;
mod metrics;
mod spans;

use std::path::Path;

use crate::case::{Case, CaseFile, SCHEMA};
use crate::files::{self, CsvOut, CsvRows, FileError};
use crate::tables::{Call, Tables};

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
    let file: CaseFile = files::read_json(&path.join("case.json"))?;
    if file.schema != SCHEMA {
        return Err(FileError::content(path, format!("`case.json` is `{}`, not `{SCHEMA}`", file.schema)));
    }
    let mut tables = read_tables(path)?;
    if names.iter().any(|name| name == "changes.json") {
        tables.changes = files::read_json(&path.join("changes.json"))?;
    }
    Ok(Case { file, tables })
}

/// Reads the tables in the folder `path`, as far as they are there and but for the changes; other files are not
/// looked at.
///
/// # Errors
/// When a table cannot be read.
pub(crate) fn read_tables(path: &Path) -> Result<Tables, FileError> {
    let names = files::list(path)?;
    let has = |name: &str| names.iter().any(|found| found == name);
    let mut tables = Tables::default();
    if has("spans.csv") {
        tables.spans = spans::read(&path.join("spans.csv"))?;
    }
    if has("logs.csv") {
        tables.logs = logs::read(&path.join("logs.csv"))?;
    }
    if has("metrics.csv") {
        tables.series = metrics::read(&path.join("metrics.csv"))?;
    }
    if has("calls.csv") {
        tables.calls = read_calls(&path.join("calls.csv"))?;
    }
    if has("states.json") {
        tables.states = files::read_json(&path.join("states.json"))?;
    }
    Ok(tables)
}

fn write_calls(path: &Path, calls: &[Call]) -> Result<(), FileError> {
    let mut out = CsvOut::create(path, &["caller", "callee"])?;
    calls.iter().try_for_each(|call| out.row(&[&call.caller, &call.callee]))?;
    out.finish()
}

fn read_calls(path: &Path) -> Result<Vec<Call>, FileError> {
    let mut rows = CsvRows::open(path)?;
    let (caller, callee) = (rows.column("caller")?, rows.column("callee")?);
    let mut calls = Vec::new();
    while let Some(row) = rows.advance()? {
        calls.push(Call { caller: row.text(caller).to_owned(), callee: row.text(callee).to_owned() });
    }
    Ok(calls)
}

#[cfg(test)]
mod tests;
