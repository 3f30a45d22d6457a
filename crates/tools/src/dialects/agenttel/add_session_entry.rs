//! `add_session_entry`: writes into shared notes (AG-22).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::create_session::agents;
use crate::access::Permission;
use crate::agents::{Author, EntryKind};
use crate::budget::{Budget, Shorten};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct AddSessionEntry;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    session_id: String,
    #[serde(rename = "type")]
    kind: EntryKind,
    /// At most 400 characters.
    content: String,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    session_id: String,
    /// The place of the entry, from 1.
    entry: usize,
    by: Author,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        format!("SESSION: {} | ENTRY: {}", self.session_id, self.entry)
    }

    fn shorten(&mut self) -> bool {
        false
    }
}

impl Typed for AddSessionEntry {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "add_session_entry".to_owned(),
            description: "Add an entry to shared notes, under the caller's own name.\n\
                          When to use: something was seen, concluded or asked for; somebody should do something.\n\
                          When NOT to use: there are no notes yet (`create_session`); to read (`get_session`)."
                .to_owned(),
            permission: Permission::Diagnose,
            budget: Budget::LINE,
            is_read_only: false,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let at = context.installation.now();
        let written = (input.kind, input.content.as_str());
        let entry = agents(context)?
            .add(&input.session_id, &context.caller, at, written)
            .map_err(|error| ToolError::Input(error.to_string()))?;
        let next =
            Hint::new("get_session", json!({ "session_id": input.session_id }), "what the others wrote");
        let answer = Answer { session_id: input.session_id, entry, by: Author::of(&context.caller) };
        Ok(Found::whole(answer, vec![next]))
    }
}
