//! `HH_MM_log.csv`: a docker line in every row, JSON inside JSON.
//!
//! The clock, the level and the ids that every line begins with are taken off the text; the logger with its line
//! number, `Class#line`, stays, because it tells which statement wrote it.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use telemetry::{LogRecord, UnixNanos, Value};

use super::service;
use crate::files::{CsvRows, FileError};
use crate::folder::Shared;

/// The first severity number of the range of a level (OpenTelemetry, logs data model).
const LEVELS: [(&str, i32); 7] =
    [("TRACE", 1), ("DEBUG", 5), ("INFO", 9), ("WARNING", 13), ("WARN", 13), ("ERROR", 17), ("FATAL", 21)];

#[derive(Debug, Deserialize)]
struct DockerLine {
    log: String,
}

#[derive(Debug, Deserialize)]
struct Inside {
    message: String,
    #[serde(default)]
    severity: String,
}

pub(super) fn read(path: &Path, moved: i64, logs: &mut Vec<LogRecord>) -> Result<(), FileError> {
    let mut rows = CsvRows::open(path)?;
    let (at, pod) = (rows.column("TimeUnixNano")?, rows.column("PodName")?);
    let (trace, span, log) = (rows.column("TraceID")?, rows.column("SpanID")?, rows.column("Log")?);
    let mut shared = Shared::default();
    while let Some(row) = rows.advance()? {
        let line = row.text(log);
        let text = serde_json::from_str::<DockerLine>(line).map_or(line.to_owned(), |line| line.log);
        let (severity, body) = told(text.trim_end());
        let instance = row.text(pod);
        logs.push(LogRecord {
            at: UnixNanos(row.whole(at)? + moved),
            trace_id: row.text(trace).parse().ok(),
            span_id: row.text(span).parse().ok(),
            severity,
            body: Value::Text(Arc::from(body)),
            attributes: Vec::new(),
            resource: shared.resource(service(instance), instance, ""),
        });
    }
    Ok(())
}

/// Severity and message of a line.
pub(super) fn told(text: &str) -> (i32, String) {
    if let Ok(Inside { message, severity }) = serde_json::from_str::<Inside>(text) {
        return (level(&severity).unwrap_or(0), without_ids(&message));
    }
    let after_clock =
        text.split_once(' ').filter(|(clock, _)| is_clock(clock)).map(|(_, rest)| rest.trim_start());
    let rest = after_clock.unwrap_or(text);
    let (first, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    match level(first) {
        Some(severity) => (severity, without_ids(tail.trim_start())),
        None => (0, without_ids(rest)),
    }
}

fn level(word: &str) -> Option<i32> {
    LEVELS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, number)| *number)
}

/// Whether this is `HH:MM:SS` with or without a fraction.
fn is_clock(word: &str) -> bool {
    let mut parts = word.split(':');
    word.len() >= 8 && parts.by_ref().take(3).all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
}

/// The text without `TraceID: ... SpanID: ...`, which are columns of their own.
fn without_ids(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut is_id = false;
    for word in text.split(' ') {
        if matches!(word, "TraceID:" | "SpanID:") {
            is_id = true;
        } else if is_id {
            is_id = false;
        } else {
            kept.push(word);
        }
    }
    kept.join(" ")
}
