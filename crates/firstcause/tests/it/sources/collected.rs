//! The demo's faults, seen through what people already run: a collector takes the signals to other back ends, and the
//! investigation asks those. No store of ours is involved.
//!
//! A push takes one fault for each installation; `cargo xtask soak collected` takes the five with a profile, in both.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::now;
use super::servers::{
    Running, clickhouse, free_port, jaeger_with, lines_to_search, opensearch, prometheus, rotel,
};
use crate::resume::{Stand, wait};
use crate::{BINARY, alone, print_figures, soak};

/// The faults that have a fix, with what the engine calls each.
const PROFILES: [(&str, &str); 5] = [
    ("blocking_io", "blocked_executor"),
    ("connection_reuse", "connection_churn"),
    ("legacy", "injected_delay"),
    ("pool_exhaustion", "pool_wait"),
    ("slow_query", "slow_query"),
];
/// Seconds of the fault before it is looked at.
const FAULTY_SECONDS: i64 = 25;
/// Seconds of healthy operation that are asked for.
const HISTORY: &str = "16s";

/// Back ends, and the collector before them.
struct Installation {
    what: &'static str,
    otlp: u16,
    sources: Vec<String>,
    _running: Vec<Running>,
}

/// Everything in ClickHouse, by rotel.
fn warehouse() -> Installation {
    let server = clickhouse();
    super::clickhouse::tables(&server);
    let otlp = free_port();
    let collector = rotel(
        otlp,
        &[
            "--exporter",
            "clickhouse",
            "--clickhouse-exporter-database",
            "default",
            "--clickhouse-exporter-compression",
            "none",
            "--clickhouse-exporter-endpoint",
            &server.url,
        ],
    );
    let sources = vec![format!("clickhouse={}", server.url)];
    Installation { what: "rotel, ClickHouse", otlp, sources, _running: vec![server, collector] }
}

/// Traces in Jaeger, metrics in Prometheus, lines in OpenSearch, each by the same collector. Jaeger's program is a collector
/// itself, from which Prometheus scrapes the metrics; lines go through a forwarder of ours, for rotel knows no OpenSearch.
fn three() -> Installation {
    let (otlp, second, metrics, lines) = (free_port(), free_port(), free_port(), free_port());
    let search = opensearch();
    let forwarder = lines_to_search(lines, &search.url);
    let traces = jaeger_with(second, metrics, "otlp");
    let scraped = prometheus((metrics, "/metrics"));
    let (to_second, to_lines) = (format!("http://127.0.0.1:{second}"), format!("http://127.0.0.1:{lines}"));
    let to = |signal: &str, url: &str| {
        [format!("--otlp-exporter-{signal}-endpoint"), format!("{url}/v1/{signal}")]
    };
    let ends = [to("traces", &to_second), to("metrics", &to_second), to("logs", &to_lines)].concat();
    let kind =
        ["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-compression", "none"];
    let words: Vec<&str> = kind.into_iter().chain(ends.iter().map(String::as_str)).collect();
    let collector = rotel(otlp, &words);
    let sources = vec![
        format!("jaeger={}", traces.url),
        format!("prometheus={}", scraped.url),
        format!("opensearch={}", search.url),
    ];
    let what = "rotel, Jaeger + Prometheus + OpenSearch";
    Installation { what, otlp, sources, _running: vec![search, forwarder, traces, scraped, collector] }
}

/// What an investigation said of one fault.
struct Seen {
    fault: String,
    is_right: bool,
    line: String,
}

/// Breaks a system whose signals go to the installation, and asks it for the cause.
fn look(installation: &Installation, (fault, called): (&str, &str), seed: u64) -> Seen {
    let stand = Stand::breaking(fault, seed, format!("127.0.0.1:{}", installation.otlp));
    let truth = || {
        let truth: Value = serde_json::from_slice(&std::fs::read(stand.path("truth")).ok()?).ok()?;
        let onset = truth["causes"][0]["onset_unix_nanos"].as_i64()?;
        (now().0 - onset > FAULTY_SECONDS * 1_000_000_000).then_some(truth)
    };
    let truth = wait("the fault is there for a while", Duration::from_secs(120), truth);
    let onset = truth["causes"][0]["onset_unix_nanos"].as_i64().unwrap();
    let since = (now().0 - onset) / 1_000_000_000 + 1;
    let mut command = Command::new(BINARY);
    command.args([
        "investigate",
        "--service",
        "gateway",
        "--json",
        "--history",
        HISTORY,
        "--patience",
        "30s",
    ]);
    command.args(["--since", &format!("{since}s")]).arg("--data-dir").arg(stand.path("data"));
    command.args(installation.sources.iter().flat_map(|source| ["--source", source]));
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let cause = &report["root_cause"];
    let is_right = cause["service"] == truth["causes"][0]["name"] && cause["fault"] == called;
    let verdict = if is_right { "right" } else { "WRONG" };
    let line = format!(
        "{:40} {fault:18} seed {seed} {verdict}: {} {}, of {}",
        installation.what, cause["service"], cause["fault"], truth["causes"][0]["name"]
    );
    if !is_right {
        let said = &report["diagnosis"];
        println!("{line}\n{}\n{:#}", said["statement"], said["gaps"]);
    }
    Seen { fault: fault.to_owned(), is_right, line }
}

#[test]
fn the_cause_is_named_from_what_a_collector_put_into_other_back_ends() {
    let _turn = alone();
    let (is_soak, _, seed) = soak();
    let mut seen = Vec::new();
    for (make, short) in [(warehouse as fn() -> Installation, PROFILES[4]), (three, PROFILES[3])] {
        let faults = if is_soak { PROFILES.to_vec() } else { vec![short] };
        for fault in faults {
            seen.push(look(&make(), fault, seed));
        }
    }
    let right = seen.iter().filter(|one| one.is_right).count();
    let table: Vec<&str> = seen.iter().map(|one| one.line.as_str()).collect();
    print_figures(
        &json!({ "seed": seed, "right": right, "of": seen.len(), "passed": right == seen.len(), "table": table }),
    );
    let wrong: Vec<&str> = seen.iter().filter(|one| !one.is_right).map(|one| one.fault.as_str()).collect();
    assert!(is_soak || wrong.is_empty(), "{wrong:?}");
}
