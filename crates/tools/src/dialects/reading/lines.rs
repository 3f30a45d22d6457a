//! Log lines of a window that a filter keeps.
//!
//! Lines are fetched from the questions, as narrow as the filter allows, and filtered here; of too many the source keeps
//! the newest, and that is said.

use std::collections::BTreeMap;

use telemetry::answer::LogRow;
use telemetry::{Ask, Scope, Window};

use super::filter::Filter;
use super::told::{self, Told};
use crate::budget::clip;
use crate::dialects::Record;
use crate::tool::{Context, ToolError};

/// The fields that every line carries, beside its attributes.
pub(crate) const FIELDS: [&str; 8] = [
    "@timestamp",
    "service.name",
    "service.node.name",
    "log.level",
    "severity_number",
    "message",
    "trace.id",
    "span.id",
];

/// A severity from which a line tells of an error.
pub(crate) const ERROR: u8 = 17;

/// What a filter sees of a line.
pub(crate) fn record(row: &LogRow) -> Record {
    let id = |id: Option<String>| id.unwrap_or_default();
    Record::default()
        .with_time("@timestamp", row.at)
        .with("service.name", &row.service)
        .with("service.node.name", &row.instance)
        .with("log.level", telemetry::logs::level(row.severity))
        .with_number("severity_number", f64::from(row.severity))
        .with("message", &row.body)
        .with("trace.id", &id(row.trace_id.map(|id| id.to_string())))
        .with("span.id", &id(row.span_id.map(|id| id.to_string())))
        .with_all(&row.attributes)
}

/// The value of a field of a line as text.
pub(crate) fn value(row: &LogRow, field: &str) -> Option<String> {
    record(row).text(&crate::dialects::resolve_field(field).name)
}

/// The lines that the filter keeps, in the order of time.
///
/// # Errors
/// When the filter asks for what no line carries.
pub(crate) async fn lines(
    context: &Context,
    window: Window,
    scope: Scope,
    filter: &Filter,
) -> Result<Told<Vec<LogRow>>, ToolError> {
    let text = filter.word().or(filter.trace()).unwrap_or_default();
    holding(context, window, scope, filter, &text).await
}

/// The same of those that hold a text.
///
/// # Errors
/// When the filter asks for what no line carries.
pub(crate) async fn holding(
    context: &Context,
    window: Window,
    scope: Scope,
    filter: &Filter,
    text: &str,
) -> Result<Told<Vec<LogRow>>, ToolError> {
    let scope = filter.within(scope)?;
    let ask = Ask::LogSearch { window, scope, text: text.to_owned() };
    let mut told = told::ask::<Vec<LogRow>>(context, ask, told::rows!(LogSearch)).await;
    if !filter.is_none() {
        let records: Vec<Record> = told.rows.iter().map(record).collect();
        filter.only_held(&FIELDS, &records)?;
        let mut kept = records.iter().map(|record| filter.keeps(record));
        told.rows.retain(|_| kept.next().unwrap_or(false));
    }
    told.rows.sort_by(|one, other| {
        (one.at, &one.service, &one.instance, &one.body).cmp(&(
            other.at,
            &other.service,
            &other.instance,
            &other.body,
        ))
    });
    if told.is_truncated {
        told.gaps.push(
            "there are more lines than a source gives: the newest were looked at, counts are too low"
                .to_owned(),
        );
    }
    Ok(told)
}

/// A line as it is shown.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    /// Id of the line, for whatever takes one.
    pub(crate) id: String,
    /// When.
    pub(crate) timestamp: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) service: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) level: String,
    /// Cut at 500 characters, which `...` shows.
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<String>,
    /// Attributes, cut likewise.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) fields: BTreeMap<String, String>,
}

/// Characters of a value that are shown.
const VALUE: usize = 500;
/// Length at which the questions cut a line; a line that long may have been longer.
const CUT: usize = 400;

impl Line {
    /// A line with those of its attributes that are asked for, or with none.
    pub(crate) fn of(row: &LogRow, wanted: &[String]) -> Self {
        let is_wanted = |key: &String| {
            wanted.iter().any(|want| match want.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => crate::dialects::resolve_field(want).name == crate::dialects::resolve_field(key).name,
            })
        };
        let is_cut = row.body.chars().count() >= CUT;
        let message = if is_cut { format!("{}...", row.body) } else { row.body.clone() };
        let fields = row.attributes.iter().filter(|(key, _)| is_wanted(key));
        Self {
            id: id(row),
            timestamp: row.at.rfc3339(),
            service: row.service.clone(),
            level: telemetry::logs::level(row.severity).to_owned(),
            message: clip(&message, VALUE),
            trace_id: row.trace_id.map(|id| id.to_string()),
            fields: fields.map(|(key, value)| (key.clone(), clip(value, VALUE))).collect(),
        }
    }
}

/// What names a line: its moment and who wrote it, and what tells it from others of the same moment.
pub(crate) fn id(row: &LogRow) -> String {
    // FNV-1a, which needs no library: the id names a line of one window, and protects nothing.
    let hash = row
        .body
        .bytes()
        .chain(row.instance.bytes())
        .chain(row.service.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{}-{hash:016x}", row.at.0)
}

/// The moment that an id names.
pub(crate) fn moment(id: &str) -> Option<telemetry::UnixNanos> {
    let (at, hash) = id.split_once('-')?;
    (hash.len() == 16).then(|| at.parse().ok()).flatten().map(telemetry::UnixNanos)
}
