//! Seeded mutants over every parser of the wire, in one process: none panics, none takes long, none gives more than its
//! limits allow.
//!
//! Short form: 300,000 executions. Soak: `cargo xtask soak fuzz`, 200 million. Mutants are drawn without looking at
//! what they reach; what a parser allocates is bounded by what it gives back, and not measured.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use otlp::json::{Dialect, to_protobuf_within};
use otlp::{Budget, Signal, decode, scan};
use platform::{Chance, SeededChance};
use telemetry::{Space, TraceId, UnixNanos};
use tokio::time::Instant;

use super::samples;
use crate::body::{Decoder, Encoding};
use crate::exchange;
use crate::grpc::{framing::Framing, text};
use crate::limits::Limits;
use crate::reply::Form;

/// An execution that takes longer counts as a hang.
const SLOW: Duration = Duration::from_millis(100);
/// Bytes of a mutant: small ones reach as much and go faster.
const LEN_MAX: usize = 2_048;

/// A parser as the fuzzer sees it: bytes in, and whether it accepted them.
struct Target {
    name: &'static str,
    /// Of a thousand executions how many.
    share: u64,
    samples: Vec<Vec<u8>>,
    run: fn(&[u8]) -> bool,
}

fn protobuf(signal: Signal, bytes: &[u8]) -> bool {
    let Ok(extent) = scan(signal, bytes) else { return false };
    let Ok(decoded) = decode(signal, &bytes.to_vec().into(), UnixNanos(1_700_000_000_000_000_000)) else {
        return false;
    };
    let receipt = &decoded.receipt;
    assert_eq!(extent.items, receipt.accepted + receipt.rejected_total(), "the sums do not close");
    true
}

fn json(signal: Signal, dialect: Dialect, bytes: &[u8]) -> bool {
    let Ok(made) = to_protobuf_within(signal, bytes, dialect, 1 << 20) else { return false };
    assert!(made.len() <= 4 * bytes.len() + 64, "grew from {} to {} bytes", bytes.len(), made.len());
    // Whatever is made is what the decoder takes, unless it is too deep for it.
    protobuf(signal, &made);
    true
}

fn limits() -> Limits {
    Limits { wire_bytes_max: 1 << 20, body_bytes_max: 2 << 20, ..Limits::default() }
}

fn body(encoding: Encoding, bytes: &[u8]) -> bool {
    let budget = Budget::new(16 << 20);
    let mut decoder = Decoder::new(encoding, &limits(), &budget);
    let read = bytes.chunks(64).try_for_each(|chunk| decoder.take(chunk)).and_then(|()| decoder.finish());
    let read = read.map(|read| assert!(read.bytes.len() <= 2 << 20));
    assert_eq!(budget.used_bytes(), 0, "memory was not given back");
    read.is_ok()
}

fn framing(bytes: &[u8]) -> bool {
    let budget = Budget::new(16 << 20);
    let mut framing = Framing::new(Encoding::Gzip, &limits(), &budget);
    bytes.chunks(7).try_for_each(|chunk| framing.take(chunk)).and_then(|()| framing.finish()).is_ok()
}

fn headers(bytes: &[u8]) -> bool {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return false };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, value.clone());
    headers.insert("x-firstcause-space", value.clone());
    let encoding = Encoding::of(&headers, CONTENT_ENCODING).is_ok();
    let space = exchange::space(&headers).is_ok();
    encoding || space || Form::of(Some(&value)) != Form::Other
}

fn texts(bytes: &[u8]) -> bool {
    let Ok(given) = std::str::from_utf8(bytes) else { return false };
    assert!(text::percent(given).is_ascii());
    assert!(text::base64(bytes).is_ascii());
    text::timeout(given).is_some() | given.parse::<Space>().is_ok() | given.parse::<TraceId>().is_ok()
}

fn reader(bytes: &[u8]) -> bool {
    let mut reader = otlp::wire::Reader::new(bytes);
    loop {
        match reader.next_field() {
            Ok(Some((number, _))) => assert!(number > 0),
            Ok(None) => return true,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return false;
            }
        }
    }
}

fn targets() -> Vec<Target> {
    let target = |name, share, samples, run| Target { name, share, samples, run };
    use Dialect::{Filed, Sent};
    use Signal::{Logs, Metrics, Traces};
    vec![
        target("traces in protobuf", 160, samples::protobuf(Traces), |it| protobuf(Traces, it)),
        target("logs in protobuf", 160, samples::protobuf(Logs), |it| protobuf(Logs, it)),
        target("metrics in protobuf", 160, samples::protobuf(Metrics), |it| protobuf(Metrics, it)),
        target("traces in JSON", 100, samples::json(Traces), |it| json(Traces, Sent, it)),
        target("logs in JSON", 100, samples::json(Logs), |it| json(Logs, Sent, it)),
        target("metrics in JSON", 100, samples::json(Metrics), |it| json(Metrics, Sent, it)),
        target("traces in files", 20, samples::json(Traces), |it| json(Traces, Filed, it)),
        target("logs in files", 20, samples::json(Logs), |it| json(Logs, Filed, it)),
        target("metrics in files", 20, samples::json(Metrics), |it| json(Metrics, Filed, it)),
        target("fields of protobuf", 60, samples::protobuf(Metrics), reader),
        target("framing of gRPC", 40, samples::framed(), framing),
        target("gzip", 5, samples::gzip(), |it| body(Encoding::Gzip, it)),
        target("zstd", 5, samples::zstd(), |it| body(Encoding::Zstd, it)),
        target("headers", 25, samples::headers(), headers),
        target("texts", 25, samples::headers(), texts),
    ]
}

/// Spoils `bytes` in one place.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], chance: &mut SeededChance) {
    const ODD: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFF, b'"', b'{', b'['];
    let draw = chance.next_u64();
    let at = (draw >> 16) as usize % bytes.len().max(1);
    let len = (draw >> 48) as usize % 24;
    let piece = |from: &[u8]| {
        let start = (draw >> 40) as usize % from.len().max(1);
        from.get(start..(start + len).min(from.len())).unwrap_or_default().to_vec()
    };
    if bytes.is_empty() {
        bytes.extend(piece(other));
        return;
    }
    match draw % 10 {
        0..=2 => bytes[at] ^= 1 << (draw >> 8 & 7),
        3 => bytes[at] = ODD[(draw >> 8 & 7) as usize],
        4 => bytes[at] = bytes[at].wrapping_add((draw >> 8 & 3) as u8).wrapping_sub(1),
        5 => bytes.truncate(at),
        6 => drop(bytes.drain(at..(at + len).min(bytes.len()))),
        7 => {
            let piece = piece(bytes);
            drop(bytes.splice(at..at, piece));
        }
        8 => drop(bytes.splice(at..at, piece(other))),
        _ => {
            let end = (at + len).min(bytes.len());
            drop(bytes.splice(at..end, piece(other)));
        }
    }
    bytes.truncate(LEN_MAX);
}

/// Runs a parser: whether it accepted, nothing when it panicked, and how long it took. The machine may have been busy
/// with something else, so that what seems slow runs again for as long as that halves its time.
fn execute(target: &Target, bytes: &[u8]) -> (Option<bool>, Duration) {
    let mut least = Duration::MAX;
    loop {
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).ok();
        let took = began.elapsed();
        let is_first = least == Duration::MAX;
        let is_faster = took < least / 2;
        least = least.min(took);
        if outcome.is_none() || least < SLOW / 10 || !(is_first || is_faster) {
            return (outcome, least);
        }
    }
}

/// What came of the executions of one target.
#[derive(Debug, Default)]
struct Found {
    executions: u64,
    accepted: u64,
    slowest: Duration,
    /// The first failure, with what shows it again.
    failure: Option<String>,
}

/// Runs `executions` mutants of one target; each is a function of the seed and its number.
fn fuzz(target: &Target, seed: u64, executions: u64) -> Found {
    let mut found = Found::default();
    let mut chance = SeededChance::new(seed);
    let mut bytes = Vec::with_capacity(2 * LEN_MAX);
    for number in 0..executions {
        let draw = chance.next_u64() as usize;
        let sample = &target.samples[draw % target.samples.len()];
        let other = &target.samples[(draw >> 20) % target.samples.len()];
        bytes.clear();
        bytes.extend_from_slice(sample);
        for _ in 0..=(draw >> 40) % 4 {
            mutate(&mut bytes, other, &mut chance);
        }
        let (outcome, took) = execute(target, &bytes);
        found.executions += 1;
        found.slowest = found.slowest.max(took);
        found.accepted += u64::from(outcome == Some(true));
        if outcome.is_none() || took > SLOW {
            let what = if outcome.is_none() { "panics" } else { "takes too long" };
            let name = target.name;
            found.failure =
                Some(format!("{name} {what}: seed {seed}, number {number}, {took:?}, bytes {bytes:02x?}"));
            break;
        }
    }
    found
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Scenario: 300,000 mutants (200 million as a soak) of sound requests over fifteen parsers.
/// Guarantees: none panics, none takes more than 100 ms, decoders keep their limits and give their memory back, and in
/// every request that is decoded items sent = accepted + rejected.
#[test]
fn mutants_never_panic_never_hang_and_never_pass_a_limit() {
    let is_long = std::env::var_os("FIRSTCAUSE_SOAK").is_some();
    let total: u64 = if is_long { 200_000_000 } else { 300_000 };
    let seed = setting("FIRSTCAUSE_SOAK_SEED").unwrap_or(1);
    let began = Instant::now();
    // Two threads, each with its own half of every target.
    let halves: Vec<_> = (0..2)
        .map(|half| {
            std::thread::spawn(move || {
                let run = |target: &Target| fuzz(target, seed * 2 + half, total / 2 * target.share / 1000);
                targets().iter().map(|target| (target.name, run(target))).collect::<Vec<_>>()
            })
        })
        .collect();
    let found: Vec<_> = halves.into_iter().flat_map(|half| half.join().unwrap()).collect();
    let executions: u64 = found.iter().map(|(_, found)| found.executions).sum();
    let failures: Vec<&String> = found.iter().filter_map(|(_, found)| found.failure.as_ref()).collect();
    let slowest = found.iter().map(|(_, found)| found.slowest).max().unwrap_or_default();
    if is_long {
        report(&found, seed, executions, began.elapsed());
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(executions, total, "the shares do not sum up to a thousand");
    assert!(slowest <= SLOW);
    for (name, found) in &found {
        assert!(found.accepted > 0, "{name}: no mutant was ever accepted, so little is reached");
    }
}

#[allow(clippy::print_stdout, reason = "a soak is told by what it prints")]
fn report(found: &[(&str, Found)], seed: u64, executions: u64, took: Duration) {
    let mut targets = serde_json::Map::new();
    for (name, found) in found {
        let entry =
            targets.entry(*name).or_insert_with(|| serde_json::json!({"executions": 0, "accepted": 0}));
        for (key, more) in [("executions", found.executions), ("accepted", found.accepted)] {
            entry[key] = (entry[key].as_u64().unwrap() + more).into();
        }
    }
    let failures = found.iter().filter(|(_, found)| found.failure.is_some()).count();
    let slowest = found.iter().map(|(_, found)| found.slowest).max().unwrap_or_default();
    let figures = serde_json::json!({
        "seed": seed, "executions": executions, "targets": targets, "failures": failures,
        "slowest_ms": slowest.as_secs_f64() * 1e3, "seconds_in_the_parsers_and_mutators": took.as_secs(),
    });
    println!("FIGURES {figures}");
}

/// The controls of the test above: a parser that panics, and one that takes long, each on one byte.
#[test]
fn a_parser_that_panics_or_takes_long_on_one_byte_is_found() {
    let planted = |run| Target { name: "planted", share: 0, samples: samples::headers(), run };
    let panics = planted(|bytes| {
        assert!(!bytes.contains(&0xFF), "planted");
        true
    });
    let hangs = planted(|bytes| {
        let began = Instant::now();
        while bytes.contains(&0xFF) && began.elapsed() < 2 * SLOW {
            std::hint::spin_loop();
        }
        true
    });
    for (target, what) in [(panics, "planted panics"), (hangs, "planted takes too long")] {
        let failure = fuzz(&target, 1, 10_000).failure.unwrap_or_default();
        assert!(failure.starts_with(what), "{failure}");
    }
}
