//! PetShop (Amazon, CC-BY-4.0): request metrics of forty services at five-minute steps and who calls whom; no traces.
//!
//! An incident is a slice of 25 minutes with a target: the service whose latency or availability is alarmed, and since
//! when. The alert stands at the end of the slice and says since when the symptom is seen, which is the target's time.
//! History is the fault-free recording, moved to end a day before the slice: it was recorded months later. Normal
//! slices are cut from the same recording, alarmed by the same target in the middle of their second step; their history
//! is the rest of it, and the right answer is to name nobody.
//!
//! Read are the mean latency, the requests and the availability; the percentiles are not. A step without requests has
//! no points. The times in the files are the beginnings of steps.

mod recording;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use incident::AlertSignal;
use serde::Deserialize;
use telemetry::UnixNanos;

use super::{Dataset, Incident};
use crate::case::{Case, CaseFile, CaseSymptom};
use crate::files::{self, Column, CsvRows, FileError};
use crate::label::Label;
use recording::{Recording, STEP_SECONDS};
use telemetry::recorded::{Call, Tables};

/// Steps of a slice.
const SLICE_STEPS: usize = 5;
/// Seconds between the history's end and the slice.
const APART_SECONDS: i64 = 86_400;
/// The halves that the dataset is published in.
const HALVES: [&str; 2] = ["test", "train"];
/// The part of a key that says that a slice is a normal one.
const NORMAL: &str = "noissue";

/// The dataset.
#[derive(Debug)]
pub(super) struct PetShop;

#[derive(Debug, Deserialize)]
struct TargetFile {
    target: Target,
}

#[derive(Debug, Clone, Deserialize)]
struct Target {
    node: String,
    metric: String,
    timestamp: i64,
}

#[derive(Debug, Deserialize)]
struct RootFile {
    root_cause: Root,
}

#[derive(Debug, Deserialize)]
struct Root {
    node: String,
}

impl Dataset for PetShop {
    fn name(&self) -> &'static str {
        "petshop"
    }

    fn is_at(&self, root: &Path) -> bool {
        scenarios(root).is_ok_and(|scenarios| !scenarios.is_empty())
    }

    fn incidents(&self, root: &Path) -> Result<Vec<Incident>, FileError> {
        let mut incidents = Vec::new();
        for scenario in scenarios(root)? {
            let mut alarmed: BTreeMap<String, String> = BTreeMap::new();
            for half in HALVES {
                let labels = labels(root).join(&scenario).join(half);
                if !labels.is_dir() {
                    continue;
                }
                for issue in files::list(&labels)? {
                    let label: RootFile = files::read_json(&labels.join(&issue).join("target.json"))?;
                    let key = format!("{scenario}/{half}/{issue}");
                    let target = target(root, &key)?;
                    let label = Label {
                        system: format!("petshop {scenario}"),
                        origin: key.clone(),
                        roots: vec![label.root_cause.node],
                        fault: target.metric.clone(),
                        ..Label::default()
                    };
                    alarmed.entry(target.metric).or_insert(target.node);
                    incidents.push(Incident { key, label });
                }
            }
            incidents.extend(normal(root, &scenario, &alarmed)?);
        }
        Ok(incidents)
    }

    fn load(&self, root: &Path, incident: &Incident) -> Result<Case, FileError> {
        let key = &incident.key;
        let unknown = || FileError::content(root, format!("`{key}` is no incident"));
        let mut parts = key.split('/');
        let scenario = root.join(parts.next().ok_or_else(unknown)?);
        let whole = Recording::read(&scenario.join(NORMAL).join("metrics.csv"))?;
        let (slice, rest, target) = if parts.next() == Some(NORMAL) {
            let metric = parts.next().ok_or_else(unknown)?;
            let from = parts.next().and_then(|from| from.parse().ok()).ok_or_else(unknown)?;
            let node = parts.collect::<Vec<_>>().join("/");
            let (slice, rest) = whole.cut(from, from + SLICE_STEPS);
            let timestamp = slice.starts.get(1).ok_or_else(unknown)? + STEP_SECONDS / 2;
            (slice, rest, Target { node, metric: metric.to_owned(), timestamp })
        } else {
            (Recording::read(&root.join(key).join("metrics.csv"))?, whole, target(root, key)?)
        };
        let (first, last) = slice.starts.first().zip(slice.starts.last()).ok_or_else(unknown)?;
        let history = rest.moved_to_end_at(first - APART_SECONDS);
        let seconds = |seconds: i64| UnixNanos(0).plus_seconds(seconds);
        let history_from = history.starts.first().copied().unwrap_or(*first);
        let signal = if target.metric == "latency" { AlertSignal::Latency } else { AlertSignal::Errors };
        let mut file = CaseFile::new(seconds(last + STEP_SECONDS), seconds(history_from));
        file.observed_from = Some(seconds(target.timestamp));
        file.symptoms = vec![CaseSymptom { service: target.node, operation: String::new(), signal }];
        let series = recording::series(&[&history, &slice]);
        Ok(Case { file, tables: Tables { series, calls: calls(&scenario)?, ..Tables::default() } })
    }
}

/// The folder of the labels stands beside that of the data; as published, the same files hold both.
fn labels(root: &Path) -> PathBuf {
    let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let apart = root.with_file_name(format!("{name}-labels"));
    if apart.is_dir() { apart } else { root.to_owned() }
}

/// The folders that hold a call graph.
fn scenarios(root: &Path) -> Result<Vec<String>, FileError> {
    let names = files::list(root)?;
    Ok(names.into_iter().filter(|name| root.join(name).join("graph.csv").is_file()).collect())
}

fn target(root: &Path, key: &str) -> Result<Target, FileError> {
    files::read_json::<TargetFile>(&root.join(key).join("target.json")).map(|file| file.target)
}

/// The normal slices, one after another, for each alarmed figure.
fn normal(
    root: &Path,
    scenario: &str,
    alarmed: &BTreeMap<String, String>,
) -> Result<Vec<Incident>, FileError> {
    let path = root.join(scenario).join(NORMAL).join("metrics.csv");
    let steps = Recording::read(&path)?.starts.len();
    let mut incidents = Vec::new();
    for (metric, node) in alarmed {
        for from in (0..).step_by(SLICE_STEPS).take_while(|from| from + SLICE_STEPS <= steps) {
            let key = format!("{scenario}/{NORMAL}/{metric}/{from}/{node}");
            let label = Label {
                system: format!("petshop {scenario}, normal {metric}"),
                origin: key.clone(),
                is_none: true,
                ..Label::default()
            };
            incidents.push(Incident { key, label });
        }
    }
    Ok(incidents)
}

/// The adjacency: a row calls the columns that are not zero.
fn calls(scenario: &Path) -> Result<Vec<Call>, FileError> {
    let mut rows = CsvRows::open(&scenario.join("graph.csv"))?;
    let caller = rows.column("")?;
    let callees: Vec<(String, Column)> = rows
        .columns()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, column)| (name.to_owned(), column))
        .collect();
    let mut calls = Vec::new();
    while let Some(row) = rows.advance()? {
        let called = callees.iter().filter(|(_, column)| row.number(*column).is_some_and(|call| call != 0.0));
        calls.extend(
            called.map(|(callee, _)| Call { caller: row.text(caller).to_owned(), callee: callee.clone() }),
        );
    }
    Ok(calls)
}

#[cfg(test)]
mod tests;
