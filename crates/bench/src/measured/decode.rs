//! B2: what our decoder costs against reading every field once, and against `prost` on the same bytes.
//!
//! In process, one thread. The sides take turns on each round's requests, and their counts must agree. Columns and
//! Parquet, which the bound was made for, come after the decoder and are not measured here.

use std::hint::black_box;

use anyhow::Context as _;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlp::Signal;
use prost::Message as _;
use serde_json::json;
use telemetry::UnixNanos;

use super::{now_ns, prost_traces};
use crate::cpu;
use crate::generate::spans::Spans;
use crate::generate::{self, Made, Stream as _};
use crate::ratio::{Spread, rounded};
use crate::settings::{Outcome, Settings};
use crate::tight;
use crate::walk::{self, Found};

/// Runs it.
///
/// # Errors
/// When a side fails or finds something else than the others.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let from_ns = now_ns();
    let mut stream = Spans::new(settings.seed, from_ns);
    let received_at = UnixNanos(from_ns.cast_signed());
    let mut rounds: Vec<[f64; 5]> = Vec::new();
    let mut totals = (0, 0);
    for _ in 0..settings.rounds {
        let requests = stream.take_requests(settings.requests);
        check(&requests, received_at)?;
        let (ours, spans) = cpu::measure(|| ours(&requests, received_at));
        let (theirs, prost_spans) = prost_traces(&requests)?;
        let (walked, found) = cpu::measure(|| walked(&requests));
        let (read, read_found) = cpu::measure(|| read(&requests));
        let (scanned, items) = cpu::measure(|| scanned(&requests));
        let sent = generate::items(&requests);
        let counts = [spans?, prost_spans, found?.spans, read_found?.spans, items?];
        anyhow::ensure!(counts == [sent; 5], "the sides counted {counts:?} of {sent} spans");
        rounds.push([ours, theirs, walked, read, scanned].map(|seconds| seconds / sent as f64 * 1e9));
        totals = (totals.0 + sent, totals.1 + generate::bytes(&requests));
    }
    let by = |first: usize, second: usize| {
        let side = |round: &[f64; 5], at: usize| round.get(at).copied().unwrap_or(f64::NAN);
        let pairs: Vec<(f64, f64)> =
            rounds.iter().map(|round| (side(round, first), side(round, second))).collect();
        Spread::of_ratios(&pairs)
    };
    let least = |at: usize| {
        let side = rounds.iter().filter_map(|round| round.get(at).copied());
        rounded(side.fold(f64::INFINITY, f64::min))
    };
    let mut outcome = Outcome { values: vec![by(0, 2)], ..Outcome::default() };
    outcome.figures.extend([
        ("spans".to_owned(), json!(totals.0)),
        ("bytes_a_span".to_owned(), json!(rounded(totals.1 as f64 / totals.0 as f64))),
        (
            "cpu_ns_a_span".to_owned(),
            json!({
                "ours": least(0),
                "prost": least(1),
                "walk": least(2),
                "our_reader_alone": least(3),
                "our_scan": least(4),
            }),
        ),
        ("ours_by_prost".to_owned(), json!(by(0, 1).map(|spread| spread.json()))),
        ("our_reader_by_walk".to_owned(), json!(by(3, 2).map(|spread| spread.json()))),
    ]);
    outcome.notes.push(
        "the decoder alone, which makes owned signals: the bound includes columns and Parquet".to_owned(),
    );
    Ok(outcome)
}

fn ours(requests: &[Made], received_at: UnixNanos) -> anyhow::Result<u64> {
    let mut spans = 0;
    for made in requests {
        spans += black_box(otlp::decode(Signal::Traces, &made.bytes, received_at)?).spans.len() as u64;
    }
    Ok(spans)
}

fn walked(requests: &[Made]) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for made in requests {
        found.add(black_box(tight::walk(&made.bytes).context("the walk failed")?));
    }
    Ok(found)
}

fn read(requests: &[Made]) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for made in requests {
        found.add(black_box(walk::walk(&made.bytes)?));
    }
    Ok(found)
}

fn scanned(requests: &[Made]) -> anyhow::Result<u64> {
    let mut items = 0;
    for made in requests {
        items += black_box(otlp::scan(Signal::Traces, &made.bytes)?).items;
    }
    Ok(items)
}

/// That all sides find the same in the same bytes, looked at before the clock runs.
fn check(requests: &[Made], received_at: UnixNanos) -> anyhow::Result<()> {
    for made in requests {
        let ours = walk::of_ours(&otlp::decode(Signal::Traces, &made.bytes, received_at)?);
        let theirs = walk::of_prost(&ExportTraceServiceRequest::decode(made.bytes.clone())?);
        let walked = walk::walk(&made.bytes)?;
        anyhow::ensure!(
            ours == theirs && theirs == walked,
            "the sides differ: {ours:?} {theirs:?} {walked:?}"
        );
    }
    Ok(())
}
