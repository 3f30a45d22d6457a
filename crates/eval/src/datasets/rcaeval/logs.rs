//! `logs.csv`: `timestamp` in nanoseconds, `container_name`, `message`, and where they are there `level`, `req_path`,
//! `error` and `log_template`. `time` is a clock for people and is not read.

use std::path::Path;
use std::sync::Arc;

use telemetry::{LogRecord, Value};

use super::{Kept, time};
use crate::files::{Column, CsvRows, FileError, Row};
use crate::folder::Shared;

/// The first severity number of the range of a level (OpenTelemetry, logs data model); names begin so.
const LEVELS: [(&str, i32); 8] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("warn", 13),
    ("err", 17),
    ("critical", 21),
    ("fatal", 21),
    ("panic", 21),
];
/// Bytes of a line that are kept: stack traces can be endless.
const BODY_BYTES_MAX: usize = 4_096;

/// Reads the lines in the window; of more than allowed, every k-th.
pub(super) fn read(path: &Path, kept: Kept, left_out: &mut Vec<String>) -> Result<Vec<LogRecord>, FileError> {
    let mut count = 0;
    let mut unreadable = 0;
    each(path, kept, &mut unreadable, |_, _| count += 1)?;
    let one_in = kept.one_in(count);
    let (mut place, mut logs, mut shared) = (0, Vec::new(), Shared::default());
    each(path, kept, &mut 0, |columns, row| {
        if place % one_in == 0 {
            logs.extend(columns.record(row, &mut shared));
        }
        place += 1;
    })?;
    if one_in > 1 {
        left_out.push(format!("one in {one_in} of {count} log lines was read"));
    }
    if unreadable > 0 {
        left_out.push(format!("{unreadable} log lines are no text"));
    }
    Ok(logs)
}

/// Hands every row in the window to `take`.
fn each(
    path: &Path,
    kept: Kept,
    unreadable: &mut u64,
    mut take: impl FnMut(&Columns, Row<'_>),
) -> Result<(), FileError> {
    let mut rows = CsvRows::open(path)?;
    let columns = Columns::of(&rows)?;
    while let Some(row) = rows.advance_past_bad_text(unreadable)? {
        if time(row.text(columns.at)).is_some_and(|at| kept.window.contains(at)) {
            take(&columns, row);
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Columns {
    at: Column,
    container: Column,
    message: Column,
    template: Option<Column>,
    level: Option<Column>,
    more: Vec<(&'static str, Column)>,
}

impl Columns {
    fn of(rows: &CsvRows) -> Result<Self, FileError> {
        let optional = |name: &str| rows.column(name).ok();
        let more = [("url.path", "req_path"), ("error", "error")];
        Ok(Self {
            at: rows.column("timestamp")?,
            container: rows.column("container_name")?,
            message: rows.column("message").or_else(|_| rows.column("log_template"))?,
            template: optional("log_template"),
            level: optional("level"),
            more: more.into_iter().filter_map(|(key, name)| Some((key, optional(name)?))).collect(),
        })
    }

    fn record(&self, row: Row<'_>, shared: &mut Shared) -> Option<LogRecord> {
        let text = |column: Option<Column>| column.map(|column| row.text(column)).unwrap_or_default();
        let body = Some(row.text(self.message)).filter(|body| !body.is_empty());
        let body = cut(body.unwrap_or_else(|| text(self.template)));
        let level = text(self.level).to_ascii_lowercase();
        let severity = LEVELS.iter().find(|(name, _)| level.starts_with(name)).map_or(0, |(_, level)| *level);
        let told = self.more.iter().filter(|(_, column)| is_told(row.text(*column)));
        let attributes =
            told.map(|(key, column)| (shared.text(key), Value::Text(Arc::from(cut(row.text(*column))))));
        Some(LogRecord {
            at: time(row.text(self.at))?,
            trace_id: None,
            span_id: None,
            severity,
            body: Value::Text(Arc::from(body)),
            attributes: attributes.collect(),
            resource: shared.resource(row.text(self.container), "", ""),
        })
    }
}

fn is_told(text: &str) -> bool {
    !text.is_empty() && !text.eq_ignore_ascii_case("nan")
}

/// The beginning of a text, cut at a character.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(BODY_BYTES_MAX)).unwrap_or_default()
}
