//! Events of a running `serve`: who listens is told what changes in the health of the system, when it changes.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::otlp_client::now_unix_nanos;
use crate::serving::{Serving, exchange};

/// How long an event may take: a look every five seconds, and traces that settle for two.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends so many requests of `orders` over the last minute, all of them failed or none.
fn send(serving: &Serving, count: u64, first: u64, is_failed: bool) {
    let now = now_unix_nanos();
    let span = |number: u64| {
        let start = now - 60_000_000_000 + number * 200_000_000;
        json!({
            "traceId": format!("{:032x}", first + number), "spanId": format!("{:016x}", first + number),
            "name": "GET /orders", "kind": 2, "status": { "code": if is_failed { 2 } else { 1 } },
            "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 8_000_000).to_string(),
        })
    };
    let spans: Vec<Value> = (0..count).map(span).collect();
    let attribute = json!({ "key": "service.name", "value": { "stringValue": "orders" } });
    let body = json!({ "resourceSpans": [{ "resource": { "attributes": [attribute] }, "scopeSpans": [{ "spans": spans }] }] });
    let sent =
        exchange(serving.otlp, "POST /v1/traces", "application/json", body.to_string().as_bytes()).unwrap();
    assert_eq!(sent.0, 200);
}

/// A stream of events.
struct Heard(BufReader<TcpStream>);

impl Heard {
    fn start(http: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(http).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        write!(stream, "GET /api/v1/events?every=5 HTTP/1.1\r\nhost: {http}\r\n\r\n").unwrap();
        Self(BufReader::new(stream))
    }

    /// The next line that begins so, without its beginning.
    fn next(&mut self, beginning: &str) -> String {
        let began = Instant::now();
        let mut line = String::new();
        while began.elapsed() < LIMIT {
            line.clear();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
            if let Some(rest) = line.trim_end().strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
        panic!("nothing begins with {beginning:?} in {LIMIT:?}; the last line was {line:?}");
    }
}

// covers: AG-60
#[test]
fn who_listens_is_told_of_a_change_once_and_of_a_deploy() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    send(&serving, 200, 1, false);
    let mut heard = Heard::start(serving.http);
    // The first look knows how it was; nothing of it is news.
    heard.next(": looked");
    send(&serving, 100, 1_000, true);
    assert_eq!(heard.next("event: "), "agenttel.anomaly.detected");
    let event: Value = serde_json::from_str(&heard.next("data: ")).unwrap();
    assert_eq!(
        [&event["service"], &event["subject"], &event["after"]],
        ["orders", "GET /orders", "failing"],
        "{event}"
    );
    assert!(event["figures"]["failure_rate"].as_f64().is_some_and(|rate| rate > 0.1), "{event}");
    let change = json!({ "service": "orders", "after": "2.0.0", "before": "1.9.0" }).to_string();
    let told = exchange(serving.http, "POST /api/v1/changes", "application/json", change.as_bytes()).unwrap();
    assert_eq!(told.0, 200);
    // It lasts, and is not told again: the next event is the deploy.
    assert_eq!(heard.next("event: "), "agenttel.deployment.info");
    let event: Value = serde_json::from_str(&heard.next("data: ")).unwrap();
    assert_eq!([&event["before"], &event["after"]], ["1.9.0", "2.0.0"], "{event}");
    for (query, expected) in [("?every=1", 400), ("?every=x", 400)] {
        let place = format!("GET /api/v1/events{query}");
        assert_eq!(exchange(serving.http, &place, "text/plain", b"").unwrap().0, expected, "{query}");
    }
}
