//! The tools of a running `serve`, their answers computed a second time by a program that shares no code with it.

use std::process::Command;

use crate::serving::Serving;

/// Scenario: an hour of three services; in the last five minutes one query is slow in one region.
/// Guarantees: every figure of every tool of the default dialect is the one that a Python script computes from what it
/// sent, the quantiles within their stated error.
// covers: EL-38
#[test]
fn every_tool_says_what_an_independent_computation_says() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tools/scenario.py");
    let (otlp, http) = (format!("http://{}", serving.otlp), format!("http://{}", serving.http));
    let ran = Command::new("python3").args([script, &otlp, &http, "7"]).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(told.lines().filter(|line| line.starts_with("ok")).count() > 40, "{told}");
}
