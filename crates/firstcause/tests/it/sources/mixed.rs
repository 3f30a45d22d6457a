//! A mixed installation, investigated from the command line: traces in Jaeger, metrics of its spans in Prometheus, no store
//! of ours; and with one of the two gone.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::now;
use super::servers::{free_port, jaeger, prometheus};
use crate::second_system::shop::Shop;
use crate::{BINARY, alone};

/// Healthy traffic, and traffic with the fault.
const PHASES: [Duration; 2] = [Duration::from_secs(35), Duration::from_secs(25)];

/// The report of an investigation, and its exit code.
fn investigate(folder: &Path, at: &str, sources: &[String]) -> (Option<i32>, serde_json::Value) {
    let mut command = Command::new(BINARY);
    command.args(["investigate", "--service", "web", "--operation", "GET /basket/{number}", "--json"]);
    // Jaeger answers beside the load that made its traces.
    command
        .args(["--patience", "30s", "--since", "25s", "--history", "35s", "--at", at])
        .arg("--data-dir")
        .arg(folder);
    command.args(sources.iter().flat_map(|source| ["--source", source]));
    let output = command.output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code(), report)
}

/// From a trace that Jaeger holds to what was deployed, which Prometheus knows.
fn followed(sources: &[String]) -> Vec<serde_json::Value> {
    let run = |words: &[&str]| -> serde_json::Value {
        let output = Command::new(BINARY).args(words).arg("--json").output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{words:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    let worst = run(&["ask", "exemplars", "--service", "web", "--since", "20s", "--source", &sources[0]]);
    let trace =
        worst["table"]["rows"][0]["trace_id"].as_str().unwrap_or_else(|| panic!("{worst}")).to_owned();
    let mut words = vec!["follow", &*trace, "--since", "10m", "--patience", "30s"];
    words.extend(sources.iter().flat_map(|source| ["--source", source]));
    run(&words)["followed"]["steps"].as_array().unwrap().clone()
}

fn gaps(report: &serde_json::Value) -> String {
    let gaps = report["diagnosis"]["gaps"].as_array().unwrap();
    gaps.iter().map(|gap| format!("{}\n", gap["missing"])).collect()
}

// covers: AW-25
#[test]
fn jaeger_and_prometheus_together_tell_the_cause_and_jaeger_alone_names_what_is_missing() {
    let _turn = alone();
    let (folder, mut shop) = (tempfile::tempdir().unwrap(), Shop::start());
    let metrics = free_port();
    let traces = jaeger(shop.otlp.port(), metrics);
    let scraped = prometheus((metrics, "/metrics"));
    let sources = [format!("jaeger={}", traces.url), format!("prometheus={}", scraped.url)];
    std::thread::sleep(PHASES[0]);
    shop.command("fault n_plus_one");
    std::thread::sleep(PHASES[1]);
    // Both look at the same moment: the second begins while the fault grows older.
    let at = now().rfc3339();
    let (code, report) = investigate(folder.path(), &at, &sources);
    let cause = &report["root_cause"];
    assert_eq!(
        (&cause["service"], &cause["fault"]),
        (&"accounts".into(), &"more_calls".into()),
        "{report:#}"
    );
    assert_eq!((code, &cause["trigger"]["change"]["after"]), (Some(0), &"1.1.0".into()), "{cause:#}");
    let cited: Vec<&serde_json::Value> = report["diagnosis"]["evidence"].as_array().unwrap().iter().collect();
    let links: String = cited.iter().map(|fact| fact["locators"].to_string()).collect();
    assert!(links.contains(&traces.url) && links.contains(&scraped.url), "{links}");

    let steps = followed(&sources);
    let by =
        |kind: &str, source: &str| steps.iter().any(|step| step["kind"] == kind && step["source"] == source);
    assert!(by("trace", "jaeger") && by("instance", "jaeger") && by("deploy", "prometheus"), "{steps:#?}");

    drop(scraped);
    let (code, report) = investigate(folder.path(), &at, &sources);
    let cause = &report["root_cause"];
    assert_eq!((code, &cause["service"]), (Some(0), &"accounts".into()), "{report:#}");
    assert!(cause["trigger"].is_null(), "what was deployed only Prometheus knew: {cause:#}");
    assert!(gaps(&report).contains("from `prometheus`: source unavailable"), "{}", gaps(&report));
    drop(shop);
}
