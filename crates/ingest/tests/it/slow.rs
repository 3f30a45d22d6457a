//! Senders that are slow on purpose, and floods of HTTP/2: they are cut, memory and file descriptors stay bounded, and
//! a neighbour is served all the while.
//!
//! Short form: 200 slow senders, each flood for half a second. Soak: `cargo xtask soak slow`, 400 slow senders at a time
//! over and over, each flood for 20 seconds. The receiver is a process of its own, with short times.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::client::Client;
use crate::frames::{FLOODS, Flood, opening, wave};
use crate::neighbour::{self, Neighbour};
use crate::receiver::{Receiver, Role, Usage};
use crate::{bodies, soak};

/// The goal for the growth over what the receiver has when a neighbour alone is served, without what it stores.
const GROWTH_KIB_MAX: u64 = 32 << 10;
/// Connections of one flood.
const FLOODERS: usize = 4;
/// The longest time of the hasty receiver is 3 s; the slack is for a busy machine.
const CUT_WITHIN: Duration = Duration::from_secs(15);

/// What a slow sender begins with, and then goes on with byte by byte.
const SLOW: [&str; 2] = [
    "POST /v1/traces HTTP/1.1\r\nhost: x\r\nx-a: ",
    "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100000\r\n\r\n",
];

/// Sends a byte every 100 ms until it is cut; how long that took.
async fn slow(receiver: std::net::SocketAddr, beginning: &'static str) -> Option<Duration> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(receiver).await.ok()?;
    stream.write_all(beginning.as_bytes()).await.ok()?;
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut answer = Vec::new();
    let ended = timeout(CUT_WITHIN, reading.read_to_end(&mut answer)).await;
    dripping.abort();
    ended.ok().map(|_| began.elapsed())
}

/// What slow senders met.
#[derive(Debug, Default)]
struct Cut {
    senders: u64,
    cut: u64,
    longest: Duration,
}

async fn slow_senders(receiver: &Receiver, count: usize) -> Cut {
    let senders: Vec<_> =
        (0..count).map(|number| tokio::spawn(slow(receiver.http, SLOW[number % SLOW.len()]))).collect();
    let mut cut = Cut::default();
    for sender in senders {
        cut.senders += 1;
        if let Some(took) = sender.await.unwrap() {
            cut.cut += 1;
            cut.longest = cut.longest.max(took);
        }
    }
    cut
}

/// One connection of a flood after the other, as the receiver cuts them; how many, and how many bytes went.
async fn flood(receiver: std::net::SocketAddr, flood: Flood, time: Duration) -> (u64, u64) {
    let (began, mut connections, mut bytes) = (Instant::now(), 0, 0);
    while began.elapsed() < time {
        let Ok(mut stream) = TcpStream::connect(receiver).await else { continue };
        connections += 1;
        if stream.write_all(&opening(flood)).await.is_err() {
            continue;
        }
        for round in 0.. {
            let wave = wave(flood, round);
            // Where the receiver stops reading, a flood stands still.
            let left = time.saturating_sub(began.elapsed());
            match timeout(left, stream.write_all(&wave)).await {
                Ok(Ok(())) => bytes += wave.len() as u64,
                Ok(Err(_)) => break,
                Err(_) => return (connections, bytes),
            }
        }
    }
    (connections, bytes)
}

async fn flooded(receiver: &Receiver, kind: Flood, time: Duration) -> Json {
    let flooders: Vec<_> = (0..FLOODERS).map(|_| tokio::spawn(flood(receiver.grpc, kind, time))).collect();
    let (mut connections, mut bytes) = (0, 0);
    for flooder in flooders {
        let (more_connections, more_bytes) = flooder.await.unwrap();
        connections += more_connections;
        bytes += more_bytes;
    }
    assert!(bytes > 0, "{kind:?}: nothing was sent");
    json!({ "connections": connections, "bytes": bytes })
}

/// Whether both listeners still answer.
async fn is_answered(receiver: &Receiver) -> bool {
    let mut client = Client::new(receiver.http, receiver.grpc);
    for transport in ["protobuf", "grpc"] {
        let mut bomb = bodies::empty_spans(transport, 0);
        bomb.kind = "a last request";
        if client.send(&neighbour::case(&bomb)).await.http != 200 {
            return false;
        }
    }
    true
}

/// What the attacks of this file did, one after the other, beside one neighbour.
async fn attacked(is_long: bool) -> Json {
    let mut receiver = Receiver::start(Role::Hasty);
    let calm = Neighbour::begin(receiver.http, receiver.grpc);
    tokio::time::sleep(Duration::from_secs(if is_long { 10 } else { 1 })).await;
    let calm = calm.end().await;
    let before = receiver.usage();
    let beside = Neighbour::begin(receiver.http, receiver.grpc);
    let (rounds, senders) = if is_long { (13, 400) } else { (1, 200) };
    let mut cut = Cut::default();
    for _ in 0..rounds {
        let more = slow_senders(&receiver, senders).await;
        cut.senders += more.senders;
        cut.cut += more.cut;
        cut.longest = cut.longest.max(more.longest);
    }
    let time = if is_long { Duration::from_secs(20) } else { Duration::from_millis(500) };
    let mut floods = serde_json::Map::new();
    for kind in FLOODS {
        floods.insert(format!("{kind:?}"), flooded(&receiver, kind, time).await);
    }
    let beside = beside.end().await;
    assert!(is_answered(&receiver).await, "a listener no longer answers");
    let after = settled(&receiver, before).await;
    let stats = receiver.stats();
    assert!(receiver.stop());
    assert_eq!(cut.cut, cut.senders, "some slow senders were never cut");
    assert_eq!((calm.refused, beside.refused), (0, 0), "a neighbour was refused");
    assert_eq!(stats["accepted"], calm.requests() + beside.requests(), "the sums do not close: {stats}");
    let stored_kib = stats["head_bytes"].as_u64().unwrap() / 1024;
    let growth_kib = after.peak_kib.saturating_sub(before.resident_kib).saturating_sub(stored_kib);
    let [alone_ms, beside_ms] = [&calm, &beside].map(|seen| seen.slowest_hundredth().as_secs_f64() * 1e3);
    json!({
        "seed": soak::seed(), "slow_senders": cut.senders, "slow_cut": cut.cut,
        "slow_longest_ms": cut.longest.as_millis() as u64, "floods": floods, "flood_s": time.as_secs_f64(),
        "growth_mib": growth_kib / 1024, "growth_mib_max": GROWTH_KIB_MAX / 1024, "files_before": before.files,
        "files_after": after.files, "neighbour_requests": beside.requests(), "neighbour_refused": beside.refused,
        "neighbour_p99_ms_alone": alone_ms, "neighbour_p99_ms_beside": beside_ms, "slower": beside_ms / alone_ms,
        "slower_max": 2.0, "passed": growth_kib <= GROWTH_KIB_MAX && beside_ms < 2.0 * alone_ms,
    })
}

/// What the receiver has once the connections of the attackers are gone.
async fn settled(receiver: &Receiver, before: Usage) -> Usage {
    let began = Instant::now();
    loop {
        let usage = receiver.usage();
        if usage.files <= before.files + 2 || began.elapsed() > CUT_WITHIN {
            return usage;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.unwrap().block_on(work)
}

/// Scenario: 200 senders (5,200 as a soak) that send a byte every 100 ms of a head or of a body, then six floods of
/// HTTP/2, beside a neighbour that sends one span after the other.
/// Guarantees: every slow sender is cut; file descriptors and memory are given back, memory within the goal; both
/// listeners go on; every request of the neighbour is taken and stored.
#[test]
fn slow_senders_are_cut_and_floods_leave_nothing_behind() {
    let figures = run(attacked(soak::is_long()));
    soak::report(&figures);
    let number = |name: &str| figures[name].as_u64().unwrap();
    assert!(number("files_after") <= number("files_before") + 2, "{figures:#}");
    assert!(number("growth_mib") <= 2 * number("growth_mib_max"), "{figures:#}");
    assert!(number("neighbour_requests") > 20, "{figures:#}");
}

/// The control of the test above: a receiver that waits longer holds the same senders, and the harness sees it.
#[test]
fn a_receiver_that_waits_longer_still_holds_its_slow_senders() {
    run(async {
        for (role, is_held) in [(Role::Scanning, true), (Role::Hasty, false)] {
            let receiver = Receiver::start(role);
            let before = receiver.usage().files;
            let mut streams = Vec::new();
            for _ in 0..50 {
                let mut stream = TcpStream::connect(receiver.http).await.unwrap();
                stream.write_all(SLOW[0].as_bytes()).await.unwrap();
                streams.push(stream);
            }
            // The hasty one cuts them within a second and the period of its look.
            tokio::time::sleep(Duration::from_secs(3)).await;
            let held = receiver.usage().files.saturating_sub(before);
            assert_eq!(held >= 50, is_held, "{role:?} holds {held}");
            drop(streams);
            assert!(receiver.stop());
        }
    });
}

/// A receiver without file descriptors goes on to accept when there are some again.
#[test]
fn a_receiver_that_ran_out_of_file_descriptors_accepts_again() {
    run(async {
        let receiver = Receiver::start_with_files(Role::Scanning, 40);
        let mut streams = Vec::new();
        for _ in 0..80 {
            // The system accepts what the process cannot take yet.
            streams.push(TcpStream::connect(receiver.http).await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(receiver.usage().files < 80, "it took all of them");
        let mut waiting = TcpStream::connect(receiver.http).await.unwrap();
        waiting.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let soon = timeout(Duration::from_millis(300), waiting.read_to_end(&mut answer)).await;
        assert!(soon.is_err(), "there were file descriptors left: the test shows nothing");
        drop(streams);
        timeout(CUT_WITHIN, waiting.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 404"), "{}", String::from_utf8_lossy(&answer));
        assert!(is_answered(&receiver).await);
        assert!(receiver.stop());
    });
}
