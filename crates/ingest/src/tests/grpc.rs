//! OTLP/gRPC over real sockets, by a client that sends what it is told to.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp::Signal;
use platform::Call;
use prost::Message;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::rig::{Rig, export, gzip, span};
use crate::{Limits, Protocol};

/// Path, headers, body, expected status and words of its message.
type Wrong = (&'static str, &'static [(&'static str, &'static str)], Vec<u8>, i32, &'static str);

const SOON: Duration = Duration::from_secs(10);
const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

async fn rig() -> Rig {
    Rig::speaking(Protocol::Grpc, Limits::default(), |_| {}).await
}

async fn client(rig: &Rig) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(rig.address).await.unwrap();
    let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).unwrap();
    [&[flag][..], &len.to_be_bytes(), message].concat()
}

#[derive(Debug)]
struct Answer {
    http: u16,
    /// Headers and trailers together.
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn status(&self) -> i32 {
        self.headers["grpc-status"].to_str().unwrap().parse().unwrap()
    }

    fn message(&self) -> &str {
        self.headers["grpc-message"].to_str().unwrap()
    }

    /// The one message of a successful answer.
    fn response(&self) -> ExportTraceServiceResponse {
        assert_eq!(self.status(), 0, "{self:?}");
        assert_eq!(self.body[0], 0);
        assert_eq!(u32::from_be_bytes(self.body[1..5].try_into().unwrap()) as usize, self.body.len() - 5);
        ExportTraceServiceResponse::decode(&self.body[5..]).unwrap()
    }
}

async fn call(
    client: &mut SendRequest<Full<Bytes>>,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Answer {
    let mut request = Request::post(format!("http://x{path}"));
    let mut has_type = false;
    for (name, value) in headers {
        has_type |= *name == "content-type";
        request = request.header(*name, *value);
    }
    if !has_type {
        request = request.header("content-type", "application/grpc");
    }
    let request = request.header("te", "trailers").body(Full::from(body)).unwrap();
    let response = timeout(SOON, client.send_request(request)).await.unwrap().unwrap();
    let (head, body) = response.into_parts();
    let body = timeout(SOON, body.collect()).await.unwrap().unwrap();
    let mut headers = head.headers;
    if let Some(trailers) = body.trailers() {
        headers.extend(trailers.clone());
    }
    Answer { http: head.status.as_u16(), headers, body: body.to_bytes().to_vec() }
}

#[tokio::test]
async fn plain_gzip_and_zstd_messages_of_all_signals_are_taken_on_one_connection() {
    let rig = rig().await;
    let mut client = client(&rig).await;
    let message = export(vec![span(1), span(2)]);
    for (encoding, body) in [
        ("identity", framed(0, &message)),
        ("gzip", framed(1, &gzip(&message))),
        ("gzip", framed(0, &message)),
        ("zstd", framed(1, &compress_to_vec(&message[..], CompressionLevel::Fastest))),
    ] {
        let answer = call(&mut client, TRACES, &[("grpc-encoding", encoding)], body).await;
        assert_eq!((answer.http, answer.response().partial_success), (200, None));
        assert_eq!(answer.headers["content-type"], "application/grpc");
    }
    assert_eq!(rig.store.stats().accepted, 8);
    for path in ["logs.v1.LogsService", "metrics.v1.MetricsService"] {
        let path = format!("/opentelemetry.proto.collector.{path}/Export");
        let headers = [("content-type", "application/grpc+proto"), ("grpc-timeout", "10S")];
        assert_eq!(call(&mut client, &path, &headers, framed(0, &[])).await.status(), 0, "{path}");
    }
}

#[tokio::test]
async fn rejected_items_are_a_success_with_their_number_and_reason() {
    let rig = rig().await;
    let body = framed(0, &export(vec![span(1), Span::default()]));
    let answer = call(&mut client(&rig).await, TRACES, &[], body).await;
    let partial = answer.response().partial_success.unwrap();
    assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (1, "rejected: invalid_trace_id 1"));
    assert_eq!(rig.store.stats().accepted, 1);
}

#[tokio::test]
async fn what_is_wrong_has_its_status_and_the_connection_stays() {
    let limits = Limits { wire_bytes_max: 100_000, body_bytes_max: 1_000_000, ..Limits::default() };
    let rig = Rig::speaking(Protocol::Grpc, limits, |_| {}).await;
    let mut client = client(&rig).await;
    let bomb = framed(1, &gzip(&vec![0; 50_000_000]));
    let table: &[Wrong] = &[
        ("/x.Y/Z", &[], framed(0, &[]), 12, "TraceService"),
        (TRACES, &[("grpc-encoding", "br")], framed(1, &[]), 12, "gzip, zstd or identity"),
        (TRACES, &[], vec![0, 0, 0], 3, "not whole"),
        (TRACES, &[], framed(0, &[0xFF, 0xFF]), 3, "malformed request"),
        (TRACES, &[("grpc-encoding", "gzip")], framed(1, b"no gzip"), 3, "bad gzip"),
        (TRACES, &[("grpc-timeout", "soon")], framed(0, &[]), 3, "grpc-timeout"),
        (TRACES, &[("x-firstcause-space", "../etc")], framed(0, &[]), 3, "x-firstcause-space"),
        (TRACES, &[], framed(0, &[0; 100_001]), 8, "100000 bytes"),
        (TRACES, &[("grpc-encoding", "gzip")], bomb, 8, "over the limit"),
    ];
    for (path, headers, body, status, what) in table {
        let answer = call(&mut client, path, headers, body.clone()).await;
        assert_eq!((answer.http, answer.status()), (200, *status), "{what}: {answer:?}");
        assert!(answer.message().contains(what), "{what}: {answer:?}");
        assert_eq!(answer.headers["grpc-accept-encoding"], "identity,gzip,zstd");
        assert!(answer.body.is_empty());
    }
    let typed = |name| [("content-type", name)];
    let json = call(&mut client, TRACES, &typed("application/grpc+json"), framed(0, &[])).await;
    assert_eq!((json.http, json.status()), (200, 12));
    let other = call(&mut client, TRACES, &typed("application/json"), framed(0, &[])).await;
    assert_eq!(other.http, 415);
    assert_eq!(call(&mut client, TRACES, &[], framed(0, &export(vec![span(1)]))).await.status(), 0);
    assert_eq!(rig.store.stats().accepted, 1);
}

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[tokio::test]
async fn a_full_memory_and_a_failed_disk_are_unavailable_with_a_time_to_come_back() {
    let limits = Limits { bodies_bytes_max: 10, ..Limits::default() };
    let full = Rig::speaking(Protocol::Grpc, limits, |_| {}).await;
    let failing = rig().await;
    failing.disk.fail(Call::SyncData, 1, io::ErrorKind::StorageFull);
    for (rig, seconds) in [(&full, 1), (&failing, 5)] {
        let body = framed(0, &export(vec![span(1)]));
        let answer = call(&mut client(rig).await, TRACES, &[], body).await;
        assert_eq!(answer.status(), 14, "{answer:?}");
        let details = answer.headers["grpc-status-details-bin"].to_str().unwrap();
        // The decoder of OTLP/JSON reads base64 too.
        let document = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"1","body":{{"bytesValue":"{details}"}}}}]}}]}}]}}"#
        );
        let bytes = otlp::json::to_protobuf(Signal::Logs, document.as_bytes()).unwrap();
        let logs = otlp::decode(Signal::Logs, &bytes.into(), telemetry::UnixNanos(1)).unwrap().logs;
        let telemetry::Value::Bytes(bytes) = &logs[0].body else { panic!("no bytes: {logs:?}") };
        let status = RpcStatus::decode(bytes.as_slice()).unwrap();
        assert_eq!(status.code, 14);
        assert_eq!(status.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
        assert_eq!(status.details[0].value, [10, 2, 8, seconds]);
        assert_eq!(rig.store.stats().accepted, 0);
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_synced_and_the_deadline_is_kept() {
    let rig = rig().await;
    let mut client = client(&rig).await;
    assert_eq!(call(&mut client, TRACES, &[], framed(0, &export(vec![span(1)]))).await.status(), 0);
    rig.disk.hold_syncs(true);
    let body = framed(0, &export(vec![span(2)]));
    let late = call(&mut client, TRACES, &[("grpc-timeout", "100m")], body.clone()).await;
    assert_eq!(late.status(), 4, "{late:?}");
    let waiting = timeout(Duration::from_millis(200), call(&mut client, TRACES, &[], body.clone())).await;
    assert!(waiting.is_err(), "answered before the sync: {waiting:?}");
    rig.disk.hold_syncs(false);
    assert_eq!(call(&mut client, TRACES, &[], framed(0, &export(vec![span(3)]))).await.status(), 0);
}

/// The control of the test above: where syncing is not asked for, the same held disk does not hold the answer.
#[tokio::test]
async fn without_durability_the_same_call_is_answered_while_the_disk_is_held() {
    let adjust = |config: &mut store::Config| config.durability = store::Durability::None;
    let rig = Rig::speaking(Protocol::Grpc, Limits::default(), adjust).await;
    let mut client = client(&rig).await;
    assert_eq!(call(&mut client, TRACES, &[], framed(0, &export(vec![span(1)]))).await.status(), 0);
    rig.disk.hold_syncs(true);
    assert_eq!(call(&mut client, TRACES, &[], framed(0, &export(vec![span(2)]))).await.status(), 0);
    rig.disk.hold_syncs(false);
}

#[tokio::test]
async fn a_shutdown_answers_the_call_under_way_and_then_closes_every_connection() {
    let rig = rig().await;
    let (address, store, disk) = (rig.address, rig.store.clone(), rig.disk.clone());
    let mut idle = client(&rig).await;
    assert_eq!(call(&mut idle, TRACES, &[], framed(0, &[])).await.status(), 0);
    let mut busy = client(&rig).await;
    disk.hold_syncs(true);
    let under_way =
        tokio::spawn(async move { call(&mut busy, TRACES, &[], framed(0, &export(vec![span(1)]))).await });
    // Long enough for the call to reach the store.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let serving = rig.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err(), "the listener is still open");
    assert!(!serving.is_finished() && !under_way.is_finished());
    disk.hold_syncs(false);
    assert_eq!(timeout(SOON, under_way).await.unwrap().unwrap().status(), 0);
    assert!(timeout(SOON, serving).await.unwrap().unwrap().is_ok());
    assert_eq!(store.stats().accepted, 1);
    timeout(SOON, async {
        while idle.ready().await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_peer_that_says_nothing_or_speaks_http_1_is_cut() {
    let limits = Limits { idle_timeout: Duration::from_millis(300), ..Limits::default() };
    let rig = Rig::speaking(Protocol::Grpc, limits, |_| {}).await;
    let mut silent = TcpStream::connect(rig.address).await.unwrap();
    let mut bytes = Vec::new();
    timeout(SOON, silent.read_to_end(&mut bytes)).await.unwrap().ok();
    let head = super::rig::traces_head("");
    let http_1 = timeout(SOON, rig.send(&head, &[])).await.unwrap();
    assert_eq!(http_1.status, 0, "{http_1:?}");
    // One that answers pings stays.
    let mut there = client(&rig).await;
    assert_eq!(call(&mut there, TRACES, &[], framed(0, &[])).await.status(), 0);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(call(&mut there, TRACES, &[], framed(0, &[])).await.status(), 0);
}
