//! `traces.csv`: spans as Jaeger exports them, times in microseconds.
//!
//! Kinds are not told: a span whose parent is of another service is the entry of its own, and its parent the call. A
//! root is an entry. The status mixes codes of gRPC and HTTP: those up to 16 are of gRPC, those from 500 on (at a call,
//! from 400 on) are failures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use telemetry::{Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos};

use super::{Kept, time};
use crate::files::{Column, CsvRows, FileError, Row};
use crate::folder::Shared;

/// The largest status code of gRPC (`UNAUTHENTICATED`).
const GRPC_MAX: i64 = 16;

/// Reads the spans that begin in the window; of more than allowed, those of every k-th trace.
pub(super) fn read(path: &Path, kept: Kept, left_out: &mut Vec<String>) -> Result<Vec<Span>, FileError> {
    let (mut count, mut unreadable) = (0, 0);
    each(path, kept, &mut unreadable, |_, _, _| count += 1)?;
    let one_in = kept.one_in(count);
    let (mut read, mut shared) = (Vec::new(), Shared::default());
    each(path, kept, &mut 0, |columns, row, start| {
        read.extend(columns.span(row, start, one_in, &mut shared));
    })?;
    if one_in > 1 {
        left_out.push(format!("the spans of one in {one_in} traces were read; there are {count} spans"));
    }
    if unreadable > 0 {
        left_out.push(format!("{unreadable} spans are no text"));
    }
    Ok(with_kinds(read))
}

fn each(
    path: &Path,
    kept: Kept,
    unreadable: &mut u64,
    mut take: impl FnMut(&Columns, Row<'_>, UnixNanos),
) -> Result<(), FileError> {
    let mut rows = CsvRows::open(path)?;
    let columns = Columns::of(&rows)?;
    while let Some(row) = rows.advance_past_bad_text(unreadable)? {
        if let Some(start) = columns.start(row).filter(|start| kept.window.contains(*start)) {
            take(&columns, row, start);
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Columns {
    trace: Column,
    id: Column,
    parent: Option<Column>,
    service: Column,
    names: Vec<Column>,
    starts: Vec<Column>,
    duration: Column,
    status: Option<Column>,
}

impl Columns {
    fn of(rows: &CsvRows) -> Result<Self, FileError> {
        let found = |names: [&str; 2]| -> Vec<Column> {
            names.iter().filter_map(|name| rows.column(name).ok()).collect()
        };
        let starts = found(["startTime", "startTimeMillis"]);
        if starts.is_empty() {
            rows.column("startTime")?;
        }
        Ok(Self {
            trace: rows.column("traceID")?,
            id: rows.column("spanID")?,
            parent: rows.column("parentSpanID").ok(),
            service: rows.column("serviceName")?,
            names: found(["operationName", "methodName"]),
            starts,
            duration: rows.column("duration")?,
            status: rows.column("statusCode").ok(),
        })
    }

    fn start(&self, row: Row<'_>) -> Option<UnixNanos> {
        self.starts.iter().find_map(|column| time(row.text(*column)))
    }

    /// The span and its status code, when its trace is one of those that are kept.
    fn span(&self, row: Row<'_>, start: UnixNanos, one_in: u64, shared: &mut Shared) -> Option<(Span, i64)> {
        let trace_id = TraceId(id(row.text(self.trace))?);
        if one_in > 1 && !sampled(trace_id).is_multiple_of(one_in) {
            return None;
        }
        let span_id = |text: &str| {
            let id: [u8; 16] = id(text)?;
            SpanId::from_slice(id.get(8..)?)
        };
        let text = |column: &Column| Some(row.text(*column)).filter(|text| !text.is_empty());
        let duration_us = row.number(self.duration).unwrap_or(0.0).max(0.0);
        let status = self.status.and_then(|column| row.number(column)).unwrap_or(0.0) as i64;
        let span = Span {
            trace_id,
            span_id: span_id(row.text(self.id))?,
            parent: self.parent.and_then(|column| span_id(row.text(column))),
            name: shared.text(self.names.iter().find_map(text).unwrap_or("unnamed")),
            kind: SpanKind::Internal,
            start,
            end: UnixNanos(start.0.saturating_add((duration_us * 1e3) as i64)),
            status: StatusCode::Unset,
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: shared.resource(row.text(self.service), "", ""),
        };
        Some((span, status))
    }
}

/// The id that a text stands for: itself when it is hexadecimal, else a hash of it. Nothing for no text.
fn id(text: &str) -> Option<[u8; 16]> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("nan") || text.bytes().all(|byte| byte == b'0') {
        return None;
    }
    if text.len() <= 32
        && let Ok(number) = u128::from_str_radix(text, 16)
    {
        return Some(number.to_be_bytes());
    }
    let hash = incident::canonical::blake3_hex(text.as_bytes());
    u128::from_str_radix(hash.get(..32)?, 16).ok().map(u128::to_be_bytes)
}

/// A number that chance could have given the trace.
fn sampled(trace_id: TraceId) -> u64 {
    let hash = incident::canonical::blake3_hex(&trace_id.0);
    hash.get(..16).and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or_default()
}

fn with_kinds(read: Vec<(Span, i64)>) -> Vec<Span> {
    let services: BTreeMap<(TraceId, SpanId), Arc<str>> = read
        .iter()
        .map(|(span, _)| ((span.trace_id, span.span_id), Arc::clone(&span.resource.service)))
        .collect();
    let caller = |span: &Span| {
        let parent = (span.trace_id, span.parent?);
        services.get(&parent).filter(|service| **service != span.resource.service).map(|_| parent)
    };
    let callers: BTreeSet<(TraceId, SpanId)> = read.iter().filter_map(|(span, _)| caller(span)).collect();
    let kind = |span: &Span| match span.parent.is_none() || caller(span).is_some() {
        // An entry that hands on without a span of its own stays an entry: else its requests would not be counted.
        true => SpanKind::Server,
        false if callers.contains(&(span.trace_id, span.span_id)) => SpanKind::Client,
        false => SpanKind::Internal,
    };
    let with_kind = |(span, code): (Span, i64)| {
        let kind = kind(&span);
        Span { kind, status: status(code, kind), ..span }
    };
    read.into_iter().map(with_kind).collect()
}

fn status(code: i64, kind: SpanKind) -> StatusCode {
    let fails_from = if kind == SpanKind::Client { 400 } else { 500 };
    match code {
        // One is "ok" of OpenTelemetry or "cancelled" of gRPC: it cannot be told which.
        0 | 1 => StatusCode::Unset,
        2..=GRPC_MAX => StatusCode::Error,
        code if code >= fails_from => StatusCode::Error,
        _ => StatusCode::Ok,
    }
}
