//! Exporters: the same requests over each way that OTLP has.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::otlp_client::TraceRequest;
use crate::serving::{Serving, exchange_with};

const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Protobuf,
    Gzip,
    Json,
    Grpc,
}

/// Every way.
pub(crate) const WAYS: [Way; 4] = [Way::Protobuf, Way::Gzip, Way::Json, Way::Grpc];

/// One exporter of one server.
pub(crate) struct Exporter {
    way: Way,
    otlp: std::net::SocketAddr,
    grpc: Option<(Runtime, SendRequest<Full<Bytes>>)>,
}

impl Exporter {
    /// An exporter that sends to `serving`; nothing when that is gone.
    pub(crate) fn to(serving: &Serving, way: Way) -> Option<Self> {
        let grpc = if way == Way::Grpc { Some(connect(serving.grpc)?) } else { None };
        Some(Self { way, otlp: serving.otlp, grpc })
    }

    /// Sends `request`. Gives the status that HTTP or gRPC has for the answer, 200 when it was taken; nothing when none came.
    pub(crate) fn send(&mut self, request: &TraceRequest) -> Option<u16> {
        let http = |headers: &[(&str, &str)], body: &[u8]| {
            exchange_with(self.otlp, "POST /v1/traces", headers, body).ok().map(|answer| answer.0)
        };
        let protobuf = ("content-type", "application/x-protobuf");
        match self.way {
            Way::Protobuf => http(&[protobuf], &request.bytes),
            Way::Gzip => http(&[protobuf, ("content-encoding", "gzip")], &gzip(&request.bytes)),
            Way::Json => http(&[("content-type", "application/json")], request.json().as_bytes()),
            Way::Grpc => {
                let (runtime, sender) = self.grpc.as_mut()?;
                runtime.block_on(async {
                    tokio::time::timeout(PATIENCE, call(sender, &request.bytes)).await.ok().flatten()
                })
            }
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn connect(address: std::net::SocketAddr) -> Option<(Runtime, SendRequest<Full<Bytes>>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sender = runtime.block_on(async {
        let stream = TcpStream::connect(address).await.ok()?;
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(sender)
    });
    sender.map(|sender| (runtime, sender))
}

/// One unary call: 200 for `OK`, 503 for `UNAVAILABLE`, 500 for the rest.
async fn call(sender: &mut SendRequest<Full<Bytes>>, message: &[u8]) -> Option<u16> {
    sender.ready().await.ok()?;
    let len = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = Full::from([&[0][..], &len, message].concat());
    let request = Request::post(format!("http://localhost{GRPC_PATH}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap();
    let (head, body) = sender.send_request(request).await.ok()?.into_parts();
    let body = body.collect().await.ok()?;
    let status = body.trailers().and_then(|trailers| trailers.get("grpc-status").cloned());
    let status = status.or_else(|| head.headers.get("grpc-status").cloned())?;
    Some(match status.to_str().ok()? {
        "0" => 200,
        "14" => 503,
        _ => 500,
    })
}
