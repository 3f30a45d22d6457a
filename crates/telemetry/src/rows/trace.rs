//! All spans of one trace as rows, complete or not.

use super::Key;
use crate::answer::TraceRow;
use crate::signal::attribute;
use crate::trace::{AssembledTrace, Node};

/// Characters of an attribute shown.
const VALUE_CHARS_MAX: usize = 200;

/// What a resource says of being a browser; a row knows nothing else of its resource, and who looks for what users saw
/// needs it.
const BROWSER: &str = "browser.";
const LANGUAGE: (&str, &str) = ("telemetry.sdk.language", "webjs");

/// The rows, by start.
#[must_use]
pub fn rows(trace: &AssembledTrace<'_>) -> Vec<TraceRow> {
    trace.nodes.iter().map(row).collect()
}

fn row(node: &Node<'_>) -> TraceRow {
    let span = node.span;
    let mut attributes: Vec<(String, String)> = span
        .attributes
        .iter()
        .map(|(key, value)| (key.to_string(), value.render().chars().take(VALUE_CHARS_MAX).collect()))
        .collect();
    attributes.extend(browser(node));
    attributes.sort();
    TraceRow {
        span_id: span.span_id,
        parent: span.parent,
        subject: Key::of(span).subject(),
        kind: span.kind,
        start: span.start,
        duration_ns: span.duration_ns(),
        exclusive_ns: node.exclusive_ns,
        edge_delay_ns: node.edge_delay_ns,
        status: span.status,
        attributes,
    }
}

/// The resource's attributes that tell a browser, of a span that does not carry them itself.
fn browser(node: &Node<'_>) -> Vec<(String, String)> {
    let told = node.span.resource.attributes.iter().map(|(key, value)| (key, value.render()));
    told.filter(|(key, value)| key.starts_with(BROWSER) || (&***key, value.as_str()) == LANGUAGE)
        .filter(|(key, _)| attribute(&node.span.attributes, key).is_none())
        .map(|(key, value)| (key.to_string(), value.chars().take(VALUE_CHARS_MAX).collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::{SpanId, TraceId};
    use crate::signal::{Resource, Span, SpanKind, StatusCode, Value};
    use crate::time::UnixNanos;
    use crate::trace::assemble;

    fn attributes_of(resource: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| (Arc::from(*key), Value::Text(Arc::from(*value)))).collect()
        };
        let span = Span {
            trace_id: TraceId([1; 16]),
            span_id: SpanId([1; 8]),
            parent: None,
            name: "documentLoad".into(),
            kind: SpanKind::Internal,
            start: UnixNanos(0),
            end: UnixNanos(1),
            status: StatusCode::Unset,
            message: "".into(),
            attributes: pairs(&[("session.id", "s"), ("browser.mobile", "own")]),
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::new(Resource::of(pairs(resource))),
        };
        rows(&assemble([&span])).remove(0).attributes
    }

    #[test]
    fn a_browser_is_known_by_its_resource_and_nothing_else_of_a_resource_is_told() {
        let keys = |resource| attributes_of(resource).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        let web = keys(&[
            ("telemetry.sdk.language", "webjs"),
            ("browser.mobile", "x"),
            ("browser.platform", "y"),
            ("host.name", "h"),
        ]);
        assert_eq!(web, ["browser.mobile", "browser.platform", "session.id", "telemetry.sdk.language"]);
        assert_eq!(keys(&[("telemetry.sdk.language", "rust")]), ["browser.mobile", "session.id"]);
        assert!(attributes_of(&[("browser.mobile", "x")]).contains(&("browser.mobile".into(), "own".into())));
    }
}
