//! `list_remediation_actions`: what the operator's inventory allows for an operation (AG-12).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::facts;
use super::words;
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::installation::AllowedAction;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct ListRemediationActions;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    operation_name: String,
    #[serde(default)]
    service: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    service: String,
    operation: String,
    actions: Vec<Row>,
}

/// One action.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: String,
    /// `restart`, `scale`, `rollback` and their like.
    kind: String,
    text: String,
    /// Whether it is for this operation and not for the whole service.
    is_of_operation: bool,
    needs_approval: bool,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let rows: String = self
            .actions
            .iter()
            .map(|row| {
                let approval = if row.needs_approval { " (NEEDS APPROVAL)" } else { "" };
                format!("\n- {} [{}]: {}{approval}", row.name, words::upper(&row.kind), row.text)
            })
            .collect();
        let rows = if rows.is_empty() {
            "\nnone: the operator's inventory holds nothing for it".to_owned()
        } else {
            rows
        };
        format!("ACTIONS FOR {}:{rows}", self.operation)
    }

    fn shorten(&mut self) -> bool {
        self.actions.len() > 1 && self.actions.pop().is_some()
    }
}

impl Typed for ListRemediationActions {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "list_remediation_actions".to_owned(),
            description: "List the actions that the operator allows for an operation and its service.\n\
                          When to use: before an action is asked for; to see which need approval.\n\
                          When NOT to use: what helps (`get_playbook`); to ask for one (`execute_remediation`)."
                .to_owned(),
            permission: Permission::Remediate,
            budget: Budget::SUMMARY,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let window = facts::window(context, facts::NOW_SECONDS);
        let operation = input.operation_name.as_str();
        let place = facts::place(context, (input.service.as_deref(), Some(operation)), window).await?;
        let mut allowed: Vec<AllowedAction> = context.installation.actions();
        allowed.retain(|action| {
            action.service == place.service && action.operation.as_deref().is_none_or(|of| of == operation)
        });
        allowed.sort_by(|a, b| {
            b.operation.is_some().cmp(&a.operation.is_some()).then_with(|| a.name.cmp(&b.name))
        });
        let row = |action: &AllowedAction| Row {
            name: action.name.clone(),
            kind: action.kind.clone(),
            text: clip(&action.text, 160),
            is_of_operation: action.operation.is_some(),
            needs_approval: action.needs_approval,
        };
        let next = allowed.first().map(|action| {
            let arguments = json!({ "action_name": action.name, "reason": "WHY" });
            Hint::new("execute_remediation", arguments, "asks a person for it")
        });
        let answer = Answer {
            actions: allowed.iter().map(row).collect(),
            service: place.service,
            operation: clip(operation, 120),
        };
        Ok(Found::whole(answer, next.into_iter().collect()))
    }
}
