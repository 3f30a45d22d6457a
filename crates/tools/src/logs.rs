//! `logs`: lines that hold a text, or all lines of a window by their template.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{LogRow, LogTemplateRow, Table};
use telemetry::{Ask, Scope, Window};

use crate::access::Permission;
use crate::asked::Picked;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::{asked, services, when};

/// The tool.
#[derive(Debug)]
pub struct Logs;

/// Characters of a name.
const NAME: usize = 160;
/// Seconds looked back at when no start is given.
const BACK: i64 = 900;
/// Lines or templates at most.
const ROWS: usize = 50;
/// Characters of a line.
const LINE: usize = 240;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Part of a line or of an attribute, or a trace id; else lines are grouped by template.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    service: Option<String>,
    /// `now-15m` when not given, or RFC 3339.
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    total: usize,
    /// Templates, the most severe and then the most frequent first; or lines, newest first.
    lines: Vec<Row>,
    gaps: Vec<String>,
}

/// A line, or many lines of one template.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// Of the line, or of the first one.
    at: String,
    service: String,
    severity: String,
    count: u64,
    line: String,
    trace_id: Option<String>,
}

/// The level of a line in capitals, as lines themselves write it.
fn severity(number: u8) -> String {
    let level = telemetry::logs::level(number);
    if level.is_empty() { "UNSET".to_owned() } else { level.to_uppercase() }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let gaps: String = self.gaps.iter().map(|gap| format!("\ngap: {gap}")).collect();
        if self.lines.is_empty() {
            return format!("LOGS: none{gaps}");
        }
        let rows: String = self.lines.iter().map(Row::line).collect();
        format!("LOGS: {} of {}{rows}{gaps}", self.lines.len(), self.total)
    }

    fn shorten(&mut self) -> bool {
        self.lines.len() > 1 && self.lines.pop().is_some()
    }
}

impl Row {
    fn line(&self) -> String {
        let count = if self.count > 1 { format!(" x{}", self.count) } else { String::new() };
        let trace = self.trace_id.as_ref().map(|id| format!(" trace={id}")).unwrap_or_default();
        format!("\n{} {} {}{count} {}{trace}", self.at, self.service, self.severity, self.line)
    }

    fn of_template(row: LogTemplateRow) -> Self {
        Self {
            at: row.first.rfc3339(),
            service: clip(&row.service, NAME),
            severity: severity(row.severity),
            count: row.count,
            line: clip(&row.example, LINE),
            trace_id: None,
        }
    }

    fn of_line(row: LogRow) -> Self {
        Self {
            at: row.at.rfc3339(),
            service: clip(&row.service, NAME),
            severity: severity(row.severity),
            count: 1,
            line: clip(&row.body, LINE),
            trace_id: row.trace_id.map(|id| id.to_string()),
        }
    }
}

impl Typed for Logs {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "logs".to_owned(),
            description: "Search log lines by text, or group them by template, most severe first.\n\
                          When to use: for an error text; for a trace id; to see what a service says.\n\
                          When NOT to use: where time is spent (`trace`); what bad requests share (`compare`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let now = context.installation.now();
        let window = when::window(input.start.as_deref(), input.end.as_deref(), now, BACK)
            .map_err(ToolError::Input)?;
        let scope = input.service.as_deref().map_or_else(Scope::all, Scope::service);
        let picked = match &input.text {
            Some(text) => lines(context, window, scope, text).await,
            None => templates(context, window, scope).await,
        };
        if picked.rows.is_empty()
            && let Some(service) = &input.service
        {
            services::known(context, window, service).await?;
        }
        let total = picked.rows.len();
        let next = hints(&picked.rows, &input, window);
        let lines = picked.rows.into_iter().take(ROWS).collect();
        let answer = Answer { total, lines, gaps: picked.gaps };
        Ok(Found { answer, is_truncated: picked.is_truncated || total > ROWS, next })
    }
}

async fn lines(context: &Context, window: Window, scope: Scope, text: &str) -> Picked<Vec<Row>> {
    let ask = Ask::LogSearch { window, scope, text: text.to_owned() };
    let picked = asked::one::<Vec<LogRow>>(context, ask, |table| match table {
        Table::LogSearch(rows) => Some(rows),
        _ => None,
    });
    let Picked { mut rows, source, is_truncated, gaps } = picked.await;
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    Picked { rows: rows.into_iter().map(Row::of_line).collect(), source, is_truncated, gaps }
}

async fn templates(context: &Context, window: Window, scope: Scope) -> Picked<Vec<Row>> {
    let picked =
        asked::one::<Vec<LogTemplateRow>>(
            context,
            Ask::LogTemplates { window, scope },
            |table| match table {
                Table::LogTemplates(rows) => Some(rows),
                _ => None,
            },
        );
    let Picked { mut rows, source, is_truncated, gaps } = picked.await;
    rows.sort_by(|one, other| {
        let key = |row: &LogTemplateRow| (row.severity, row.count);
        key(other).cmp(&key(one)).then_with(|| one.template.cmp(&other.template))
    });
    Picked { rows: rows.into_iter().map(Row::of_template).collect(), source, is_truncated, gaps }
}

/// The trace that most lines were written in, or lines like the worst template.
fn hints(rows: &[Row], input: &Input, window: Window) -> Vec<Hint> {
    let mut traces: BTreeMap<&String, usize> = BTreeMap::new();
    for id in rows.iter().filter_map(|row| row.trace_id.as_ref()) {
        *traces.entry(id).or_default() += 1;
    }
    if let Some((id, _)) = traces.into_iter().max_by_key(|(_, count)| *count) {
        return vec![Hint::new("trace", json!({ "trace_id": id }), "the request these lines belong to")];
    }
    let Some(row) = rows.first().filter(|_| input.text.is_none()) else {
        return vec![Hint::new("status", json!({}), "which services are there")];
    };
    let text: String = row.line.chars().take(40).collect();
    let arguments = json!({ "text": text, "service": row.service, "start": window.from.rfc3339() });
    vec![Hint::new("logs", arguments, "the single lines of the first template")]
}
