//! Malformed requests over three transports: the exact status, content type and body, what is sound of them stored,
//! and the sums closed.
//!
//! Short form: 1,000 cases over each transport. Soak: `cargo xtask soak malformed`, 25,000. What must come of a case
//! says the oracle in Python, which judges the bytes by the rules of OTLP and by the receiver's table of statuses.

use std::collections::BTreeMap;

use ingest::Limits;
use otlp::Signal;
use serde_json::json;
use store::Stats;
use telemetry::UnixNanos;

use crate::canonical;
use crate::cases::{Case, Oracle};
use crate::check;
use crate::client::Client;
use crate::rig::{CLOCK, Rig};
use crate::soak;

/// Cases that share a receiver: its store keeps everything it takes.
const CASES_OF_A_RIG: u64 = 500;
const WORKERS: u64 = 2;
/// Failures that are told in full.
const TOLD_MAX: usize = 20;

/// The limits that the oracle knows: small, so that a case is.
fn limits() -> Limits {
    Limits { wire_bytes_max: 100_000, body_bytes_max: 2_000_000, ..Limits::default() }
}

/// What came of many cases.
#[derive(Default)]
struct Tally {
    cases: u64,
    /// By transport, family and status.
    kinds: BTreeMap<String, u64>,
    sent: u64,
    stored: u64,
    rejected: u64,
    requests_refused: u64,
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.sent += other.sent;
        self.stored += other.stored;
        self.rejected += other.rejected;
        self.requests_refused += other.requests_refused;
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.failures.extend(other.failures);
    }
}

/// Runs the cases from `from` to `to` of each transport.
fn run(seed: u64, from: u64, to: u64, lie: Option<u64>) -> Tally {
    let mut words = vec![seed.to_string(), from.to_string(), to.to_string()];
    words.extend(lie.map(|index| index.to_string()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut tally, mut rig, mut client) = (Tally::default(), None::<Rig>, None);
        for case in Oracle::start(&words) {
            if case.index.is_multiple_of(CASES_OF_A_RIG)
                && case.transport == "grpc"
                && let Some(rig) = rig.take()
            {
                client = None;
                rig.stop().await;
            }
            if rig.is_none() {
                let fresh = Rig::with(limits()).await;
                client = Some(Client::new(fresh.http, fresh.grpc));
                rig = Some(fresh);
            }
            one(&case, rig.as_ref().unwrap(), client.as_mut().unwrap(), &mut tally).await;
        }
        drop(client);
        if let Some(rig) = rig {
            rig.stop().await;
        }
        tally
    })
}

async fn one(case: &Case, rig: &Rig, client: &mut Client, tally: &mut Tally) {
    let before = rig.store.stats();
    let answer = client.send(case).await;
    let after = rig.store.stats();
    let kept = rig.offered();
    let outcome = check::answer(case, &answer).and_then(|()| check_stored(case, kept, &before, &after));
    tally.cases += 1;
    let code = case.expect.code.map_or("none".to_owned(), |code| code.to_string());
    *tally.kinds.entry(format!("{} {} {code}", case.transport, case.family)).or_default() += 1;
    tally.stored += after.accepted - before.accepted;
    tally.rejected += rejected(&after) - rejected(&before);
    match &case.expect.taken {
        Some(taken) => tally.sent += taken.sent,
        None => tally.requests_refused += 1,
    }
    if let Err(what) = outcome {
        let name = format!("case {} over {} ({}, {})", case.index, case.transport, case.family, case.signal);
        let told: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
        let grpc = answer.header("grpc-message").unwrap_or_default();
        tally.failures.push(format!("{name}: {what}; answer {} {told:?} {grpc}", answer.http));
    }
}

fn rejected(stats: &Stats) -> u64 {
    stats.rejected.values().sum()
}

/// Whether the store holds what it should, and its books say so.
fn check_stored(
    case: &Case,
    kept: Option<otlp::Request>,
    before: &Stats,
    after: &Stats,
) -> Result<(), String> {
    let accepted = after.accepted - before.accepted;
    let refused: u64 = after.refused.values().sum::<u64>() - before.refused.values().sum::<u64>();
    let Some(taken) = &case.expect.taken else {
        // A request is refused before the store or by it, and nothing of it stays.
        let told = (accepted, rejected(after) - rejected(before), u64::from(kept.is_some()));
        return if told == (0, 0, refused) {
            Ok(())
        } else {
            Err(format!("refused, and the books say {told:?}"))
        };
    };
    let told = (accepted, rejected(after) - rejected(before), refused);
    let expected = (taken.stored.len() as u64, taken.rejected, 0);
    if told != expected {
        return Err(format!("stored, rejected and refused are {told:?}, expected {expected:?}"));
    }
    let request = kept.ok_or("nothing was offered to the store")?;
    let signal = Signal::ALL.into_iter().find(|signal| signal.name() == case.signal).unwrap();
    if request.signal != signal {
        return Err(format!("the store got {:?}", request.signal));
    }
    let decoded =
        otlp::decode(signal, &request.bytes, UnixNanos(CLOCK)).map_err(|error| error.to_string())?;
    let items = canonical::items(&decoded);
    match items.iter().zip(&taken.stored).find(|(got, expected)| got != expected) {
        Some((got, expected)) => Err(format!("stored {got}, expected {expected}")),
        None => Ok(()),
    }
}

/// All cases, on both cores.
fn run_all(seed: u64, cases: u64) -> Tally {
    let share = cases.div_ceil(WORKERS);
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            std::thread::spawn(move || run(seed, worker * share, ((worker + 1) * share).min(cases), None))
        })
        .collect();
    let mut tally = Tally::default();
    workers.into_iter().for_each(|worker| tally.add(worker.join().unwrap()));
    tally
}

/// Scenario: 1,000 seeded cases (25,000 as a soak) of sixteen families, each over gRPC, HTTP with protobuf and HTTP with
/// JSON.
/// Guarantees: every answer has the status, the content type and the body that an independent oracle says; what is sound
/// in partly bad requests is stored as sent; sent = stored + rejected, and what is refused leaves nothing.
#[test]
fn malformed_requests_are_answered_as_the_specification_says_and_the_sound_rest_is_stored() {
    let cases = if soak::is_long() { 25_000 } else { 1_000 };
    let tally = run_all(soak::seed(), cases);
    let wrong = tally.failures.len();
    soak::report(&json!({
        "seed": soak::seed(), "cases": cases, "requests": tally.cases, "as_the_oracle_says": tally.cases - wrong as u64,
        "items_sent": tally.sent, "items_stored": tally.stored, "items_rejected": tally.rejected,
        "requests_refused": tally.requests_refused, "kinds": tally.kinds,
    }));
    let told: Vec<&String> = tally.failures.iter().take(TOLD_MAX).collect();
    assert!(wrong == 0, "{wrong} of {} cases are wrong:\n{told:#?}", tally.cases);
    assert_eq!(tally.cases, cases * 3);
    assert_eq!(tally.sent, tally.stored + tally.rejected, "the sums do not close");
    assert!(
        tally.stored > 0 && tally.rejected > 0 && tally.requests_refused > 0,
        "the test compares nothing"
    );
}

/// The control of the test above: an oracle that is wrong about one case is seen, over every transport, and about no
/// other.
#[test]
fn one_wrong_expectation_is_seen() {
    let tally = run(1, 0, 12, Some(7));
    assert_eq!(tally.failures.len(), 3, "{:#?}", tally.failures);
    assert!(tally.failures.iter().all(|failure| failure.starts_with("case 7 ")), "{:#?}", tally.failures);
}
