//! An investigation in ClickHouse over many spans: what comes over the wire against what was scanned there, how long it takes,
//! and what tenfold history outside its windows adds.
//!
//! A push takes 200,000 spans and holds the cause, and the bytes against those of traces that are fetched. `cargo xtask soak pushdown` takes 10 million in three hours, then
//! ten times as many: some twenty minutes and 7 GB of disk.

use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use telemetry::time::SECOND_NS;
use telemetry::{Ask, Scope, UnixNanos, Window};

use super::clickhouse::{run, tables};
use super::servers::{Running, clickhouse};
use super::{ask, open};
use crate::serving::exchange;
use crate::{BINARY, alone, soak};

/// When the data end, and with them the alert is looked at.
const END: i64 = 1_790_000_000 * SECOND_NS;
/// Since when the statement is slow.
const FAULT_SECONDS: i64 = 60;
/// Spans of a trace.
const SPANS: u64 = 10;
/// Traces that one statement inserts.
const BATCH: u64 = 50_000;
/// Bytes over the wire to bytes scanned, seconds, and growth that is allowed (acceptance of the source).
const RATIO_MAX: f64 = 1e-3;
const SECONDS_MAX: f64 = 3.0;
const GROWTH_MAX: f64 = 1.15;
/// Investigations that are timed, of which the median counts.
const RUNS: usize = 9;

/// So many traces, evenly over so many seconds before `end`.
fn fill(server: &Running, traces: u64, seconds: i64, end: i64) {
    let fault = END - FAULT_SECONDS * SECOND_NS;
    for first in (0..traces).step_by(usize::try_from(BATCH).unwrap()) {
        let places = [
            ("{begin}", end - seconds * SECOND_NS),
            ("{seconds}", seconds),
            ("{fault}", fault),
            ("{traces}", i64::try_from(traces).unwrap()),
            ("{first}", i64::try_from(first).unwrap()),
            ("{count}", i64::try_from(BATCH.min(traces - first)).unwrap()),
        ];
        let statement = places.iter().fold(include_str!("shop.sql").to_owned(), |all, (place, with)| {
            all.replace(place, &with.to_string())
        });
        run(server, &statement);
    }
}

/// Bytes that questions have scanned, bytes that came back, and statements, so far.
fn counts(server: &Running) -> [f64; 3] {
    let address = server.url.trim_start_matches("http://").parse().unwrap();
    let (_, body) = exchange(address, "GET /counts", "text/plain", b"").unwrap();
    let told: Value = serde_json::from_slice(&body).unwrap();
    ["read", "sent", "statements"].map(|name| told[name].as_f64().unwrap())
}

/// What one investigation found and took.
#[derive(Debug)]
struct Took {
    seconds: f64,
    read: f64,
    sent: f64,
    statements: f64,
    service: String,
}

fn investigate(server: &Running, history: &str) -> Took {
    let folder = tempfile::tempdir().unwrap();
    let before = counts(server);
    let mut command = Command::new(BINARY);
    command.args(["investigate", "--service", "web", "--operation", "POST /checkout", "--json"]);
    command.args(["--since", "60s", "--history", history, "--at", &UnixNanos(END).rfc3339()]);
    // What takes longer than is allowed shall be measured, not cut off.
    command.args(["--patience", "60s"]);
    command.args(["--source", &format!("clickhouse={}", server.url)]).arg("--data-dir").arg(folder.path());
    let began = Instant::now();
    let output = command.output().unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let after = counts(server);
    let [read, sent, statements] = [0, 1, 2].map(|place| after[place] - before[place]);
    let cause = &report["root_cause"];
    Took {
        seconds,
        read,
        sent,
        statements,
        service: cause["service"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The median seconds of some investigations, all of which must name the cause, and the last one.
fn measured(server: &Running, runs: usize, history: &str) -> (f64, Took) {
    let mut all: Vec<Took> = (0..runs).map(|_| investigate(server, history)).collect();
    assert!(all.iter().all(|one| one.service == "payments"), "{all:?}");
    let mut seconds: Vec<f64> = all.iter().map(|one| one.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    (seconds[runs / 2], all.pop().unwrap())
}

/// The same ratio when the traces of the two windows themselves are fetched.
fn fetched(server: &Running) -> f64 {
    let source = open("clickhouse", &server.url);
    let before = counts(server);
    let bad = Window::new(UnixNanos(END - FAULT_SECONDS * SECOND_NS), UnixNanos(END));
    let good = Window::new(bad.from.plus_seconds(-60), bad.from);
    for window in [good, bad] {
        ask(&source, Ask::Paths { window, scope: Scope::all() }).unwrap();
    }
    let after = counts(server);
    (after[1] - before[1]) / (after[0] - before[0])
}

#[test]
fn groups_come_over_the_wire_and_spans_stay_where_they_are() {
    let _turn = alone();
    let (is_soak, _, _) = soak();
    let server = clickhouse();
    tables(&server);
    let (traces, seconds, history) = if is_soak { (1_000_000, 10_800, "15m") } else { (20_000, 600, "5m") };
    fill(&server, traces, seconds, END);
    if !is_soak {
        let (_, took) = measured(&server, 1, history);
        let control = fetched(&server);
        assert!(took.sent / took.read < control, "{took:?}, fetched {control}");
        return;
    }
    investigate(&server, history);
    let (median, took) = measured(&server, RUNS, history);
    let (ratio, control) = (took.sent / took.read, fetched(&server));
    let line = |what: &str, median: f64, took: &Took| {
        format!(
            "{what}: median {median:.2} s of {RUNS} investigations, {:.0} statements, {:.1} MB scanned, {:.0} kB on the wire",
            took.statements,
            took.read / 1e6,
            took.sent / 1e3
        )
    };
    let mut table = vec![line("10 million spans in 3 h", median, &took)];
    fill(&server, traces * 9, seconds * 9, END - seconds * SECOND_NS);
    investigate(&server, history);
    let (grown, took) = measured(&server, RUNS, history);
    table.push(line("100 million spans in 30 h", grown, &took));
    let growth = grown / median;
    for (what, value, most) in [
        ("bytes on the wire / bytes scanned", ratio, RATIO_MAX),
        ("seconds of an investigation", median, SECONDS_MAX),
        ("growth of the time with tenfold history outside the windows", growth, GROWTH_MAX),
    ] {
        let verdict = if value <= most { "ok" } else { "FAIL" };
        table.push(format!("{verdict:4} {what}: {value:.2e}, at most {most:e}"));
    }
    table.push(format!("     control, traces of two windows fetched: {control:.2e}"));
    let passed = ratio <= RATIO_MAX && median <= SECONDS_MAX && growth <= GROWTH_MAX && control > RATIO_MAX;
    let figures = json!({
        "seed": 1, "spans": traces * SPANS, "ratio": ratio, "seconds_median": median, "growth": growth,
        "control_ratio": control, "passed": passed, "table": table,
    });
    println!("FIGURES {figures}");
}
