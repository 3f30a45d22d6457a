//! A few made-up incidents in the form of our own folders, to try `backtest` on before there are any of one's own.
//!
//! A shop of three services with a database. It is no benchmark: what it holds is easy on purpose.

mod shop;

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::datasets::INCIDENT_FILE;
use crate::files::{self, FileError};
use shop::{Shop, Wrong};

/// Seconds of history before something goes wrong.
const HISTORY_SECONDS: i64 = 600;
/// Seconds from then to the alert.
const ALERT_SECONDS: i64 = 120;

struct Example {
    folder: &'static str,
    began: &'static str,
    wrong: Wrong,
    signal: &'static str,
    summary: &'static str,
    cause: Json,
    changes: Json,
    decoys: &'static [&'static str],
}

/// Writes the folders below `root`, which is created, and gives their names.
///
/// # Errors
/// When a file cannot be written.
pub fn write(root: &Path) -> Result<Vec<&'static str>, FileError> {
    let examples = examples();
    for (example, seed) in examples.iter().zip(1..) {
        one(&root.join(example.folder), example, seed)?;
    }
    Ok(examples.iter().map(|example| example.folder).collect())
}

fn examples() -> [Example; 3] {
    [
        Example {
            folder: "2026-03-02-orders-slow",
            began: "2026-03-02T09:10:00Z",
            wrong: Wrong::SlowQuery,
            signal: "latency",
            summary: "the shop is slow",
            cause: json!({ "service": "orders", "kind": "slow query after a deploy", "change": "1.5.0" }),
            changes: json!([
                { "at": "2026-03-02T09:04:00Z", "kind": "deploy", "service": "web", "id": "7.2.1", "before": "7.2.0", "after": "7.2.1", "author": "sam", "summary": "new colours" },
                { "at": "2026-03-02T09:10:00Z", "kind": "deploy", "service": "orders", "id": "1.5.0", "before": "1.4.0", "after": "1.5.0", "author": "kim", "summary": "search by customer" },
            ]),
            decoys: &["7.2.1"],
        },
        Example {
            folder: "2026-03-09-payments-fail",
            began: "2026-03-09T14:30:00Z",
            wrong: Wrong::FailingPayments,
            signal: "errors",
            summary: "customers cannot pay",
            cause: json!({ "service": "payments", "kind": "certificate of the bank expired" }),
            changes: json!([
                { "at": "2026-03-09T14:25:00Z", "kind": "deploy", "service": "orders", "id": "1.5.2", "before": "1.5.1", "after": "1.5.2", "author": "kim", "summary": "wording" },
            ]),
            decoys: &["1.5.2"],
        },
        Example {
            folder: "2026-03-16-false-alarm",
            began: "2026-03-16T03:00:00Z",
            wrong: Wrong::Nothing,
            signal: "latency",
            summary: "the shop is slow, says a probe far away",
            cause: json!("none"),
            changes: json!([]),
            decoys: &[],
        },
    ]
}

fn one(folder: &Path, example: &Example, seed: u64) -> Result<(), FileError> {
    files::create_dir(folder)?;
    let began = crate::clock_text::parse(example.began)
        .ok_or_else(|| FileError::content(folder, "its time cannot be read"))?;
    let alert = json!({
        "at": began.plus_seconds(ALERT_SECONDS).rfc3339(),
        "service": "web",
        "signal": example.signal,
        "summary": example.summary,
        "history_from": began.plus_seconds(-HISTORY_SECONDS).rfc3339(),
    });
    let file = json!({
        "schema": "firstcause.incident/1",
        "alert": alert,
        "cause": example.cause,
        "decoys": example.decoys,
    });
    files::write_json(&folder.join(INCIDENT_FILE), &file)?;
    files::write_json(&folder.join("changes.json"), &example.changes)?;
    let mut shop = Shop::new(began, example.wrong, seed);
    for second in -HISTORY_SECONDS..ALERT_SECONDS {
        shop.second(second);
    }
    let [traces, logs, metrics] = shop.into_lines();
    files::write_text(&folder.join("traces.jsonl"), &traces)?;
    files::write_text(&folder.join("logs.jsonl"), &logs)?;
    files::write_text(&folder.join("metrics.jsonl"), &metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_folders_are_written_each_time() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let names = write(one.path()).unwrap();
        assert_eq!(write(other.path()).unwrap(), names);
        for name in names {
            for file in files::list(&one.path().join(name)).unwrap() {
                let read = |root: &Path| std::fs::read(root.join(name).join(&file)).unwrap();
                assert!(read(one.path()) == read(other.path()), "{name}/{file} differs");
            }
        }
    }
}
