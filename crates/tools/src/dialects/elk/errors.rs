//! `get_error_summary`: errors by service and kind.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::LogRow;
use telemetry::number::Num;

use crate::budget::clip;
use crate::dialects::Record;
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::{indices, lines};
use crate::dialects::resolve_field;
use crate::hint::Hint;
use crate::services;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const GROUPS: (usize, usize) = (20, 100);
const FIELDS: usize = 3;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    service: Option<Short>,
    start: Option<When>,
    end: Option<When>,
    /// Fields with commas between them, at most 3; `service,error.type` when not given.
    group_by: Option<Short>,
    #[serde(rename = "kqlFilter")]
    kql_filter: Option<Kql>,
    index: Option<Index>,
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    total: usize,
    /// Lines of errors.
    errors: u64,
    /// The most frequent first.
    groups: Vec<Group>,
    gaps: Vec<String>,
}

/// One kind.
#[derive(Debug, Serialize, JsonSchema)]
struct Group {
    group: Vec<String>,
    count: u64,
    /// Of all errors, 0-1.
    share: Num,
    first: String,
    last: String,
    sample_id: String,
    sample: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    downstream: Option<String>,
}

shortened!(Answer, "ERRORS", [groups]);
reads!(
    GetErrorSummary,
    "get_error_summary",
    Input => Answer,
    call,
    "Summarize log lines of errors by service and kind: count, share, first and last, a sample.\n\
     When to use: to see what goes wrong and how often; to find errors that are new.\n\
     When NOT to use: single lines (`search_logs`); failed requests without lines (`get_endpoint_status_summary`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    indices::only(&input.index, "logs")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, GROUPS.0, GROUPS.1)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let fields = fields(arguments::text(&input.group_by))?;
    let told = lines::lines(context, window, arguments::scope(&input.service), &filter).await?;
    let errors: Vec<&LogRow> = told.rows.iter().filter(|row| row.severity >= lines::ERROR).collect();
    if told.rows.is_empty()
        && let Some(service) = &input.service
    {
        services::known(context, window, &service.0).await?;
    }
    let records: Vec<Record> = errors.iter().map(|row| lines::record(row)).collect();
    let mut groups: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (place, (row, record)) in errors.iter().zip(&records).enumerate() {
        let value = |field: &String| kind(row, record, field);
        groups.entry(fields.iter().map(value).collect()).or_default().push(place);
    }
    let all = errors.len();
    let mut groups: Vec<Group> =
        groups.into_iter().filter_map(|(name, places)| group(name, &places, (&errors, &records))).collect();
    groups.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.group.cmp(&other.group)));
    let total = groups.len();
    groups.truncate(limit);
    let next = match groups.first() {
        Some(group) => vec![Hint::new(
            "get_log_context",
            json!({ "log_id": group.sample_id }),
            "the lines around a sample",
        )],
        None => {
            vec![Hint::new(
                "get_endpoint_status_summary",
                arguments::within(window, json!({})),
                "requests that fail without a line",
            )]
        }
    };
    let answer = Answer { total, errors: all as u64, groups, gaps: told.gaps };
    Ok(Found { answer, is_truncated: told.is_truncated || total > limit, next })
}

fn fields(asked: Option<&str>) -> Result<Vec<String>, ToolError> {
    let asked = asked.unwrap_or("service,error.type");
    let fields: Vec<String> = asked
        .split(',')
        .map(str::trim)
        .filter(|field| !field.is_empty())
        .map(|field| if field == "service" { "service.name".to_owned() } else { resolve_field(field).name })
        .collect();
    if fields.is_empty() || fields.len() > FIELDS {
        return Err(ToolError::Input(format!("`group_by` names 1 to {FIELDS} fields, not {}", fields.len())));
    }
    Ok(fields)
}

/// The value of a field; what kind of error it is by its type, else by its masked line.
fn kind(row: &LogRow, record: &Record, field: &str) -> String {
    let told = record.text(field);
    match field {
        "error.type" => told
            .or_else(|| record.text("error.exception.type"))
            .unwrap_or_else(|| clip(&telemetry::template::of(&row.body), 120)),
        _ => told.unwrap_or_default(),
    }
}

fn group(name: Vec<String>, places: &[usize], (errors, records): (&[&LogRow], &[Record])) -> Option<Group> {
    let rows: Vec<&&LogRow> = places.iter().filter_map(|place| errors.get(*place)).collect();
    let (first, last) = (rows.first()?, rows.last()?);
    let downstream = places
        .iter()
        .filter_map(|place| records.get(*place))
        .find_map(|record| record.text("span.destination.service.resource"));
    Some(Group {
        group: name,
        count: rows.len() as u64,
        share: Num::new(rows.len() as f64 / errors.len().max(1) as f64),
        first: first.at.rfc3339(),
        last: last.at.rfc3339(),
        sample_id: lines::id(last),
        sample: clip(&last.body, 240),
        downstream,
    })
}
