//! B6: log lines that a processor second receives, keeps and syncs, against `prost` decoding the same bytes, and with
//! their templates against Drain3.
//!
//! The store masks lines into templates when it is asked for them and not when they come. So that the second figure
//! compares like with like, one question for the templates of each round is asked and counted on our side.

use serde_json::json;

use super::durable::received_at;
use super::peers::{self, Answer};
use super::{now_ns, prost_logs};
use crate::child::Wiring;
use crate::client::Target;
use crate::generate::logs::Logs;
use crate::generate::{self, Stream as _};
use crate::ratio::{Spread, rounded};
use crate::server::Server;
use crate::settings::{Outcome, Settings};

/// Lines that the peer is given: it takes some 50 microseconds for each.
const PEER_LINES: usize = 30_000;

/// Runs it.
///
/// # Errors
/// When a side fails or counts something else than was sent.
pub fn run(settings: &Settings) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir_in(&settings.work_dir)?;
    let wiring = Wiring::of_product(&folder.path().join("data"));
    let mut server = Server::start(&settings.program, &wiring)?;
    let mut stream = Logs::new(settings.seed.wrapping_add(1), now_ns());
    let target = Target { address: server.address, path: "/v1/logs", encoding: None };
    let (mut rounds, mut with_templates, mut lines, mut templates) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..settings.rounds {
        let from = stream.now_ns() + 1;
        let requests = stream.take_requests(settings.requests);
        let sent = generate::items(&requests);
        let (ours, _) = received_at(&mut server, target, &requests, Some(sent))?;
        let (theirs, counted) = prost_logs(&requests)?;
        anyhow::ensure!(counted == sent, "prost counted {counted} of {sent} lines");
        let before = server.figures()?.cpu_seconds();
        let answer = server.ask(&format!("templates {from} {}", stream.now_ns() + 1))?;
        let asked = server.figures()?.cpu_seconds() - before;
        let counted = answer.get("lines").and_then(serde_json::Value::as_u64);
        anyhow::ensure!(counted == Some(sent), "the templates count {answer} of {sent} lines");
        templates = answer.get("templates").and_then(serde_json::Value::as_u64).unwrap_or(0);
        rounds.push((theirs, ours));
        with_templates.push(sent as f64 / (ours + asked));
        lines += sent;
    }
    server.stop()?;
    let mut outcome = Outcome { values: vec![Spread::of_ratios(&rounds), None], ..Outcome::default() };
    let least = |side: fn(&(f64, f64)) -> f64| rounds.iter().map(side).fold(f64::INFINITY, f64::min);
    let per_line = |seconds: f64| rounded(seconds * 1e9 * settings.rounds as f64 / lines as f64);
    outcome.figures.extend([
        ("lines".to_owned(), json!(lines)),
        ("templates".to_owned(), json!(templates)),
        (
            "cpu_ns_a_line".to_owned(),
            json!({ "ours": per_line(least(|round| round.1)), "prost": per_line(least(|round| round.0)) }),
        ),
        (
            "lines_a_cpu_second_with_templates".to_owned(),
            json!(Spread::of(&with_templates).map(|spread| spread.json())),
        ),
    ]);
    against_drain(settings, folder.path(), &with_templates, &mut outcome)?;
    Ok(outcome)
}

fn against_drain(
    settings: &Settings,
    folder: &std::path::Path,
    ours: &[f64],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut stream = Logs::new(settings.seed.wrapping_add(1), 0);
    let lines: Vec<String> = (0..PEER_LINES).map(|_| stream.line()).collect();
    let input = peers::write(folder, "lines.txt", &lines.join("\n"))?;
    match peers::ask(settings, "drain.py", &[&input])? {
        Answer::Of(figures) => {
            let rate = figures.get("lines_a_cpu_second").and_then(serde_json::Value::as_f64);
            let rate = rate.unwrap_or(f64::NAN);
            let rounds: Vec<(f64, f64)> = ours.iter().map(|ours| (*ours, rate)).collect();
            if let Some(second) = outcome.values.get_mut(1) {
                *second = Spread::of_ratios(&rounds);
            }
            outcome.figures.insert("drain3".to_owned(), figures);
        }
        Answer::None(reason) => outcome.notes.push(reason),
    }
    Ok(())
}
