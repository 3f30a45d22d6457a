//! `context/`: commits with their diffs, deploys and flags.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::clock_text;
use crate::files::{self, FileError};
use telemetry::recorded::Change;

#[derive(Debug, Deserialize)]
struct Commit {
    sha: String,
    author: String,
    timestamp: String,
    message: String,
    files_changed: Vec<String>,
    diff: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Deploy {
    timestamp: String,
    service: String,
    commit_sha: String,
    version: String,
}

#[derive(Debug, Deserialize)]
struct Flag {
    timestamp: String,
    flag: String,
    service: String,
    change: String,
    actor: String,
}

pub(super) fn read(folder: &Path) -> Result<Vec<Change>, FileError> {
    let mut changes = rows(&folder.join("commits.json"), commit)?;
    changes.extend(rows(&folder.join("deploys.json"), deploy)?);
    changes.extend(rows(&folder.join("flags.json"), flag)?);
    Ok(changes)
}

fn commit(commit: Commit) -> (String, Change) {
    let change = Change {
        kind: "commit".to_owned(),
        id: commit.sha,
        author: commit.author,
        summary: commit.message,
        files: commit.files_changed,
        diff: commit.diff.unwrap_or_default(),
        ..Change::default()
    };
    (commit.timestamp, change)
}

fn deploy(deploy: Deploy) -> (String, Change) {
    let change = Change {
        kind: "deploy".to_owned(),
        service: deploy.service,
        id: deploy.commit_sha,
        after: deploy.version,
        ..Change::default()
    };
    (deploy.timestamp, change)
}

fn flag(flag: Flag) -> (String, Change) {
    let (before, after) = flag.change.split_once("->").unwrap_or(("", flag.change.as_str()));
    let change = Change {
        kind: "flag".to_owned(),
        service: flag.service,
        before: before.to_owned(),
        after: after.to_owned(),
        author: flag.actor,
        summary: flag.flag.clone(),
        id: flag.flag,
        ..Change::default()
    };
    (flag.timestamp, change)
}

/// The rows of one file; one that is not there has none.
fn rows<T: DeserializeOwned>(
    path: &Path,
    of: impl Fn(T) -> (String, Change),
) -> Result<Vec<Change>, FileError> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let read: Vec<T> = files::read_json(path)?;
    let change = |row: T| {
        let (timestamp, change) = of(row);
        let at = clock_text::parse(&timestamp)
            .ok_or_else(|| FileError::content(path, format!("`{timestamp}` is no time")))?;
        Ok(Change { at, ..change })
    };
    read.into_iter().map(change).collect()
}
