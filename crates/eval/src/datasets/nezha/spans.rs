//! `HH_MM_trace.csv`.
//!
//! A span whose parent sits on another pod is the entry of its service, and its parent is the call. A root is an
//! entry; everything else is work inside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use telemetry::{Span, SpanId, SpanKind, StatusCode, UnixNanos};

use super::service;
use crate::files::{CsvRows, FileError};
use crate::folder::Shared;

pub(super) fn read(path: &Path, moved: i64, spans: &mut Vec<Span>) -> Result<(), FileError> {
    let mut read = rows(path, moved)?;
    let pods: BTreeMap<SpanId, Arc<str>> =
        read.iter().map(|span| (span.span_id, Arc::clone(&span.resource.instance))).collect();
    let mut callers = BTreeSet::new();
    for span in &mut read {
        let Some(parent) = span.parent else {
            span.kind = SpanKind::Server;
            continue;
        };
        if pods.get(&parent).is_some_and(|pod| *pod != span.resource.instance) {
            span.kind = SpanKind::Server;
            callers.insert(parent);
        }
    }
    for span in read.iter_mut().filter(|span| callers.contains(&span.span_id)) {
        // An entry that hands on without a span of its own stays an entry: else its requests would not be counted.
        if span.kind != SpanKind::Server {
            span.kind = SpanKind::Client;
        }
    }
    spans.append(&mut read);
    Ok(())
}

fn rows(path: &Path, moved: i64) -> Result<Vec<Span>, FileError> {
    let mut rows = CsvRows::open(path)?;
    let (trace, id, parent) = (rows.column("TraceID")?, rows.column("SpanID")?, rows.column("ParentID")?);
    let (pod, name) = (rows.column("PodName")?, rows.column("OperationName")?);
    let (start, end) = (rows.column("StartTimeUnixNano")?, rows.column("EndTimeUnixNano")?);
    let mut shared = Shared::default();
    let mut spans = Vec::new();
    while let Some(row) = rows.advance()? {
        let (Ok(trace_id), Ok(span_id)) = (row.text(trace).parse(), row.text(id).parse()) else {
            continue;
        };
        let instance = row.text(pod);
        spans.push(Span {
            trace_id,
            span_id,
            parent: row.text(parent).parse().ok(),
            name: shared.text(row.text(name)),
            kind: SpanKind::Internal,
            start: UnixNanos(row.whole(start)? + moved),
            end: UnixNanos(row.whole(end)? + moved),
            status: StatusCode::Unset,
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: shared.resource(service(instance), instance, ""),
        });
    }
    Ok(spans)
}
