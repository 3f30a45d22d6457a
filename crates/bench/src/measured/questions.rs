//! B14: what is left of the way in while four threads ask what an investigation begins with.
//!
//! Rounds without and with questions take turns on one receiver. The questions are those of the store, not whole
//! investigations, so that this crate need not know the engine.

use serde_json::json;

use super::durable::fill;
use super::{CONNECTIONS, check_accepted, check_kept, now_ns};
use crate::child::Wiring;
use crate::client::{self, Sent, Target};
use crate::generate::spans::Spans;
use crate::generate::{self, Stream as _};
use crate::ratio::{Spread, rounded};
use crate::server::Server;
use crate::settings::{Outcome, Settings};

/// Threads that ask.
const LOOPS: usize = 4;

/// Runs it.
///
/// # Errors
/// When the receiver fails or counts something else than was sent.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir_in(&settings.work_dir)?;
    let wiring = Wiring::of_product(folder.path());
    let mut server = Server::start(&settings.program, &wiring)?;
    let mut stream = Spans::new(settings.seed, now_ns());
    fill(&mut server, &mut stream, settings)?;
    let (mut kept, mut tails, mut calm_tails) = (Vec::new(), Vec::new(), Vec::new());
    let (mut answers, mut unanswered) = (0, 0);
    for _ in 0..settings.rounds {
        let calm = one(&mut server, &mut stream, settings)?;
        server.tell(&format!("ask {LOOPS}"))?;
        let asked = one(&mut server, &mut stream, settings)?;
        let figures = server.figures()?;
        server.tell("hush")?;
        check_kept(&server.quiet()?)?;
        answers += figures.count("answers");
        unanswered += figures.count("unanswered");
        let rate = |sent: &Sent| sent.acknowledged_items as f64 / sent.elapsed.as_secs_f64();
        kept.push((rate(&asked), rate(&calm)));
        let tail = |sent: &Sent| sent.quantile(0.99).map_or(f64::NAN, |tail| tail.as_secs_f64() * 1e3);
        tails.push(tail(&asked));
        calm_tails.push(tail(&calm));
    }
    server.stop()?;
    let values = vec![Spread::of_ratios(&kept), Spread::of(&tails)];
    let mut outcome = Outcome { values, ..Outcome::default() };
    let calm = kept.iter().map(|round| round.1).collect::<Vec<f64>>();
    outcome.figures.extend([
        ("answers".to_owned(), json!(answers)),
        ("unanswered".to_owned(), json!(unanswered)),
        ("answers_a_round".to_owned(), json!(rounded(answers as f64 / settings.rounds as f64))),
        ("spans_a_second_without_questions".to_owned(), json!(Spread::of(&calm).map(|spread| spread.json()))),
        ("p99_ms_without_questions".to_owned(), json!(Spread::of(&calm_tails).map(|spread| spread.json()))),
    ]);
    outcome.notes.push("senders, receiver and questions share the machine's cores".to_owned());
    Ok(outcome)
}

fn one(server: &mut Server, stream: &mut Spans, settings: &Settings) -> anyhow::Result<Sent> {
    let requests = stream.take_requests(settings.requests);
    let before = server.figures()?;
    let target = Target { address: server.address, path: "/v1/traces", encoding: None };
    let sent = client::send(target, &requests, CONNECTIONS)?.all_acknowledged()?;
    check_accepted(&before, &server.figures()?, generate::items(&requests))?;
    Ok(sent)
}
