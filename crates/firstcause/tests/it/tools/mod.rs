//! The tools of a running `serve`, their answers computed a second time by a program that shares no code with it.

mod counted;

use std::process::Command;

use crate::serving::Serving;

/// Scenario: an hour of three services; in the last five minutes one query is slow in one region.
/// Guarantees: every figure of every tool of the default dialect is the one that a Python script computes from what it
/// sent, the quantiles within their stated error.
// covers: EL-38
#[test]
fn every_tool_says_what_an_independent_computation_says() {
    check_scenario("default", 40);
}

/// The same hour, asked by the names of Elastic's tools.
// covers: EL-38, EL-41
#[test]
fn the_tools_by_their_elastic_names_say_the_same() {
    check_scenario("elastic", 40);
}

/// The same hour, asked by the names of the ELK server's tools.
// covers: EL-38, AW-21
#[test]
fn the_tools_of_the_elk_server_say_the_same() {
    check_scenario("elk", 15);
}

fn check_scenario(dialect: &str, least: usize) {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--dialect", dialect]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tools/scenario.py");
    let (otlp, http) = (format!("http://{}", serving.otlp), format!("http://{}", serving.http));
    let ran = Command::new("python3").args(["-B", script, &otlp, &http, "7", dialect]).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(told.lines().filter(|line| line.starts_with("ok")).count() > least, "{told}");
}

/// What the script of the health layer's tools takes for declared.
const DECLARED: &str = r#"
dialect = "agenttel"
[health.services.billing]
tier = "critical"
[health.services.billing.operations."POST /charge"]
expected-latency-p50 = "20ms"
expected-error-rate = 0.001
escalation-level = "incident_commander"
[[health.services.billing.slos]]
name = "charges-work"
type = "availability"
operation = "POST /charge"
target = 0.99
[[health.services.billing.slos]]
name = "charges-are-fast"
type = "latency_p99"
operation = "POST /charge"
threshold = "60ms"
"#;

/// Scenario: an hour of a billing service whose payments fail and take longer since 13 minutes, with its users' browsers.
/// Guarantees: AgentTel's fifteen tools tell the figures that a Python script computes from what it sent.
// covers: AG-10, AG-11, AG-12, AG-13, AG-14, AG-15, AG-16, AG-17, AG-18, AG-19, AG-20, AG-21, AG-22
#[test]
fn agenttels_tools_say_what_an_independent_computation_says() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("settings.toml");
    std::fs::write(&config, DECLARED).unwrap();
    let data = folder.path().join("data");
    let serving = Serving::start(&data, &["--config", config.to_str().unwrap()]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tools/agenttel.py");
    let (otlp, http) = (format!("http://{}", serving.otlp), format!("http://{}", serving.http));
    let ran = Command::new("python3").args([script, &otlp, &http, "7"]).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(told.lines().filter(|line| line.starts_with("ok")).count() > 35, "{told}");
}
