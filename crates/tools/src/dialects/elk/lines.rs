//! `search_logs`, `get_log_context`, `get_logs_in_window`: lines as they were written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::LogRow;
use telemetry::{Scope, UnixNanos, Window};

use crate::budget::clip;
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::histogram::{self, Bucket, Buckets};
use crate::dialects::reading::indices;
use crate::dialects::reading::lines::{self, Line};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::told::Told;
use crate::hint::Hint;
use crate::services;
use crate::tool::{Context, Found, ToolError};
use crate::when;

const BACK: i64 = 3600;
const ROWS: (usize, usize) = (50, 500);
/// Lines before and after.
const CONTEXT: (usize, usize) = (20, 100);
/// Seconds in which a line is looked for, and on either side of it the others: of too many lines a source gives the
/// newest, and then fewer seconds are asked for.
const AT: i64 = 1;
const AROUND: [i64; 3] = [600, 60, AT];

/// The arguments of a search.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchInput {
    #[serde(rename = "kqlFilter", alias = "query")]
    kql_filter: Option<Kql>,
    service: Option<Short>,
    /// `error`, and what is graver; likewise `warn`, `info`.
    level: Option<Short>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
    /// Attributes that are shown.
    fields: Option<Vec<Short>>,
}

/// Lines.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Lines {
    total: usize,
    /// `eq`, or `gte` where there are more than could be looked at.
    relation: &'static str,
    /// The newest first.
    rows: Vec<Line>,
    gaps: Vec<String>,
}

shortened!(Lines, "LOGS", [rows]);
reads!(
    SearchLogs,
    "search_logs",
    SearchInput => Lines,
    search,
    "Search log lines by KQL, service and level, newest first.\n\
     When to use: to look for an error text; to see what a service says; to filter on any attribute.\n\
     When NOT to use: errors by kind (`get_error_summary`); everything about a trace (`search_by_trace_id`)."
);

/// The least severity number of a level.
fn least(level: &str) -> Result<u8, ToolError> {
    Ok(match level.to_lowercase().as_str() {
        "trace" => 1,
        "debug" => 5,
        "info" => 9,
        "warn" | "warning" => 13,
        "error" => 17,
        "fatal" | "critical" => 21,
        _ => {
            let level = clip(level, 40);
            return Err(ToolError::Input(format!(
                "`level` is trace, debug, info, warn, error or fatal, not `{level}`"
            )));
        }
    })
}

async fn search(context: &Context, input: SearchInput) -> Result<Found<Lines>, ToolError> {
    indices::only(&input.index, "logs")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, ROWS.0, ROWS.1)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let least = input.level.as_ref().map(|level| least(&level.0)).transpose()?.unwrap_or(0);
    let told = lines::lines(context, window, arguments::scope(&input.service), &filter).await?;
    let rows: Vec<&LogRow> = told.rows.iter().filter(|row| row.severity >= least).collect();
    if rows.is_empty()
        && let Some(service) = &input.service
    {
        services::known(context, window, &service.0).await?;
    }
    let wanted: Vec<String> = input.fields.iter().flatten().map(|field| field.0.clone()).collect();
    let shown: Vec<Line> = rows.iter().rev().take(limit).map(|row| Line::of(row, &wanted)).collect();
    let next = hints(&shown, window);
    let relation = if told.is_truncated { "gte" } else { "eq" };
    let is_truncated = told.is_truncated || rows.len() > limit;
    let answer = Lines { total: rows.len(), relation, rows: shown, gaps: told.gaps };
    Ok(Found { answer, is_truncated, next })
}

fn hints(shown: &[Line], window: Window) -> Vec<Hint> {
    match (shown.iter().find_map(|line| line.trace_id.clone()), shown.first()) {
        (Some(id), _) => {
            vec![Hint::new(
                "search_by_trace_id",
                arguments::within(window, json!({ "trace_id": id })),
                "the request of a line",
            )]
        }
        (None, Some(line)) => {
            vec![Hint::new("get_log_context", json!({ "log_id": line.id }), "the lines around it")]
        }
        (None, None) => {
            vec![Hint::new("list_indices", arguments::within(window, json!({})), "what is there at all")]
        }
    }
}

/// The arguments of a context.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContextInput {
    /// Of a line, as other tools give it.
    log_id: Option<Short>,
    /// Else a moment, together with `host`.
    timestamp: Option<When>,
    /// Instance that wrote the line.
    host: Option<Short>,
    before: Option<u32>,
    after: Option<u32>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// Lines around one.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Around {
    total: usize,
    service: String,
    instance: String,
    /// In the order of time.
    rows: Vec<Line>,
    gaps: Vec<String>,
}

shortened!(Around, "LOG CONTEXT", [rows]);
reads!(
    GetLogContext,
    "get_log_context",
    ContextInput => Around,
    around,
    "Get the lines that the same instance wrote right before and after a line or a moment.\n\
     When to use: to see what led to a line; when lines carry no trace id.\n\
     When NOT to use: lines of all services (`get_logs_in_window`); lines of one request (`search_by_trace_id`)."
);

async fn around(context: &Context, input: ContextInput) -> Result<Found<Around>, ToolError> {
    indices::only(&input.index, "logs")?;
    arguments::window(context, (&input.start, &input.end), BACK)?;
    let most = arguments::limit(input.limit, 2 * CONTEXT.1, 2 * CONTEXT.1)?;
    let before = input.before.map_or(CONTEXT.0, |count| (count as usize).min(CONTEXT.1));
    let after = input.after.map_or(CONTEXT.0, |count| (count as usize).min(CONTEXT.1));
    let told = anchor(context, &input).await?;
    let at = told.rows.as_ref().map_or(moment(context, &input)?, |row| row.at);
    let window = Window::new(at.plus_seconds(-AROUND[0]), at.plus_seconds(AROUND[0]));
    let is_anchor_truncated = told.is_truncated;
    let Some(anchor) = told.rows else {
        let mut gaps = told.gaps;
        gaps.push("no line of this instance within ten minutes of that moment".to_owned());
        let answer =
            Around { total: 0, service: String::new(), instance: String::new(), rows: Vec::new(), gaps };
        let next =
            vec![Hint::new("search_logs", arguments::within(window, json!({})), "which lines there are")];
        return Ok(Found { answer, is_truncated: is_anchor_truncated, next });
    };
    let told = surroundings(context, &anchor).await?;
    let same = &told.rows;
    let place = same.iter().position(|row| *row == anchor).unwrap_or(0);
    let first = place.saturating_sub(before);
    let rows: Vec<Line> = same
        .iter()
        .skip(first)
        .take((place - first + 1 + after).min(most))
        .map(|row| Line::of(row, &["*".to_owned()]))
        .collect();
    let next = hints(&rows, window);
    let is_truncated = told.is_truncated || same.len() > rows.len();
    let answer = Around {
        total: same.len(),
        service: anchor.service,
        instance: anchor.instance,
        rows,
        gaps: told.gaps,
    };
    Ok(Found { answer, is_truncated, next })
}

/// The line that is meant: the one of an id, else the one nearest to the moment.
async fn anchor(context: &Context, input: &ContextInput) -> Result<Told<Option<LogRow>>, ToolError> {
    let at = moment(context, input)?;
    let scope = Scope { instance: input.host.as_ref().map(|host| host.0.clone()), ..Scope::all() };
    let is_named = |row: &LogRow| input.log_id.as_ref().is_none_or(|id| lines::id(row) == id.0);
    let mut told: Told<Option<LogRow>> = Told::default();
    // A line that is named lies at its moment; the nearest one of a moment may be farther away.
    let lengths = if input.log_id.is_some() { [AT, AT] } else { [AT, AROUND[0]] };
    for seconds in lengths {
        let window = Window::new(at.plus_seconds(-seconds), at.plus_seconds(seconds));
        let found = lines::lines(context, window, scope.clone(), &Filter::none()).await?;
        told = found.map(|rows| {
            rows.into_iter().filter(|row| is_named(row)).min_by_key(|row| row.at.since(at).abs())
        });
        if told.rows.is_some() || input.log_id.is_some() {
            break;
        }
    }
    Ok(told)
}

/// What its instance wrote around it, the line itself among it.
async fn surroundings(context: &Context, anchor: &LogRow) -> Result<Told<Vec<LogRow>>, ToolError> {
    let named = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let scope = Scope { service: named(&anchor.service), instance: named(&anchor.instance), ..Scope::all() };
    let mut told: Told<Vec<LogRow>> = Told::default();
    for seconds in AROUND {
        let window = Window::new(anchor.at.plus_seconds(-seconds), anchor.at.plus_seconds(seconds));
        told = lines::lines(context, window, scope.clone(), &Filter::none()).await?;
        if !told.is_truncated {
            if seconds < AROUND[0] {
                told.gaps
                    .push(format!("it writes so much that only {seconds} s on either side were looked at"));
            }
            break;
        }
    }
    told.rows.retain(|row| (&row.service, &row.instance) == (&anchor.service, &anchor.instance));
    if !told.rows.contains(anchor) {
        told.rows.push(anchor.clone());
        told.rows.sort_by_key(|row| row.at);
    }
    Ok(told)
}

fn moment(context: &Context, input: &ContextInput) -> Result<UnixNanos, ToolError> {
    if let Some(id) = &input.log_id {
        let wrong = || ToolError::Input(format!("`{}` is the id of no line", clip(&id.0, 80)));
        return lines::moment(&id.0).ok_or_else(wrong);
    }
    match &input.timestamp {
        Some(at) => when::parse(&at.0, context.installation.now())
            .map_err(|error| ToolError::Input(error.to_string())),
        // The newest line stands for what nobody named.
        None => Ok(context.installation.now()),
    }
}

/// The arguments of a window.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowInput {
    /// `now` when not given.
    center: Option<When>,
    /// Seconds before it, or a time as in `5m`.
    before: Option<Short>,
    after: Option<Short>,
    service: Option<Short>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// Lines of a window.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InWindow {
    total: usize,
    start: String,
    end: String,
    counts_per_minute: Vec<Bucket>,
    /// In the order of time.
    rows: Vec<Line>,
    gaps: Vec<String>,
}

shortened!(InWindow, "LOGS IN WINDOW", [rows, counts_per_minute]);
reads!(
    GetLogsInWindow,
    "get_logs_in_window",
    WindowInput => InWindow,
    in_window,
    "Get all lines around a moment with counts per minute.\n\
     When to use: to see what all services said when something broke; around an alert or a deploy.\n\
     When NOT to use: one instance only (`get_log_context`); a longer time (`get_log_volume`)."
);

async fn in_window(context: &Context, input: WindowInput) -> Result<Found<InWindow>, ToolError> {
    indices::only(&input.index, "logs")?;
    let limit = arguments::limit(input.limit, ROWS.0, ROWS.1)?;
    let now = context.installation.now();
    let wrong = |error: when::NotATime| ToolError::Input(error.to_string());
    let window = if input.start.is_some() || input.end.is_some() {
        arguments::window(context, (&input.start, &input.end), BACK)?
    } else {
        let center = input.center.as_ref().map_or(Ok(now), |at| when::parse(&at.0, now)).map_err(wrong)?;
        let span = |text: &Option<Short>, sign: &str| {
            let text = arguments::text(text).unwrap_or("5m");
            let unit = if text.ends_with(|c: char| c.is_ascii_digit()) { "s" } else { "" };
            when::parse(&format!("now{sign}{text}{unit}"), center).map_err(wrong)
        };
        Window::new(span(&input.before, "-")?, span(&input.after, "+")?)
    };
    let told = lines::lines(context, window, arguments::scope(&input.service), &Filter::none()).await?;
    if told.rows.is_empty()
        && let Some(service) = &input.service
    {
        services::known(context, window, &service.0).await?;
    }
    let buckets = Buckets::of(window, 60);
    let mut counts = histogram::shown(buckets, &buckets.counts(told.rows.iter().map(|row| row.at)));
    counts.retain(|bucket| bucket.count > 0);
    let total = told.rows.len();
    let rows: Vec<Line> = told.rows.iter().take(limit).map(|row| Line::of(row, &[])).collect();
    let next = hints(&rows, window);
    let is_truncated = told.is_truncated || total > limit;
    let answer = InWindow {
        total,
        start: window.from.rfc3339(),
        end: window.to.rfc3339(),
        counts_per_minute: counts,
        rows,
        gaps: told.gaps,
    };
    Ok(Found { answer, is_truncated, next })
}
