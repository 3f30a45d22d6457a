//! SIGKILL under load: what was acknowledged is there afterwards, and nothing is there that was not sent.
//!
//! Four exporters on the three transports, one of them in gzip. The memory is small, so that heads become segments meanwhile,
//! and in every twentieth cycle the next server is killed while it recovers. Short form: 20 cycles. Soak: `cargo xtask soak
//! kill`, 1,000 cycles. A kill cannot show a missing fsync, because the page cache survives it: that is [`crate::order`]'s
//! business, and the store's own crash tests'.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::exporters::{Exporter, WAYS};
use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::Serving;
use crate::{BINARY, alone, print_figures, soak};

/// Cycles of the soak.
const SOAK_CYCLES: u64 = 1_000;
/// One in so many recoveries is cut short.
const BROKEN_EVERY: u64 = 20;

/// What the clients know: spans by trace id, and whether the request was acknowledged.
#[derive(Default)]
struct Ledger {
    sent: BTreeMap<String, usize>,
    acknowledged: BTreeMap<String, usize>,
    /// Acknowledged requests by way.
    by_way: [u64; WAYS.len()],
}

/// Sends until it is over or the server is gone, at most `pause_ms` between two requests.
fn client(exporter: &mut Exporter, way: usize, seed: u64, pause_ms: u64, of: (&Mutex<Ledger>, &AtomicBool)) {
    let (ledger, is_over) = of;
    let mut seeded = Seeded(seed);
    while !is_over.load(Ordering::Relaxed) {
        let request = trace_request(&mut seeded, now_unix_nanos());
        ledger.lock().unwrap().sent.insert(request.trace_id.clone(), request.spans);
        match exporter.send(&request) {
            Some(200) => {
                let mut ledger = ledger.lock().unwrap();
                ledger.acknowledged.insert(request.trace_id, request.spans);
                ledger.by_way[way] += 1;
            }
            Some(503) => {}
            other => assert_eq!(other, None, "an exporter would drop it"),
        }
        std::thread::sleep(Duration::from_millis(seeded.between(0, pause_ms)));
    }
}

/// Loads a server and kills it after `milliseconds`.
fn cycle(data_dir: &Path, ledger: &Arc<Mutex<Ledger>>, seed: u64, milliseconds: u64, pause_ms: u64) {
    let serving = Serving::start(data_dir, &["--head-mib", "16"]);
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = WAYS
        .iter()
        .enumerate()
        .filter_map(|(number, way)| {
            let (ledger, is_over) = (Arc::clone(ledger), Arc::clone(&is_over));
            let mut exporter = Exporter::to(&serving, *way)?;
            let seed = seed * 1000 + number as u64;
            Some(std::thread::spawn(move || {
                client(&mut exporter, number, seed, pause_ms, (&ledger, &is_over));
            }))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(milliseconds));
    serving.kill();
    is_over.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().unwrap());
}

/// Starts a server and kills it after `milliseconds`, whether it has recovered or not.
fn broken_recovery(data_dir: &Path, milliseconds: u64) {
    let mut command = Command::new(BINARY);
    command.args(["serve", "--head-mib", "16", "--http", "127.0.0.1:0"]);
    command.args(["--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(milliseconds));
    child.kill().unwrap();
    child.wait().unwrap();
}

struct Found {
    lost: usize,
    stored_spans: usize,
}

/// Asks for every trace ever sent.
fn count(serving: &Serving, ledger: &Ledger) -> Found {
    let mut found = Found { lost: 0, stored_spans: 0 };
    for (trace_id, spans) in &ledger.sent {
        let there = serving.spans_of(trace_id);
        assert!(there == 0 || there == *spans, "trace {trace_id} is there in part: {there} of {spans}");
        found.stored_spans += there;
        found.lost += usize::from(there == 0 && ledger.acknowledged.contains_key(trace_id));
    }
    found
}

#[test]
fn what_was_acknowledged_survives_sigkill_and_nothing_appears_that_was_not_sent() {
    let _turn = alone();
    let (is_soak, cycles, seed) = soak();
    let (cycles, pause_ms) = if is_soak { (SOAK_CYCLES, 20) } else { (cycles, 0) };
    let folder = tempfile::tempdir().unwrap();
    let (ledger, mut seeded) = (Arc::new(Mutex::new(Ledger::default())), Seeded(seed));
    for number in 0..cycles {
        cycle(folder.path(), &ledger, seed * 10_000 + number, seeded.between(5, 400), pause_ms);
        if number % BROKEN_EVERY == 0 {
            broken_recovery(folder.path(), seeded.between(1, 60));
        }
    }
    let serving = Serving::start(folder.path(), &["--head-mib", "16"]);
    let ledger = ledger.lock().unwrap();
    let found = count(&serving, &ledger);
    let stats = serving.stats();
    let stored = ["spans", "sealed"].map(|key| stats[key].as_u64().unwrap() as usize).iter().sum::<usize>();
    let phantoms = stored - found.stored_spans;
    let acknowledged: usize = ledger.acknowledged.values().sum();
    let sent: usize = ledger.sent.values().sum();
    if is_soak {
        print_figures(&serde_json::json!({
            "cycles": cycles, "spans_sent": sent, "spans_acknowledged": acknowledged, "spans_stored": stored,
            "requests_lost": found.lost, "phantom_spans": phantoms, "seed": seed, "segments": stats["segments"],
            "recoveries_cut_short": cycles.div_ceil(BROKEN_EVERY),
            "requests_acknowledged": { "http_protobuf": ledger.by_way[0], "http_protobuf_gzip": ledger.by_way[1],
                "http_json": ledger.by_way[2], "grpc": ledger.by_way[3] },
        }));
    }
    assert!(ledger.by_way.iter().all(|requests| *requests > 0), "{:?}", ledger.by_way);
    assert_eq!((found.lost, phantoms), (0, 0));
}
