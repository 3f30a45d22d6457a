//! `create_session`: opens shared notes on an incident (AG-22).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::words;
use crate::access::Permission;
use crate::agents::Agents;
use crate::agents::Author;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::installation::InstallationError;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct CreateSession;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    incident_id: String,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    session_id: String,
    incident_id: String,
    at: String,
    by: Author,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        format!("SESSION: {} | INCIDENT: {} | {}", self.session_id, self.incident_id, self.at)
    }

    fn shorten(&mut self) -> bool {
        false
    }
}

/// Where notes are kept, or why nowhere.
pub(super) fn agents(context: &Context) -> Result<&Agents, ToolError> {
    let missing = || InstallationError::Failed("no sessions are kept here".to_owned());
    context.installation.agents().ok_or_else(|| ToolError::Installation(missing()))
}

impl Typed for CreateSession {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "create_session".to_owned(),
            description: "Create shared notes of several agents on an incident.\n\
                          When to use: several agents work on one incident; to leave notes for people.\n\
                          When NOT to use: to write (`add_session_entry`); to read (`get_session`)."
                .to_owned(),
            permission: Permission::Diagnose,
            budget: Budget::LINE,
            is_read_only: false,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let incident = clip(input.incident_id.trim(), 80);
        if incident.is_empty() {
            return Err(ToolError::Input(
                "`incident_id` is empty; hint: `get_incident_context` tells one".to_owned(),
            ));
        }
        let session = agents(context)?.open(&incident, &context.caller, context.installation.now());
        let next = Hint::new("get_session", json!({ "session_id": session.id }), "what the others wrote");
        let answer = Answer {
            session_id: session.id,
            incident_id: session.incident,
            at: words::stamp(session.opened_at),
            by: session.by,
        };
        Ok(Found::whole(answer, vec![next]))
    }
}
