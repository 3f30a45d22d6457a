//! Head sampling, as a tracer would have done it: whole traces are kept or not.
//!
//! Logs and metrics stay as they are.

use platform::{Chance, SeededChance};
use telemetry::recorded::Tables;

/// Keeps the spans of one trace in `one_in`, chosen by a hash of the trace's id (splitmix64, Steele, Lea and Flood 2014):
/// the same ones for every service, and for every machine.
pub fn traces(tables: &mut Tables, one_in: u64) {
    tables.spans.retain(|span| {
        let id = u128::from_be_bytes(span.trace_id.0);
        let seed = (id >> 64) as u64 ^ id as u64;
        SeededChance::new(seed).below(one_in) == 0
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use telemetry::{Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos};

    use super::*;

    fn span(trace: u128) -> Span {
        Span {
            trace_id: TraceId(trace.to_be_bytes()),
            span_id: SpanId([1; 8]),
            parent: None,
            name: Arc::from("GET /"),
            kind: SpanKind::Server,
            start: UnixNanos(0),
            end: UnixNanos(1),
            status: StatusCode::Unset,
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::new(Resource::of(Vec::new())),
        }
    }

    #[test]
    fn sampling_keeps_whole_traces_and_about_the_share_that_it_says() {
        let mut tables =
            Tables { spans: (1..=2000).flat_map(|n| [span(n), span(n)]).collect(), ..Tables::default() };
        traces(&mut tables, 5);
        let kept = tables.spans.len();
        assert!(kept.is_multiple_of(2) && (700..900).contains(&kept), "{kept}");
        let ids: Vec<TraceId> = tables.spans.iter().map(|span| span.trace_id).collect();
        traces(&mut tables, 5);
        assert_eq!(tables.spans.iter().map(|span| span.trace_id).collect::<Vec<_>>(), ids, "it repeats");
    }
}
