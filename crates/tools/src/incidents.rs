//! `incidents`: the list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::when;

/// The tool.
#[derive(Debug)]
pub struct Incidents;

/// How many are looked at for a window.
const LOOKED_AT: usize = 200;
/// How many are given.
const ROWS: usize = 20;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Earliest, `now-7d` or RFC 3339.
    #[serde(default)]
    start: Option<String>,
    /// `running` or `closed`.
    #[serde(default)]
    status: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    total: usize,
    incidents: Vec<Row>,
}

/// One incident.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    incident: String,
    opened_at: String,
    status: String,
    headline: String,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        if self.incidents.is_empty() {
            return "INCIDENTS: none".to_owned();
        }
        let rows = self
            .incidents
            .iter()
            .map(|row| format!("\n{} {} [{}] {}", row.opened_at, row.incident, row.status, row.headline));
        format!("INCIDENTS: {} of {}{}", self.incidents.len(), self.total, rows.collect::<String>())
    }

    fn shorten(&mut self) -> bool {
        self.incidents.len() > 1 && self.incidents.pop().is_some()
    }
}

impl Typed for Incidents {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "incidents".to_owned(),
            description: "List incidents, newest first, each with its conclusion in one line.\n\
                          When to use: to find an incident's id; to see what broke lately.\n\
                          When NOT to use: one incident in full (`report`); a symptom that raised no alert \
                          (`investigate`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let known = ["running", "closed", "cut_off", "unreadable"];
        if let Some(status) = input.status.as_deref().filter(|status| !known.contains(status)) {
            return Err(ToolError::Input(format!("`status` is one of {}, not `{status}`", known.join(", "))));
        }
        let start = input.start.as_deref().map(|text| when::parse(text, context.installation.now()));
        let start = start.transpose().map_err(|error| ToolError::Input(error.to_string()))?;
        let listed = context.installation.incidents(LOOKED_AT)?;
        let rows: Vec<_> = listed
            .rows
            .into_iter()
            .filter(|row| row.status == "unreadable" || start.is_none_or(|start| row.opened_at >= start))
            .filter(|row| input.status.as_ref().is_none_or(|status| *status == row.status))
            .collect();
        let next = rows.first().map(|row| {
            Hint::new("report", json!({ "incident": row.incident }), "why it broke, and what was done")
        });
        let total = rows.len();
        let incidents = rows
            .into_iter()
            .take(ROWS)
            .map(|row| Row {
                incident: row.incident,
                opened_at: row.opened_at.rfc3339(),
                status: row.status,
                headline: clip(&row.headline, 160),
            })
            .collect();
        let is_truncated = total > ROWS || listed.total > LOOKED_AT;
        let next = next.unwrap_or_else(|| Hint::new("status", json!({}), "what looks wrong now"));
        Ok(Found { answer: Answer { total, incidents }, is_truncated, next: vec![next] })
    }
}
