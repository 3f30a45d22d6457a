//! What a span says about the other side of a call, by the semantic conventions.
//!
//! The names before the conventions became stable are read as well: many agents still send them. A statement is
//! named by its summary; where only its text is there, by its verb and first table. No value of a statement is
//! taken over.

use crate::signal::{Span, Value, attribute};
use crate::trace::{AssembledTrace, Node};

/// Characters of a statement that are looked at for its summary.
const STATEMENT_CHARS_MAX: usize = 2_000;

fn text(span: &Span, keys: &[&str]) -> Option<String> {
    keys.iter()
        .find_map(|key| attribute(&span.attributes, key))
        .map(Value::render)
        .filter(|text| !text.is_empty())
}

/// The other side of a call: the longest entry span below it, as [`crate::trace`] takes it.
#[must_use]
pub fn callee<'a>(trace: &AssembledTrace<'a>, node: &Node<'a>) -> Option<&'a Span> {
    node.children
        .iter()
        .filter_map(|child| trace.nodes.get(*child))
        .map(|child| child.span)
        .filter(|span| span.is_entry())
        .max_by_key(|span| span.duration_ns())
}

/// The database system, empty when it is no database.
#[must_use]
pub fn database(span: &Span) -> String {
    text(span, &["db.system.name", "db.system"]).unwrap_or_default()
}

/// What an uninstrumented call is made for: the statement's summary, the queue, the callee.
#[must_use]
pub fn resource(span: &Span) -> String {
    summary(span)
        .or_else(|| text(span, &["messaging.destination.name"]))
        .or_else(|| (!database(span).is_empty()).then(|| name(span)))
        .or_else(|| address(span))
        .unwrap_or_default()
}

/// The statement's summary alone, which also a call with an instrumented other side may carry.
#[must_use]
pub fn statement(span: &Span) -> String {
    summary(span).unwrap_or_default()
}

/// The name of an uninstrumented callee.
#[must_use]
pub fn name(span: &Span) -> String {
    let system = database(span);
    if !system.is_empty() {
        let part = text(span, &["db.collection.name", "db.namespace", "db.name"]);
        // A number is the index of a key-value store, which names nothing.
        let part = part.filter(|part| part.parse::<u64>().is_err());
        return part.map_or(system.clone(), |part| format!("{system}:{part}"));
    }
    text(span, &["messaging.destination.name"])
        .or_else(|| address(span))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The callee as its caller names it: a name stands alone, a bare address with its port.
fn address(span: &Span) -> Option<String> {
    if let Some(name) = text(span, &["service.peer.name", "peer.service"]) {
        return Some(name);
    }
    let address = text(span, &["server.address", "net.peer.name"]).or_else(|| host_of_url(span))?;
    let is_bare = address.parse::<std::net::IpAddr>().is_ok() || address == "localhost";
    match text(span, &["server.port", "net.peer.port"]) {
        Some(port) if is_bare => Some(format!("{address}:{port}")),
        _ => Some(address),
    }
}

/// The host, and the port of a bare address, of `url.full`.
fn host_of_url(span: &Span) -> Option<String> {
    let url = text(span, &["url.full", "http.url"])?;
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let is_bare = host.parse::<std::net::IpAddr>().is_ok() || host == "localhost";
    let named = if is_bare { authority } else { host };
    (!named.is_empty()).then(|| named.to_owned())
}

/// `db.query.summary`, or the verb and the first table of the statement's text.
fn summary(span: &Span) -> Option<String> {
    text(span, &["db.query.summary"]).or_else(|| {
        let statement = text(span, &["db.query.text", "db.statement"])?;
        summary_of(&without_literals(&statement))
    })
}

/// The beginning of a statement without what stands in single quotes: a value may say `from` like any text.
fn without_literals(statement: &str) -> String {
    let mut is_value = false;
    let outside = statement.chars().take(STATEMENT_CHARS_MAX).filter(|c| {
        is_value ^= *c == '\'';
        !is_value && *c != '\''
    });
    outside.collect()
}

/// Verb and first table of an SQL statement; nothing for what is not one.
fn summary_of(statement: &str) -> Option<String> {
    const VERBS: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH"];
    let mut words = statement.split_whitespace();
    let verb = words.next()?.to_ascii_uppercase();
    if !VERBS.contains(&verb.as_str()) {
        return None;
    }
    let is_before_table =
        |word: &str| ["FROM", "INTO", "UPDATE", "JOIN"].contains(&word.to_ascii_uppercase().as_str());
    let mut previous = verb.clone();
    for word in words {
        if is_before_table(&previous) && !word.starts_with('(') {
            let table: String = word
                .trim_matches(['"', '`', '['])
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'))
                .filter(|c| *c != '"')
                .collect();
            if !table.is_empty() {
                return Some(format!("{verb} {table}"));
            }
        }
        word.clone_into(&mut previous);
    }
    Some(verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_verb_and_table_and_no_value_is_taken_over() {
        let summary = |statement: &str| summary_of(&without_literals(statement));
        assert_eq!(summary("SELECT * FROM \"users\" WHERE name = 'eve'").as_deref(), Some("SELECT users"));
        assert_eq!(summary("insert into shop.items(id) values (7)").as_deref(), Some("INSERT shop.items"));
        assert_eq!(summary("UPDATE t SET a = 1").as_deref(), Some("UPDATE t"));
        assert_eq!(summary("select 1").as_deref(), Some("SELECT"));
        assert_eq!(summary("SELECT 'paid from 4111' FROM orders").as_deref(), Some("SELECT orders"));
        assert_eq!(summary("SELECT 'it''s from 4111").as_deref(), Some("SELECT"), "cut inside of a value");
        assert_eq!(summary("GET session:1234"), None);
    }
}
