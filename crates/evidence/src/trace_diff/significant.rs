//! Which attributes mean something when two traces are compared.
//!
//! A list of what counts, not of what does not: ids, addresses, ports, sizes, literals and times differ between any
//! two runs of the same request.

use telemetry::Span;
use telemetry::signal::attribute;

/// Attributes that tell how a call ended; they move with the status.
pub(crate) const OUTCOME: &[&str] = &[
    "db.response.status_code",
    "error.type",
    "http.response.status_code",
    "http.status_code",
    "rpc.grpc.status_code",
    "rpc.response.status_code",
];

/// Attributes that tell what was done (OpenTelemetry semantic conventions, stable names and those before them).
const WHAT: &[&str] = &[
    "db.collection.name",
    "db.operation.name",
    "db.query.summary",
    "feature_flag.key",
    "feature_flag.result.variant",
    "http.method",
    "http.request.method",
    "http.route",
    "messaging.operation.name",
    "messaging.operation.type",
    "rpc.method",
    "rpc.service",
];

/// The significant attributes of `span` as text, in a fixed order.
pub(crate) fn attributes(span: &Span) -> Vec<(&'static str, String)> {
    OUTCOME
        .iter()
        .chain(WHAT)
        .filter_map(|key| Some((*key, attribute(&span.attributes, key)?.render())))
        .collect()
}
