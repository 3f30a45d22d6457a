//! `execute_remediation`: asks for an action and executes none (AG-13).
//!
//! A person approves, outside of every tool; what an argument says about an approval is not believed. The request is
//! remembered, also when it is refused or could not be brought before anybody.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Permission;
use crate::agents::{AgentRequest, Author};
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::installation::Proposed;
use crate::near;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct ExecuteRemediation;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    action_name: String,
    reason: String,
    /// Not believed: a person approves on the page or in a file.
    #[serde(default)]
    approved_by: Option<String>,
    /// Its id; the newest when not given.
    #[serde(default)]
    incident: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    action: String,
    /// `PENDING_APPROVAL` or `REFUSED`; nothing was executed.
    status: String,
    why: String,
    incident: Option<String>,
    /// Where a person decides.
    decide_at: Option<String>,
    /// What an approval is bound to.
    digests: Vec<String>,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let place = self.decide_at.as_ref().map(|place| format!("\nApproval: {place}")).unwrap_or_default();
        let digests: String = self.digests.iter().map(|digest| format!("\nDigest: {digest}")).collect();
        format!(
            "ACTION: {} | STATUS: {}\n{}\nNothing was executed.{place}{digests}",
            self.action, self.status, self.why
        )
    }

    fn shorten(&mut self) -> bool {
        self.digests.len() > 1 && self.digests.pop().is_some()
    }
}

impl Typed for ExecuteRemediation {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "execute_remediation".to_owned(),
            description: "Propose an action of the operator's inventory to a person who may approve it. Executes nothing.\n\
                          When to use: an action fits the cause; to see how far its approval is.\n\
                          When NOT to use: which actions there are (`list_remediation_actions`); whether it worked \
                          (`verify_remediation_effect`)."
                .to_owned(),
            permission: Permission::Remediate,
            budget: Budget::GLANCE,
            is_read_only: false,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let (name, reason) = (input.action_name.as_str(), input.reason.as_str());
        let (incident, proposed) = match asked_of(context, input.incident.clone()) {
            Ok(found) => found.unzip(),
            Err(error) => {
                remember(context, name, reason, "failed");
                return Err(error);
            }
        };
        let fitting = fitting(proposed.as_ref(), name);
        let is_known = context.installation.actions().iter().any(|action| action.name == name);
        if fitting.is_empty() && !is_known {
            remember(context, name, reason, "refused");
            return Err(unknown(context, proposed.as_ref(), name));
        }
        let is_pending =
            !fitting.is_empty() && proposed.as_ref().is_some_and(|proposed| proposed.decide_at.is_some());
        let status = if is_pending { "PENDING_APPROVAL" } else { "REFUSED" };
        remember(context, name, reason, &status.to_lowercase());
        let said = match &input.approved_by {
            Some(_) => "`approved_by` is not an approval: a person decides outside of every tool. ",
            None => "",
        };
        let about = incident.as_deref().zip(proposed.as_ref());
        let why = format!("{said}{}", why(about, is_pending, !fitting.is_empty()));
        let next = Hint::new(
            "verify_remediation_effect",
            json!({ "action_name": name }),
            "whether it was done and whether it worked",
        );
        let answer = Answer {
            status: status.to_owned(),
            why,
            decide_at: proposed.filter(|_| is_pending).and_then(|proposed| proposed.decide_at),
            incident,
            digests: fitting,
            action: input.action_name,
        };
        Ok(Found::whole(answer, vec![next]))
    }
}

/// The incident that is meant, the newest unless one is named, and what is proposed for it; nothing without any incident.
fn asked_of(context: &Context, named: Option<String>) -> Result<Option<(String, Proposed)>, ToolError> {
    let incident = match named {
        Some(incident) => Some(incident),
        None => context.installation.incidents(1)?.rows.into_iter().next().map(|row| row.incident),
    };
    let Some(incident) = incident else { return Ok(None) };
    let proposed = context.installation.propose(&incident)?;
    Ok(Some((incident, proposed)))
}

/// Why it waits or is refused, with the incident that it is about: nobody should decide about another one than meant.
fn why(about: Option<(&str, &Proposed)>, is_pending: bool, is_fitting: bool) -> String {
    let Some((incident, proposed)) = about else {
        return "There is no incident that it could be an answer to.".to_owned();
    };
    let (incident, state) = (clip(incident, 80), clip(&proposed.state, 300));
    match (is_pending, is_fitting) {
        (true, _) => format!("Incident {incident}: {state}"),
        (false, true) => format!("Nobody can approve it here for incident {incident}: {state}"),
        (false, false) => format!("It does not fit incident {incident}: {state}"),
    }
}

/// The digests of the proposed actions of this name.
fn fitting(proposed: Option<&Proposed>, name: &str) -> Vec<String> {
    let actions = proposed.map(|proposed| proposed.actions.as_slice()).unwrap_or_default();
    actions
        .iter()
        .filter(|action| action.spec == name || action.profile == name)
        .filter_map(|action| action.digest().ok())
        .collect()
}

fn unknown(context: &Context, proposed: Option<&Proposed>, name: &str) -> ToolError {
    let mut known: Vec<String> =
        context.installation.actions().into_iter().map(|action| action.name).collect();
    let actions = proposed.map(|proposed| proposed.actions.as_slice()).unwrap_or_default();
    known.extend(actions.iter().map(|action| action.spec.clone()));
    if known.is_empty() {
        let asked = clip(name, 80);
        return ToolError::Input(format!(
            "no action `{asked}` is known: the operator's inventory holds none"
        ));
    }
    ToolError::Input(near::unknown("action", name, &known))
}

fn remember(context: &Context, action: &str, reason: &str, status: &str) {
    let Some(agents) = context.installation.agents() else { return };
    agents.asked(AgentRequest {
        at: context.installation.now(),
        by: Author::of(&context.caller),
        action: action.to_owned(),
        reason: reason.to_owned(),
        status: status.to_owned(),
    });
}
