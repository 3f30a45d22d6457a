//! What Tempo answers: found traces with the spans that a search matched, and what its refusals mean.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use telemetry::signal::Attributes;
use telemetry::{AskError, Resource, Span, SpanKind, StatusCode, TraceId, UnixNanos, Value};

use super::otlp;

#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(default)]
    traces: Vec<Trace>,
    #[serde(default)]
    metrics: Metrics,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metrics {
    total_jobs: u64,
    completed_jobs: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    #[serde(rename = "traceID")]
    id: String,
    #[serde(default)]
    span_sets: Vec<SpanSet>,
}

#[derive(Debug, Deserialize)]
struct SpanSet {
    #[serde(default)]
    spans: Vec<Matched>,
    #[serde(default)]
    matched: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Matched {
    #[serde(rename = "spanID")]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    start_time_unix_nano: Json,
    #[serde(default)]
    duration_nanos: Json,
    #[serde(default)]
    attributes: Vec<Json>,
}

/// A trace that was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: TraceId,
    /// The spans of it that matched and were told.
    pub(super) spans: Vec<Span>,
    /// Whether more of its spans matched.
    pub(super) has_more: bool,
}

/// The traces of a search, how many were told, and whether all the data were looked at.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) traces: Vec<Found>,
    pub(super) count: usize,
    pub(super) is_whole: bool,
}

pub(super) fn unreadable(why: &str) -> AskError {
    AskError::Unavailable(format!("the answer is none of Tempo's: {why}; hint: does `url` name Tempo?"))
}

/// What Tempo refuses because of its own limits is told as one; a missing tenant is told with what helps.
pub(super) fn error(error: AskError) -> AskError {
    const LIMITS: [&str; 3] =
        ["exceeds max limit", "specified by start and end exceeds", "spans per span set exceeds"];
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

/// What `/api/search` answers.
pub(super) fn search(body: &[u8]) -> Result<Search, AskError> {
    let reply: Reply = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    let count = reply.traces.len();
    let traces = reply.traces.into_iter().filter_map(found).collect();
    Ok(Search { traces, count, is_whole: reply.metrics.completed_jobs >= reply.metrics.total_jobs })
}

/// Tempo leaves out leading zeros of ids.
fn found(trace: Trace) -> Option<Found> {
    let id: TraceId = format!("{:0>32}", trace.id).parse().ok()?;
    let has_more = trace.span_sets.iter().any(|set| set.matched > set.spans.len());
    let spans =
        trace.span_sets.into_iter().flat_map(|set| set.spans).filter_map(|one| span(id, one)).collect();
    Some(Found { id, spans, has_more })
}

/// A span with what the search selected.
fn span(trace_id: TraceId, one: Matched) -> Option<Span> {
    let selected: Attributes = one.attributes.iter().filter_map(otlp::attribute).collect();
    let text = |key: &str| {
        let found = selected.iter().find(|(name, _)| &**name == key);
        found.map(|(_, value)| value.render()).unwrap_or_default()
    };
    let own = ["service.name", "service.instance.id", "service.version"];
    let of_resource = selected.iter().filter(|(key, _)| own.contains(&&**key)).cloned().collect();
    let start = otlp::whole(&one.start_time_unix_nano)?;
    Some(Span {
        trace_id,
        span_id: format!("{:0>16}", one.id).parse().ok()?,
        parent: None,
        name: Arc::from(if one.name.is_empty() { text("name") } else { one.name }),
        kind: match text("kind").as_str() {
            "server" => SpanKind::Server,
            "consumer" => SpanKind::Consumer,
            _ => SpanKind::Unspecified,
        },
        start: UnixNanos(start),
        end: UnixNanos(start.saturating_add(otlp::whole(&one.duration_nanos).unwrap_or(0))),
        status: match text("status").as_str() {
            "error" => StatusCode::Error,
            "ok" => StatusCode::Ok,
            _ => StatusCode::Unset,
        },
        message: Arc::from(""),
        attributes: Vec::<(Arc<str>, Value)>::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::new(Resource::of(of_resource)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_traces_are_read_with_short_ids_and_what_is_missing_is_told() {
        let body = br#"{"traces":[{"traceID":"a1b2","rootServiceName":"web","startTimeUnixNano":"1684778327699392724","durationMs":557,
            "spanSets":[{"spans":[{"spanID":"c3","name":"GET /","startTimeUnixNano":"1684778327735077898","durationNanos":"446979497",
            "attributes":[{"key":"status","value":{"stringValue":"error"}},{"key":"kind","value":{"stringValue":"server"}},
            {"key":"service.name","value":{"stringValue":"web"}}]}],"matched":3}]}],"metrics":{"totalJobs":7,"completedJobs":6}}"#;
        let found = search(body).unwrap();
        assert!(!found.is_whole && found.count == 1 && found.traces[0].has_more);
        let span = &found.traces[0].spans[0];
        assert_eq!(found.traces[0].id.to_string(), "0000000000000000000000000000a1b2");
        assert_eq!(
            (span.span_id.to_string().as_str(), &*span.name, &*span.resource.service),
            ("00000000000000c3", "GET /", "web")
        );
        assert_eq!(
            (span.kind, span.status, span.duration_ns()),
            (SpanKind::Server, StatusCode::Error, 446_979_497)
        );
        assert!(search(b"<html>").is_err() && search(b"{}").unwrap().traces.is_empty());
    }
}
