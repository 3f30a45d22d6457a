//! RCAEval (Pham et al., 2024), layout only: `<system>/<service>_<fault>/<n>/` with metrics by the second, and, where
//! they were recorded, logs and traces. What was injected stands in the name of a folder and when in
//! `inject_time.txt`; neither shows in a case.
//!
//! The data raise no alert, so its time comes from the label: [`ALERT_SECONDS`] after the injection, and nothing is
//! said to be wrong. What is read lies between [`HISTORY_SECONDS`] before the injection and the alert.
//!
//! Files may be missing, rows may be broken, numbers may be none: what cannot be used is left out. Of more spans or
//! log lines than a case can hold, every k-th trace or line is kept, and the case says so. `metrics.csv` and the
//! tables that were made of logs and traces (`logts.csv`, `tracets_*.csv`) are not read where a smaller file is there.

mod logs;
mod metrics;
mod spans;

use std::path::{Path, PathBuf};

use telemetry::{UnixNanos, Window};

use super::{Dataset, Incident};
use crate::case::{Case, CaseFile};
use crate::files::{self, FileError};
use crate::label::Label;
use telemetry::recorded::Tables;

/// Seconds from the injection to the alert: rules of monitoring systems look at one to five minutes.
const ALERT_SECONDS: i64 = 300;
/// Seconds of history before the injection.
const HISTORY_SECONDS: i64 = 1_800;
/// The file that makes a folder an incident.
const INJECTED: &str = "inject_time.txt";
/// Where the metrics may be, the best first: the simple ones hold a figure of a kind for each service, the others
/// everything that the exporters had.
const METRICS: [&str; 4] = ["simple_metrics.csv", "simple_data.csv", "data.csv", "metrics.csv"];
/// Folders below the one given that are looked into.
const DEPTH_MAX: usize = 6;
/// Folders that are looked into at all.
const FOLDERS_MAX: usize = 50_000;
/// Spans of a case; beyond, whole traces are left out.
const SPANS_MAX: u64 = 600_000;
/// Log lines of a case; beyond, lines are left out.
const LOGS_MAX: u64 = 600_000;

/// The dataset.
#[derive(Debug)]
pub(super) struct Rcaeval;

impl Dataset for Rcaeval {
    fn name(&self) -> &'static str {
        "rcaeval"
    }

    fn is_at(&self, root: &Path) -> bool {
        find(root, 1).is_ok_and(|found| !found.is_empty())
    }

    fn incidents(&self, root: &Path) -> Result<Vec<Incident>, FileError> {
        let mut incidents = Vec::new();
        for key in find(root, usize::MAX)? {
            let Some(label) = label(root, &key) else {
                let what =
                    "no folder above it is called `<service>_<fault>`; hint: give the folder of a system";
                return Err(FileError::content(&root.join(&key), what));
            };
            incidents.push(Incident { key, label });
        }
        Ok(incidents)
    }

    fn load(&self, root: &Path, incident: &Incident) -> Result<Case, FileError> {
        let folder = root.join(&incident.key);
        let injected = injected(&folder.join(INJECTED))?;
        let (from, at) = (injected.plus_seconds(-HISTORY_SECONDS), injected.plus_seconds(ALERT_SECONDS));
        let window = Window::new(from, at);
        let mut tables = Tables::default();
        let mut left_out = Vec::new();
        if let Some(path) = metrics_file(&folder) {
            tables.series = metrics::read(&path, window)?;
        }
        let path = folder.join("traces.csv");
        if path.is_file() {
            let kept = Kept { window, max: SPANS_MAX };
            tables.spans = spans::read(&path, kept, &mut left_out)?;
        }
        let path = folder.join("logs.csv");
        if path.is_file() {
            tables.logs = logs::read(&path, Kept { window, max: LOGS_MAX }, &mut left_out)?;
        }
        // History begins where the data do: nothing may be told by how much there is before the injection.
        let history_from = earliest(&tables).unwrap_or(from).max(from);
        let file = CaseFile { left_out, ..CaseFile::new(at, history_from) };
        Ok(Case { file, tables })
    }
}

/// What is read of a file: the time that counts, and how many rows at most.
#[derive(Debug, Clone, Copy)]
struct Kept {
    window: Window,
    max: u64,
}

impl Kept {
    /// One in how many is kept when there are `count`.
    fn one_in(self, count: u64) -> u64 {
        count.div_ceil(self.max.max(1)).max(1)
    }
}

/// The folders with an incident below `root`, by their path from there, sorted; `most` of them.
fn find(root: &Path, most: usize) -> Result<Vec<String>, FileError> {
    let mut found = Vec::new();
    let mut open: Vec<(PathBuf, usize)> = vec![(root.to_owned(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = open.pop() {
        seen += 1;
        if seen > FOLDERS_MAX {
            let what = format!("more than {FOLDERS_MAX} folders; hint: give the folder of one system");
            return Err(FileError::content(root, what));
        }
        if folder.join(INJECTED).is_file() {
            let key = folder.strip_prefix(root).unwrap_or(&folder);
            found.push(key.to_string_lossy().into_owned());
            if found.len() >= most {
                break;
            }
        } else if depth < DEPTH_MAX {
            let names = files::list(&folder)?.into_iter().rev();
            let inner =
                names.map(|name| folder.join(name)).filter(|path| path.is_dir() && !path.is_symlink());
            open.extend(inner.map(|path| (path, depth + 1)));
        }
    }
    found.sort();
    Ok(found)
}

/// The label that the folders above an incident tell: the nearest one with a service and a fault in its name.
fn label(root: &Path, key: &str) -> Option<Label> {
    let path = root.join(key);
    let mut names = path.ancestors();
    let (folder, service, fault) = names.find_map(|folder| {
        let name = folder.file_name()?.to_str()?;
        let (service, fault) = name.rsplit_once('_').filter(|(service, fault)| {
            !service.is_empty() && !fault.is_empty() && fault.parse::<u32>().is_err()
        })?;
        Some((folder, service.to_owned(), fault.to_owned()))
    })?;
    let system = folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    Some(Label {
        system: format!("rcaeval {system}").trim_end().to_owned(),
        origin: key.to_owned(),
        roots: vec![service],
        inner: metrics::of_fault(&fault).map(str::to_owned).into_iter().collect(),
        fault,
        ..Label::default()
    })
}

fn injected(path: &Path) -> Result<UnixNanos, FileError> {
    let bytes = std::fs::read(path).map_err(|error| FileError::io(path, error))?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().trim();
    time(line).ok_or_else(|| FileError::content(path, format!("`{line}` is no time")))
}

fn metrics_file(folder: &Path) -> Option<PathBuf> {
    METRICS.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// A Unix time in seconds, milliseconds, microseconds or nanoseconds: which one its size tells, because the files mix
/// them. Nothing for text that is no number.
fn time(text: &str) -> Option<UnixNanos> {
    let text = text.trim();
    let fraction = || text.parse::<f64>().ok().filter(|number| number.is_finite());
    let in_unit = |whole: i64| match whole.abs() {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    match text.parse::<i64>() {
        Ok(whole) => whole.checked_mul(in_unit(whole)).map(UnixNanos),
        Err(_) => fraction().map(|number| UnixNanos((number * in_unit(number as i64) as f64) as i64)),
    }
}

/// The first point, span or log line.
fn earliest(tables: &Tables) -> Option<UnixNanos> {
    let points = tables.series.iter().filter_map(|series| Some(series.points.first()?.0));
    let spans = tables.spans.iter().map(|span| span.start);
    points.chain(spans).chain(tables.logs.iter().map(|log| log.at)).min()
}

#[cfg(test)]
mod tests;
