//! A real back end behind a way that breaks in the middle of an investigation: it ends, and the gap is named.
//!
//! The way also writes down every request: only GET, and only below the paths that the back end is declared to need.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use telemetry::UnixNanos;
use testkit::system::{FaultKind, Scene, Shape};

use super::servers::{free_port, jaeger};
use super::{now, sent};
use crate::{BINARY, alone};

/// Requests that pass before it breaks: those of the first look at all services' requests.
const PASSING: usize = 14;
/// An investigation asks in at most four rounds, each with ten seconds for an answer.
const ENDED: Duration = Duration::from_secs(75);

/// How the way breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    Never,
    Closed,
    Silent,
    Limited,
    Garbage,
}

/// A way to `port` that breaks so; gives its own port and the first lines of all requests.
fn way(port: u16, how: Break) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap().port();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (seen, count) = (Arc::clone(&lines), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (seen, count) = (Arc::clone(&seen), Arc::clone(&count));
            std::thread::spawn(move || pass(stream.unwrap(), port, how, &seen, &count));
        }
    });
    (here, lines)
}

/// Passes one request on, or breaks it. One connection carries one request: the answer says that it is closed.
fn pass(mut stream: TcpStream, port: u16, how: Break, seen: &Mutex<Vec<String>>, count: &AtomicUsize) {
    let mut request = vec![0; 16_384];
    let Ok(read) = stream.read(&mut request) else { return };
    request.truncate(read);
    let text = String::from_utf8_lossy(&request).into_owned();
    seen.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
    let place = count.fetch_add(1, Ordering::SeqCst);
    let answer: &[u8] = match how {
        _ if place < PASSING => b"",
        Break::Never => b"",
        Break::Closed => {
            stream.shutdown(Shutdown::Both).ok();
            return;
        }
        Break::Silent => {
            std::thread::sleep(ENDED);
            return;
        }
        Break::Limited => {
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        }
        Break::Garbage => b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{\"data\":[",
    };
    if !answer.is_empty() {
        stream.write_all(answer).ok();
        return;
    }
    let closing = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let mut other = TcpStream::connect(("127.0.0.1", port)).unwrap();
    other.write_all(closing.as_bytes()).unwrap();
    let mut whole = Vec::new();
    other.read_to_end(&mut whole).unwrap();
    stream.write_all(&whole).ok();
    stream.shutdown(Shutdown::Both).ok();
}

/// A generated incident that ended just now.
pub(super) fn incident() -> (Scene, UnixNanos) {
    let shape = Shape { requests_per_second: 8.0, ..Shape::of(8) };
    let mut scene = Scene::new(5, FaultKind::SlowWork, &shape).expect("the system has a place for it");
    let last = scene.tables.spans.iter().map(|span| span.end).max().unwrap();
    let moved = now().since(last) / 1_000_000_000 * 1_000_000_000;
    for span in &mut scene.tables.spans {
        (span.start, span.end) = (UnixNanos(span.start.0 + moved), UnixNanos(span.end.0 + moved));
    }
    scene.onset = UnixNanos(scene.onset.0 + moved);
    (scene, UnixNanos(last.0 + moved))
}

fn investigate(port: u16, service: &str, at: UnixNanos) -> (Option<i32>, String, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.args(["investigate", "--service", service, "--since", "40s", "--history", "60s", "--json"]);
    command.args(["--at", &at.rfc3339(), "--source", &format!("jaeger=http://127.0.0.1:{port}")]);
    let began = Instant::now();
    let output = command.arg("--data-dir").arg(folder.path()).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text, began.elapsed())
}

#[test]
fn a_back_end_that_breaks_in_the_middle_is_a_gap_and_never_hangs() {
    let _turn = alone();
    let (scene, at) = incident();
    let otlp = free_port();
    let server = jaeger(otlp, free_port());
    sent::send(&scene.tables.spans, otlp);
    let port: u16 = server.url.rsplit(':').next().unwrap().parse().unwrap();
    let service = scene.fault.name.clone();
    for how in [Break::Never, Break::Closed, Break::Silent, Break::Limited, Break::Garbage] {
        let (here, lines) = way(port, how);
        let (code, text, took) = investigate(here, &service, at);
        assert!(took < ENDED, "{how:?} took {took:?}");
        let is_gap = text.contains("from `jaeger`: source unavailable")
            || text.contains("from `jaeger`: no answer within");
        if how == Break::Never {
            assert_eq!((code, is_gap), (Some(0), false), "{text}");
            assert!(text.contains(&format!("\"service\": \"{service}\"")), "{text}");
        } else {
            assert_eq!((code, is_gap), (Some(1), true), "{how:?}: {text}");
        }
        let needed = ["GET /api/services ", "GET /api/traces", "GET /api/dependencies?"];
        let lines = lines.lock().unwrap();
        let other: Vec<_> =
            lines.iter().filter(|line| !needed.iter().any(|path| line.starts_with(path))).collect();
        assert!(other.is_empty() && !lines.is_empty(), "{other:?}");
    }
}
