//! What Loki's HTTP API answers: label names, statistics of the index, streams; and what its refusals mean.
//!
//! Lines come with their structured metadata apart from the labels of their stream where Loki is new enough to tell them
//! apart (2.9 and later, asked for by a header), else among them.

use std::collections::BTreeMap;

use serde::Deserialize;
use telemetry::{AskError, UnixNanos};

use crate::lines::Fields;

#[derive(Debug, Deserialize)]
struct Reply<T> {
    #[serde(default)]
    data: T,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<Stream>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    stream: Fields,
    values: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    With(String, String, Apart),
    Bare(String, String),
}

/// What stands beside a line: its metadata, apart from what a parser of the query made of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Apart {
    structured_metadata: Fields,
    parsed: Fields,
}

#[derive(Debug, Default, Deserialize)]
struct Stats {
    entries: u64,
}

/// A line as it came. Two that are equal are one: Loki keeps no second one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) at: UnixNanos,
    pub(super) text: String,
    pub(super) stream: BTreeMap<String, String>,
    pub(super) own: BTreeMap<String, String>,
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, AskError> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(why: &str) -> AskError {
    AskError::Unavailable(format!("the answer is none of Loki's: {why}; hint: does `url` name Loki?"))
}

/// The names in `/labels`; none when there are no streams.
pub(super) fn labels(body: &[u8]) -> Result<Vec<String>, AskError> {
    Ok(read::<Reply<Option<Vec<String>>>>(body)?.data.unwrap_or_default())
}

/// How many lines `/index/stats` takes there to be: more rather than fewer, as chunks are counted whole.
pub(super) fn entries(body: &[u8]) -> Result<u64, AskError> {
    Ok(read::<Stats>(body)?.entries)
}

/// The lines in `/query_range`.
pub(super) fn lines(body: &[u8]) -> Result<Vec<Line>, AskError> {
    let data = read::<Reply<Data>>(body)?.data;
    if data.result_type != "streams" {
        return Err(unreadable(&format!("`{}` are no streams", data.result_type)));
    }
    let mut lines = Vec::new();
    for Stream { stream, values } in data.result {
        for entry in values {
            let (at, text, own) = match entry {
                Entry::Bare(at, text) => (at, text, Fields::new()),
                Entry::With(at, text, mut apart) => {
                    apart.structured_metadata.extend(apart.parsed);
                    (at, text, apart.structured_metadata)
                }
            };
            let at = at.parse().map_err(|_| unreadable(&format!("`{at}` is no time")))?;
            lines.push(Line { at: UnixNanos(at), text, stream: stream.clone(), own });
        }
    }
    Ok(lines)
}

/// What Loki refuses because of its own limits is told as one; a missing tenant is told with what helps.
pub(super) fn error(error: AskError) -> AskError {
    const LIMITS: [&str; 6] = [
        "max entries limit",
        "exceeds the limit",
        "maximum of series",
        "would read too many bytes",
        "too many outstanding requests",
        "Request Entity Too Large",
    ];
    match error {
        AskError::Unavailable(text) if LIMITS.iter().any(|limit| text.contains(limit)) => {
            AskError::LimitReached(text)
        }
        AskError::Unavailable(text) if text.contains("no org id") => AskError::Unavailable(format!(
            "{text}; hint: name the tenant as `X-Scope-OrgID` in the source's `headers`"
        )),
        other => other,
    }
}

/// The most lines of one request, when the refusal says that fewer are allowed: `.. (5000 > 1000)`.
pub(super) fn allowed(error: &AskError) -> Option<usize> {
    let AskError::LimitReached(text) = error else { return None };
    let (_, after) = text.split_once("max entries limit")?;
    let (_, after) = after.split_once(" > ")?;
    let digits = |text: &str| -> Option<usize> {
        let text: String = text.chars().take_while(char::is_ascii_digit).collect();
        text.parse().ok()
    };
    // The names of both limits come before their values.
    after.split(" > ").find_map(digits).filter(|allowed| *allowed > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_their_metadata_apart_or_among_the_labels() {
        let body = br#"{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],"result":[
            {"stream":{"service_name":"web"},"values":[
              ["1570818238000000000","a",{"structuredMetadata":{"trace_id":"0242"},"parsed":{}}],
              ["1570818238000000001","b",{}],["1570818238000000002","c"]]}],"stats":{}}}"#;
        let lines = lines(body).unwrap();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            (lines[0].own["trace_id"].as_str(), lines[0].at),
            ("0242", UnixNanos(1_570_818_238_000_000_000))
        );
        assert!(
            lines[1].own.is_empty() && lines[2].own.is_empty() && lines[2].stream["service_name"] == "web"
        );
    }

    #[test]
    fn other_answers_and_limits_are_told() {
        assert!(lines(b"<html>").is_err() && labels(b"[").is_err());
        let matrix = br#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        assert!(lines(matrix).unwrap_err().to_string().contains("`matrix` are no streams"));
        assert!(labels(br#"{"status":"success"}"#).unwrap().is_empty());
        let refused = error(AskError::Unavailable(
            "answered 400: max entries limit per query exceeded, limit > max_entries_limit_per_query (5000 > 1000)".into(),
        ));
        assert_eq!(allowed(&refused), Some(1000));
        assert_eq!(
            allowed(&error(AskError::Unavailable("parse error at line 1, col 2: 5 > 3".into()))),
            None
        );
        assert!(
            error(AskError::Unavailable("answered 401: no org id".into()))
                .to_string()
                .contains("X-Scope-OrgID")
        );
    }
}
