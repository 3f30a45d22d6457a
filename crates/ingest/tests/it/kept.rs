//! What is sent is what is there: generated items of every kind, read back from the log on the disk by a reader of
//! its own, and from the answers of a store that was opened again.
//!
//! Short form: 4,000 items. Soak: `cargo xtask soak kept`, 100,000. The oracle says how each item must be kept, the
//! repairs that the limits ask for included.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ingest::Limits;
use otlp::Signal;
use platform::{Disk as _, SimClock};
use serde_json::{Value as Json, json};
use store::{Config, Store};
use telemetry::answer::Table;
use telemetry::{Answerer as _, Ask, Cancel, Question, QuestionId, Space, TraceId, UnixNanos};

use crate::canonical;
use crate::cases::{Case, Oracle};
use crate::check;
use crate::client::Client;
use crate::rig::{CLOCK, Rig};
use crate::soak;

/// Requests that share a store.
const REQUESTS_OF_A_RIG: u64 = 100;
/// The header of a record of the log, as `crates/store/src/record.rs` describes it.
const HEADER_LEN: usize = 36;

#[derive(Default)]
struct Kept {
    sent: u64,
    stored: u64,
    repaired_requests: u64,
    by_signal: BTreeMap<String, u64>,
    read_from_log: u64,
    asked_for: u64,
    wrong: Vec<String>,
}

/// The requests in the log, decompressed, in their order.
fn log_of(rig: &Rig) -> Vec<(u8, Vec<u8>)> {
    let folder = Path::new("data/spaces/default/wal");
    let mut requests = Vec::new();
    for name in rig.disk.list(folder).unwrap() {
        let bytes = rig.disk.read(&folder.join(name)).unwrap();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            assert_eq!(&rest[..4], b"FCR1");
            let number = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap()) as usize;
            let payload = &rest[HEADER_LEN..HEADER_LEN + number(4)];
            requests.push((rest[28], lz4_flex::block::decompress(payload, number(8)).unwrap()));
            rest = &rest[HEADER_LEN + number(4)..];
        }
    }
    requests
}

/// Compares item by item, and tells the first that differs.
fn compare(index: u64, got: &[Json], expected: &[Json], kept: &mut Kept) {
    if got.len() != expected.len() {
        kept.wrong.push(format!("request {index}: {} items, expected {}", got.len(), expected.len()));
    }
    let differing = got.iter().zip(expected).filter(|(got, expected)| got != expected);
    kept.wrong
        .extend(differing.map(|(got, expected)| format!("request {index}: {got}, expected {expected}")));
}

/// Holds the log against what was sent, then opens the store again and asks it.
async fn read_back(rig: Rig, cases: Vec<Case>, kept: &mut Kept) {
    let log = log_of(&rig);
    assert_eq!(log.len(), cases.len(), "requests in the log");
    let disk = rig.disk.clone();
    rig.stop().await;
    for (case, (number, bytes)) in cases.iter().zip(log) {
        let signal = Signal::ALL[usize::from(number) - 1];
        assert_eq!(signal.name(), case.signal);
        let decoded = otlp::decode(signal, &bytes.into(), UnixNanos(CLOCK)).unwrap();
        let items = canonical::items(&decoded);
        kept.read_from_log += items.len() as u64;
        compare(case.index, &items, &case.expect.taken.as_ref().unwrap().stored, kept);
    }
    let clock = Arc::new(SimClock::at(CLOCK));
    let store = Store::open(Config::new("data"), Arc::new(disk), clock).unwrap();
    let sent: u64 = cases.iter().map(|case| case.expect.taken.as_ref().unwrap().stored.len() as u64).sum();
    let stats = store.stats();
    if (stats.recovered, stats.damaged_bytes, stats.torn_bytes, stats.expired) != (sent, 0, 0, 0) {
        kept.wrong
            .push(format!("{sent} items were sent, and the store that was opened again says {stats:?}"));
    }
    for case in cases.iter().filter(|case| case.signal == "traces") {
        for span in &case.expect.taken.as_ref().unwrap().stored {
            kept.asked_for += 1;
            kept.wrong.extend(asked(&store, span).err());
        }
    }
}

/// Asks for the trace of a span, which is the only one in it.
fn asked(store: &Store, span: &Json) -> Result<(), String> {
    let trace_id: TraceId = span["trace"].as_str().unwrap().parse().map_err(|_| "no id")?;
    let question = Question {
        id: QuestionId("kept".to_owned()),
        space: Space::default(),
        ask: Ask::Trace { trace_id },
        not_before: UnixNanos(0),
    };
    let answer = store.answer(&question, &telemetry::Limits::default(), &Cancel::default());
    let Ok(Table::Trace(rows)) = answer.as_ref().map(|answer| &answer.table) else {
        return Err(format!("trace {trace_id}: {answer:?}"));
    };
    let [row] = rows.as_slice() else { return Err(format!("trace {trace_id} has {} spans", rows.len())) };
    let duration = |from: &str, to: &str| {
        let number = |name: &str| span[name].as_str().unwrap().parse::<i64>().unwrap();
        number(to).saturating_sub(number(from)).max(0)
    };
    let keys = |pairs: &Json| {
        let mut keys: Vec<String> =
            pairs.as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap().to_owned()).collect();
        keys.sort();
        keys
    };
    let mut told: Vec<String> = row.attributes.iter().map(|(key, _)| key.clone()).collect();
    told.sort();
    let got = json!([
        row.span_id.to_string(),
        row.parent.map(|id| id.to_string()),
        row.kind as u8,
        row.start.0.to_string(),
        row.duration_ns,
        told,
    ]);
    let expected = json!([
        span["span"],
        span["parent"],
        span["kind"],
        span["start"],
        duration("start", "end"),
        keys(&span["attributes"]),
    ]);
    if got == expected { Ok(()) } else { Err(format!("asked for {trace_id}: {got}, expected {expected}")) }
}

/// Sends requests until so many items went, and reads each rig's back when it is full.
async fn send(seed: u64, items: u64, kept: &mut Kept) {
    let words = ["items".to_owned(), seed.to_string(), "0".to_owned(), (items / 10).to_string()];
    let mut oracle = Oracle::start(&words);
    while kept.sent < items {
        let rig = Rig::with(Limits::default()).await;
        let mut client = Client::new(rig.http, rig.grpc);
        let mut cases = Vec::new();
        for case in oracle.by_ref().take(REQUESTS_OF_A_RIG as usize) {
            let answer = client.send(&case).await;
            kept.wrong.extend(check::answer(&case, &answer).err());
            let taken = case.expect.taken.as_ref().expect("every request here is sound");
            kept.sent += taken.sent;
            kept.repaired_requests += u64::from(taken.repaired);
            *kept.by_signal.entry(format!("{} over {}", case.signal, case.transport)).or_default() +=
                taken.sent;
            cases.push(case);
            if kept.sent >= items {
                break;
            }
        }
        assert!(!cases.is_empty(), "the oracle ended early");
        drop(client);
        kept.stored += rig.store.stats().accepted;
        read_back(rig, cases, kept).await;
    }
    oracle.end();
}

/// Scenario: 4,000 generated items (100,000 as a soak) of all three signals over all three transports, among them odd
/// times, not-a-number, infinities, the edges of 64 bits, and every kind of value.
/// Guarantees: each is in the log as it was sent, or repaired as the limits say; a store that is opened again holds all
/// of them, and tells each span as it was; sent = stored.
#[test]
fn generated_items_are_read_back_as_they_were_sent() {
    let items = if soak::is_long() { 100_000 } else { 4_000 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let mut kept = Kept::default();
    runtime.unwrap().block_on(send(soak::seed(), items, &mut kept));
    soak::report(&json!({
        "seed": soak::seed(), "items_sent": kept.sent, "items_stored": kept.stored,
        "items_read_from_the_log": kept.read_from_log, "spans_asked_for": kept.asked_for, "by_signal": kept.by_signal,
        "requests_with_repairs": kept.repaired_requests, "wrong": kept.wrong.len(),
    }));
    let told: Vec<&String> = kept.wrong.iter().take(10).collect();
    assert!(kept.wrong.is_empty(), "{} are wrong:\n{told:#?}", kept.wrong.len());
    assert_eq!((kept.stored, kept.read_from_log), (kept.sent, kept.sent), "the sums do not close");
    assert!(kept.repaired_requests > 0 && kept.asked_for > 0, "the test compares too little");
}

/// The control of the test above: one bit of one number that differs is seen.
#[test]
fn a_number_that_differs_by_one_bit_is_seen() {
    let expected = [json!({"value": {"n": "3ff8000000000000"}})];
    let mut kept = Kept::default();
    compare(1, &expected, &expected, &mut kept);
    assert!(kept.wrong.is_empty());
    compare(2, &[json!({"value": {"n": "3ff8000000000001"}})], &expected, &mut kept);
    assert!(kept.wrong[0].starts_with("request 2: "), "{:?}", kept.wrong);
}
