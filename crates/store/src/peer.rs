//! What a span says about the other side of a call, by the semantic conventions.
//!
//! The names before the database conventions became stable are read as well: many agents still send them.

use telemetry::Span;
use telemetry::signal::attribute;

fn text(span: &Span, keys: &[&str]) -> Option<String> {
    keys.iter()
        .find_map(|key| attribute(&span.attributes, key))
        .map(telemetry::Value::render)
        .filter(|text| !text.is_empty())
}

/// The database system, empty when it is no database.
pub(crate) fn database(span: &Span) -> String {
    text(span, &["db.system.name", "db.system"]).unwrap_or_default()
}

/// What an uninstrumented call is made for: the statement's summary, the queue, the host.
pub(crate) fn resource(span: &Span) -> String {
    text(span, &["db.query.summary"])
        .or_else(|| text(span, &["messaging.destination.name"]))
        .or_else(|| address(span))
        .unwrap_or_default()
}

/// The statement's summary alone, which also a call with an instrumented other side may carry.
pub(crate) fn statement(span: &Span) -> String {
    text(span, &["db.query.summary"]).unwrap_or_default()
}

/// The name of an uninstrumented callee.
pub(crate) fn name(span: &Span) -> String {
    let system = database(span);
    if !system.is_empty() {
        let part = text(span, &["db.collection.name", "db.namespace", "db.name"]);
        return part.map_or(system.clone(), |part| format!("{system}:{part}"));
    }
    text(span, &["messaging.destination.name"])
        .or_else(|| address(span))
        .or_else(|| text(span, &["peer.service"]))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn address(span: &Span) -> Option<String> {
    let address = text(span, &["server.address", "net.peer.name"])?;
    Some(match text(span, &["server.port", "net.peer.port"]) {
        Some(port) => format!("{address}:{port}"),
        None => address,
    })
}
