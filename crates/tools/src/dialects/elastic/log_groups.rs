//! `get_log_groups`: lines by their pattern, exceptions first, and the spans that failures began in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{LogRow, LogTemplateRow, SelfTimeTable};
use telemetry::{Ask, Scope, UnixNanos, Window, template};

use crate::budget::clip;
use crate::dialects::Record;
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::told::{self, Told};
use crate::dialects::reading::{indices, lines, requests};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const USUAL: usize = 20;
const MOST: usize = 100;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    index: Option<Index>,
    kql_filter: Option<Kql>,
    /// Attributes of the sample that are shown; `*` at the end.
    fields: Option<Vec<Short>>,
    #[serde(default)]
    include_stack_trace: bool,
    #[serde(default)]
    include_first_seen: bool,
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    total: usize,
    /// Failed spans, then exceptions, then other lines; the most frequent first.
    groups: Vec<Group>,
    gaps: Vec<String>,
}

/// The kind of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Kind {
    SpanException,
    LogException,
    Log,
}

/// One group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(rename = "type")]
    kind: Kind,
    service: String,
    level: String,
    pattern: String,
    sample: String,
    count: u64,
    /// Whether the count is of a sample, or too low.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    approximate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    downstream_service_resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
}

shortened!(Answer, "LOG GROUPS", [groups]);
reads!(
    GetLogGroups,
    "get_log_groups",
    Input => Answer,
    call,
    "Group log lines by pattern, exceptions and failed spans first.\n\
     When to use: to see what goes wrong in words; to find new errors; to get a sample of each kind of line.\n\
     When NOT to use: single lines (`get_logs`); lines of one request (`get_correlated_logs`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, USUAL, MOST)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let wanted = indices::meant(&input.index)?;
    let (mut groups, mut gaps, mut is_truncated) = (Vec::new(), Vec::new(), false);
    // A filter on what only lines carry is about lines, and one on what only spans carry about spans.
    let is_of_spans = wanted.contains(&"traces") && filter.only(&SPAN_FIELDS).is_ok();
    if wanted.contains(&"logs") {
        match of_lines(context, window, &filter, &input).await {
            Ok(told) => {
                is_truncated |= told.is_truncated;
                gaps.extend(told.gaps);
                groups.extend(told.rows);
            }
            Err(error) if !is_of_spans => return Err(error),
            Err(_) => {}
        }
    }
    if is_of_spans {
        let told = of_spans(context, window, &filter).await;
        is_truncated |= told.is_truncated;
        gaps.extend(told.gaps);
        groups.extend(told.rows);
    }
    groups.sort_by(|one: &Group, other| {
        (one.kind, std::cmp::Reverse(one.count), &one.service, &one.pattern).cmp(&(
            other.kind,
            std::cmp::Reverse(other.count),
            &other.service,
            &other.pattern,
        ))
    });
    let total = groups.len();
    groups.truncate(limit);
    let next = match groups.first() {
        Some(group) => vec![Hint::new(
            "get_correlated_logs",
            arguments::within(
                window,
                json!({ "kqlFilter": filter::of_value("service.name", &group.service) }),
            ),
            "the requests in which it happens",
        )],
        None => {
            vec![Hint::new("get_index_info", arguments::within(window, json!({})), "what is there at all")]
        }
    };
    Ok(Found { answer: Answer { total, groups, gaps }, is_truncated: is_truncated || total > limit, next })
}

const SPAN_FIELDS: [&str; 5] = [
    "service.name",
    "transaction.name",
    "service.node.name",
    "service.version",
    "span.destination.service.resource",
];

/// Lines by pattern. Counts are those of the templates where nothing is filtered, else of the lines themselves.
async fn of_lines(
    context: &Context,
    window: Window,
    filter: &Filter,
    input: &Input,
) -> Result<Told<Vec<Group>>, ToolError> {
    let told = lines::lines(context, window, Scope::all(), filter).await?;
    let mut seen: BTreeMap<(String, u8, String), Vec<&LogRow>> = BTreeMap::new();
    for row in &told.rows {
        seen.entry((row.service.clone(), row.severity, template::of(&row.body))).or_default().push(row);
    }
    let is_low = told.is_truncated || told.is_sampled;
    let mut groups: Vec<Group> = Vec::new();
    let exact = if filter.is_none() { templates(context, window).await } else { Told::default() };
    for row in &exact.rows {
        let rows =
            seen.remove(&(row.service.clone(), row.severity, row.template.clone())).unwrap_or_default();
        let mut group =
            group((&row.service, row.severity, &row.template), &row.example, &row.attributes, input);
        (group.count, group.approximate) = (row.count, exact.is_sampled);
        group.first_seen = input.include_first_seen.then(|| row.first.rfc3339());
        group.last_seen = rows.last().map(|row| row.at.rfc3339());
        groups.push(group);
    }
    for ((service, severity, pattern), rows) in seen {
        let Some(first) = rows.first() else { continue };
        let mut group = group((&service, severity, &pattern), &first.body, &first.attributes, input);
        (group.count, group.approximate) = (rows.len() as u64, is_low);
        group.first_seen = (input.include_first_seen && !is_low).then(|| first.at.rfc3339());
        group.last_seen = rows.last().map(|row| row.at.rfc3339());
        groups.push(group);
    }
    Ok(told.map(|_| groups))
}

async fn templates(context: &Context, window: Window) -> Told<Vec<LogTemplateRow>> {
    let ask = Ask::LogTemplates { window, scope: Scope::all() };
    told::ask::<Vec<LogTemplateRow>>(context, ask, told::rows!(LogTemplates)).await
}

fn group(
    (service, severity, pattern): (&str, u8, &str),
    sample: &str,
    attributes: &[(String, String)],
    input: &Input,
) -> Group {
    let record = Record::default().with_all(attributes);
    let wanted: Vec<String> = input.fields.iter().flatten().map(|field| field.0.clone()).collect();
    let row = LogRow {
        at: UnixNanos(0),
        service: service.to_owned(),
        instance: String::new(),
        severity,
        body: sample.to_owned(),
        trace_id: None,
        span_id: None,
        attributes: attributes.to_vec(),
    };
    let is_exception = record.text("error.exception.type").is_some();
    Group {
        kind: if is_exception { Kind::LogException } else { Kind::Log },
        service: service.to_owned(),
        level: telemetry::logs::level(severity).to_owned(),
        pattern: clip(pattern, 300),
        sample: clip(sample, 300),
        count: 0,
        approximate: false,
        first_seen: None,
        last_seen: None,
        downstream_service_resource: record.text("span.destination.service.resource"),
        stack_trace: record.text("error.stack_trace").filter(|_| input.include_stack_trace),
        fields: lines::Line::of(&row, &wanted).fields,
    }
}

/// Spans that failed without a failed child: where a failure began.
async fn of_spans(context: &Context, window: Window, filter: &Filter) -> Told<Vec<Group>> {
    let ask = Ask::SelfTime { window, scope: Scope::all() };
    let told = told::ask::<SelfTimeTable>(context, ask, told::rows!(SelfTime)).await;
    let is_sampled = told.is_sampled;
    told.map(|table| {
        let failed = table.rows.into_iter().filter(|row| row.error_origins > 0);
        let kept = failed.filter(|row| {
            let record =
                requests::record(&row.subject).with("span.destination.service.resource", &row.resource);
            filter.keeps(&record)
        });
        let mut by_place: BTreeMap<(String, String, String), u64> = BTreeMap::new();
        for row in kept {
            *by_place.entry((row.subject.service, row.subject.operation, row.resource)).or_default() +=
                row.error_origins;
        }
        let groups = by_place.into_iter().map(|((service, operation, resource), count)| Group {
            kind: Kind::SpanException,
            service,
            level: "error".to_owned(),
            sample: String::new(),
            pattern: operation,
            count,
            approximate: is_sampled,
            first_seen: None,
            last_seen: None,
            downstream_service_resource: Some(resource).filter(|resource| !resource.is_empty()),
            stack_trace: None,
            fields: BTreeMap::new(),
        });
        groups.collect()
    })
}
