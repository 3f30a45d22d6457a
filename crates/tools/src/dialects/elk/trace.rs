//! `search_by_trace_id` and `search_by_correlation_id`: everything about one request.

use std::collections::BTreeSet;

use evidence::id_relation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{LogRow, TraceRow};
use telemetry::number::Num;
use telemetry::{Scope, StatusCode, TraceId, Window};

use crate::budget::{Shorten, clip};
use crate::dialects::reading::arguments::{self, Index, Short, When};
use crate::dialects::reading::correlation;
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::lines::{self, Line};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::told::Told;
use crate::dialects::reading::{indices, shape, spans};
use crate::dialects::resolve_field;
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

/// Seconds looked back at for an id.
const BACK: i64 = 24 * 3600;
/// Seconds around a trace in which its lines are looked for.
const AROUND: i64 = 60;
const ROWS: (usize, usize) = (100, 500);

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceInput {
    /// 32 hex digits.
    trace_id: Short,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// The tree.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Tree {
    trace_id: String,
    total: usize,
    /// Spans whose parent is not there.
    orphans: usize,
    /// Spans and lines in the order of time, a child after its parent.
    rows: Vec<Row>,
    gaps: Vec<String>,
}

/// A span, or a line.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    kind: &'static str,
    depth: usize,
    at: String,
    service: String,
    /// The span's name, or the line.
    text: String,
    /// Of a span, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<Num>,
    /// Of a line.
    #[serde(skip_serializing_if = "String::is_empty")]
    level: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    orphan: bool,
    /// Pod and image of what wrote it, where told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    place: Vec<String>,
}

impl Shorten for Tree {
    fn text(&self) -> String {
        shape::text("TRACE", self)
    }

    /// Lines that tell of no error, then spans that did not fail, from the end.
    fn shorten(&mut self) -> bool {
        let is_plain = |row: &Row| row.kind == "log" && !row.failed;
        let place = self.rows.iter().rposition(is_plain);
        let place = place.or_else(|| self.rows.iter().rposition(|row| !row.failed && row.depth > 0));
        match place {
            Some(place) => {
                self.rows.remove(place);
                true
            }
            None => self.rows.len() > 1 && self.rows.pop().is_some(),
        }
    }
}

reads!(
    SearchByTraceId,
    "search_by_trace_id",
    TraceInput => Tree,
    by_trace,
    "Show all spans and log lines of a trace as one tree in the order of time, orphans marked.\n\
     When to use: for a trace id; to see where a request failed or waited.\n\
     When NOT to use: for a message id or request id (`search_by_correlation_id`); many requests (`get_latency_stats`)."
);

async fn by_trace(context: &Context, input: TraceInput) -> Result<Found<Tree>, ToolError> {
    let meant = indices::meant(&input.index)?;
    let limit = arguments::limit(input.limit, ROWS.0, ROWS.1)?;
    let asked = arguments::window(context, (&input.start, &input.end), BACK)?;
    let id = input.trace_id.0.trim().parse::<TraceId>();
    let id = id.map_err(|_| {
        ToolError::Input(format!("`trace_id` is 32 hex digits, not `{}`", clip(&input.trace_id.0, 60)))
    })?;
    let (mut spans, mut gaps, mut is_truncated) = (Vec::new(), Vec::new(), false);
    if meant.contains(&"traces") {
        for (_, told) in spans::traces(context, &[id]).await {
            spans.extend(told.rows);
            gaps.extend(told.gaps);
            is_truncated |= told.is_truncated;
        }
    }
    let mut logs = Vec::new();
    if meant.contains(&"logs") {
        let first = spans.iter().map(|row| row.start).min();
        let window =
            first.map_or(asked, |at| Window::new(at.plus_seconds(-AROUND), at.plus_seconds(AROUND * 10)));
        let told = lines::holding(context, window, Scope::all(), &Filter::none(), &id.to_string()).await?;
        is_truncated |= told.is_truncated;
        gaps.extend(told.gaps);
        logs = told.rows.into_iter().filter(|row| row.trace_id == Some(id)).collect();
    }
    let (mut rows, orphans) = tree(&spans, &logs);
    let total = rows.len();
    rows.truncate(limit);
    let next = match (logs.first(), spans.first()) {
        (Some(row), _) => vec![Hint::new(
            "get_log_context",
            json!({ "log_id": lines::id(row) }),
            "what its instance wrote besides",
        )],
        (None, Some(row)) => vec![Hint::new(
            "get_latency_stats",
            arguments::within(asked, json!({ "service": row.subject.service })),
            "whether others are like it",
        )],
        (None, None) => {
            vec![Hint::new("search_logs", arguments::within(asked, json!({})), "which lines there are")]
        }
    };
    let answer = Tree { trace_id: id.to_string(), total, orphans, rows, gaps };
    Ok(Found { answer, is_truncated: is_truncated || total > limit, next })
}

/// Spans from the roots down, each followed by its lines and its children in the order of time; what hangs below nothing
/// that is there begins a tree of its own.
fn tree(spans: &[TraceRow], logs: &[LogRow]) -> (Vec<Row>, usize) {
    let mut order: Vec<&TraceRow> = spans.iter().collect();
    order.sort_by_key(|row| (row.start, row.span_id));
    let is_there =
        |row: &TraceRow| row.parent.is_some_and(|parent| spans.iter().any(|other| other.span_id == parent));
    let is_orphan = |row: &TraceRow| row.parent.is_some() && !is_there(row);
    let orphans = order.iter().filter(|row| is_orphan(row)).count();
    let mut stack: Vec<(&TraceRow, usize)> =
        order.iter().rev().filter(|row| !is_there(row)).map(|row| (*row, 0)).collect();
    let (mut rows, mut seen, mut told) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    // A circle has no root: its first span stands in.
    while let Some((row, depth)) =
        stack.pop().or_else(|| order.iter().find(|row| !seen.contains(&row.span_id)).map(|row| (*row, 0)))
    {
        if !seen.insert(row.span_id) {
            continue;
        }
        rows.push(of_span(row, depth, is_orphan(row)));
        for (place, log) in logs.iter().enumerate().filter(|(_, log)| log.span_id == Some(row.span_id)) {
            told.insert(place);
            rows.push(of_line(log, depth + 1));
        }
        let children = order.iter().rev().filter(|child| child.parent == Some(row.span_id));
        stack.extend(children.map(|child| (*child, depth + 1)));
    }
    rows.extend(
        logs.iter().enumerate().filter(|(place, _)| !told.contains(place)).map(|(_, log)| of_line(log, 0)),
    );
    (rows, orphans)
}

/// Attributes that say where something ran.
fn place(attributes: &[(String, String)]) -> Vec<String> {
    let says =
        ["kubernetes.pod.name", "kubernetes.namespace", "kubernetes.node.name", "container.image.name"];
    let is_place = |key: &str| says.contains(&crate::dialects::resolve_field(key).name.as_str());
    attributes.iter().filter(|(key, _)| is_place(key)).map(|(key, value)| format!("{key}={value}")).collect()
}

fn of_span(row: &TraceRow, depth: usize, is_orphan: bool) -> Row {
    Row {
        kind: "span",
        depth,
        at: row.start.rfc3339(),
        service: row.subject.service.clone(),
        text: clip(&row.subject.operation, 120),
        duration_ms: Some(Num::new(row.duration_ns as f64 / 1e6)),
        level: String::new(),
        failed: row.status == StatusCode::Error,
        orphan: is_orphan,
        place: place(&row.attributes),
    }
}

fn of_line(row: &LogRow, depth: usize) -> Row {
    Row {
        kind: "log",
        depth,
        at: row.at.rfc3339(),
        service: row.service.clone(),
        text: clip(&row.body, 240),
        duration_ms: None,
        level: telemetry::logs::level(row.severity).to_owned(),
        failed: row.severity >= lines::ERROR,
        orphan: false,
        place: place(&row.attributes),
    }
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrelationInput {
    /// A message id, request id, or any other id.
    value: Short,
    /// The field that holds it; else found from the lines.
    field: Option<Short>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// What an id belongs to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Correlated {
    total: usize,
    /// Fields that hold the value.
    matched_fields: Vec<String>,
    /// Traces that lines with the value were written in, or that belong to it by the structure of the lines.
    trace_ids: Vec<String>,
    /// The other way: ids of messages that a trace with this id speaks of.
    message_ids: Vec<String>,
    /// In the order of time.
    rows: Vec<Line>,
    gaps: Vec<String>,
}

shortened!(Correlated, "CORRELATION", [rows, trace_ids, message_ids]);
reads!(
    SearchByCorrelationId,
    "search_by_correlation_id",
    CorrelationInput => Correlated,
    by_correlation,
    "Find the lines that hold an id and the traces it belongs to; with a trace id, the messages it speaks of.\n\
     When to use: for a message id, request id or order id; to get from a message to its trace and back.\n\
     When NOT to use: the spans of a trace (`search_by_trace_id`); any other text (`search_logs`)."
);

async fn by_correlation(context: &Context, input: CorrelationInput) -> Result<Found<Correlated>, ToolError> {
    indices::only(&input.index, "logs")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, ROWS.0, ROWS.1)?;
    let value = input.value.0.trim();
    if value.is_empty() {
        return Err(ToolError::Input("`value` is empty".to_owned()));
    }
    let told = lines::holding(context, window, Scope::all(), &Filter::none(), value).await?;
    let holding: Vec<(&LogRow, Vec<String>)> = told
        .rows
        .iter()
        .map(|row| (row, fields_with(row, value)))
        .filter(|(_, fields)| !fields.is_empty())
        .collect();
    let wanted = arguments::text(&input.field).map(|field| resolve_field(field).name);
    let is_meant = |fields: &Vec<String>| {
        wanted.as_ref().is_none_or(|field| fields.iter().any(|held| resolve_field(held).name == *field))
    };
    let rows: Vec<&LogRow> =
        holding.iter().filter(|(_, fields)| is_meant(fields)).map(|(row, _)| *row).collect();
    let matched: BTreeSet<String> = holding.iter().flat_map(|(_, fields)| fields.iter().cloned()).collect();
    let mut trace_ids: BTreeSet<TraceId> = rows.iter().filter_map(|row| row.trace_id).collect();
    let related = related(context, window, value).await?;
    let (derived, messages) = related.rows;
    trace_ids.extend(derived);
    let total = rows.len();
    let mut gaps = told.gaps.clone();
    gaps.extend(related.gaps);
    gaps.sort();
    gaps.dedup();
    let is_truncated = told.is_truncated || related.is_truncated || total > limit;
    let shown: Vec<Line> = rows.iter().take(limit).map(|row| Line::of(row, &["*".to_owned()])).collect();
    let next = match trace_ids.first() {
        Some(id) => {
            vec![Hint::new(
                "search_by_trace_id",
                arguments::within(window, json!({ "trace_id": id.to_string() })),
                "the request",
            )]
        }
        None => vec![Hint::new("search_logs", arguments::within(window, json!({})), "which lines there are")],
    };
    let answer = Correlated {
        total,
        matched_fields: ordered(matched),
        trace_ids: trace_ids.into_iter().map(|id| id.to_string()).collect(),
        message_ids: messages,
        rows: shown,
        gaps,
    };
    Ok(Found { answer, is_truncated, next })
}

/// The fields of a line whose whole value this is, the text itself when only it holds it.
fn fields_with(row: &LogRow, value: &str) -> Vec<String> {
    let mut fields: Vec<String> =
        row.attributes.iter().filter(|(_, held)| held == value).map(|(key, _)| key.clone()).collect();
    if row.trace_id.is_some_and(|id| id.to_string() == value) {
        fields.push("trace.id".to_owned());
    }
    if row.span_id.is_some_and(|id| id.to_string() == value) {
        fields.push("span.id".to_owned());
    }
    if fields.is_empty() && says(&row.body, value) {
        fields.push("message".to_owned());
    }
    fields
}

/// Whether a text holds an id as a whole: `m-1` is not said by `m-10`.
fn says(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(at, found)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|text| text.chars().next());
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// The fields in the order in which they are tried, the others behind.
fn ordered(fields: BTreeSet<String>) -> Vec<String> {
    let mut fields: Vec<String> = fields.into_iter().collect();
    let rank =
        |field: &String| correlation::ORDER.iter().position(|name| name == field).unwrap_or(usize::MAX);
    fields.sort_by_key(|field| (rank(field), field.clone()));
    fields
}

/// The traces of a message and the messages of a trace, by how the values of all fields go with trace ids: whatever the
/// field is called (AW-23).
async fn related(
    context: &Context,
    window: Window,
    value: &str,
) -> Result<Told<(Vec<TraceId>, Vec<String>)>, ToolError> {
    let told = lines::lines(context, window, Scope::all(), &Filter::none()).await?;
    Ok(told.map(|rows| relations(&rows, value)))
}

fn relations(rows: &[LogRow], value: &str) -> (Vec<TraceId>, Vec<String>) {
    let fields: Vec<Vec<(&str, &str)>> = rows
        .iter()
        .map(|row| row.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect())
        .collect();
    let records: Vec<id_relation::Record<'_>> = rows
        .iter()
        .zip(&fields)
        .map(|(row, fields)| id_relation::Record { service: &row.service, trace: row.trace_id, fields })
        .collect();
    let relations = id_relation::relations(&records);
    let traces = relations.iter().filter_map(|relation| relation.trace_of(value)).collect();
    let trace = value.parse::<TraceId>().ok();
    let messages: BTreeSet<&str> =
        relations.iter().filter_map(|relation| Some(relation.messages_of(trace?))).flatten().collect();
    (traces, messages.into_iter().map(str::to_owned).collect())
}
