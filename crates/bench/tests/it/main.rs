//! The benchmarks in small: that they count right, with the real program as the child. No time is judged here.

use std::path::{Path, PathBuf};

use bench::child::Wiring;
use bench::client::{self, Target};
use bench::generate::spans::Spans;
use bench::generate::{self, Stream as _};
use bench::measured::{decode, durable};
use bench::server::Server;
use bench::settings::Settings;

fn settings(work_dir: &Path) -> Settings {
    Settings {
        seed: 11,
        rounds: 2,
        requests: 3,
        overload_seconds: 1,
        work_dir: work_dir.to_owned(),
        program: PathBuf::from(env!("CARGO_BIN_EXE_bench")),
        product: None,
        cold_build_seconds: None,
        python: None,
        peers: Vec::new(),
    }
}

fn now_ns() -> u64 {
    let clock = platform::SystemClock::new();
    platform::Clock::now_unix_nanos(&clock).cast_unsigned()
}

#[test]
fn decoding_is_measured_on_as_many_spans_as_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = decode::run(&settings(folder.path())).unwrap();
    assert_eq!(outcome.figures["spans"], 2 * 3 * 512);
    let spread = outcome.values[0].expect("a ratio");
    assert_eq!(spread.rounds, 2);
    assert!(spread.low > 0.0 && spread.low <= spread.median && spread.median <= spread.high);
}

#[test]
fn receiving_is_measured_on_as_many_spans_as_were_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = durable::run_filled_with(&settings(folder.path()), 6).unwrap();
    assert_eq!(outcome.figures["spans"], 2 * 3 * 512);
    assert_eq!(outcome.figures["spans_before"], 6 * 512);
    assert_eq!(outcome.values[0].expect("a ratio").rounds, 2);
}

#[test]
fn what_the_child_acknowledged_is_there_when_it_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let wiring = Wiring::of_product(&folder.path().join("data"));
    let requests = Spans::new(5, now_ns()).take_requests(4);
    let mut server = Server::start(&settings.program, &wiring).unwrap();
    let target = Target { address: server.address, path: "/v1/traces", encoding: None };
    let sent = client::send(target, &requests, 2).unwrap().all_acknowledged().unwrap();
    assert_eq!((sent.acknowledged, sent.acknowledged_items), (4, generate::items(&requests)));
    assert_eq!(server.figures().unwrap().count("accepted"), generate::items(&requests));
    server.stop().unwrap();
    let mut again = Server::start(&settings.program, &wiring).unwrap();
    assert_eq!(again.figures().unwrap().count("recovered"), generate::items(&requests));
    again.stop().unwrap();
}

#[test]
fn a_request_that_is_sent_twice_fails_the_count() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let mut server = Server::start(&settings.program, &Wiring::of_product(folder.path())).unwrap();
    let requests = Spans::new(5, now_ns()).take_requests(1);
    let sent = generate::items(&requests);
    durable::received(&mut server, &requests, Some(sent)).unwrap();
    let error = durable::received(&mut server, &requests, Some(sent)).unwrap_err();
    assert!(error.to_string().contains("duplicates"), "{error}");
    let error = durable::received(&mut server, &requests, Some(sent + 1)).unwrap_err();
    assert!(error.to_string().contains("were accepted of"), "{error}");
}
