//! OpenSRE (Tracer, Apache-2.0): incidents of hosted databases and of clusters, told by state: pods, deployments, nodes,
//! events, monitors, load by wait event, and one metric a file or all in one.
//!
//! A case is the component that the alert is about, and what was recorded. Left out of the alert are its title, name,
//! suspected symptom and failure mode, which are the answer or a guess at it, and of a folder every file that is not one
//! of the recorded kinds. Nothing tells when the alert fired: the case is taken at the latest time in its data. The
//! recorded files of one metric each stand for a case that has no file with all of them; beside one they belong to the
//! healthy recording that the case was made from.
//!
//! What counts as right: the label's component, and its kind of fault. The component alone would be worth nothing, since
//! nearly always there is only one. The kind is the label's failure mode, unless the label itself forbids that mode as
//! an answer; then the answer's required words say it. A healthy or recovered case is right when nobody is blamed.
//! Kinds that the label forbids are decoys.

mod datadog;
mod kubernetes;
mod labels;
mod lines;
mod rds;

use std::path::{Path, PathBuf};

use incident::AlertSignal;
use serde::Deserialize;
use serde_json::Value as Json;
use telemetry::UnixNanos;

use super::{Dataset, Incident};
use crate::case::{Case, CaseFile, CaseSymptom};
use crate::files::{self, FileError};
use telemetry::recorded::{State, Tables};

/// Files of which a folder of an incident holds one at least.
const RECORDED: [&str; 2] = ["aws_performance_insights.json", "eks_pods.json"];

/// The dataset.
#[derive(Debug)]
pub(super) struct OpenSre;

/// The parts of an alert that name what it is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AlertFile {
    #[serde(rename = "commonLabels")]
    labels: Named,
    #[serde(rename = "commonAnnotations")]
    annotations: Named,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    summary: String,
    workload_name: String,
    kube_deployment: String,
    db_instance_identifier: String,
    db_instance: String,
    read_replica: String,
}

impl AlertFile {
    /// The database or workload that the alert is about, empty when it names none.
    fn component(&self) -> &str {
        let said = |named: fn(&Named) -> &String| [named(&self.annotations), named(&self.labels)];
        let places: [fn(&Named) -> &String; 4] = [
            |named| &named.db_instance_identifier,
            |named| &named.db_instance,
            |named| &named.workload_name,
            |named| &named.kube_deployment,
        ];
        places.into_iter().flat_map(said).find(|name| !name.is_empty()).map_or("", String::as_str)
    }
}

impl Dataset for OpenSre {
    fn name(&self) -> &'static str {
        "opensre"
    }

    fn is_at(&self, root: &Path) -> bool {
        keys(root).is_ok_and(|keys| !keys.is_empty())
    }

    fn incidents(&self, root: &Path) -> Result<Vec<Incident>, FileError> {
        let mut incidents = Vec::new();
        for key in keys(root)? {
            let alert: AlertFile = files::read_json(&root.join(&key).join("alert.json"))?;
            let label = labels::read(&labels_of(root).join(&key), &key, alert.component())?;
            incidents.push(Incident { key, label });
        }
        Ok(incidents)
    }

    fn load(&self, root: &Path, incident: &Incident) -> Result<Case, FileError> {
        let folder = root.join(&incident.key);
        let alert: AlertFile = files::read_json(&folder.join("alert.json"))?;
        let component = alert.component().to_owned();
        let mut tables = Tables::default();
        kubernetes::read(&folder, &component, &mut tables)?;
        datadog::read(&folder, &mut tables)?;
        rds::read(&folder, &component, &alert.annotations.read_replica, &mut tables)?;
        let nothing = || FileError::content(&folder, "nothing in it has a time");
        let (first, last) = extent(&tables).ok_or_else(nothing)?;
        let mut file = CaseFile::new(last, first);
        // A check that passed is looked at as well; it names what it looked at, not what is wrong.
        if !component.is_empty() {
            let (operation, signal) = (String::new(), AlertSignal::Errors);
            file.symptoms = vec![CaseSymptom { service: component, operation, signal }];
        }
        file.summary = alert.annotations.summary;
        Ok(Case { file, tables })
    }
}

/// The folders that hold an incident.
fn keys(root: &Path) -> Result<Vec<String>, FileError> {
    let names = files::list(root)?;
    let has = |name: &String, file: &str| root.join(name).join(file).is_file();
    let is_one = |name: &String| has(name, "alert.json") && RECORDED.iter().any(|file| has(name, file));
    Ok(names.into_iter().filter(is_one).collect())
}

/// The folder of the labels stands beside that of the data; as published, the same folders hold both.
fn labels_of(root: &Path) -> PathBuf {
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let apart = root.with_file_name(format!("{name}-labels"));
    if apart.is_dir() { apart } else { root.to_owned() }
}

/// The first and the last time in the data.
fn extent(tables: &Tables) -> Option<(UnixNanos, UnixNanos)> {
    let points = tables.series.iter().flat_map(|series| &series.points).map(|(at, _)| *at);
    let states = tables.states.iter().flat_map(|state| [Some(state.at), state.since]).flatten();
    let times: Vec<UnixNanos> = tables
        .logs
        .iter()
        .map(|log| log.at)
        .chain(points)
        .chain(states)
        .filter(|at| *at != UnixNanos(0))
        .collect();
    Some((*times.iter().min()?, *times.iter().max()?))
}

/// A JSON file that may not be there.
fn optional(path: &Path) -> Result<Option<Json>, FileError> {
    if path.is_file() { files::read_json(path).map(Some) } else { Ok(None) }
}

/// The objects in the list `name`.
fn list<'a>(json: Option<&'a Json>, name: &str) -> &'a [Json] {
    json.and_then(|json| json.get(name)).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// The text of a field, empty when there is none.
fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// The time of a field, when it is one.
fn time(json: &Json, name: &str) -> Option<UnixNanos> {
    crate::clock_text::parse(text(json, name))
}

/// Adds a figure, when there is one.
fn figure(state: &mut State, name: &str, value: Option<&Json>) {
    let number = value.and_then(|value| value.as_f64().or_else(|| value.as_bool().map(f64::from)));
    if let Some(number) = number {
        state.figures.insert(name.to_owned(), number);
    }
}

/// Adds an attribute, when there is something to say.
fn attribute(state: &mut State, name: &str, value: &str) {
    if !value.is_empty() {
        state.attributes.insert(name.to_owned(), value.to_owned());
    }
}

#[cfg(test)]
mod tests;
