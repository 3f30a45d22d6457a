//! Our own incident folders: one folder an incident, with `incident.json` (the alert, and what the cause was) beside
//! the telemetry, as OTLP/JSON lines or as the tables of [`crate::folder`]. `docs/incident-folder.md` describes it.
//!
//! What is read ends at the alert: what was written after it was not known then. The cause stands in the same file as
//! the alert and goes into the label only.

mod form;
mod otlp_lines;
mod points;

use std::path::Path;

use telemetry::UnixNanos;

use super::{Dataset, Incident};
use crate::case::{Case, CaseFile, CaseSymptom};
use crate::files::{self, FileError};
use crate::folder;
use crate::label::Label;
use form::{Cause, IncidentFile};
use telemetry::recorded::Tables;

/// The file that makes a folder an incident.
pub const FILE: &str = "incident.json";
/// The name of the dataset.
pub const NAME: &str = "incidents";

/// The dataset.
#[derive(Debug)]
pub(super) struct Incidents;

impl Dataset for Incidents {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_at(&self, root: &Path) -> bool {
        keys(root).is_ok_and(|keys| !keys.is_empty())
    }

    fn incidents(&self, root: &Path) -> Result<Vec<Incident>, FileError> {
        let keys = keys(root)?;
        if keys.is_empty() {
            let what = format!(
                "no folder in it holds `{FILE}`; hint: `firstcause backtest --example DIR` writes a folder to look at"
            );
            return Err(FileError::content(root, what));
        }
        keys.into_iter().map(|key| Ok(Incident { label: label(root, &key)?, key })).collect()
    }

    fn load(&self, root: &Path, incident: &Incident) -> Result<Case, FileError> {
        let folder = root.join(&incident.key);
        let path = folder.join(FILE);
        let IncidentFile { alert, .. } = form::read(&path)?;
        let at = form::time(&alert.at, &path)?;
        let told =
            |time: &Option<form::Moment>| time.as_ref().map(|time| form::time(time, &path)).transpose();
        let (history_from, observed_from) = (told(&alert.history_from)?, told(&alert.observed_from)?);
        let mut left_out = Vec::new();
        let mut tables = folder::read_tables(&folder::Files::Folder(&folder))?;
        otlp_lines::read(&folder, &mut tables, &mut left_out)?;
        form::changes(&folder.join("changes.json"), &mut tables)?;
        until(&mut tables, at);
        let history_from = history_from.or_else(|| earliest(&tables)).unwrap_or(at);
        if history_from >= at {
            let what = "there is no telemetry from before the alert; hint: `alert.at` is in UTC, and history is needed to tell what is new";
            return Err(FileError::content(&path, what));
        }
        let symptoms = match (alert.service.is_empty(), alert.signal) {
            (false, Some(signal)) => {
                vec![CaseSymptom { service: alert.service, operation: alert.operation, signal }]
            }
            (true, None) => Vec::new(),
            _ => {
                let what =
                    "an alert names both `service` and `signal` (latency, errors, throughput), or neither";
                return Err(FileError::content(&path, what));
            }
        };
        let file = CaseFile {
            observed_from,
            symptoms,
            summary: alert.summary,
            left_out,
            ..CaseFile::new(at, history_from)
        };
        Ok(Case { file, tables })
    }
}

/// The folders that hold an incident, by name; `root` itself when it is one.
fn keys(root: &Path) -> Result<Vec<String>, FileError> {
    if root.join(FILE).is_file() {
        return Ok(vec![String::new()]);
    }
    let names = files::list(root)?;
    Ok(names.into_iter().filter(|name| root.join(name).join(FILE).is_file()).collect())
}

fn label(root: &Path, key: &str) -> Result<Label, FileError> {
    let path = root.join(key).join(FILE);
    let file = form::read(&path)?;
    let origin =
        if key.is_empty() { root.file_name().unwrap_or_default().to_string_lossy() } else { key.into() };
    let system = if file.system.is_empty() { NAME.to_owned() } else { file.system };
    let label = Label { system, origin: origin.into_owned(), decoys: file.decoys, ..Label::default() };
    Ok(match file.cause {
        Cause::Nobody(_) => Label { is_none: true, ..label },
        Cause::Known(known) => {
            if known.service.is_empty() {
                let what =
                    "`cause.service` is empty; hint: `\"cause\": \"none\"` says that nothing was to blame";
                return Err(FileError::content(&path, what));
            }
            let roots = std::iter::once(known.service).chain(known.also).collect();
            Label { roots, fault: known.kind, change: known.change, inner: known.inner, ..label }
        }
    })
}

/// Leaves out what was not known when the alert fired.
fn until(tables: &mut Tables, at: UnixNanos) {
    tables.spans.retain(|span| span.start <= at);
    tables.logs.retain(|log| log.at <= at);
    tables.changes.retain(|change| change.at <= at);
    tables.states.retain(|state| state.at <= at);
    for series in &mut tables.series {
        series.points.retain(|(when, _)| *when <= at);
    }
    tables.series.retain(|series| !series.points.is_empty());
}

/// The first span, log line or point.
fn earliest(tables: &Tables) -> Option<UnixNanos> {
    let points = tables.series.iter().flat_map(|series| &series.points).map(|(when, _)| *when);
    let spans = tables.spans.iter().map(|span| span.start);
    points.chain(spans).chain(tables.logs.iter().map(|log| log.at)).min()
}

#[cfg(test)]
mod tests;
