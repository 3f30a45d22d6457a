//! Asks another Firstcause one question, or calls one of its tools, over its REST interface.
//!
//! Literal addresses only, no TLS, one connection a question: it serves the command line on the same machine.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderValue};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use telemetry::{Answer, Question};
use tokio::net::TcpStream;

/// Longest answer that is read: 10,000 rows of a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 32 << 20;
/// The server gives up after ten seconds; the answer still has to travel.
const PATIENCE: Duration = Duration::from_secs(20);
/// A tool may investigate, which asks many questions.
const CALL_PATIENCE: Duration = Duration::from_secs(250);

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskServerError {
    /// Nobody listens there, or not for long enough.
    #[error("failed to reach {at}: {why}")]
    Unreachable {
        /// Where.
        at: SocketAddr,
        /// What happened.
        why: String,
    },
    /// It answered with a problem.
    #[error("{at} refused: {detail} ({code})")]
    Refused {
        /// Where.
        at: SocketAddr,
        /// The stable code.
        code: String,
        /// What it said.
        detail: String,
    },
}

#[derive(Debug, Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

/// Asks the Firstcause at `at`, with `key` where it asks for one.
///
/// # Errors
/// When it cannot be reached or refuses.
pub async fn ask(at: SocketAddr, question: &Question, key: Option<&str>) -> Result<Answer, AskServerError> {
    let wrong =
        |error: serde_json::Error| AskServerError::Unreachable { at, why: format!("not an answer: {error}") };
    let body = serde_json::to_vec(question).map_err(wrong)?;
    let answer = post(at, "/api/v1/ask", (body, PATIENCE), key).await?;
    serde_json::from_slice(&answer).map_err(wrong)
}

/// Calls a tool of the Firstcause at `at`; gives `text`, `structured`, `truncated` and `next`.
///
/// # Errors
/// When it cannot be reached or refuses.
pub async fn call(
    at: SocketAddr,
    tool: &str,
    arguments: &Value,
    key: Option<&str>,
) -> Result<Value, AskServerError> {
    let wrong =
        |error: serde_json::Error| AskServerError::Unreachable { at, why: format!("not an answer: {error}") };
    // What is no name of a tool must become neither another tool nor another path.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if tool.is_empty() || !tool.chars().all(is_name) {
        let shown: String = tool.chars().filter(|c| !c.is_control()).take(80).collect();
        let detail = format!("no tool can be called `{shown}`");
        return Err(AskServerError::Refused { at, code: "FC-0050".to_owned(), detail });
    }
    let body = serde_json::to_vec(arguments).map_err(wrong)?;
    let answer = post(at, &format!("/api/v1/tools/{tool}"), (body, CALL_PATIENCE), key).await?;
    serde_json::from_slice(&answer).map_err(wrong)
}

/// The body of a good answer.
async fn post(
    at: SocketAddr,
    path: &str,
    (body, patience): (Vec<u8>, Duration),
    key: Option<&str>,
) -> Result<Bytes, AskServerError> {
    let unreachable = |why: String| AskServerError::Unreachable { at, why };
    let (is_answer, body) = tokio::time::timeout(patience, exchange(at, path, body, key))
        .await
        .map_err(|_| unreachable(format!("no answer within {} s", patience.as_secs())))?
        .map_err(|error| unreachable(error.to_string()))?;
    if is_answer {
        return Ok(body);
    }
    match serde_json::from_slice::<Problem>(&body) {
        Ok(Problem { code, detail }) => Err(AskServerError::Refused { at, code, detail }),
        Err(error) => Err(unreachable(format!("not a Firstcause: {error}"))),
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(
    at: SocketAddr,
    path: &str,
    body: Vec<u8>,
    key: Option<&str>,
) -> Result<(bool, Bytes), Failed> {
    let stream = TcpStream::connect(at).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut request = Request::post(path)
        .header("host", at.to_string())
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))?;
    if let Some(key) = key {
        let mut value = HeaderValue::try_from(format!("Bearer {key}"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    let exchanged = async {
        let response = sender.send_request(request).await?;
        let is_answer = response.status().is_success();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Ok((is_answer, body))
    };
    // The connection does the work while the exchange waits for it; whichever ends first ends both.
    tokio::select! {
        biased;
        result = exchanged => result,
        ended = connection => Err(ended.err().map_or_else(|| "the connection closed".into(), Failed::from)),
    }
}
