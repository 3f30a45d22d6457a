//! The addresses: free, held by a running Firstcause, or held by somebody else.
//!
//! Who holds a port is told by what answers on it. Name resolution and the network between hosts are not looked at.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Finding;
use crate::config::{Settings, flag_of};

/// A process on this machine answers sooner, or is stuck.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest answer that is read: counts and statuses.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// A Firstcause that answers at the configured address.
#[derive(Debug)]
pub(super) struct Running {
    /// Where.
    pub(super) at: SocketAddr,
    version: String,
    /// Its process, in its own namespace.
    pub(super) pid: Option<u64>,
}

/// Looks at the three addresses.
pub(super) async fn check(settings: &Settings) -> (Vec<Finding>, Option<Running>) {
    let running = running(settings.http).await;
    let mut findings = Vec::new();
    for (check, key, at) in [
        ("port http", "http", settings.http),
        ("port otlp/http", "otlp.http", settings.otlp_http),
        ("port otlp/grpc", "otlp.grpc", settings.otlp_grpc),
    ] {
        findings.push(port(check, key, at, running.as_ref()).await);
        if !at.ip().is_loopback() {
            findings.push(Finding::warning(
                check,
                format!("{at} can be reached from other machines, without TLS and without a login"),
                "listen on 127.0.0.1 behind a proxy, or let a firewall decide who reaches it",
            ));
        }
    }
    findings.extend(same(settings));
    (findings, running)
}

fn same(settings: &Settings) -> Option<Finding> {
    let all = [settings.http, settings.otlp_http, settings.otlp_grpc];
    let [http, otlp_http, otlp_grpc] = all;
    let is_same = |a: SocketAddr, b: SocketAddr| a == b && a.port() != 0;
    let is_twice = is_same(http, otlp_http) || is_same(http, otlp_grpc) || is_same(otlp_http, otlp_grpc);
    is_twice.then(|| {
        Finding::problem(
            "ports",
            "two listeners have the same address",
            "give each its own: `config print` shows them",
        )
    })
}

async fn port(check: &'static str, key: &str, at: SocketAddr, running: Option<&Running>) -> Finding {
    if at.port() == 0 {
        return Finding::ok(check, format!("{at}: any free port, another with each start"));
    }
    let flag = flag_of(key);
    let other = format!("stop it, or choose another address with `{flag}`; `ss -ltnp` shows who it is");
    match (TcpListener::bind(at), running) {
        (Ok(_), _) => Finding::ok(check, format!("{at} is free")),
        (Err(error), Some(running)) if error.kind() == ErrorKind::AddrInUse => match key {
            "http" => Finding::ok(check, format!("{at}: Firstcause {} answers", running.version)),
            "otlp.http" if !receives(at).await => {
                Finding::problem(check, format!("{at} is held by something that takes no OTLP/HTTP"), other)
            }
            "otlp.grpc" if !speaks_http_2(at).await => {
                Finding::problem(check, format!("{at} is held by something that does not speak gRPC"), other)
            }
            _ => Finding::ok(check, format!("{at}: a receiver answers; `--send` shows whose")),
        },
        (Err(error), None) if error.kind() == ErrorKind::AddrInUse => {
            Finding::problem(check, format!("{at} is held by another process"), other)
        }
        (Err(error), _) => {
            let hint = format!(
                "choose an address of this machine with `{flag}`, above port 1023 without privileges"
            );
            Finding::problem(check, format!("failed to listen on {at}: {error}"), hint)
        }
    }
}

async fn running(at: SocketAddr) -> Option<Running> {
    let (status, body) = exchange(at, "GET /stats", &[]).await.ok()?;
    let stats: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let is_ours = status == 200 && stats.get("schema")? == "firstcause.stats/1";
    let version = stats.get("version").and_then(|version| version.as_str()).unwrap_or("of unknown version");
    let pid = stats.get("pid").and_then(serde_json::Value::as_u64);
    is_ours.then(|| Running { at, version: version.chars().take(40).collect(), pid })
}

/// An export request without content is acknowledged and counts nothing.
async fn receives(at: SocketAddr) -> bool {
    exchange(at, "POST /v1/traces", &[]).await.is_ok_and(|(status, _)| status == 200)
}

/// HTTP/2 answers the preface with a frame of settings (RFC 9113, 3.4).
async fn speaks_http_2(at: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(at).await?;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
        let mut frame = [0; 9];
        stream.read_exact(&mut frame).await?;
        Ok::<_, std::io::Error>(frame)
    };
    matches!(timeout(PATIENCE, asked).await, Ok(Ok([_, _, _, 4, ..])))
}

/// One request on a connection of its own: status and body.
pub(super) async fn exchange(at: SocketAddr, what: &str, body: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
    let asked = async {
        let mut stream = TcpStream::connect(at).await?;
        let head = format!(
            "{what} HTTP/1.1\r\nhost: {at}\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let mut answer = timeout(PATIENCE, asked).await.context("no answer in time")??;
    let head_end =
        answer.windows(4).position(|window| window == b"\r\n\r\n").context("not an HTTP answer")?;
    let status = answer.get(9..12).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
    Ok((status.context("not an HTTP answer")?, answer.split_off(head_end + 4)))
}
