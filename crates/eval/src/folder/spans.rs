//! `spans.csv`.

use std::path::Path;
use std::sync::Arc;

use telemetry::{Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos};

use super::attributes::{self, Shared};
use crate::files::{CsvOut, CsvRows, FileError};

const COLUMNS: [&str; 13] = [
    "trace_id",
    "span_id",
    "parent_id",
    "service",
    "instance",
    "version",
    "kind",
    "name",
    "start_ns",
    "end_ns",
    "status",
    "message",
    "attributes",
];

pub(super) fn write(path: &Path, spans: &[Span]) -> Result<(), FileError> {
    let mut out = CsvOut::create(path, &COLUMNS)?;
    for span in spans {
        let told = attributes::render(&span.attributes)
            .map_err(|error| FileError::content(path, error.to_string()))?;
        out.row(&[
            &span.trace_id.to_string(),
            &span.span_id.to_string(),
            &span.parent.map(|id| id.to_string()).unwrap_or_default(),
            &span.resource.service,
            &span.resource.instance,
            &span.resource.version,
            span.kind.name(),
            &span.name,
            &span.start.0.to_string(),
            &span.end.0.to_string(),
            status_name(span.status),
            &span.message,
            &told,
        ])?;
    }
    out.finish()
}

pub(super) fn read(mut rows: CsvRows) -> Result<Vec<Span>, FileError> {
    let path = &rows.path().to_owned();
    let mut columns = Vec::new();
    for name in COLUMNS {
        columns.push(rows.column(name)?);
    }
    let [trace, id, parent, service, instance, version, kind, name, start, end, status, message, told] =
        columns.as_slice()
    else {
        return Err(FileError::content(path, "columns are missing"));
    };
    let mut shared = Shared::default();
    let mut spans = Vec::new();
    while let Some(row) = rows.advance()? {
        let bad = |what: &str| FileError::content(path, format!("`{what}` is no id"));
        let text = row.text(*parent);
        let parent: Option<SpanId> = match text {
            "" => None,
            id => Some(id.parse().map_err(|_| bad(id))?),
        };
        spans.push(Span {
            trace_id: row.text(*trace).parse::<TraceId>().map_err(|_| bad(row.text(*trace)))?,
            span_id: row.text(*id).parse::<SpanId>().map_err(|_| bad(row.text(*id)))?,
            parent,
            name: shared.text(row.text(*name)),
            kind: kind_of(row.text(*kind)),
            start: UnixNanos(row.whole(*start)?),
            end: UnixNanos(row.whole(*end)?),
            status: status_of(row.text(*status)),
            message: Arc::from(row.text(*message)),
            attributes: attributes::parse(row.text(*told), path)?,
            events: Vec::new(),
            links: Vec::new(),
            resource: shared.resource(row.text(*service), row.text(*instance), row.text(*version)),
        });
    }
    Ok(spans)
}

fn kind_of(name: &str) -> SpanKind {
    match name {
        "internal" => SpanKind::Internal,
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

fn status_name(status: StatusCode) -> &'static str {
    match status {
        StatusCode::Unset => "",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    }
}

fn status_of(name: &str) -> StatusCode {
    match name {
        "ok" => StatusCode::Ok,
        "error" => StatusCode::Error,
        _ => StatusCode::Unset,
    }
}
