//! The command line: what it prints, what it exits with, and what it says when something is wrong.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::BINARY;
use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::{Serving, exchange};

fn firstcause(args: &[&str]) -> Output {
    Command::new(BINARY).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ask(serving: &Serving, args: &[&str]) -> Output {
    let at = serving.http.to_string();
    let mut all = vec!["ask", "--at", &at];
    all.extend(args);
    firstcause(&all)
}

#[test]
fn a_span_is_queryable_as_soon_as_it_is_acknowledged_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let request = trace_request(&mut Seeded(3), now_unix_nanos());
    let serving = Serving::start(folder.path(), &[]);
    let (status, _) =
        exchange(serving.otlp, "POST /v1/traces", "application/x-protobuf", &request.bytes).unwrap();
    assert_eq!(status, 200);
    assert_eq!(serving.spans_of(&request.trace_id), request.spans);
    let health = ask(&serving, &["health", "--service", "things"]);
    assert!(text(&health.stdout).contains("GET /things/0"), "{}", text(&health.stdout));
    let coverage = text(&ask(&serving, &["coverage"]).stdout);
    assert!(coverage.contains("unanswered_calls") && coverage.contains("things"), "{coverage}");
    let series = ask(&serving, &["series_change", "--before", "1h", "--metric", "process.cpu.time"]);
    assert_eq!((series.status.code(), text(&series.stdout).contains("(no rows)")), (Some(0), true));
    serving.kill();
    let again = Serving::start(folder.path(), &[]);
    assert_eq!(again.spans_of(&request.trace_id), request.spans);
    assert_eq!(again.stats()["recovered"].as_u64(), Some(request.spans as u64));
}

#[test]
fn an_unknown_question_names_the_known_ones() {
    let output = firstcause(&["ask", "healht"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("hint: one of changes, compare"), "{}", text(&output.stderr));
}

#[test]
fn a_question_that_is_not_answered_yet_is_refused_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let output = ask(&Serving::start(folder.path(), &[]), &["topology"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("FC-0010"), "{}", text(&output.stderr));
}

#[test]
fn without_a_server_the_exit_code_is_three_and_the_hint_says_what_to_start() {
    let output = firstcause(&["ask", "health", "--at", "127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("hint: is `firstcause serve` running?"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_data_directory_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let second = firstcause(&[
        "serve",
        "--otlp-http",
        "127.0.0.1:0",
        "--otlp-grpc",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        "--data-dir",
        &folder.path().display().to_string(),
    ]);
    assert_eq!(second.status.code(), Some(2));
    assert!(
        text(&second.stderr).contains("hint: another Firstcause may hold it"),
        "{}",
        text(&second.stderr)
    );
    drop(serving);
}

#[test]
fn a_missing_journal_says_where_journals_are() {
    let output = firstcause(&["journal", "verify", "nowhere.journal"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("hint: journals are at"), "{}", text(&output.stderr));
}

/// Runs the journal commands on a real journal: verification, tampering, replay in two places.
pub(crate) fn check_journal(journal: &Path, head: &str, conclusion: &[u8]) {
    let file = journal.display().to_string();
    assert_eq!(firstcause(&["journal", "verify", "--head", head, &file]).status.code(), Some(0));
    let original = std::fs::read(journal).unwrap();
    let lines: Vec<&[u8]> = original.split_inclusive(|byte| *byte == b'\n').collect();
    let mut flipped = original.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let without_last = lines[..lines.len() - 1].concat();
    let without_third = [&lines[..2], &lines[3..]].concat().concat();
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    let appended = [original.as_slice(), lines[lines.len() - 1]].concat();
    for (what, bytes) in [
        ("flipped", flipped),
        ("without its last record", without_last),
        ("without its third record", without_third),
        ("reordered", swapped.concat()),
        ("appended", appended),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let damaged = folder.path().join("damaged.journal");
        std::fs::write(&damaged, bytes).unwrap();
        let output = firstcause(&["journal", "verify", "--head", head, &damaged.display().to_string()]);
        assert_eq!(output.status.code(), Some(1), "{what}: {}", text(&output.stdout));
    }
    let replayed = || {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(BINARY)
            .args(["journal", "replay", &file])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        let read = |name: &str| std::fs::read(folder.path().join("replay").join(name)).unwrap();
        (read("bodies.jsonl"), read("conclusion.json"))
    };
    let (first, second) = (replayed(), replayed());
    assert!(first == second, "two replays in two folders are byte-identical");
    assert!(first.1 == conclusion, "the replayed conclusion is the one written at the time");
}

#[test]
fn the_third_line_of_serve_names_a_listener_that_speaks_http_2() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let mut stream = std::net::TcpStream::connect(serving.grpc).unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&settings).unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    // The type of the first frame is SETTINGS.
    assert_eq!(frame[3], 4, "{frame:?}");
    drop(serving);
}

#[test]
fn a_word_sent_to_a_serve_that_may_do_nothing_is_told_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let place = "POST /api/v1/investigations/inc_1/approvals";
    let (status, body) = exchange(serving.http, place, "application/json", b"{}").unwrap();
    assert_eq!(status, 403);
    assert!(text(&body).contains("--actuator"), "{}", text(&body));
}

#[test]
fn a_client_that_does_not_let_go_does_not_keep_serve_from_stopping_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path(), &[]);
    let mut stuck = TcpStream::connect(serving.grpc).unwrap();
    // The beginning of HTTP/2 and empty settings; what the server asks is never answered.
    stuck.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let pid = serving.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let began = std::time::SystemTime::now();
    // Meanwhile whoever balances load is told to send elsewhere. It takes a moment until the signal is seen.
    let unready = (0..40).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        exchange(serving.http, "GET /ready", "text/plain", &[]).is_ok_and(|(status, _)| status == 503)
    });
    assert!(unready, "it is ending and still says that it is ready");
    let status = serving.child.wait().unwrap();
    assert!(began.elapsed().unwrap() > Duration::from_secs(5), "it was not drained in vain");
    assert_eq!(status.code(), Some(0));
}
