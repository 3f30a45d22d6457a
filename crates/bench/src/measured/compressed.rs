//! B5: what receiving gzip bodies costs, by what only decompressing them costs.
//!
//! The other side is the decompressor that the receiver uses: a faster one would make both sides cheaper and the ratio
//! worse, so the nanoseconds of both stand beside it.

use std::io::Write as _;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::{GzEncoder, MultiGzDecoder};
use serde_json::json;

use super::durable::{fill, received_at};
use super::now_ns;
use crate::child::Wiring;
use crate::client::Target;
use crate::cpu;
use crate::generate::spans::Spans;
use crate::generate::{self, Made, Stream as _};
use crate::ratio::{Spread, rounded};
use crate::server::Server;
use crate::settings::{Outcome, Settings};

/// The Collector's default.
const LEVEL: u32 = 6;

/// Runs it.
///
/// # Errors
/// When a side fails or counts something else than was sent.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir_in(&settings.work_dir)?;
    let wiring = Wiring::of_product(folder.path());
    let mut server = Server::start(&settings.program, &wiring)?;
    let mut stream = Spans::new(settings.seed, now_ns());
    fill(&mut server, &mut stream, settings)?;
    let (mut rounds, mut spans, mut sizes) = (Vec::new(), 0, (0, 0));
    for _ in 0..settings.rounds {
        let requests = stream.take_requests(settings.requests);
        let packed = requests.iter().map(pack).collect::<anyhow::Result<Vec<Made>>>()?;
        let target = Target { address: server.address, path: "/v1/traces", encoding: Some("gzip") };
        let sent = generate::items(&requests);
        let (ours, _) = received_at(&mut server, target, &packed, Some(sent))?;
        let (theirs, unpacked) = cpu::measure(|| packed.iter().map(unpack).sum::<anyhow::Result<u64>>());
        let (unpacked, bytes) = (unpacked?, generate::bytes(&requests));
        anyhow::ensure!(unpacked == bytes, "{unpacked} bytes came out of {bytes}");
        rounds.push((ours, theirs));
        spans += sent;
        sizes = (sizes.0 + bytes, sizes.1 + generate::bytes(&packed));
    }
    server.stop()?;
    let least = |side: fn(&(f64, f64)) -> f64| rounds.iter().map(side).fold(f64::INFINITY, f64::min);
    let per_span = |seconds: f64| rounded(seconds * 1e9 * settings.rounds as f64 / spans as f64);
    let mut outcome = Outcome { values: vec![Spread::of_ratios(&rounds)], ..Outcome::default() };
    outcome.figures.extend([
        ("spans".to_owned(), json!(spans)),
        ("times_smaller".to_owned(), json!(rounded(sizes.0 as f64 / sizes.1 as f64))),
        (
            "cpu_ns_a_span".to_owned(),
            json!({ "ours": per_span(least(|round| round.0)), "gunzip": per_span(least(|round| round.1)) }),
        ),
    ]);
    Ok(outcome)
}

fn pack(made: &Made) -> anyhow::Result<Made> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    encoder.write_all(&made.bytes).context("failed to compress")?;
    Ok(Made { bytes: encoder.finish().context("failed to compress")?.into(), items: made.items })
}

/// Decompresses as the receiver does; gives the bytes that came out.
fn unpack(made: &Made) -> anyhow::Result<u64> {
    let mut decoder = MultiGzDecoder::new(Vec::new());
    decoder.write_all(&made.bytes).context("failed to decompress")?;
    let bytes = decoder.finish().context("failed to decompress")?;
    Ok(std::hint::black_box(bytes).len() as u64)
}
