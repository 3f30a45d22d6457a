//! `incident.json` and `changes.json`.

use std::path::Path;

use incident::AlertSignal;
use serde::Deserialize;
use serde_json::Value as Json;
use telemetry::UnixNanos;

use crate::clock_text;
use crate::files::{self, FileError};
use telemetry::recorded::Tables;

/// The schema name of `incident.json`.
const SCHEMA: &str = "firstcause.incident/1";

/// `incident.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IncidentFile {
    /// [`SCHEMA`]; taken for it when not told.
    #[serde(default)]
    schema: String,
    /// What is scored as one; all folders together when not told.
    #[serde(default)]
    pub(super) system: String,
    pub(super) alert: AlertFile,
    pub(super) cause: Cause,
    /// What looked guilty and was not: services, or versions and commits.
    #[serde(default)]
    pub(super) decoys: Vec<String>,
}

/// What was known when it began.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertFile {
    /// When the alert fired.
    pub(super) at: Moment,
    /// Of which service; not told when the alert says only that something is wrong.
    #[serde(default)]
    pub(super) service: String,
    #[serde(default)]
    pub(super) operation: String,
    #[serde(default)]
    pub(super) signal: Option<AlertSignal>,
    #[serde(default)]
    pub(super) summary: String,
    /// The earliest data that may serve as history; the earliest there is when not told.
    #[serde(default)]
    pub(super) history_from: Option<Moment>,
    /// Since when the symptom is seen; three minutes before the alert when not told.
    #[serde(default)]
    pub(super) observed_from: Option<Moment>,
}

/// What was the cause, as those found who looked afterwards.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Cause {
    /// Nothing in the system: only the word `none` is known.
    Nobody(Nobody),
    /// A service, and what was the matter with it.
    Known(KnownCause),
}

/// The word that says that nothing was to blame.
#[derive(Debug, Deserialize)]
pub(super) enum Nobody {
    #[serde(rename = "none")]
    None,
}

/// A cause that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownCause {
    /// The component at fault, as the telemetry calls it.
    pub(super) service: String,
    /// Further components at fault at the same time.
    #[serde(default)]
    pub(super) also: Vec<String>,
    /// What kind of fault, in words of your own.
    #[serde(default)]
    pub(super) kind: String,
    /// The change that brought it: a version, a commit, the name of a flag.
    #[serde(default)]
    pub(super) change: String,
    /// What inside the component is to be named: an operation, a resource. Any one counts.
    #[serde(default)]
    pub(super) inner: Vec<String>,
}

/// A time as people or programs write it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Moment {
    /// Nanoseconds since the Unix epoch.
    Nanos(i64),
    /// RFC 3339 in UTC.
    Text(String),
}

pub(super) fn read(path: &Path) -> Result<IncidentFile, FileError> {
    let whole: Json = files::read_json(path)?;
    if !whole.get("cause").is_some_and(|cause| cause == "none" || cause.is_object()) {
        let what =
            "`cause` must be \"none\" or an object with `service`; hint: docs/incident-folder.md shows one";
        return Err(FileError::content(path, what));
    }
    let file: IncidentFile = files::read_json(path)?;
    if !file.schema.is_empty() && file.schema != SCHEMA {
        return Err(FileError::content(path, format!("it is `{}`, not `{SCHEMA}`", file.schema)));
    }
    Ok(file)
}

/// The point in time; text must be in UTC, because a zone that is not looked at is a wrong time.
pub(super) fn time(moment: &Moment, path: &Path) -> Result<UnixNanos, FileError> {
    let text = match moment {
        Moment::Nanos(nanos) => return Ok(UnixNanos(*nanos)),
        Moment::Text(text) => text.trim(),
    };
    let is_utc = text.ends_with(['Z', 'z']) || text.ends_with("+00:00");
    clock_text::parse(text).filter(|_| is_utc).ok_or_else(|| {
        let hint = "hint: write it in UTC, as 2026-03-02T09:15:28Z, or as nanoseconds since 1970";
        FileError::content(path, format!("`{text}` is no time; {hint}"))
    })
}

/// Adds the changes in `path`, whose times may be text; a file that is not there has none.
pub(super) fn changes(path: &Path, tables: &mut Tables) -> Result<(), FileError> {
    if !path.is_file() {
        return Ok(());
    }
    let mut rows: Vec<Json> = files::read_json(path)?;
    for row in &mut rows {
        let Some(at) = row.get_mut("at") else { continue };
        if let Some(text) = at.as_str() {
            *at = time(&Moment::Text(text.to_owned()), path)?.0.into();
        }
    }
    let what = |error: serde_json::Error| FileError::content(path, format!("a row is no change: {error}"));
    let read: Vec<telemetry::recorded::Change> = serde_json::from_value(Json::Array(rows)).map_err(what)?;
    if let Some(change) = read.iter().find(|change| change.at == UnixNanos::default()) {
        return Err(FileError::content(path, format!("the change `{}` has no `at`", change.id)));
    }
    tables.changes.extend(read);
    Ok(())
}
