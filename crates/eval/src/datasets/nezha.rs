//! Nezha (Yu et al., FSE 2023): minute files of traces, logs and metrics; one system a day.
//!
//! The time of the alert comes from the label, to the minute, because the data raise no alert: three minutes after
//! the minute of the injection, and nothing is said to be wrong. What is read: the minute files named after that
//! minute and the two after it, the fault-free minute of the day, moved to stand five minutes before them, and the last
//! hour of metrics. A file named after a minute ends early in that minute, so the first one is mostly history.
//!
//! No status, no kind and no attribute is in the spans; a call is seen by the pod of its child. The front-door series
//! is left out: it belongs to no service.

mod labels;
mod logs;
mod metrics;
mod spans;

use std::path::{Path, PathBuf};

use telemetry::UnixNanos;

use super::{Dataset, Incident};
use crate::case::{Case, CaseFile};
use crate::clock_text;
use crate::files::{self, FileError};
use telemetry::recorded::Tables;

/// The minute files of a case.
const MINUTES: i64 = 3;
/// Minutes from the fault-free minute to the first of them: it is over before anything of theirs begins, also when the
/// time of the alert is moved by a minute.
const REFERENCE_MINUTES: i64 = 5;
/// Minutes of metrics before them.
const METRIC_MINUTES: i64 = 60;

/// The dataset.
#[derive(Debug)]
pub(super) struct Nezha;

impl Dataset for Nezha {
    fn name(&self) -> &'static str {
        "nezha"
    }

    fn is_at(&self, root: &Path) -> bool {
        root.join("rca_data").is_dir() && root.join("construct_data").is_dir()
    }

    fn incidents(&self, root: &Path) -> Result<Vec<Incident>, FileError> {
        labels::read(root)
    }

    fn load(&self, root: &Path, incident: &Incident) -> Result<Case, FileError> {
        let unknown = || FileError::content(root, format!("`{}` is no time", incident.key));
        let injected = clock_text::parse(&incident.key).ok_or_else(unknown)?;
        let minute = floor_minute(injected);
        let day = incident.key.get(..10).ok_or_else(unknown)?;
        let folder = root.join("rca_data").join(day);
        let mut tables = Tables::default();
        for offset in 0..MINUTES {
            let name = clock(minute.plus_seconds(60 * offset));
            read_minute(&folder, &name, 0, &mut tables)?;
        }
        let construct = root.join("construct_data").join(day);
        let reference = reference(&construct)?;
        if let Some(name) = &reference {
            let of =
                clock_text::parse(&format!("{day} {}:00", name.replace('_', ":"))).ok_or_else(unknown)?;
            let moved = minute.plus_seconds(-60 * REFERENCE_MINUTES).since(of);
            read_minute(&construct, name, moved, &mut tables)?;
        }
        let history = minute.plus_seconds(-60 * METRIC_MINUTES);
        let at = minute.plus_seconds(60 * MINUTES);
        metrics::read(&folder.join("metric"), (history, at), &mut tables)?;
        Ok(Case { file: CaseFile::new(at, history), tables })
    }
}

/// Reads the spans and logs of one minute file, as far as they are there, `moved` nanoseconds later.
fn read_minute(folder: &Path, name: &str, moved: i64, tables: &mut Tables) -> Result<(), FileError> {
    let file = |kind: &str| folder.join(kind).join(format!("{name}_{kind}.csv"));
    if file("trace").is_file() {
        spans::read(&file("trace"), moved, &mut tables.spans)?;
    }
    if file("log").is_file() {
        logs::read(&file("log"), moved, &mut tables.logs)?;
    }
    Ok(())
}

/// The fault-free minute of a day that has traces, if there is one.
fn reference(construct: &Path) -> Result<Option<String>, FileError> {
    let folder: PathBuf = construct.join("trace");
    if !folder.is_dir() {
        return Ok(None);
    }
    let names = files::list(&folder)?;
    Ok(names.iter().find_map(|name| name.strip_suffix("_trace.csv")).map(str::to_owned))
}

fn floor_minute(at: UnixNanos) -> UnixNanos {
    UnixNanos(at.0.div_euclid(60_000_000_000) * 60_000_000_000)
}

/// `HH_MM`, as the files are named.
fn clock(at: UnixNanos) -> String {
    at.clock().get(..5).unwrap_or_default().replace(':', "_")
}

/// The service of a pod: its name without the two parts that Kubernetes adds.
fn service(pod: &str) -> &str {
    let mut parts = pod.rsplitn(3, '-');
    parts.nth(2).unwrap_or(pod)
}

#[cfg(test)]
mod tests;
