//! Changes that somebody tells, through the binary: a running `serve` sees at once what was recorded beside it and what
//! was sent to it, and keeps both through SIGKILL.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::BINARY;
use crate::hints::call;
use crate::serving::{Serving, exchange};

fn record(folder: &Path, words: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["change", "record"])
        .args(words)
        .arg("--data-dir")
        .arg(folder)
        .output()
        .unwrap()
}

/// Service and new state of what the tool `changes` shows, newest first.
fn shown(serving: &Serving) -> Vec<(String, String)> {
    let reply = call(serving.http, "changes", &json!({}));
    let rows = reply["structured"]["changes"].as_array().unwrap().clone();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| (text(row, "service"), text(row, "after"))).collect()
}

// covers: AG-58
#[test]
fn what_is_told_of_a_change_is_seen_at_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    assert_eq!(shown(&serving), []);
    let words = ["--service", "orders", "--kind", "flag", "--after", "new_prices=on", "--at", "now-10m"];
    let output = record(folder.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let body = json!({ "service": "billing", "after": "7.2.0", "commit": "4e9a1c" }).to_string();
    let sent = exchange(serving.http, "POST /api/v1/changes", "application/json", body.as_bytes()).unwrap();
    assert_eq!(sent.0, 200, "{}", String::from_utf8_lossy(&sent.1));
    let pair = |service: &str, after: &str| (service.to_owned(), after.to_owned());
    let told = [pair("billing", "7.2.0"), pair("orders", "new_prices=on")];
    assert_eq!(shown(&serving), told);
    serving.kill();
    assert_eq!(shown(&Serving::start(folder.path(), &[])), told);
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_next_step_and_nothing_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        ["--service", "orders", "--after", "2", "--at", "tomorrow"],
        ["--service", "orders", "--after", "2", "--at", "now+1h"],
        ["--service", "", "--after", "2", "--at", "now"],
        ["--service", "orders", "--after", "2", "--kind", "restart"],
    ] {
        let output = record(folder.path(), &words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("hint:") || text.contains("possible values"), "{words:?}: {text}");
    }
    assert!(!folder.path().join("changes.journal").exists());
}
