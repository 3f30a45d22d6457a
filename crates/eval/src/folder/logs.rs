//! `logs.csv`.

use std::path::Path;
use std::sync::Arc;

use telemetry::{LogRecord, UnixNanos, Value};

use super::attributes::{self, Shared};
use crate::files::{CsvOut, CsvRows, FileError};

const COLUMNS: [&str; 9] =
    ["at_ns", "service", "instance", "version", "severity", "trace_id", "span_id", "body", "attributes"];

pub(super) fn write(path: &Path, logs: &[LogRecord]) -> Result<(), FileError> {
    let mut out = CsvOut::create(path, &COLUMNS)?;
    for log in logs {
        let told = attributes::render(&log.attributes)
            .map_err(|error| FileError::content(path, error.to_string()))?;
        out.row(&[
            &log.at.0.to_string(),
            &log.resource.service,
            &log.resource.instance,
            &log.resource.version,
            &log.severity.to_string(),
            &log.trace_id.map(|id| id.to_string()).unwrap_or_default(),
            &log.span_id.map(|id| id.to_string()).unwrap_or_default(),
            &log.body.render(),
            &told,
        ])?;
    }
    out.finish()
}

pub(super) fn read(mut rows: CsvRows) -> Result<Vec<LogRecord>, FileError> {
    let path = &rows.path().to_owned();
    let mut columns = Vec::new();
    for name in COLUMNS {
        columns.push(rows.column(name)?);
    }
    let [at, service, instance, version, severity, trace, span, body, told] = columns.as_slice() else {
        return Err(FileError::content(path, "columns are missing"));
    };
    let mut shared = Shared::default();
    let mut logs = Vec::new();
    while let Some(row) = rows.advance()? {
        logs.push(LogRecord {
            at: UnixNanos(row.whole(*at)?),
            trace_id: row.text(*trace).parse().ok(),
            span_id: row.text(*span).parse().ok(),
            severity: i32::try_from(row.whole(*severity)?).unwrap_or_default(),
            body: Value::Text(Arc::from(row.text(*body))),
            attributes: attributes::parse(row.text(*told), path)?,
            resource: shared.resource(row.text(*service), row.text(*instance), row.text(*version)),
        });
    }
    Ok(logs)
}
