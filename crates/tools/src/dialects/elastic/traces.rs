//! `get_traces`: whole traces in which something happens.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::TraceRow;
use telemetry::number::Num;
use telemetry::{Scope, StatusCode, TraceId};

use crate::budget::{Shorten, clip};
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::shape::reads;
use crate::dialects::reading::{indices, lines, requests, shape, spans};
use crate::dialects::{Record, resolve_field};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
/// Spans of a trace and traces, when not given and at most.
const SPANS: (usize, usize) = (10, 200);
const TRACES: (usize, usize) = (10, 100);
/// Services that are asked for examples of their own.
const SERVICES: usize = 20;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    index: Option<Index>,
    /// Of a span or a line of the trace.
    kql_filter: Option<Kql>,
    /// Spans of a trace that are shown.
    max_trace_size: Option<u32>,
    max_traces: Option<u32>,
    /// Attributes that are shown.
    fields: Option<Vec<Short>>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    total: usize,
    /// Traces that were looked at: the worst and the most typical ones, and those of lines that match.
    looked_at: usize,
    sequences: Vec<Sequence>,
    gaps: Vec<String>,
}

/// One trace.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Sequence {
    trace_id: String,
    span_count: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_truncated: bool,
    /// In the order of time, those that match first where not all are shown.
    traces: Vec<Step>,
}

/// One span.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Step {
    service: String,
    name: String,
    kind: &'static str,
    start: String,
    /// In ms.
    duration_ms: Num,
    outcome: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    matches: bool,
    fields: Vec<String>,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        shape::text("TRACES", self)
    }

    /// Spans of the longest trace first, down to three; then traces.
    fn shorten(&mut self) -> bool {
        let longest = self.sequences.iter_mut().max_by_key(|sequence| sequence.traces.len());
        if let Some(sequence) = longest.filter(|sequence| sequence.traces.len() > 3) {
            sequence.traces.truncate(sequence.traces.len() - (sequence.traces.len() / 4).max(1));
            sequence.is_truncated = true;
            return true;
        }
        self.sequences.len() > 1 && self.sequences.pop().is_some()
    }
}

reads!(
    GetTraces,
    "get_traces",
    Input => Answer,
    call,
    "Get traces that hold a matching span or log line, with their spans.\n\
     When to use: for a trace id; for requests of an operation that failed or were slow; to see a request in full.\n\
     When NOT to use: figures over many requests (`get_trace_metrics`); lines around an error (`get_correlated_logs`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    indices::only(&input.index, "traces")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let size = arguments::limit(input.max_trace_size, SPANS.0, SPANS.1)?;
    let most = arguments::limit(input.max_traces, TRACES.0, TRACES.1)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let Candidates { ids, mut gaps, from_lines, is_of_lines } = candidates(context, window, &filter).await?;
    let looked_at = ids.len();
    let traces = spans::traces(context, &ids).await;
    let records: Vec<Vec<Record>> = traces
        .iter()
        .map(|(id, told)| told.rows.iter().map(|row| spans::record(*id, row)).collect())
        .collect();
    if !is_of_lines {
        filter.only_held(&spans::FIELDS, records.iter().flatten())?;
    }
    let wanted: Vec<String> =
        input.fields.iter().flatten().map(|field| resolve_field(&field.0).name).collect();
    let mut sequences = Vec::new();
    for ((id, told), records) in traces.iter().zip(&records) {
        let kept: Vec<bool> = records.iter().map(|record| filter.keeps(record)).collect();
        if kept.contains(&true) || from_lines.contains(id) {
            sequences.push(sequence(*id, &told.rows, &kept, (size, &wanted)));
        }
        gaps.extend(told.gaps.iter().cloned());
    }
    gaps.sort();
    gaps.dedup();
    let total = sequences.len();
    sequences.truncate(most);
    let next = match sequences.first() {
        Some(sequence) => vec![Hint::new(
            "get_correlated_logs",
            arguments::within(window, json!({ "kqlFilter": format!("trace.id: {}", sequence.trace_id) })),
            "the lines written in it",
        )],
        None => {
            vec![Hint::new("get_services", arguments::within(window, json!({})), "which services are there")]
        }
    };
    // Where only examples were looked at, that there are no others is not known.
    let is_truncated = total > most || (looked_at > 0 && filter.trace().is_none());
    Ok(Found { answer: Answer { total, looked_at, sequences, gaps }, is_truncated, next })
}

/// Which traces are looked at.
struct Candidates {
    ids: Vec<TraceId>,
    gaps: Vec<String>,
    /// Those in which a line matches.
    from_lines: BTreeSet<TraceId>,
    /// Whether lines carry what is filtered by.
    is_of_lines: bool,
}

/// A trace that is named; else those of lines that match, and examples of each service.
async fn candidates(
    context: &Context,
    window: telemetry::Window,
    filter: &Filter,
) -> Result<Candidates, ToolError> {
    if let Some(id) = filter.trace() {
        let id = id
            .parse::<TraceId>()
            .map_err(|_| ToolError::Input(format!("`trace.id` is 32 hex digits, not `{}`", clip(&id, 60))))?;
        let none = BTreeSet::new();
        return Ok(Candidates { ids: vec![id], gaps: Vec::new(), from_lines: none, is_of_lines: false });
    }
    let mut scopes = vec![Scope::all()];
    match filter.service() {
        Some(service) => scopes = vec![Scope::service(&service.0)],
        None => {
            let told = requests::rows(context, window, Scope::all(), &Filter::none()).await?;
            let groups = requests::grouped(&told.rows, "service.name");
            scopes.extend(groups.keys().take(SERVICES).map(|name| Scope::service(name)));
        }
    }
    let examples = spans::examples(context, window, scopes).await;
    let (mut ids, mut from_lines) = (examples.rows, BTreeSet::new());
    // Lines may not carry what spans do: then no line matches, and that is no error.
    let told =
        if filter.is_none() { None } else { lines::lines(context, window, Scope::all(), filter).await.ok() };
    let is_of_lines = told.is_some();
    for id in told.into_iter().flat_map(|told| told.rows).filter_map(|row| row.trace_id) {
        if from_lines.len() < TRACES.1 && from_lines.insert(id) && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.truncate(2 * TRACES.1);
    Ok(Candidates { ids, gaps: examples.gaps, from_lines, is_of_lines })
}

fn sequence(id: TraceId, rows: &[TraceRow], kept: &[bool], (size, wanted): (usize, &[String])) -> Sequence {
    let mut order: Vec<(usize, &TraceRow)> = rows.iter().enumerate().collect();
    let is_kept = |place: usize| kept.get(place).copied().unwrap_or(false);
    order.sort_by_key(|(place, row)| (!is_kept(*place), row.start));
    order.truncate(size);
    order.sort_by_key(|(_, row)| (row.start, row.span_id));
    let step = |(place, row): (usize, &TraceRow)| Step {
        service: row.subject.service.clone(),
        name: clip(&row.subject.operation, 120),
        kind: row.kind.name(),
        start: row.start.rfc3339(),
        duration_ms: Num::new(row.duration_ns as f64 / 1e6),
        outcome: if row.status == StatusCode::Error { "failure" } else { "success" },
        matches: is_kept(place),
        fields: row
            .attributes
            .iter()
            .filter(|(key, _)| wanted.contains(&resolve_field(key).name))
            .map(|(key, value)| format!("{key}={}", clip(value, 100)))
            .collect(),
    };
    Sequence {
        trace_id: id.to_string(),
        span_count: rows.len(),
        is_truncated: rows.len() > size,
        traces: order.into_iter().map(step).collect(),
    }
}
