//! `logs.ndjson`, `metrics.csv` and `traces.json`.
//!
//! Ids in the traces are short names, and a trace may be called `same`: a span belongs to the trace of its parent, which
//! is the last one of that name before it. Kinds are not told: what has no parent or one of another service is an
//! entry, what names a peer is a call.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use telemetry::answer::SeriesKind;
use telemetry::signal::Attributes;
use telemetry::{LogRecord, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

use crate::clock_text;
use crate::files::{self, CsvRows, FileError};
use crate::folder::Shared;
use telemetry::recorded::{Series, SeriesBuilder, SeriesKey};

/// The first severity number of the range of a level (OpenTelemetry, logs data model).
const LEVELS: [(&str, i32); 6] =
    [("TRACE", 1), ("DEBUG", 5), ("INFO", 9), ("WARN", 13), ("ERROR", 17), ("FATAL", 21)];
/// What says that a span calls somebody who sends no spans.
const PEERS: [&str; 4] = ["peer.service", "server.address", "net.peer.name", "http.url"];

#[derive(Debug, Deserialize)]
struct Line {
    timestamp: String,
    service: String,
    #[serde(default)]
    severity_text: String,
    msg: String,
    #[serde(flatten)]
    rest: Map<String, Json>,
}

#[derive(Debug, Deserialize)]
struct Row {
    trace_id: String,
    span_id: String,
    parent_id: Option<String>,
    service: String,
    name: String,
    start: String,
    duration_ms: f64,
    #[serde(default)]
    status: String,
    #[serde(flatten)]
    rest: Map<String, Json>,
}

pub(super) fn logs(path: &Path) -> Result<Vec<LogRecord>, FileError> {
    let text = std::fs::read_to_string(path).map_err(|error| FileError::io(path, error))?;
    let mut shared = Shared::default();
    let record = |line: &str| {
        let line: Line =
            serde_json::from_str(line).map_err(|error| FileError::content(path, error.to_string()))?;
        let severity = LEVELS.iter().find(|(name, _)| line.severity_text.eq_ignore_ascii_case(name));
        let mut rest = line.rest;
        rest.remove("trace_id");
        Ok(LogRecord {
            at: time(&line.timestamp, path)?,
            trace_id: None,
            span_id: None,
            severity: severity.map_or(0, |(_, number)| *number),
            body: Value::Text(Arc::from(line.msg)),
            attributes: attributes(&rest),
            resource: shared.resource(&line.service, "", ""),
        })
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(record).collect()
}

pub(super) fn series(path: &Path) -> Result<Vec<Series>, FileError> {
    let mut rows = CsvRows::open(path)?;
    let (at, service) = (rows.column("timestamp")?, rows.column("service")?);
    let (metric, value) = (rows.column("metric")?, rows.column("value")?);
    let mut series = SeriesBuilder::default();
    while let Some(row) = rows.advance()? {
        let key = SeriesKey {
            service: row.text(service).to_owned(),
            instance: String::new(),
            metric: row.text(metric).to_owned(),
            unit: String::new(),
            attributes: BTreeMap::new(),
            kind: SeriesKind::Gauge,
        };
        if let Some(value) = row.number(value) {
            series.add(key, time(row.text(at), path)?, value);
        }
    }
    Ok(series.finish())
}

pub(super) fn spans(path: &Path) -> Result<Vec<Span>, FileError> {
    let rows: Vec<Row> = files::read_json(path)?;
    let mut shared = Shared::default();
    // By the trace's name and the span's: its place. The last one of a name stands for it.
    let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut latest: BTreeMap<String, usize> = BTreeMap::new();
    let mut spans: Vec<Span> = Vec::new();
    for row in rows {
        let known = row.parent_id.as_ref().and_then(|parent| {
            places.get(&(row.trace_id.clone(), parent.clone())).or_else(|| latest.get(parent)).copied()
        });
        let span = span(&row, spans.len(), known.and_then(|place| spans.get(place)), &mut shared, path)?;
        latest.insert(row.span_id.clone(), spans.len());
        places.insert((row.trace_id, row.span_id), spans.len());
        spans.push(span);
    }
    Ok(spans)
}

/// The span at `place`, whose id is its place: the names in the file repeat.
fn span(
    row: &Row,
    place: usize,
    parent: Option<&Span>,
    shared: &mut Shared,
    path: &Path,
) -> Result<Span, FileError> {
    let number = place as u64 + 1;
    let is_entry = parent.is_none_or(|parent| *parent.resource.service != *row.service);
    let calls = PEERS.iter().any(|key| row.rest.contains_key(*key));
    let start = time(&row.start, path)?;
    let told = |key: &str| row.rest.get(key).and_then(Json::as_str);
    Ok(Span {
        trace_id: parent.map_or(TraceId(u128::from(number).to_be_bytes()), |parent| parent.trace_id),
        span_id: SpanId(number.to_be_bytes()),
        parent: parent.map(|parent| parent.span_id),
        name: shared.text(&row.name),
        kind: match (is_entry, calls) {
            (_, true) => SpanKind::Client,
            (true, false) => SpanKind::Server,
            (false, false) => SpanKind::Internal,
        },
        start,
        end: UnixNanos(start.0 + (row.duration_ms * 1e6) as i64),
        status: if row.status == "ERROR" { StatusCode::Error } else { StatusCode::Ok },
        message: Arc::from(told("error").or(told("status_message")).unwrap_or_default()),
        attributes: attributes(&row.rest),
        events: Vec::new(),
        links: Vec::new(),
        resource: shared.resource(&row.service, "", ""),
    })
}

fn attributes(rest: &Map<String, Json>) -> Attributes {
    let value = |json: &Json| match json {
        Json::String(text) => Some(text.clone()),
        Json::Null => None,
        other => Some(other.to_string()),
    };
    let told = rest.iter().filter_map(|(key, json)| Some((key, value(json)?)));
    told.map(|(key, text)| (Arc::from(key.as_str()), Value::Text(Arc::from(text)))).collect()
}

fn time(text: &str, path: &Path) -> Result<UnixNanos, FileError> {
    clock_text::parse(text).ok_or_else(|| FileError::content(path, format!("`{text}` is no time")))
}
