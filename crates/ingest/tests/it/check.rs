//! Holds an answer against what the oracle says: status, content type, and the body to its last field.

use prost::Message;
use serde_json::Value as Json;

use crate::cases::Case;
use crate::client::Answer;

const INVALID_ARGUMENT: u32 = 3;
const UNAVAILABLE: u32 = 14;

/// What all three export responses look like.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial: Option<Partial>,
}

#[derive(Clone, PartialEq, Message)]
struct Partial {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
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

/// A refusal as told: code, message, the kinds of its details.
struct Told {
    code: u32,
    message: String,
    details: Vec<String>,
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what} is {got:?}, expected {expected:?}")) }
}

/// Says what is wrong with `answer`.
pub(crate) fn answer(case: &Case, answer: &Answer) -> Result<(), String> {
    let expect = &case.expect;
    equal("the HTTP status", answer.http, expect.http)?;
    if let Some(content_type) = &expect.content_type {
        equal("the content type", answer.header("content-type"), Some(content_type.as_str()))?;
    }
    let retry = matches!(expect.http, 429 | 503);
    equal("having Retry-After", answer.header("retry-after").is_some(), retry)?;
    if expect.http == 405 && case.transport != "grpc" {
        equal("Allow", answer.header("allow"), Some("POST"))?;
    }
    let Some(code) = expect.code else { return Ok(()) };
    if case.transport == "grpc" {
        equal("grpc-status", answer.header("grpc-status"), Some(code.to_string().as_str()))?;
    }
    match &expect.taken {
        Some(taken) => {
            let (rejected, message) = export_response(case, answer)?;
            equal("the number of rejected items", rejected, taken.rejected)?;
            let has_words = taken.rejected > 0 || taken.repaired;
            equal("having a message", !message.is_empty(), has_words)
        }
        None => refusal(case, answer, code),
    }
}

/// Rejected items and message of an answer of success.
fn export_response(case: &Case, answer: &Answer) -> Result<(u64, String), String> {
    if case.transport == "json" {
        let document: Json = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        let Some(partial) = document.get("partialSuccess") else {
            equal("the document", document, serde_json::json!({}))?;
            return Ok((0, String::new()));
        };
        let name = match case.signal.as_str() {
            "traces" => "rejectedSpans",
            "logs" => "rejectedLogRecords",
            _ => "rejectedDataPoints",
        };
        let rejected = partial.get(name).and_then(Json::as_str).and_then(|text| text.parse().ok());
        let message = partial.get("errorMessage").and_then(Json::as_str).unwrap_or_default();
        return Ok((rejected.ok_or("no number of rejected items")?, message.to_owned()));
    }
    let mut body = answer.body.as_slice();
    if case.transport == "grpc" {
        let (prefix, rest) = body.split_at_checked(5).ok_or("no framed message")?;
        equal("the flag", prefix[0], 0)?;
        equal("the length", u32::from_be_bytes(prefix[1..5].try_into().unwrap()) as usize, rest.len())?;
        body = rest;
    }
    let response = Response::decode(body).map_err(|error| error.to_string())?;
    let partial = response.partial.unwrap_or_default();
    Ok((partial.rejected.cast_unsigned(), partial.message))
}

fn refusal(case: &Case, answer: &Answer, code: u32) -> Result<(), String> {
    if case.method == "HEAD" {
        return equal("the body", answer.body.len(), 0);
    }
    let content_type = answer.header("content-type").unwrap_or_default();
    let told = match content_type {
        "application/json" => from_json(&answer.body)?,
        "application/x-protobuf" => from_status(&answer.body)?,
        "application/grpc" => {
            equal("the body", answer.body.len(), 0)?;
            equal(
                "having a grpc-message",
                answer.header("grpc-message").is_some_and(|it| !it.is_empty()),
                true,
            )?;
            from_status(&from_base64(answer.header("grpc-status-details-bin").ok_or("no details")?))?
        }
        _ => return equal("having words", !answer.body.is_empty(), true),
    };
    equal("the code", told.code, code)?;
    equal("having a message", !told.message.is_empty(), true)?;
    let has = |name: &str| {
        told.details.iter().any(|given| given == &format!("type.googleapis.com/google.rpc.{name}"))
    };
    equal("having a RetryInfo", has("RetryInfo"), code == UNAVAILABLE)?;
    equal("having a BadRequest", has("BadRequest"), code == INVALID_ARGUMENT)
}

fn from_status(bytes: &[u8]) -> Result<Told, String> {
    let status = Status::decode(bytes).map_err(|error| error.to_string())?;
    let details = status.details.into_iter().map(|any| any.type_url).collect();
    Ok(Told { code: status.code.cast_unsigned(), message: status.message, details })
}

fn from_json(bytes: &[u8]) -> Result<Told, String> {
    let document: Json = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let details = document["details"].as_array().cloned().unwrap_or_default();
    let code = document["code"].as_u64().and_then(|code| u32::try_from(code).ok()).ok_or("no code")?;
    let details = details.iter().filter_map(|it| it["@type"].as_str()).map(str::to_owned).collect();
    Ok(Told { code, message: document["message"].as_str().unwrap_or_default().to_owned(), details })
}

/// The value of a `-bin` header.
fn from_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6 | u32::from(digit(byte));
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}
