//! A receiver on a free port, and the smallest client that can misbehave.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use platform::{SimClock, SimDisk};
use prost::Message;
use store::{Config, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::{Exchange, Limits, Protocol, ServeError, serve};

pub(super) struct Rig {
    pub(super) address: SocketAddr,
    pub(super) store: Store,
    pub(super) disk: SimDisk,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Rig {
    pub(super) async fn new() -> Self {
        Self::with(Limits::default(), |_| {}).await
    }

    pub(super) async fn with(limits: Limits, adjust: impl FnOnce(&mut Config)) -> Self {
        Self::speaking(Protocol::Http, limits, adjust).await
    }

    pub(super) async fn speaking(
        protocol: Protocol,
        limits: Limits,
        adjust: impl FnOnce(&mut Config),
    ) -> Self {
        let disk = SimDisk::new();
        let mut config = Config::new("data");
        adjust(&mut config);
        let clock = Arc::new(SimClock::at(1_700_000_000_000_000_000));
        let store = Store::open(config, Arc::new(disk.clone()), clock).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let intake = Arc::new(store.clone());
        let exchange = Arc::new(Exchange::new(intake, limits));
        let serving = tokio::spawn(serve(listener, protocol, exchange, async {
            let _outcome = stopped.await;
        }));
        Self { address, store, disk, stop, serving }
    }

    /// Begins the shutdown; the handle ends when the connections have.
    pub(super) fn stop(self) -> JoinHandle<Result<(), ServeError>> {
        self.stop.send(()).unwrap();
        self.serving
    }

    /// One request on its own connection.
    pub(super) async fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head =
            format!("{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses early may stop reading.
        let _outcome = stream.write_all(body).await;
        Answer::read(&mut stream).await
    }

    /// A protobuf request to the path of traces.
    pub(super) async fn post(&self, body: &[u8]) -> Answer {
        self.send(&traces_head(""), body).await
    }
}

/// The head of a request to `/v1/traces`, `more` being further lines.
pub(super) fn traces_head(more: &str) -> String {
    format!("POST /v1/traces HTTP/1.1\r\ncontent-type: application/x-protobuf{more}")
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Reads until the server closes.
    pub(super) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _outcome = stream.read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        let body = bytes.get(end + 4..).unwrap_or_default().to_vec();
        Self { status, head, body }
    }

    pub(super) fn has(&self, line: &str) -> bool {
        self.head.lines().any(|got| got == line)
    }

    /// Code and message of the `google.rpc.Status` in the body.
    pub(super) fn rpc_status(&self) -> (i32, String) {
        let status = RpcStatus::decode(self.body.as_slice()).unwrap();
        (status.code, status.message)
    }
}

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

pub(super) fn span(id: u8) -> Span {
    Span {
        trace_id: vec![id; 16],
        span_id: vec![id; 8],
        name: "GET /".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_699_999_999_000_000_000,
        end_time_unix_nano: 1_699_999_999_500_000_000,
        ..Span::default()
    }
}

pub(super) fn export(spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
    .encode_to_vec()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
