//! A sender that does nothing wrong beside those that do: what it sees is what an attack costs others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::bodies::{self, Bomb};
use crate::cases::{Case, Expect};
use crate::client::Client;

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(2);

/// How long each request took, and how many were not taken.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) took: Vec<Duration>,
    pub(crate) refused: u64,
}

impl Seen {
    pub(crate) fn requests(&self) -> u64 {
        self.took.len() as u64
    }

    pub(crate) fn slowest_hundredth(&self) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get(took.len() * 99 / 100).copied().unwrap_or_default()
    }
}

/// A neighbour at work.
pub(crate) struct Neighbour {
    is_over: Arc<AtomicBool>,
    sending: JoinHandle<Seen>,
}

impl Neighbour {
    /// Begins to send one span after the other.
    pub(crate) fn begin(http: SocketAddr, grpc: SocketAddr) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let sending = tokio::spawn(send(http, grpc, Arc::clone(&is_over)));
        Self { is_over, sending }
    }

    pub(crate) async fn end(self) -> Seen {
        self.is_over.store(true, Ordering::Relaxed);
        self.sending.await.unwrap()
    }
}

async fn send(http: SocketAddr, grpc: SocketAddr, is_over: Arc<AtomicBool>) -> Seen {
    let (mut client, mut seen) = (Client::new(http, grpc), Seen::default());
    while !is_over.load(Ordering::Relaxed) {
        let case = case(&bodies::one_span(seen.requests()));
        let began = Instant::now();
        let answer = client.send(&case).await;
        seen.took.push(began.elapsed());
        seen.refused += u64::from(answer.http != 200);
        tokio::time::sleep(PAUSE).await;
    }
    seen
}

/// A body as a request to the path of traces.
pub(crate) fn case(bomb: &Bomb) -> Case {
    let (path, content_type, encoding) = match bomb.transport {
        "grpc" => (
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            "application/grpc",
            "grpc-encoding",
        ),
        "json" => ("/v1/traces", "application/json", "content-encoding"),
        _ => ("/v1/traces", "application/x-protobuf", "content-encoding"),
    };
    let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
    headers.extend(bomb.encoding.map(|name| (encoding.to_owned(), name.to_owned())));
    Case {
        index: 0,
        family: bomb.kind.to_owned(),
        transport: bomb.transport.to_owned(),
        signal: "traces".to_owned(),
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers,
        expect: Expect { http: 0, code: None, content_type: None, taken: None },
        body: bomb.body.clone(),
    }
}
