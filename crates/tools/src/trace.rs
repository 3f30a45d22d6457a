//! `trace`: one trace, or what became of one message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{Choice, ExemplarRow, MessageRow, Table, TraceRow};
use telemetry::number::Num;
use telemetry::{Ask, Scope, StatusCode, TraceId};

use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::{asked, services, when};

/// The tool.
#[derive(Debug)]
pub struct Trace;

/// Spans at most.
const ROWS: usize = 60;
/// Attributes of a span that are shown.
const ATTRIBUTES: usize = 6;
/// Seconds looked back at for an example.
const BACK: i64 = 900;

/// The arguments.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// 32 hex digits; else the worst one of `service` lately.
    #[serde(default)]
    trace_id: Option<String>,
    /// A messaging id, whose trace is looked for.
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    trace_id: Option<String>,
    total: usize,
    /// In order of time, a child after its parent.
    spans: Vec<Row>,
    gaps: Vec<String>,
}

/// One span.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    depth: usize,
    service: String,
    operation: String,
    start: String,
    duration_ms: Num,
    /// Time of its own, without its children, in ms.
    self_ms: Num,
    failed: bool,
    attributes: Vec<String>,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let gaps: String = self.gaps.iter().map(|gap| format!("\ngap: {gap}")).collect();
        let Some(id) = &self.trace_id else { return format!("TRACE: none{gaps}") };
        let rows: String = self.spans.iter().map(Row::line).collect();
        format!("TRACE {id}: {} of {} spans{rows}{gaps}", self.spans.len(), self.total)
    }

    /// Attributes of spans that did not fail first, then the spans with the least time of their own.
    fn shorten(&mut self) -> bool {
        if let Some(row) = self.spans.iter_mut().rev().find(|row| !row.attributes.is_empty() && !row.failed) {
            row.attributes.clear();
            return true;
        }
        let least = self.spans.iter().enumerate().skip(1).filter(|(_, row)| !row.failed);
        let least = least.min_by(|(_, one), (_, other)| one.self_ms.get().total_cmp(&other.self_ms.get()));
        match least.map(|(place, _)| place) {
            Some(place) => {
                self.spans.remove(place);
                true
            }
            None => self.spans.len() > 1 && self.spans.pop().is_some(),
        }
    }
}

impl Row {
    fn line(&self) -> String {
        let failed = if self.failed { " FAILED" } else { "" };
        let attributes = if self.attributes.is_empty() {
            String::new()
        } else {
            format!(" {{{}}}", self.attributes.join(", "))
        };
        format!(
            "\n{}{} {} {:.1}ms self={:.1}ms{failed}{attributes}",
            "  ".repeat(self.depth.min(12)),
            self.service,
            self.operation,
            self.duration_ms.get(),
            self.self_ms.get(),
        )
    }

    fn of(row: &TraceRow, depth: usize) -> Self {
        let attributes = row.attributes.iter().take(ATTRIBUTES);
        Self {
            depth,
            service: clip(&row.subject.service, 120),
            operation: clip(&row.subject.operation, 120),
            start: row.start.rfc3339(),
            duration_ms: Num::new(row.duration_ns as f64 / 1e6),
            self_ms: Num::new(row.exclusive_ns as f64 / 1e6),
            failed: row.status == StatusCode::Error,
            attributes: attributes.map(|(key, value)| format!("{key}={}", clip(value, 80))).collect(),
        }
    }
}

/// The spans as a walk from the roots, children in order of time; each with its depth. What hangs in a circle or below a
/// span that is not there starts a walk of its own.
fn walked(rows: &[TraceRow]) -> Vec<Row> {
    let mut order: Vec<&TraceRow> = rows.iter().collect();
    order.sort_by_key(|row| (row.start, row.span_id));
    let is_there =
        |row: &TraceRow| row.parent.is_some_and(|parent| rows.iter().any(|other| other.span_id == parent));
    let mut stack: Vec<(&TraceRow, usize)> =
        order.iter().rev().filter(|row| !is_there(row)).map(|row| (*row, 0)).collect();
    let (mut walk, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    while let Some((row, depth)) = stack.pop() {
        if !seen.insert(row.span_id) {
            continue;
        }
        walk.push(Row::of(row, depth));
        let children = order.iter().rev().filter(|child| child.parent == Some(row.span_id));
        stack.extend(children.map(|child| (*child, depth + 1)));
    }
    let left = order.iter().filter(|row| !seen.contains(&row.span_id)).map(|row| Row::of(row, 0));
    walk.extend(left);
    walk
}

impl Typed for Trace {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "trace".to_owned(),
            description: "Show one trace as a tree with each span's own time.\n\
                          When to use: for a trace id; for a message id; for the worst request of a service.\n\
                          When NOT to use: many requests at once (`compare`); log lines (`logs`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let (id, mut gaps) = which(context, &input).await?;
        let Some(id) = id else {
            let answer = Answer { trace_id: None, total: 0, spans: Vec::new(), gaps };
            return Ok(Found::whole(
                answer,
                vec![Hint::new("status", json!({}), "which services are there")],
            ));
        };
        let picked = asked::one(context, Ask::Trace { trace_id: id }, |table| match table {
            Table::Trace(rows) => Some(rows),
            _ => None,
        });
        let picked = picked.await;
        gaps.extend(picked.gaps);
        let mut spans = walked(&picked.rows);
        let total = spans.len();
        spans.truncate(ROWS);
        let next = match picked.rows.iter().max_by_key(|row| row.exclusive_ns) {
            Some(row) => vec![Hint::new(
                "logs",
                json!({ "text": id.to_string(), "start": row.start.plus_seconds(-60).rfc3339() }),
                "the lines written in it",
            )],
            None => vec![Hint::new("status", json!({}), "which services are there")],
        };
        let trace_id = (total > 0).then(|| id.to_string());
        let answer = Answer { trace_id, total, spans, gaps };
        Ok(Found { answer, is_truncated: picked.is_truncated || total > ROWS, next })
    }
}

/// The trace meant: named, of a message, or the worst one lately.
async fn which(context: &Context, input: &Input) -> Result<(Option<TraceId>, Vec<String>), ToolError> {
    if let Some(text) = &input.trace_id {
        let id = text.parse::<TraceId>();
        return id
            .map(|id| (Some(id), Vec::new()))
            .map_err(|_| ToolError::Input(format!("`trace_id` is 32 hex digits, not `{}`", clip(text, 60))));
    }
    if let Some(message) = &input.message_id {
        let ask = Ask::Message { message_id: message.clone() };
        let picked = asked::one::<Vec<MessageRow>>(context, ask, |table| match table {
            Table::Message(rows) => Some(rows),
            _ => None,
        });
        let picked = picked.await;
        return Ok((picked.rows.first().map(|row| row.trace_id), picked.gaps));
    }
    let now = context.installation.now();
    let window =
        when::window(input.start.as_deref(), input.end.as_deref(), now, BACK).map_err(ToolError::Input)?;
    let scope = input.service.as_deref().map_or_else(Scope::all, Scope::service);
    let picked =
        asked::one::<Vec<ExemplarRow>>(context, Ask::Exemplars { window, scope, limit: 1 }, |table| {
            match table {
                Table::Exemplars(rows) => Some(rows),
                _ => None,
            }
        });
    let picked = picked.await;
    if picked.rows.is_empty()
        && let Some(service) = &input.service
    {
        services::known(context, window, service).await?;
    }
    let worst = picked.rows.iter().find(|row| row.choice == Choice::Worst).or(picked.rows.first());
    Ok((worst.map(|row| row.trace_id), picked.gaps))
}
