//! RootCauseBench (Edge Delta, Apache-2.0): incidents with an alert, logs, metrics, a few traces, and what was committed,
//! deployed and switched.
//!
//! A case is the alert's service and signal, and everything up to the alert; what was written or measured after it is
//! left out. The patterns are left out: they are made of the logs, and compare with what came after. The feed of a
//! provider's state is left out, too: no question asks for it yet. The right answer is the commit; the service is the
//! one that fails first.

mod context;
mod telemetry_files;

use std::path::{Path, PathBuf};

use incident::AlertSignal;
use serde::Deserialize;
use telemetry::UnixNanos;

use super::{Dataset, Incident};
use crate::case::{Case, CaseFile, CaseSymptom};
use crate::clock_text;
use crate::files::{self, FileError};
use crate::label::Label;
use telemetry::recorded::Tables;

/// The dataset.
#[derive(Debug)]
pub(super) struct RootCauseBench;

#[derive(Debug, Deserialize)]
struct AlertFile {
    service: String,
    metric: String,
    fired_at: String,
    summary: String,
}

#[derive(Debug, Deserialize)]
struct LabelFile {
    root_cause_commit: String,
    first_failing_service: String,
    #[serde(default)]
    remediation: String,
    #[serde(default)]
    decoy_deploy_commits: Vec<String>,
}

impl Dataset for RootCauseBench {
    fn name(&self) -> &'static str {
        "rootcausebench"
    }

    fn is_at(&self, root: &Path) -> bool {
        keys(root).is_ok_and(|keys| !keys.is_empty())
    }

    fn incidents(&self, root: &Path) -> Result<Vec<Incident>, FileError> {
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let labels = root.with_file_name(format!("{name}-labels"));
        let mut incidents = Vec::new();
        for key in keys(root)? {
            let told: LabelFile = files::read_json(&labels.join(format!("{key}.json")))?;
            let is_none = told.root_cause_commit == "none";
            let label = Label {
                system: "rootcausebench".to_owned(),
                origin: key.clone(),
                roots: if is_none { Vec::new() } else { vec![told.first_failing_service] },
                is_none,
                fault: told.remediation,
                change: if is_none { String::new() } else { told.root_cause_commit },
                decoys: told.decoy_deploy_commits,
                ..Label::default()
            };
            incidents.push(Incident { key, label });
        }
        Ok(incidents)
    }

    fn load(&self, root: &Path, incident: &Incident) -> Result<Case, FileError> {
        let folder = data(root, &incident.key);
        let path = folder.join("alert.json");
        let alert: AlertFile = files::read_json(&path)?;
        let at = clock_text::parse(&alert.fired_at)
            .ok_or_else(|| FileError::content(&path, format!("`{}` is no time", alert.fired_at)))?;
        let mut tables = Tables {
            logs: telemetry_files::logs(&folder.join("logs.ndjson"))?,
            series: telemetry_files::series(&folder.join("metrics.csv"))?,
            spans: telemetry_files::spans(&folder.join("traces.json"))?,
            changes: context::read(&folder.join("context"))?,
            ..Tables::default()
        };
        until(&mut tables, at);
        let mut file = CaseFile::new(at, earliest(&tables).unwrap_or(at));
        let signal = signal(&alert.metric);
        file.symptoms = vec![CaseSymptom { service: alert.service, operation: String::new(), signal }];
        file.summary = alert.summary;
        Ok(Case { file, tables })
    }
}

/// The folders that hold an incident.
fn keys(root: &Path) -> Result<Vec<String>, FileError> {
    let names = files::list(root)?;
    let is_one = |name: &String| data(root, name).join("context").join("commits.json").is_file();
    Ok(names.into_iter().filter(is_one).collect())
}

/// Where the data of an incident are: as published, below what an agent may see.
fn data(root: &Path, key: &str) -> PathBuf {
    let published = root.join(key).join("environment").join("data");
    if published.is_dir() { published } else { root.join(key).join("data") }
}

/// What kind of figure a metric is, by its name.
fn signal(metric: &str) -> AlertSignal {
    let is_any = |words: &[&str]| words.iter().any(|word| metric.contains(word));
    if is_any(&["duration", "latency", "seconds", "_ms"]) && !is_any(&["error", "uptime"]) {
        AlertSignal::Latency
    } else {
        AlertSignal::Errors
    }
}

/// Leaves out what was not known when the alert fired.
fn until(tables: &mut Tables, at: UnixNanos) {
    tables.logs.retain(|log| log.at <= at);
    tables.spans.retain(|span| span.start <= at);
    tables.changes.retain(|change| change.at <= at);
    for series in &mut tables.series {
        series.points.retain(|(when, _)| *when <= at);
    }
}

/// The first log line or point.
fn earliest(tables: &Tables) -> Option<UnixNanos> {
    let points = tables.series.iter().flat_map(|series| &series.points).map(|(when, _)| *when);
    tables.logs.iter().map(|log| log.at).chain(points).min()
}

#[cfg(test)]
mod tests;
