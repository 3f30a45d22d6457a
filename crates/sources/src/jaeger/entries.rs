//! The entry spans of a window with more traces than Jaeger tells at once: asked for in parts, service by service.
//!
//! What `onset` does not need of a span is dropped when it is read, so that a window of many traces stays small.

use std::collections::BTreeSet;
use std::sync::Arc;

use telemetry::{AskError, Span, Window};

use super::{Jaeger, SPANS_MAX, TRACES_MAX};
use crate::fetched::Fetched;
use crate::http::Asking;
use crate::parts::Parts;

/// Requests for the traces of one window, over all of its services.
const REQUESTS_MAX: usize = 200;
/// Jaeger knows times to the microsecond; parts are not made shorter than a tenth of a second.
const SHORTEST_NS: i64 = 100_000_000;
/// Seconds before a window in which what ends in it may have begun.
const BEFORE_SECONDS: i64 = 5;

impl Jaeger {
    /// Every entry span of a window of which `known` holds the traces of some services whole, and of others not.
    pub(super) async fn of_parts(
        &self,
        window: Window,
        known: &Fetched,
        asking: &Asking,
    ) -> Result<Fetched, AskError> {
        let mut fetched = Fetched { locators: known.locators.clone(), ..Fetched::default() };
        let mut seen = BTreeSet::new();
        fetched.tables.spans = known.tables.spans.iter().filter(|span| span.is_entry()).map(bare).collect();
        seen.extend(fetched.tables.spans.iter().map(|span| (span.trace_id, span.span_id)));
        let mut asks_left = REQUESTS_MAX;
        for service in &known.cut {
            // Spans are found by when they began, and counted by when they ended.
            let whole = Window::new(window.from.plus_seconds(-BEFORE_SECONDS), window.to);
            let mut parts = Parts::new(whole, asks_left, SHORTEST_NS);
            // As a whole it was asked for already, and came full.
            if parts.next().is_some_and(|whole| !parts.split(whole)) {
                return Err(too_many(service));
            }
            while let Some(part) = parts.next() {
                asks_left -= 1;
                let (count, spans, _) = self.traces(service, part, asking).await?;
                if count >= TRACES_MAX && !parts.split(part) {
                    return Err(too_many(service));
                }
                let is_new = |span: &&Span| {
                    span.is_entry()
                        && &*span.resource.service == service
                        && seen.insert((span.trace_id, span.span_id))
                };
                fetched.tables.spans.extend(spans.iter().filter(is_new).map(bare));
            }
            if !parts.is_done() || fetched.tables.spans.len() >= SPANS_MAX {
                return Err(too_many(service));
            }
        }
        Ok(fetched)
    }
}

/// What `onset` needs of a span.
fn bare(span: &Span) -> Span {
    Span {
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        message: Arc::from(""),
        parent: None,
        resource: Arc::clone(&span.resource),
        name: Arc::clone(&span.name),
        ..*span
    }
}

fn too_many(service: &str) -> AskError {
    AskError::LimitReached(format!(
        "more traces of {service} than {REQUESTS_MAX} requests of {TRACES_MAX} traces tell: counts over a part of them would be \
         wrong; hint: a shorter history, or the metrics of Jaeger's spanmetrics connector as a `prometheus` source"
    ))
}
