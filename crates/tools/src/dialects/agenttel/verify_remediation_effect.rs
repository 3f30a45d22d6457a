//! `verify_remediation_effect`: what was measured before and after an action (AG-20).
//!
//! The verdict is the one of the trial: the treated instance against its untouched siblings, and never a difference of two averages.

use incident::{Report, VerificationRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;

use super::{past, words};
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::near;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct VerifyRemediationEffect;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    action_name: String,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    action: String,
    incident: Option<String>,
    /// `effective`, `not_effective`, `worse`, `inconclusive`, `recovered_unattributed`, or `not_measured`.
    verdict: String,
    /// True only for `effective`; null when nothing was measured.
    effective: Option<bool>,
    /// The latest first.
    trials: Vec<Row>,
}

/// One trial.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    instance: String,
    verdict: String,
    before_p50_ms: Num,
    after_p50_ms: Num,
    untouched_before_p50_ms: Num,
    untouched_after_p50_ms: Num,
}

impl Row {
    fn of(record: &VerificationRecord) -> Self {
        Self {
            instance: record.trial.treated.clone(),
            verdict: record.verdict.name().to_owned(),
            before_p50_ms: record.treated_before.p50_ms,
            after_p50_ms: record.treated_after.p50_ms,
            untouched_before_p50_ms: record.control_before.p50_ms,
            untouched_after_p50_ms: record.control_after.p50_ms,
        }
    }

    fn line(&self) -> String {
        format!(
            "\n{}: {} p50 {} \u{2192} {}; untouched {} \u{2192} {}",
            self.instance,
            words::upper(&self.verdict),
            words::p50(self.before_p50_ms.get()),
            words::p50(self.after_p50_ms.get()),
            words::p50(self.untouched_before_p50_ms.get()),
            words::p50(self.untouched_after_p50_ms.get()),
        )
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let effective = match self.effective {
            Some(true) => "YES",
            Some(false) => "NO",
            None => "UNKNOWN",
        };
        let rows: String = self.trials.iter().map(Row::line).collect();
        format!("ACTION: {} | EFFECTIVE: {effective} | {}{rows}", self.action, words::upper(&self.verdict))
    }

    fn shorten(&mut self) -> bool {
        self.trials.len() > 1 && self.trials.pop().is_some()
    }
}

impl Typed for VerifyRemediationEffect {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "verify_remediation_effect".to_owned(),
            description: "Verify whether an action worked: before and after, against instances that it did not touch.\n\
                          When to use: after an action was done; before the next one.\n\
                          When NOT to use: how it is now (`get_service_health`); who did what (`get_recent_agent_actions`)."
                .to_owned(),
            permission: Permission::Diagnose,
            budget: Budget::GLANCE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let reports = past::reports(context);
        let used = |report: &&Report| specs(report).iter().any(|spec| *spec == input.action_name);
        let found = reports.iter().find(used);
        let known: Vec<String> = reports
            .iter()
            .flat_map(specs)
            .map(str::to_owned)
            .chain(context.installation.actions().into_iter().map(|action| action.name))
            .collect();
        if found.is_none() && !known.is_empty() && !known.contains(&input.action_name) {
            return Err(ToolError::Input(near::unknown("action", &input.action_name, &known)));
        }
        let verdict = found.and_then(|report| report.verification.as_ref()).map(|summary| summary.verdict);
        let trials = found.and_then(|report| report.resolution.as_ref());
        let trials = trials.map(|resolution| resolution.verifications.iter().rev().map(Row::of).collect());
        let answer = Answer {
            action: clip(&input.action_name, 80),
            incident: found.map(|report| report.incident.clone()),
            verdict: verdict.map_or("not_measured", |verdict| verdict.name()).to_owned(),
            effective: verdict.map(|verdict| verdict == incident::Verdict::Effective),
            trials: trials.unwrap_or_default(),
        };
        Ok(Found::whole(answer, vec![Hint::new("get_service_health", json!({}), "how it is now")]))
    }
}

/// The actions of an incident, by both of their names.
fn specs(report: &Report) -> Vec<&str> {
    let actions =
        report.resolution.as_ref().map(|resolution| resolution.actions.as_slice()).unwrap_or_default();
    actions.iter().flat_map(|action| [action.spec.as_str(), action.profile.as_str()]).collect()
}
