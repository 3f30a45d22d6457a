//! Failed requests by the category of their error (AG-21, AG-63).
//!
//! A category is that of `error_category`; what nobody can tell is unknown, and counts always sum to the total. An error
//! is read from the failed span itself or, where that says nothing of its type, from the nearest failed span below it.

use std::collections::BTreeMap;

use telemetry::answer::TraceRow;
use telemetry::{SpanId, SpanKind, StatusCode};

use crate::error_category::{self, ErrorCategory, Failure};

/// The status that says that somebody sends too much.
const TOO_MANY_REQUESTS: u16 = 429;

/// A kind of error as people speak of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The caller may not.
    AuthFailure,
    /// The program is wrong.
    CodeBug,
    /// The other side cannot be reached or is not available.
    ConnectionError,
    /// What was sent or stored is not as it must be.
    DataValidation,
    /// The other side took too long.
    DependencyTimeout,
    /// Too many requests.
    RateLimited,
    /// Memory, files, threads or a quota are used up.
    ResourceExhaustion,
    /// Nobody can tell.
    Unknown,
}

impl ErrorKind {
    /// All of them, sorted by name.
    pub const ALL: [Self; 8] = [
        Self::AuthFailure,
        Self::CodeBug,
        Self::ConnectionError,
        Self::DataValidation,
        Self::DependencyTimeout,
        Self::RateLimited,
        Self::ResourceExhaustion,
        Self::Unknown,
    ];

    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthFailure => "auth_failure",
            Self::CodeBug => "code_bug",
            Self::ConnectionError => "connection_error",
            Self::DataValidation => "data_validation",
            Self::DependencyTimeout => "dependency_timeout",
            Self::RateLimited => "rate_limited",
            Self::ResourceExhaustion => "resource_exhaustion",
            Self::Unknown => "unknown",
        }
    }
}

/// The kind of an error.
#[must_use]
pub fn kind(failure: &Failure<'_>) -> ErrorKind {
    match error_category::of(failure) {
        Some(ErrorCategory::Resource) if failure.http_status == Some(TOO_MANY_REQUESTS) => {
            ErrorKind::RateLimited
        }
        Some(ErrorCategory::Access) => ErrorKind::AuthFailure,
        Some(ErrorCategory::Code) => ErrorKind::CodeBug,
        Some(ErrorCategory::Connection | ErrorCategory::Upstream) => ErrorKind::ConnectionError,
        Some(ErrorCategory::Data | ErrorCategory::Request) => ErrorKind::DataValidation,
        Some(ErrorCategory::Resource) => ErrorKind::ResourceExhaustion,
        Some(ErrorCategory::Timeout) => ErrorKind::DependencyTimeout,
        None => ErrorKind::Unknown,
    }
}

/// Failed requests by kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ErrorCounts {
    /// Failed requests looked at.
    pub total: u64,
    /// How many of each kind; kinds without any are absent.
    pub by_kind: BTreeMap<ErrorKind, u64>,
    /// How many of each type as written, the most first, at most ten.
    pub by_type: Vec<(String, u64)>,
    /// Failed requests of the window that were not looked at: only some traces are.
    pub not_looked_at: u64,
}

const TYPES_MAX: usize = 10;

impl ErrorCounts {
    /// Share of the counted errors that a call of something else brought in, 0 to 1; nothing when none was counted.
    #[must_use]
    pub fn dependency_share(&self) -> Option<f64> {
        let of = |kind| self.by_kind.get(&kind).copied().unwrap_or(0);
        let brought = of(ErrorKind::ConnectionError) + of(ErrorKind::DependencyTimeout);
        (self.total > 0).then(|| brought as f64 / self.total as f64)
    }
}

/// The failed entry spans of an operation in `traces` by kind, of `failed` in all.
#[must_use]
pub fn count(traces: &[Vec<TraceRow>], service: &str, operation: &str, failed: u64) -> ErrorCounts {
    let mut counts = ErrorCounts::default();
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    for trace in traces {
        let failures = trace.iter().filter(|row| {
            // A span inside of a request, or a call of its own, may bear the same name: it is no request.
            row.status == StatusCode::Error
                && matches!(row.kind, SpanKind::Server | SpanKind::Consumer)
                && row.subject.service == service
                && row.subject.operation == operation
        });
        for row in failures {
            let origin = telling(trace, row);
            counts.total += 1;
            *counts.by_kind.entry(kind(&failure(origin))).or_default() += 1;
            let named = attribute(origin, &["exception.type", "error.type"]).unwrap_or("");
            if !named.is_empty() {
                *types.entry(named.to_owned()).or_default() += 1;
            }
        }
    }
    counts.by_type = types.into_iter().collect();
    counts.by_type.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.by_type.truncate(TYPES_MAX);
    counts.not_looked_at = failed.saturating_sub(counts.total);
    counts
}

/// What a failed span says about its error.
#[must_use]
pub fn failure(row: &TraceRow) -> Failure<'_> {
    let number = |keys: &[&str]| attribute(row, keys).and_then(|text| text.parse().ok());
    let named = attribute(row, &["exception.type", "error.type"]).unwrap_or("");
    // `error.type` of HTTP is often the status itself.
    let http_status =
        number(&["http.response.status_code", "http.status_code"]).or_else(|| named.parse().ok());
    let grpc_status = attribute(row, &["rpc.grpc.status_code", "rpc.response.status_code"])
        .and_then(|text| text.parse().ok());
    let frame = attribute(row, &["exception.stacktrace"]).and_then(|text| text.lines().nth(1)).unwrap_or("");
    Failure { kind: named, http_status, grpc_status, frame }
}

/// The span that tells the error of `row`: itself, or the first failed one below it whose kind is known.
fn telling<'a>(trace: &'a [TraceRow], row: &'a TraceRow) -> &'a TraceRow {
    // A trace is a tree of at most as many levels as spans.
    let mut level: Vec<SpanId> = vec![row.span_id];
    if kind(&failure(row)) != ErrorKind::Unknown {
        return row;
    }
    for _ in 0..trace.len() {
        let below: Vec<&TraceRow> = trace
            .iter()
            .filter(|child| child.status == StatusCode::Error)
            .filter(|child| child.parent.is_some_and(|parent| level.contains(&parent)))
            .collect();
        if let Some(found) = below.iter().find(|child| kind(&failure(child)) != ErrorKind::Unknown) {
            return found;
        }
        if below.is_empty() {
            break;
        }
        level = below.iter().map(|child| child.span_id).collect();
    }
    row
}

fn attribute<'a>(row: &'a TraceRow, keys: &[&str]) -> Option<&'a str> {
    keys.iter()
        .find_map(|key| row.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str()))
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;

    use super::*;
    use crate::health::planted::subject;

    fn span(id: u8, parent: Option<u8>, attributes: &[(&str, &str)]) -> TraceRow {
        TraceRow {
            span_id: SpanId([id; 8]),
            parent: parent.map(|id| SpanId([id; 8])),
            subject: subject("a", if parent.is_none() { "GET /" } else { "call" }),
            kind: SpanKind::Server,
            start: UnixNanos(0),
            duration_ns: 1,
            exclusive_ns: 1,
            edge_delay_ns: None,
            status: StatusCode::Error,
            attributes: attributes.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        }
    }

    // covers: AG-63
    #[test]
    fn each_status_of_the_table_has_its_kind() {
        let http = |status| kind(&Failure { http_status: Some(status), ..Failure::default() });
        assert_eq!([http(400), http(422)], [ErrorKind::DataValidation; 2]);
        assert_eq!([http(401), http(403)], [ErrorKind::AuthFailure; 2]);
        assert_eq!(http(429), ErrorKind::RateLimited);
        assert_eq!([http(408), http(504)], [ErrorKind::DependencyTimeout; 2]);
        assert_eq!([http(502), http(503)], [ErrorKind::ConnectionError; 2]);
        assert_eq!([http(500), http(200)], [ErrorKind::Unknown; 2]);
        let typed = |kind_of| kind(&Failure { kind: kind_of, ..Failure::default() });
        assert_eq!(typed("java.lang.NullPointerException"), ErrorKind::CodeBug);
        assert_eq!(typed("OutOfMemoryError"), ErrorKind::ResourceExhaustion);
        assert_eq!(typed("NoTimeoutConfigured"), ErrorKind::Unknown, "a part of a name is none");
        assert!(ErrorKind::ALL.windows(2).all(|pair| pair[0].name() < pair[1].name()));
    }

    // covers: AG-21
    #[test]
    fn counts_of_kinds_sum_to_the_total_and_what_was_not_looked_at_is_told() {
        let traces = vec![
            vec![span(1, None, &[("http.response.status_code", "504")])],
            vec![
                span(1, None, &[("error.type", "500")]),
                span(2, Some(1), &[("exception.type", "TimeoutError")]),
            ],
            vec![span(1, None, &[("error.type", "429")])],
            vec![span(1, None, &[("exception.type", "shop.Strange")])],
            vec![TraceRow { status: StatusCode::Ok, ..span(1, None, &[("error.type", "429")]) }],
            vec![TraceRow { kind: SpanKind::Internal, ..span(1, None, &[("error.type", "429")]) }],
        ];
        let counts = count(&traces, "a", "GET /", 60);
        assert_eq!((counts.total, counts.not_looked_at), (4, 56), "one of them is no request");
        assert_eq!((counts.dependency_share(), ErrorCounts::default().dependency_share()), (Some(0.5), None));
        assert_eq!(counts.by_kind.values().sum::<u64>(), counts.total);
        let of = |kind| counts.by_kind.get(&kind).copied();
        assert_eq!(of(ErrorKind::DependencyTimeout), Some(2), "one of them from the call below");
        assert_eq!(
            [of(ErrorKind::RateLimited), of(ErrorKind::Unknown), of(ErrorKind::CodeBug)],
            [Some(1), Some(1), None]
        );
        assert_eq!(counts.by_type.len(), 3);
        assert_eq!(count(&traces, "a", "GET /other", 0), ErrorCounts::default());
    }
}
