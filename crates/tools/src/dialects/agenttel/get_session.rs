//! `get_session`: reads shared notes (AG-22).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::create_session::agents;
use super::words;
use crate::access::Permission;
use crate::agents::{Author, Entry, EntryKind};
use crate::budget::{Budget, Shorten, fit};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct GetSession;

/// What the entries may cost: the hints behind them take what is left of a page.
const ENTRIES: Budget = Budget { tokens: Budget::PAGE.tokens - 100, bytes: Budget::PAGE.bytes - 1_200 };

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    session_id: String,
    /// The first entry to show; the latest ones when not given.
    #[serde(default)]
    from_entry: Option<usize>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    session_id: String,
    incident_id: String,
    opened_at: String,
    by: Author,
    total: usize,
    /// In the order written.
    entries: Vec<Row>,
    #[serde(skip)]
    is_from_start: bool,
}

/// One entry.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    entry: usize,
    at: String,
    by: Author,
    #[serde(rename = "type")]
    kind: EntryKind,
    content: String,
}

impl Row {
    fn of(entry: &Entry) -> Self {
        Self {
            entry: entry.number,
            at: words::stamp(entry.at),
            by: entry.by.clone(),
            kind: entry.kind,
            content: entry.content.clone(),
        }
    }

    fn line(&self) -> String {
        let kind = match self.kind {
            EntryKind::Observation => "OBSERVATION",
            EntryKind::Diagnosis => "DIAGNOSIS",
            EntryKind::Action => "ACTION",
            EntryKind::Recommendation => "RECOMMENDATION",
        };
        let agent = self.by.agent.as_ref().map(|agent| format!(" ({agent})")).unwrap_or_default();
        format!("\n{}. {} [{kind}] {}{agent}: {}", self.entry, self.at, self.by.principal, self.content)
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let rows: String = self.entries.iter().map(Row::line).collect();
        format!(
            "SESSION: {} | INCIDENT: {} | {} of {} entries{rows}",
            self.session_id,
            self.incident_id,
            self.entries.len(),
            self.total
        )
    }

    /// From the end when it was asked from an entry on, else the oldest.
    fn shorten(&mut self) -> bool {
        if self.entries.len() <= 1 {
            return false;
        }
        if self.is_from_start {
            self.entries.pop();
        } else {
            self.entries.remove(0);
        }
        true
    }
}

impl Typed for GetSession {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "get_session".to_owned(),
            description: "Get shared notes on an incident: who wrote what, in order.\n\
                          When to use: before working on an incident that others work on; to hand over.\n\
                          When NOT to use: to write (`add_session_entry`); what was done (`get_recent_agent_actions`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let found = agents(context)?.session(&input.session_id);
        let session = found.map_err(|error| ToolError::Input(error.to_string()))?;
        let from = input.from_entry.unwrap_or(1);
        let entries: Vec<Row> =
            session.entries.iter().filter(|entry| entry.number >= from).map(Row::of).collect();
        let total = session.entries.len();
        let mut answer = Answer {
            session_id: session.id,
            incident_id: session.incident,
            opened_at: words::stamp(session.opened_at),
            by: session.by,
            total,
            is_from_start: input.from_entry.is_some(),
            entries,
        };
        // Brought within its budget here, because what to ask next follows from what is shown.
        let (_, is_truncated) = fit(&mut answer, ENTRIES);
        let next = next(&answer, from);
        Ok(Found { answer, is_truncated, next })
    }
}

/// The entries behind those that are shown, and those before them where some were left out.
fn next(answer: &Answer, from: usize) -> Vec<Hint> {
    let ask = |entry: usize, why: &str| {
        let arguments = json!({ "session_id": answer.session_id, "from_entry": entry });
        Hint::new("get_session", arguments, why)
    };
    let last = answer.entries.last().map_or(answer.total, |row| row.entry);
    let why = if last < answer.total { "the entries that follow" } else { "what is written from now on" };
    let before = answer.entries.first().filter(|first| first.entry > from);
    let before = before.map(|_| ask(from, "the entries before these"));
    [ask(last + 1, why)].into_iter().chain(before).collect()
}
