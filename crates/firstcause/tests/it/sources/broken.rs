//! Real back ends behind a way that breaks in the middle of an investigation: it ends, and the gap is named.
//!
//! The way also writes down every request: only those that read, and only below the paths that a back end is declared to need.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use telemetry::UnixNanos;
use testkit::system::{FaultKind, Scene, Shape};

use super::servers::{Running, clickhouse, free_port, jaeger};
use super::{now, sent};
use crate::{BINARY, alone};

/// How long an answer is waited for where it comes or is refused at once, and where none comes; the first look must end in
/// both on a machine that does other work too.
const PATIENCE: [&str; 2] = ["20s", "8s"];
/// An investigation asks in at most four rounds.
const ENDED: Duration = Duration::from_secs(60);

/// A back end, and what it is asked.
pub(super) struct Asked {
    pub(super) kind: &'static str,
    pub(super) port: u16,
    /// Requests that pass before it breaks: those of the first look at all services' requests.
    pub(super) passing: usize,
    /// How the first lines of requests begin.
    pub(super) needed: &'static [&'static str],
}

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
fn way(port: u16, passing: usize, how: Break) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap().port();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (seen, count) = (Arc::clone(&lines), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (seen, count) = (Arc::clone(&seen), Arc::clone(&count));
            std::thread::spawn(move || {
                let place = count.fetch_add(1, Ordering::SeqCst);
                let how = if place < passing { Break::Never } else { how };
                pass(stream.unwrap(), port, how, &seen);
            });
        }
    });
    (here, lines)
}

/// The whole of one request.
fn read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut request, mut part) = (Vec::new(), vec![0; 65_536]);
    loop {
        let head = request.windows(4).position(|end| end == b"\r\n\r\n").map(|end| end + 4);
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
            let length =
                text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if request.len() >= head + length.unwrap_or(0) {
                return Some(request);
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return None,
            Ok(count) => request.extend_from_slice(&part[..count]),
        }
    }
}

/// Passes one request on, or breaks it. One connection carries one request: the answer says that it is closed.
fn pass(mut stream: TcpStream, port: u16, how: Break, seen: &Mutex<Vec<String>>) {
    let Some(request) = read(&mut stream) else { return };
    let text = String::from_utf8_lossy(&request).into_owned();
    seen.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
    let answer: &[u8] = match how {
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

fn investigate(
    kind: &str,
    port: u16,
    service: &str,
    at: UnixNanos,
    patience: &str,
) -> (Option<i32>, String, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.args(["investigate", "--service", service, "--since", "40s", "--history", "60s", "--json"]);
    command.args(["--at", &at.rfc3339(), "--source", &format!("{kind}=http://127.0.0.1:{port}")]);
    command.args(["--patience", patience]);
    let began = Instant::now();
    let output = command.arg("--data-dir").arg(folder.path()).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text, began.elapsed())
}

/// Asserts that every way to break ends in time with the gap named, and that without one the cause is.
pub(super) fn assert_gaps(asked: &Asked, service: &str, at: UnixNanos) {
    let kind = asked.kind;
    for how in [Break::Never, Break::Closed, Break::Silent, Break::Limited, Break::Garbage] {
        let (here, lines) = way(asked.port, asked.passing, how);
        let patience = PATIENCE[usize::from(how == Break::Silent)];
        let (code, text, took) = investigate(kind, here, service, at, patience);
        assert!(took < ENDED, "{kind} {how:?} took {took:?}");
        let is_gap = text.contains(&format!("from `{kind}`: source unavailable"))
            || text.contains(&format!("from `{kind}`: no answer within"));
        if how == Break::Never {
            assert_eq!((code, is_gap), (Some(0), false), "{kind}: {text}");
            assert!(text.contains(&format!("\"service\": \"{service}\"")), "{kind}: {text}");
        } else {
            assert_eq!((code, is_gap), (Some(1), true), "{kind} {how:?}: {text}");
        }
        let lines = lines.lock().unwrap();
        let is_needed = |line: &&String| asked.needed.iter().any(|begin| line.starts_with(begin));
        let other: Vec<_> = lines.iter().filter(|line| !is_needed(line)).collect();
        assert!(other.is_empty() && lines.len() > asked.passing, "{kind}: {other:?}");
    }
}

/// Where the server listens.
pub(super) fn port(server: &Running) -> u16 {
    server.url.rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn jaeger_that_breaks_in_the_middle_is_a_gap_and_never_hangs() {
    let _turn = alone();
    let (scene, at) = incident();
    let otlp = free_port();
    let server = jaeger(otlp, free_port());
    sent::send(&scene.tables.spans, otlp);
    let needed = &["GET /api/services ", "GET /api/traces", "GET /api/dependencies?"];
    let asked = Asked { kind: "jaeger", port: port(&server), passing: 14, needed };
    assert_gaps(&asked, &scene.fault.name, at);
}

#[test]
fn clickhouse_that_breaks_in_the_middle_is_a_gap_and_never_hangs() {
    let _turn = alone();
    let (scene, at) = incident();
    let server = clickhouse();
    super::clickhouse::insert(&server, &scene.tables);
    let needed = &["GET /?query=SELECT"];
    let asked = Asked { kind: "clickhouse", port: port(&server), passing: 2, needed };
    assert_gaps(&asked, &scene.fault.name, at);
}
