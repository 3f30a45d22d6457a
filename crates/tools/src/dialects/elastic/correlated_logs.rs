//! `get_correlated_logs`: lines that belong together with an interesting one.
//!
//! Anchors are taken from each service in turn, so that a noisy one does not starve the others, and two anchors of one
//! request are one sequence.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::LogRow;
use telemetry::{Scope, Window};

use crate::budget::{Shorten, clip};
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::correlation;
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::lines::{self, Line};
use crate::dialects::reading::shape::reads;
use crate::dialects::reading::told::Told;
use crate::dialects::reading::{indices, shape};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const SEQUENCES: (usize, usize) = (10, 50);
const LINES: (usize, usize) = (200, 1000);
/// Seconds around a named line in which it is looked for, and in which those that belong to it are.
const AT: i64 = 1;
const AROUND: i64 = 600;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    index: Option<Index>,
    /// One line, by the id that other tools give.
    log_id: Option<Short>,
    /// Which lines may be anchors.
    kql_filter: Option<Kql>,
    /// KQL; which of them are interesting: errors when not given.
    interesting_event_filter: Option<Kql>,
    /// Ids to follow, the best first; 18 usual ones when not given.
    correlation_fields: Option<Vec<Short>>,
    /// Attributes that are shown.
    log_source_fields: Option<Vec<Short>>,
    max_sequences: Option<u32>,
    max_logs_per_sequence: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    total: usize,
    sequences: Vec<Sequence>,
    gaps: Vec<String>,
}

/// Lines that share an id.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Sequence {
    /// Which field ties them together, and its value; empty for an anchor without any.
    correlation_field: String,
    correlation_value: String,
    anchor_id: String,
    log_count: usize,
    /// In the order of time.
    logs: Vec<Line>,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        shape::text("CORRELATED LOGS", self)
    }

    /// Lines of the longest sequence first, its anchor stays; then sequences.
    fn shorten(&mut self) -> bool {
        let longest = self.sequences.iter_mut().max_by_key(|sequence| sequence.logs.len());
        if let Some(sequence) = longest.filter(|sequence| sequence.logs.len() > 2) {
            let anchor = sequence.anchor_id.clone();
            let least = sequence.logs.iter().rposition(|line| line.id != anchor);
            least.map(|place| sequence.logs.remove(place));
            return true;
        }
        self.sequences.len() > 1 && self.sequences.pop().is_some()
    }
}

reads!(
    GetCorrelatedLogs,
    "get_correlated_logs",
    Input => Answer,
    call,
    "Get the lines around errors: all lines that share a trace id, request id or another id with an interesting one.\n\
     When to use: to see what led to an error; to follow a request through services by its lines.\n\
     When NOT to use: how often it happens (`get_log_groups`); spans with durations (`get_traces`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    indices::only(&input.index, "logs")?;
    let mut window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let sequences = arguments::limit(input.max_sequences, SEQUENCES.0, SEQUENCES.1)?;
    let most = arguments::limit(input.max_logs_per_sequence, LINES.0, LINES.1)?;
    let mut looked_at = window;
    if let Some(at) = input.log_id.as_ref().and_then(|id| lines::moment(&id.0)) {
        // Of many lines a source gives the newest: in twenty minutes of them the one that is named may be missing.
        looked_at = Window::new(at.plus_seconds(-AT), at.plus_seconds(AT));
        window = Window::new(at.plus_seconds(-AROUND), at.plus_seconds(AROUND));
    }
    let filter = Filter::read(context, &input.kql_filter)?;
    let interesting = Filter::read(context, &input.interesting_event_filter)?;
    let order: Vec<&str> = match &input.correlation_fields {
        Some(fields) => fields.iter().map(|field| field.0.as_str()).collect(),
        None => correlation::ORDER.to_vec(),
    };
    let told = lines::lines(context, looked_at, Scope::all(), &filter).await?;
    let anchors = anchors(&told.rows, &input, &interesting, &order);
    if anchors.is_empty()
        && let Some(id) = &input.log_id
        && !told.rows.is_empty()
    {
        return Err(ToolError::Input(format!("no line `{}` is known in this window", clip(&id.0, 80))));
    }
    let total = anchors.len();
    let wanted: Vec<String> = input.log_source_fields.iter().flatten().map(|field| field.0.clone()).collect();
    let (mut found, mut is_truncated, mut gaps) = (Vec::new(), told.is_truncated, told.gaps.clone());
    for (anchor, key) in anchors.into_iter().take(sequences) {
        let told = sequence(context, window, (anchor, key), (most, &wanted)).await?;
        is_truncated |= told.is_truncated;
        gaps.extend(told.gaps);
        found.extend(told.rows);
    }
    gaps.sort();
    gaps.dedup();
    let next = hints(&found, window);
    is_truncated |= total > sequences;
    Ok(Found { answer: Answer { total, sequences: found, gaps }, is_truncated, next })
}

type Key<'a> = Option<(&'a str, String)>;

/// The first interesting line of each request, from each service in turn.
fn anchors<'a, 'b>(
    rows: &'a [LogRow],
    input: &Input,
    interesting: &Filter,
    order: &[&'b str],
) -> Vec<(&'a LogRow, Key<'b>)> {
    let is_meant = |row: &&LogRow| match &input.log_id {
        Some(id) => lines::id(row) == id.0,
        None if interesting.is_none() => row.severity >= lines::ERROR,
        None => interesting.keeps(&lines::record(row)),
    };
    let mut seen: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut by_service: BTreeMap<&str, Vec<(&LogRow, Key<'b>)>> = BTreeMap::new();
    for row in rows.iter().filter(is_meant) {
        let key = correlation::key(row, order);
        let is_new = key.as_ref().is_none_or(|(field, value)| seen.insert((*field, value.clone())));
        if is_new {
            by_service.entry(&row.service).or_default().push((row, key));
        }
    }
    let most = by_service.values().map(Vec::len).max().unwrap_or(0);
    (0..most)
        .flat_map(|place| {
            by_service.values().filter_map(move |anchors| anchors.get(place).cloned()).collect::<Vec<_>>()
        })
        .collect()
}

/// The lines that share the anchor's id, whichever of its names the others give it.
async fn sequence(
    context: &Context,
    window: Window,
    (anchor, key): (&LogRow, Key<'_>),
    (most, wanted): (usize, &[String]),
) -> Result<Told<Option<Sequence>>, ToolError> {
    let mut told: Told<Vec<LogRow>> = Told::default();
    if let Some((field, value)) = &key {
        told = lines::holding(context, window, Scope::all(), &Filter::none(), value).await?;
        let fields: Vec<&str> = std::iter::once(*field).chain(correlation::ORDER).collect();
        let shares =
            |row: &LogRow| fields.iter().any(|field| correlation::held(row, field).as_ref() == Some(value));
        told.rows.retain(shares);
    }
    let mut rows = std::mem::take(&mut told.rows);
    if !rows.contains(anchor) {
        rows.push(anchor.clone());
        rows.sort_by_key(|row| row.at);
    }
    let log_count = rows.len();
    // Of too many lines those nearest to the anchor stay.
    rows.sort_by_key(|row| row.at.since(anchor.at).abs());
    rows.truncate(most);
    rows.sort_by_key(|row| row.at);
    let (correlation_field, correlation_value) =
        key.map_or((String::new(), String::new()), |(f, v)| (f.to_owned(), v));
    let sequence = Sequence {
        correlation_field,
        correlation_value,
        anchor_id: lines::id(anchor),
        log_count,
        logs: rows.iter().map(|row| Line::of(row, wanted)).collect(),
    };
    told.is_truncated |= log_count > most;
    Ok(told.map(|_| Some(sequence)))
}

fn hints(found: &[Sequence], window: Window) -> Vec<Hint> {
    let trace = found.iter().flat_map(|sequence| &sequence.logs).find_map(|line| line.trace_id.clone());
    match trace {
        Some(id) => vec![Hint::new(
            "get_traces",
            arguments::within(window, json!({ "kqlFilter": format!("trace.id: {id}") })),
            "the spans of the request",
        )],
        None => vec![Hint::new(
            "get_log_groups",
            arguments::within(window, json!({})),
            "which kinds of lines there are",
        )],
    }
}
