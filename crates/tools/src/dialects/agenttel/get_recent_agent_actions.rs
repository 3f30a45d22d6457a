//! `get_recent_agent_actions`: what agents asked for and what was done, refusals and failures included (AG-14).

use std::collections::BTreeMap;

use incident::{ApprovalRecord, Report, Resolution};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::UnixNanos;

use super::{past, words};
use crate::access::Permission;
use crate::agents::AgentRequest;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct GetRecentAgentActions;

/// Rows at most.
const ROWS: usize = 100;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    total: usize,
    /// The latest first.
    actions: Vec<Row>,
}

/// Something asked for or done.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    at: String,
    action: String,
    /// `pending_approval`, `refused`, `done` or `failed`.
    status: String,
    by: String,
    agent: Option<String>,
    reason: String,
    #[serde(skip)]
    order: UnixNanos,
}

impl Row {
    fn asked(request: AgentRequest) -> Self {
        Self {
            at: words::stamp(request.at),
            action: request.action,
            status: request.status,
            by: request.by.principal,
            agent: request.by.agent,
            reason: clip(&request.reason, 160),
            order: request.at,
        }
    }

    fn line(&self) -> String {
        let agent = self.agent.as_ref().map(|agent| format!(" ({agent})")).unwrap_or_default();
        format!(
            "\n{} {} {} by {}{agent}: {}",
            self.at,
            self.action,
            words::upper(&self.status),
            self.by,
            self.reason
        )
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let rows: String = self.actions.iter().map(Row::line).collect();
        if self.total == 0 {
            return "AGENT ACTIONS: none".to_owned();
        }
        format!("AGENT ACTIONS: {} of {}{rows}", self.actions.len(), self.total)
    }

    fn shorten(&mut self) -> bool {
        self.actions.len() > 1 && self.actions.pop().is_some()
    }
}

impl Typed for GetRecentAgentActions {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "get_recent_agent_actions".to_owned(),
            description: "Get what agents asked for and what was done, the latest first, refusals and failures included.\n\
                          When to use: before the same is asked for again; who did what.\n\
                          When NOT to use: whether an action worked (`verify_remediation_effect`); notes (`get_session`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, _: Input) -> Result<Found<Answer>, ToolError> {
        let requests = context.installation.agents().map(|agents| agents.requests()).unwrap_or_default();
        let mut rows: Vec<Row> = requests.into_iter().map(Row::asked).collect();
        rows.extend(past::reports(context).iter().flat_map(|report| done(context, report)));
        rows.sort_by(|a, b| b.order.cmp(&a.order).then_with(|| a.action.cmp(&b.action)));
        let total = rows.len();
        rows.truncate(ROWS);
        let next = Hint::new("get_executive_summary", json!({}), "how it is now");
        let answer = Answer { total, actions: rows };
        Ok(Found { answer, is_truncated: total > ROWS, next: vec![next] })
    }
}

/// The actions of an incident with what came of them, at the time of its last record: what is known of when each was done
/// stands in the journal.
fn done(context: &Context, report: &Report) -> Vec<Row> {
    let Some(resolution) = &report.resolution else { return Vec::new() };
    let mut decided = decisions(resolution);
    let row = |action: &str, reason: &str, status: &str, by: Option<String>| Row {
        at: words::stamp(report.closed_at),
        action: clip(action, 80),
        status: status.to_owned(),
        by: by.unwrap_or_else(|| "nobody yet".to_owned()),
        agent: None,
        reason: clip(reason, 160),
        order: report.closed_at,
    };
    let mut rows: Vec<Row> = Vec::new();
    for action in &resolution.actions {
        let decision = action.digest().ok().and_then(|digest| decided.remove(&digest));
        let verified = resolution.verifications.iter().any(|one| one.trial.treated == action.instance);
        let status = match (decision, &resolution.failed) {
            (None, _) => "pending_approval",
            (Some(decision), _) if !decision.is_granted => "refused",
            (Some(_), Some(_)) if !verified => "failed",
            _ => "done",
        };
        let by = decision.map(|decision| decision.principal.clone());
        rows.push(row(&action.spec, &action.rationale, status, by));
    }
    // What was rejected, or was allowed and could not be done, is no action of the incident.
    let proposed =
        if decided.is_empty() { None } else { context.installation.propose(&report.incident).ok() };
    let proposed = proposed.map(|proposed| proposed.actions).unwrap_or_default();
    for (digest, decision) in decided {
        let action = proposed.iter().find(|action| action.digest().ok().as_deref() == Some(digest.as_str()));
        let known = action.map(|action| action.spec.as_str()).or(resolution.profile.as_deref());
        let status = if decision.is_granted { "failed" } else { "refused" };
        let by = Some(decision.principal.clone());
        rows.push(row(known.unwrap_or(&digest), &decision.comment, status, by));
    }
    rows
}

/// What was decided about each action, by its digest. The last word counts: what was rejected may be allowed later.
fn decisions(resolution: &Resolution) -> BTreeMap<String, &ApprovalRecord> {
    resolution.approvals.iter().map(|one| (one.action_digest.clone(), one)).collect()
}
