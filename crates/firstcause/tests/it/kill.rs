//! SIGKILL under load: what was acknowledged is there afterwards, and nothing is there that was not sent.
//!
//! The memory is small, so that log files become segments meanwhile. Short form: 20 cycles. Soak: `cargo xtask soak kill`, 200 cycles. A kill cannot show a missing fsync, because
//! the page cache survives it: that is [`crate::order`]'s business, and the store's own crash tests'.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::{Serving, exchange};
use crate::{alone, print_figures, soak};

const CLIENTS: u64 = 3;

/// What the clients know: spans by trace id, and whether the request was acknowledged.
#[derive(Default)]
struct Ledger {
    sent: BTreeMap<String, usize>,
    acknowledged: BTreeMap<String, usize>,
}

fn client(otlp: SocketAddr, seed: u64, ledger: &Mutex<Ledger>, is_over: &AtomicBool) {
    let mut seeded = Seeded(seed);
    while !is_over.load(Ordering::Relaxed) {
        let request = trace_request(&mut seeded, now_unix_nanos());
        ledger.lock().unwrap().sent.insert(request.trace_id.clone(), request.spans);
        let answered = exchange(otlp, "POST /v1/traces", "application/x-protobuf", &request.bytes);
        if answered.is_ok_and(|(status, _)| status == 200) {
            ledger.lock().unwrap().acknowledged.insert(request.trace_id, request.spans);
        }
    }
}

/// Loads a server and kills it after `milliseconds`.
fn cycle(data_dir: &Path, ledger: &Arc<Mutex<Ledger>>, seed: u64, milliseconds: u64) {
    let serving = Serving::start(data_dir, &["--head-mib", "16"]);
    let (otlp, is_over) = (serving.otlp, Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (ledger, is_over) = (Arc::clone(ledger), Arc::clone(&is_over));
            std::thread::spawn(move || client(otlp, seed * 1000 + number, &ledger, &is_over))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(milliseconds));
    serving.kill();
    is_over.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().unwrap());
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
    let folder = tempfile::tempdir().unwrap();
    let (ledger, mut seeded) = (Arc::new(Mutex::new(Ledger::default())), Seeded(seed));
    for number in 0..cycles {
        cycle(folder.path(), &ledger, seed * 10_000 + number, seeded.between(5, 400));
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
        }));
    }
    assert!(acknowledged > 0, "the load reached the server");
    assert_eq!((found.lost, phantoms), (0, 0));
}
