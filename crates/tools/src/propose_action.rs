//! `propose_action`: what may be done about an incident, and where a person decides.
//!
//! Proposes and nothing else: there is no argument that approves, and no answer that executes (I5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::report;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub struct ProposeAction;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its id; the newest when not given.
    #[serde(default)]
    incident: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    incident: Option<String>,
    /// How far it is, or why nothing can be done.
    state: String,
    actions: Vec<Row>,
    /// Where a person decides; never here.
    decide_at: Option<String>,
}

/// One action.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    action: String,
    instance: String,
    reversible: bool,
    rationale: String,
    /// What an approval is bound to.
    digest: String,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let rows = self.actions.iter().map(|row| {
            let undo = if row.reversible { "can be taken back" } else { "cannot be taken back" };
            format!("\n- {} on {} ({undo}): {} [{}]", row.action, row.instance, row.rationale, row.digest)
        });
        let rows: String = rows.collect();
        let place =
            self.decide_at.as_ref().map(|place| format!("\na person decides at {place}")).unwrap_or_default();
        format!("PROPOSAL: {}{rows}{place}", self.state)
    }

    fn shorten(&mut self) -> bool {
        self.actions.len() > 1 && self.actions.pop().is_some()
    }
}

impl Typed for ProposeAction {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "propose_action".to_owned(),
            description: "Propose the action that the operator's inventory holds against an incident's root cause, and \
                          tell where a person approves it. Executes nothing.\n\
                          When to use: after a root cause is found; to see how far a decision is.\n\
                          When NOT to use: whether an action worked (`report`); without an incident (`investigate`)."
                .to_owned(),
            permission: Permission::Remediate,
            budget: Budget::SUMMARY,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let Some(incident) = report::named_or_newest(context, input.incident)? else {
            let state = "there is no incident yet".to_owned();
            let answer = Answer { incident: None, state, actions: Vec::new(), decide_at: None };
            return Ok(Found::whole(answer, vec![Hint::new("status", json!({}), "what looks wrong now")]));
        };
        let proposed = context.installation.propose(&incident)?;
        let actions = proposed.actions.iter().map(|action| Row {
            action: action.spec.clone(),
            instance: action.instance.clone(),
            reversible: action.is_reversible,
            rationale: clip(&action.rationale, 200),
            digest: action.digest().unwrap_or_default(),
        });
        let actions = actions.collect();
        let next = vec![Hint::new(
            "report",
            json!({ "incident": incident }),
            "whether it was done and whether it worked",
        )];
        let answer = Answer {
            incident: Some(incident),
            state: proposed.state,
            actions,
            decide_at: proposed.decide_at,
        };
        Ok(Found::whole(answer, next))
    }
}
