//! Log records as the rows of `otel_logs`: the names and shapes of the ClickHouse exporter of OpenTelemetry.
//!
//! Sorted by service and time. The exporter's columns of the scope, the severity's text and the flags are missing, because
//! the decoder does not keep them.

use std::io;
use std::sync::Arc;

use parquet::data_type::ByteArray;
use telemetry::{LogRecord, UnixNanos};

use super::attributes::{self, Sets, Texts, letter_of, put_value, text, value_of};
use super::column::Column;
use super::file::{self, File};
use super::resources::Resources;
use super::unreadable;

/// The columns that every record has a value in.
struct Plain {
    at: Column<i64>,
    trace_id: Column<ByteArray>,
    span_id: Column<ByteArray>,
    severity: Column<i64>,
    body: Column<ByteArray>,
    body_letter: Column<ByteArray>,
}

fn schema() -> String {
    [
        "message otel_logs { required int64 Timestamp (TIMESTAMP(NANOS,true)); required binary TraceId (STRING); \
         required binary SpanId (STRING); required int64 SeverityNumber; required binary ServiceName (STRING); \
         required binary Body (STRING); required binary BodyLetter (STRING); "
            .to_owned(),
        attributes::schema("ResourceAttributes"),
        attributes::schema("LogAttributes"),
        "}".to_owned(),
    ]
    .concat()
}

/// The bytes of a file of `logs`, which are sorted here.
pub(super) fn write(mut logs: Vec<&LogRecord>) -> io::Result<Vec<u8>> {
    logs.sort_by(|a, b| (&a.resource.service, a.at).cmp(&(&b.resource.service, b.at)));
    let id = |id: Option<String>| id.unwrap_or_default();
    file::write(&schema(), |columns| {
        let rows = || logs.iter();
        columns.int(|at| rows().for_each(|log| at.push(log.at.0)))?;
        columns.text(|of| {
            rows().for_each(|log| of.push(id(log.trace_id.map(|id| id.to_string())).as_bytes()))
        })?;
        columns
            .text(|of| rows().for_each(|log| of.push(id(log.span_id.map(|id| id.to_string())).as_bytes())))?;
        columns.int(|of| rows().for_each(|log| of.push(i64::from(log.severity))))?;
        columns.text(|of| rows().for_each(|log| of.push_shared(&log.resource.service)))?;
        columns.text(|of| rows().for_each(|log| of.push_with(|row| put_value(row, &log.body))))?;
        columns.text(|of| rows().for_each(|log| of.push(&[letter_of(&log.body)])))?;
        attributes::write(columns, rows().map(|log| &log.resource.attributes))?;
        attributes::write(columns, rows().map(|log| &log.attributes))
    })
}

/// The log records of a file whose time is `wanted`.
pub(super) fn read(bytes: Vec<u8>, wanted: impl Fn(UnixNanos) -> bool) -> io::Result<Vec<LogRecord>> {
    let file = File::open(bytes)?;
    let at = file.whole().int("Timestamp")?;
    let is_wanted = |row: &usize| at.values.get(*row).is_some_and(|at| wanted(UnixNanos(*at)));
    let rows: Vec<usize> = (0..file.rows()).filter(is_wanted).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let part = file.part(&rows);
    let plain = Plain {
        trace_id: part.text("TraceId")?,
        span_id: part.text("SpanId")?,
        severity: part.int("SeverityNumber")?,
        body: part.text("Body")?,
        body_letter: part.text("BodyLetter")?,
        at: part.int("Timestamp")?,
    };
    let resource = Sets::read(&part, "ResourceAttributes")?;
    let attributes = Sets::read(&part, "LogAttributes")?;
    let (mut texts, mut resources) = (Texts::default(), Resources::default());
    (0..rows.len())
        .map(|row| {
            log(&plain, row, (&resource, &attributes), &mut texts, &mut resources)
                .ok_or_else(|| unreadable("log record", row))
        })
        .collect()
}

fn log(
    plain: &Plain,
    row: usize,
    (resource, attributes): (&Sets, &Sets),
    texts: &mut Texts,
    resources: &mut Resources,
) -> Option<LogRecord> {
    let trace_id = text(plain.trace_id.values.get(row)?)?;
    let span_id = text(plain.span_id.values.get(row)?)?;
    let letter = *plain.body_letter.values.get(row)?.data().first()?;
    Some(LogRecord {
        at: UnixNanos(*plain.at.values.get(row)?),
        trace_id: if trace_id.is_empty() { None } else { Some(trace_id.parse().ok()?) },
        span_id: if span_id.is_empty() { None } else { Some(span_id.parse().ok()?) },
        severity: i32::try_from(*plain.severity.values.get(row)?).ok()?,
        body: value_of(text(plain.body.values.get(row)?)?, letter, texts)?,
        attributes: attributes.get(row, texts)?,
        resource: Arc::clone(&resources.share(resource.get(row, texts)?)),
    })
}
