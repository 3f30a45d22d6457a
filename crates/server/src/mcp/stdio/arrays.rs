//! Lines between a client and the library: an array goes in message by message, and its answers come back as one array.
//!
//! A line that is too long, or is neither a message nor an array that is legal, is answered here. All other lines pass
//! as they are.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::LINE_MAX_BYTES;
use crate::mcp::refusal::{self, INVALID_REQUEST, PARSE_ERROR};
use crate::mcp::{batch, body, sessions};

/// Messages of one array.
const ARRAY_MAX: usize = 50;
/// Arrays that may wait for their answers at a time.
const WAITING_MAX: usize = 16;

/// What the reader of the client's lines tells the writer of the answers.
enum Told {
    /// Write this.
    Say(Value),
    /// Keep the answers to these requests until all are there. Said before the first of them goes in.
    Await(Vec<Value>, OwnedSemaphorePermit),
}

/// Passes lines both ways until both have ended.
pub(super) async fn pass<R, I, O, W>((input, library): (R, I), (answers, output): (O, W))
where
    R: AsyncRead + Unpin,
    I: AsyncWrite + Unpin,
    O: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (tell, told) = mpsc::channel(WAITING_MAX);
    let mut outward = pin!(outward(answers, output, told));
    // When the client ends, its answers are still written; when the library ends, nothing is read any more. A broken
    // pipe is an end like any other.
    tokio::select! {
        _ = &mut outward => {}
        _ = inward(input, library, tell) => drop(outward.await),
    }
}

async fn inward<R, I>(input: R, mut library: I, tell: mpsc::Sender<Told>) -> std::io::Result<()>
where
    R: AsyncRead + Unpin,
    I: AsyncWrite + Unpin,
{
    let mut lines = BufReader::new(input);
    let mut version = None;
    let room = Arc::new(Semaphore::new(WAITING_MAX));
    while let Some(line) = line(&mut lines).await? {
        let said = match read(&line, &mut version) {
            Read::Pass => {
                library.write_all(&line).await?;
                continue;
            }
            Read::Refuse(answer) => Told::Say(answer),
            Read::Array(messages) => match Arc::clone(&room).try_acquire_owned() {
                Err(_) => {
                    Told::Say(refusal::error(INVALID_REQUEST, "too many arrays wait for their answers"))
                }
                Ok(permit) => {
                    if tell.send(Told::Await(ids(&messages), permit)).await.is_err() {
                        break;
                    }
                    for message in messages {
                        library.write_all(format!("{message}\n").as_bytes()).await?;
                    }
                    continue;
                }
            },
        };
        if tell.send(said).await.is_err() {
            break;
        }
    }
    library.shutdown().await
}

/// The ids of the requests of an array, each once.
fn ids(messages: &[Value]) -> Vec<Value> {
    let mut ids: Vec<Value> = Vec::new();
    for message in messages.iter().filter(|message| message.get("method").is_some()) {
        if let Some(id) = message.get("id").filter(|id| !ids.contains(id)) {
            ids.push(id.clone());
        }
    }
    ids
}

/// What a line is.
enum Read {
    Pass,
    Refuse(Value),
    Array(Vec<Value>),
}

/// Reads a line; `version` is the revision of the conversation, once it is known.
fn read(line: &[u8], version: &mut Option<String>) -> Read {
    if line.len() > LINE_MAX_BYTES {
        return Read::Refuse(refusal::error(INVALID_REQUEST, "the line is longer than is read here"));
    }
    if line.trim_ascii().is_empty() {
        return Read::Pass;
    }
    match serde_json::from_slice(line) {
        Ok(Value::Array(messages)) => {
            let is_legal = version.as_deref().is_some_and(batch::is_legal);
            let fault = match (is_legal, messages.is_empty()) {
                (false, _) => Some("arrays of messages ended with 2025-06-18"),
                (true, true) => Some("an array without messages"),
                (true, false) => batch::fault(&messages, ARRAY_MAX),
            };
            match fault {
                Some(why) => Read::Refuse(refusal::error(INVALID_REQUEST, why)),
                None => Read::Array(messages),
            }
        }
        Ok(message) if !body::is_message(&message) => {
            Read::Refuse(refusal::error(INVALID_REQUEST, "not a JSON-RPC 2.0 message"))
        }
        Ok(message) => {
            if message.get("method").and_then(Value::as_str) == Some("initialize") {
                let asked = message.pointer("/params/protocolVersion").and_then(Value::as_str);
                *version = asked.and_then(sessions::negotiated);
            }
            Read::Pass
        }
        Err(_) => Read::Refuse(refusal::error(PARSE_ERROR, "not JSON")),
    }
}

async fn outward<O, W>(answers: O, mut output: W, mut told: mpsc::Receiver<Told>) -> std::io::Result<()>
where
    O: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut lines = BufReader::new(answers);
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut is_told = true;
    let mut pending = Vec::new();
    loop {
        let said = tokio::select! {
            biased;
            // First, because an array is announced before its messages go in.
            said = told.recv(), if is_told => match said {
                Some(Told::Say(answer)) => Some(answer),
                Some(Told::Await(ids, _)) if ids.is_empty() => None,
                Some(Told::Await(ids, permit)) => {
                    waiting.push(Waiting { ids, answers: BTreeMap::new(), _permit: permit });
                    None
                }
                None => {
                    is_told = false;
                    None
                }
            },
            // Safe to be cut off: what was read stays in `pending`.
            read = lines.read_until(b'\n', &mut pending) => {
                if read? == 0 {
                    break;
                }
                let line = std::mem::take(&mut pending);
                match serde_json::from_slice::<Value>(&line) {
                    Ok(answer) => kept(&mut waiting, answer),
                    Err(_) => None,
                }
            }
        };
        if let Some(said) = said {
            output.write_all(format!("{said}\n").as_bytes()).await?;
            output.flush().await?;
        }
    }
    output.flush().await
}

/// An array whose answers are not all there.
struct Waiting {
    ids: Vec<Value>,
    answers: BTreeMap<String, Value>,
    _permit: OwnedSemaphorePermit,
}

/// What is to be written now that `answer` is there: itself, a whole array, or nothing yet.
fn kept(waiting: &mut Vec<Waiting>, answer: Value) -> Option<Value> {
    let id = answer.get("id").filter(|_| answer.get("method").is_none()).cloned();
    let Some(id) = id else { return Some(answer) };
    let Some(place) = waiting.iter().position(|one| one.ids.contains(&id)) else { return Some(answer) };
    let one = waiting.get_mut(place)?;
    one.answers.insert(id.to_string(), answer);
    if one.answers.len() < one.ids.len() {
        return None;
    }
    let mut done = waiting.remove(place);
    Some(json!(done.ids.iter().filter_map(|id| done.answers.remove(&id.to_string())).collect::<Vec<_>>()))
}

/// The next line with its end; of one that is too long, no more than shows that.
async fn line<R: AsyncRead + Unpin>(lines: &mut BufReader<R>) -> std::io::Result<Option<Vec<u8>>> {
    let most = u64::try_from(LINE_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut line = Vec::new();
    lines.take(most).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.ends_with(b"\n") || line.len() <= LINE_MAX_BYTES {
        return Ok(Some(line));
    }
    let mut rest = Vec::new();
    while !rest.ends_with(b"\n") {
        rest.clear();
        if lines.take(most).read_until(b'\n', &mut rest).await? == 0 {
            break;
        }
    }
    Ok(Some(line))
}
