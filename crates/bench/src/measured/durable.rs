//! B1: the processor time of receiving, decoding, keeping and syncing spans, against `prost` decoding the same bytes.
//!
//! The receiver is a process of its own with the product's settings. It is filled first until old signals go to
//! segments, because that is what it does all day; then the sides take turns.

use serde_json::json;

use super::{CONNECTIONS, check_accepted, check_kept, now_ns, prost_traces};
use crate::child::Wiring;
use crate::client::{self, Target};
use crate::generate::spans::Spans;
use crate::generate::{self, Made, Stream as _};
use crate::ratio::{Spread, rounded};
use crate::server::{Figures, Server};
use crate::settings::{Outcome, Settings};

/// Requests sent at most to fill it.
const FILLING_MAX: usize = 4000;

/// Runs it.
///
/// # Errors
/// When the receiver fails or counts something else than was sent.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    run_filled_with(settings, FILLING_MAX)
}

/// Runs it, having sent this many requests at most to fill the receiver.
///
/// # Errors
/// As [`run`].
pub fn run_filled_with(settings: &Settings, requests_max: usize) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir_in(&settings.work_dir)?;
    let wiring = Wiring::of_product(folder.path());
    let mut server = Server::start(&settings.program, &wiring)?;
    let mut stream = Spans::new(settings.seed, now_ns());
    let filled = fill_with(&mut server, &mut stream, (settings.requests, requests_max))?;
    let (mut rounds, mut rates, mut totals) = (Vec::new(), Vec::new(), (0, 0));
    for _ in 0..settings.rounds {
        let requests = stream.take_requests(settings.requests);
        let sent = generate::items(&requests);
        let (ours, wall) = received(&mut server, &requests, Some(sent))?;
        let (theirs, spans) = prost_traces(&requests)?;
        anyhow::ensure!(spans == sent, "prost counted {spans} of {sent} spans");
        rounds.push((ours, theirs));
        rates.push(sent as f64 / wall);
        totals = (totals.0 + sent, totals.1 + generate::bytes(&requests));
    }
    let last = server.figures()?;
    server.stop()?;
    let least = |side: fn(&(f64, f64)) -> f64| rounds.iter().map(side).fold(f64::INFINITY, f64::min);
    let sum = |side: fn(&(f64, f64)) -> f64| rounds.iter().map(side).sum::<f64>();
    let per_span = |seconds: f64| rounded(seconds * 1e9 * settings.rounds as f64 / totals.0 as f64);
    let mut outcome = Outcome { values: vec![Spread::of_ratios(&rounds)], ..Outcome::default() };
    outcome.figures.extend([
        ("spans".to_owned(), json!(totals.0)),
        // Segments are written in some rounds and not in others: the sum is what a day is like.
        (
            "ratio_of_all_rounds_together".to_owned(),
            json!(rounded(sum(|round| round.0) / sum(|round| round.1))),
        ),
        ("spans_before".to_owned(), json!(filled)),
        ("bytes_a_span".to_owned(), json!(rounded(totals.1 as f64 / totals.0 as f64))),
        (
            "cpu_ns_a_span".to_owned(),
            json!({ "ours": per_span(least(|round| round.0)), "prost": per_span(least(|round| round.1)) }),
        ),
        ("spans_a_second".to_owned(), json!(Spread::of(&rates).map(|spread| spread.json()))),
        ("peak_rss_mib".to_owned(), json!(last.count("peak_bytes") >> 20)),
        ("spans_in_segments".to_owned(), json!(last.count("sealed"))),
    ]);
    Ok(outcome)
}

/// Sends until the receiver's memory is full and its oldest signals go to segments; gives the spans sent.
pub(crate) fn fill(server: &mut Server, stream: &mut Spans, settings: &Settings) -> anyhow::Result<u64> {
    fill_with(server, stream, (settings.requests, FILLING_MAX))
}

fn fill_with(
    server: &mut Server,
    stream: &mut Spans,
    (at_once, requests_max): (usize, usize),
) -> anyhow::Result<u64> {
    let mut filled = 0;
    for _ in 0..requests_max.div_ceil(at_once.max(1)) {
        let requests = stream.take_requests(at_once);
        filled += generate::items(&requests);
        received(server, &requests, None)?;
        if server.figures()?.count("sealed") > 0 {
            break;
        }
    }
    Ok(filled)
}

/// Sends the trace requests and waits until all is done that follows from them. Gives the processor seconds of the
/// receiver and the seconds that sending took, having counted when told how many items there were.
///
/// # Errors
/// When a request is not acknowledged or the counts differ.
pub fn received(server: &mut Server, requests: &[Made], items: Option<u64>) -> anyhow::Result<(f64, f64)> {
    let target = Target { address: server.address, path: "/v1/traces", encoding: None };
    received_at(server, target, requests, items)
}

/// Like [`received`], to any of its paths.
pub(crate) fn received_at(
    server: &mut Server,
    target: Target<'_>,
    requests: &[Made],
    items: Option<u64>,
) -> anyhow::Result<(f64, f64)> {
    let before: Figures = server.quiet()?;
    let sent = client::send(target, requests, CONNECTIONS)?.all_acknowledged()?;
    let after = server.quiet()?;
    if let Some(items) = items {
        check_accepted(&before, &after, items)?;
        check_kept(&after)?;
    }
    Ok((after.cpu_seconds() - before.cpu_seconds(), sent.elapsed.as_secs_f64()))
}
