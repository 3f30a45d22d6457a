//! `--send`: one span through each receiver of the running instance, which is then asked for it.
//!
//! The request is written by hand: one span of the service `firstcause.doctor`, which touches no other service.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use platform::chance::{Chance as _, OsChance};
use telemetry::{Ask, Question, QuestionId, Space, TraceId, UnixNanos};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Finding;
use super::network::{self, Running};
use crate::config::Settings;
use crate::wiring::Doors;

/// A sync, twice over.
const PATIENCE: Duration = Duration::from_secs(5);
/// Its answers are empty or a short text.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Sends one span each way and asks for it.
pub(super) async fn check(settings: &Settings, doors: &Doors, running: Option<&Running>) -> Vec<Finding> {
    let Some(running) = running else {
        let says = format!("no Firstcause answers at {}", settings.http);
        return vec![Finding::problem("send", says, "start `firstcause serve` with the same settings")];
    };
    let mut findings = Vec::new();
    for (check, at) in [("send otlp/http", settings.otlp_http), ("send otlp/grpc", settings.otlp_grpc)] {
        let now = UnixNanos(doors.clock.now_unix_nanos());
        let trace_id = trace_id();
        let began = doors.clock.monotonic();
        let sent = async {
            let message = export(trace_id, now);
            match check {
                "send otlp/http" => http(at, &message).await?,
                _ => grpc(at, message).await?,
            }
            let took = doors.clock.monotonic().saturating_sub(began);
            ask(running.at, trace_id, now).await?;
            anyhow::Ok(took)
        };
        findings.push(match sent.await {
            Ok(took) => {
                let milliseconds = took.as_secs_f64() * 1e3;
                Finding::ok(
                    check,
                    format!("{at}: acknowledged after {milliseconds:.1} ms, and found by asking"),
                )
            }
            Err(error) => {
                let error = error.context(format!("failed to send a span to {at}"));
                Finding::failed(check, &error, "does the running instance have these settings?")
            }
        });
    }
    findings
}

fn trace_id() -> TraceId {
    let mut chance = OsChance;
    let mut bytes = [0; 16];
    let (high, low) = bytes.split_at_mut(8);
    high.copy_from_slice(&chance.next_u64().to_be_bytes());
    low.copy_from_slice(&(chance.next_u64() | 1).to_be_bytes());
    TraceId(bytes)
}

/// An `ExportTraceServiceRequest` with one span of kind internal that lasts a millisecond.
fn export(trace_id: TraceId, now: UnixNanos) -> Bytes {
    let TraceId(id) = trace_id;
    let mut span = BytesMut::new();
    field(&mut span, 1, &id);
    field(&mut span, 2, id.get(..8).unwrap_or(&[1; 8]));
    field(&mut span, 5, b"self-test");
    span.put_slice(&[6 << 3, 1]);
    for (number, time) in [(7, now.0 - 1_000_000), (8, now.0)] {
        span.put_u8(number << 3 | 1);
        span.put_i64_le(time);
    }
    let text = nested(1, b"firstcause.doctor");
    let mut attribute = nested(1, b"service.name");
    field(&mut attribute, 2, &text);
    let resource = nested(1, &attribute);
    let scope_spans = nested(2, &span);
    let mut resource_spans = nested(1, &resource);
    field(&mut resource_spans, 2, &scope_spans);
    nested(1, &resource_spans).freeze()
}

fn nested(number: u8, content: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    field(&mut bytes, number, content);
    bytes
}

/// A length-delimited field; lengths here stay below 2^14.
fn field(bytes: &mut BytesMut, number: u8, content: &[u8]) {
    bytes.put_u8(number << 3 | 2);
    let mut len = content.len();
    while len >= 0x80 {
        bytes.put_u8((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    bytes.put_u8(len as u8);
    bytes.put_slice(content);
}

async fn http(at: SocketAddr, message: &[u8]) -> anyhow::Result<()> {
    let (status, _) = network::exchange(at, "POST /v1/traces", message).await?;
    ensure!(status == 200, "it answered with status {status}");
    Ok(())
}

async fn grpc(at: SocketAddr, message: Bytes) -> anyhow::Result<()> {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len())?);
    framed.put_slice(&message);
    let uri = format!("http://{at}/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    let request = Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(framed.freeze()))?;
    let called = async {
        let stream = TokioIo::new(TcpStream::connect(at).await?);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
        let exchanged = async {
            let response = sender.send_request(request).await?;
            let early = response.headers().get("grpc-status").cloned();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
            let body = body.collect().await.map_err(|error| anyhow::anyhow!("{error}"))?;
            let late = body.trailers().and_then(|trailers| trailers.get("grpc-status").cloned());
            anyhow::Ok(late.or(early))
        };
        // The connection does the work while the exchange waits for it; whichever ends first ends both.
        tokio::select! {
            biased;
            status = exchanged => status,
            ended = connection => Err(ended.err().map_or_else(|| anyhow::anyhow!("the connection closed"), Into::into)),
        }
    };
    let status = timeout(PATIENCE, called).await.context("no answer in time")??;
    let status = status.context("it answered without a gRPC status")?;
    ensure!(status.as_bytes() == b"0", "it answered with gRPC status {}", status.to_str().unwrap_or("?"));
    Ok(())
}

async fn ask(at: SocketAddr, trace_id: TraceId, now: UnixNanos) -> anyhow::Result<()> {
    let question = Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask: Ask::Trace { trace_id },
        not_before: now,
    };
    let answer = crate::remote::ask(at, &question).await?;
    ensure!(answer.table.len() == 1, "it was acknowledged, but the Firstcause at {at} does not have it");
    Ok(())
}
