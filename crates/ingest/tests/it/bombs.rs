//! Small bodies that would become large ones: the receiver's memory stays bounded, and its neighbours are served.
//!
//! Short form: 48 bombs. Soak: `cargo xtask soak bombs`, 200. Sixty-four at a time in both. The receiver is a process of its own
//! with the limits it has by default; a receiver that decodes before it looks is the control.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;

use crate::bodies::{self, Bomb};
use crate::client::{Answer, Client};
use crate::neighbour::{self, Neighbour, Seen};
use crate::receiver::{Receiver, Role, Usage};
use crate::soak;

/// Bombs on their way at one time.
const AT_ONCE: usize = 64;
/// The goal for how much the receiver grows over what it has when neighbours alone are served, without what it stores.
const GROWTH_KIB_MAX: u64 = 48 << 10;
/// What its limits allow: 128 MiB of bodies and 64 MiB of requests that are being stored.
const LIMITS_KIB: u64 = 192 << 10;
/// Processor time of one bomb, on average.
const CPU_MS_MAX: u64 = 100;
/// Against the neighbours' own slowest hundredth without bombs.
const SLOWER_MAX: f64 = 2.0;

/// The status in the numbers of HTTP, whatever the transport.
fn status(answer: &Answer) -> u16 {
    match answer.header("grpc-status") {
        Some("0") => 200,
        Some("3") => 400,
        Some("8") => 413,
        Some("14") => 503,
        Some(_) => 500,
        None => answer.http,
    }
}

/// What bombs did to a receiver.
struct Damage {
    before: Usage,
    after: Usage,
    /// By status.
    answers: std::collections::BTreeMap<u16, u64>,
    alone: Seen,
    beside: Seen,
    /// Items of bombs that were sound, however large.
    taken_items: u64,
    stats: serde_json::Value,
}

impl Damage {
    fn growth_kib(&self) -> u64 {
        let stored_kib = self.stats["head_bytes"].as_u64().unwrap() / 1024;
        self.after.peak_kib.saturating_sub(self.before.resident_kib).saturating_sub(stored_kib)
    }

    fn cpu_ms_a_bomb(&self) -> u64 {
        let bombs: u64 = self.answers.values().sum();
        (self.after.cpu_ms - self.before.cpu_ms) / bombs.max(1)
    }

    fn sent_beside(&self) -> u64 {
        self.alone.requests() + self.beside.requests()
    }
}

async fn attack(role: Role, bombs: Vec<Bomb>, calm: Duration) -> Damage {
    let mut receiver = Receiver::start(role);
    let (http, grpc) = (receiver.http, receiver.grpc);
    let alone = Neighbour::begin(http, grpc);
    tokio::time::sleep(calm).await;
    let alone = alone.end().await;
    let before = receiver.usage();
    let beside = Neighbour::begin(http, grpc);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut flying = Vec::new();
    for bomb in bombs {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        flying.push(tokio::spawn(async move {
            let answer = Client::new(http, grpc).send(&neighbour::case(&bomb)).await;
            drop(place);
            (bomb, status(&answer))
        }));
    }
    let (mut answers, mut taken_items) = (std::collections::BTreeMap::new(), 0);
    for one in flying {
        let (bomb, status) = one.await.unwrap();
        assert!(matches!(status, 200 | 400 | 413 | 503), "{}: {status}", bomb.kind);
        taken_items += if status == 200 { bomb.items } else { 0 };
        *answers.entry(status).or_default() += 1;
    }
    let beside = beside.end().await;
    let (after, stats) = (receiver.usage(), receiver.stats());
    assert!(receiver.stop());
    Damage { before, after, answers, alone, beside, taken_items, stats }
}

fn run(role: Role, bombs: Vec<Bomb>, calm: Duration) -> Damage {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap().block_on(attack(role, bombs, calm))
}

/// Scenario: 48 bombs (200 as a soak) of gzip, zstd, nested, of many members and of empty items, 64 at a time, beside a
/// neighbour that sends one span after the other.
/// Guarantees: every bomb is answered; the receiver grows by no more than its limits allow; the neighbour's requests are
/// all answered, and what was taken is what is stored; the memory of requests is given back. The soak records whether
/// the goals are met: 48 MiB, processor time of a bomb, and the neighbour's slowest hundredth.
#[test]
fn bombs_are_answered_within_bounded_memory_and_neighbours_are_served() {
    let count = if soak::is_long() { 200 } else { 48 };
    let calm = Duration::from_secs(if soak::is_long() { 10 } else { 1 });
    let damage = run(Role::Scanning, bodies::bombs(soak::seed(), count), calm);
    let [alone, beside] = [&damage.alone, &damage.beside].map(Seen::slowest_hundredth);
    let slower = beside.as_secs_f64() / alone.as_secs_f64();
    let passed =
        damage.growth_kib() <= GROWTH_KIB_MAX && damage.cpu_ms_a_bomb() <= CPU_MS_MAX && slower < SLOWER_MAX;
    soak::report(&json!({
        "seed": soak::seed(), "bombs": count, "at_once": AT_ONCE, "answers": damage.answers,
        "stored_mib": damage.stats["head_bytes"].as_u64().unwrap() >> 20,
        "growth_mib": damage.growth_kib() / 1024, "growth_mib_max": GROWTH_KIB_MAX / 1024,
        "cpu_ms_a_bomb": damage.cpu_ms_a_bomb(), "cpu_ms_a_bomb_max": CPU_MS_MAX,
        "neighbour_requests": damage.beside.requests(), "neighbour_refused": damage.beside.refused,
        "neighbour_p99_ms_alone": alone.as_secs_f64() * 1e3, "neighbour_p99_ms_beside": beside.as_secs_f64() * 1e3,
        "slower": slower, "slower_max": SLOWER_MAX, "passed": passed,
    }));
    assert_eq!(damage.answers.values().sum::<u64>(), count as u64);
    assert!(damage.growth_kib() <= LIMITS_KIB, "grew by {} KiB", damage.growth_kib());
    // A neighbour may be told to come back, and then comes back.
    assert_eq!(damage.alone.refused, 0);
    let taken = damage.sent_beside() - damage.beside.refused;
    let of_bombs = damage.taken_items;
    assert_eq!(
        damage.stats["accepted"],
        taken + of_bombs,
        "what was taken is not what is stored: {}",
        damage.stats
    );
    assert_eq!(damage.stats["used_bytes"], 0, "memory of requests was not given back");
}

/// The control of the test above: a receiver that decodes before it looks grows beyond the bound with one bomb of four
/// mebibytes.
#[test]
fn a_receiver_that_decodes_before_it_looks_grows_beyond_the_bound() {
    let damage = run(
        Role::DecodingFirst,
        vec![bodies::empty_spans("protobuf", 2_000_000)],
        Duration::from_millis(200),
    );
    assert!(damage.growth_kib() > 2 * LIMITS_KIB, "grew by {} KiB only", damage.growth_kib());
    let same =
        run(Role::Scanning, vec![bodies::empty_spans("protobuf", 2_000_000)], Duration::from_millis(200));
    assert!(same.growth_kib() <= GROWTH_KIB_MAX, "grew by {} KiB", same.growth_kib());
}
