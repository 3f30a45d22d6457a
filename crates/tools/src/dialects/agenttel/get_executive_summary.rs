//! `get_executive_summary`: a service in five lines (AG-16).

use evidence::health::service::OperationHealth;
use evidence::health::slo::Standing;
use evidence::health::{Deviation, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;

use super::facts::{self, Facts};
use super::get_service_health::badness;
use super::shown::{Format, Shown};
use super::words::{self, percent};
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct GetExecutiveSummary;

/// Issues at most.
const ISSUES_MAX: usize = 3;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default)]
    format: Format,
    /// The worst when not given.
    #[serde(default)]
    service: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    service: String,
    status: String,
    at: String,
    statement: String,
    /// The worst first, at most three.
    issues: Vec<Issue>,
    slos_total: usize,
    slos_healthy: usize,
    /// Those that are not.
    slos_at_risk: Vec<SloRow>,
    /// Dependencies that fail.
    dependencies: Vec<String>,
    operations_total: usize,
    requests_total: u64,
    gaps: Vec<String>,
}

/// One operation in trouble.
#[derive(Debug, Serialize, JsonSchema)]
struct Issue {
    operation: String,
    /// 0-1.
    failure_rate: Num,
    /// 0-1.
    baseline_failure_rate: Num,
    p50_ms: Num,
    baseline_p50_ms: Num,
    baseline_source: String,
}

/// One objective.
#[derive(Debug, Serialize, JsonSchema)]
struct SloRow {
    name: String,
    /// Share, 0-1.
    budget_left: Num,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let issues: String = self
            .issues
            .iter()
            .enumerate()
            .map(|(place, issue)| {
                format!(
                    "\n{}. {}: err={} (baseline {}), p50={} (baseline {})",
                    place + 1,
                    issue.operation,
                    percent(issue.failure_rate.get()),
                    percent(issue.baseline_failure_rate.get()),
                    words::p50(issue.p50_ms.get()),
                    words::p50(issue.baseline_p50_ms.get()),
                )
            })
            .collect();
        let issues = if issues.is_empty() { " none".to_owned() } else { issues };
        let at_risk: Vec<String> = self
            .slos_at_risk
            .iter()
            .map(|row| format!("{}: {:.0}% remaining", row.name, 100.0 * row.budget_left.get()))
            .collect();
        let at_risk = match at_risk.len() {
            0 => String::new(),
            count => format!(", {count} at risk ({})", at_risk.join(", ")),
        };
        let slos = match self.slos_total {
            0 => "no objective is declared".to_owned(),
            total => format!("{}/{total} healthy{at_risk}", self.slos_healthy),
        };
        let dependencies = if self.dependencies.is_empty() {
            String::new()
        } else {
            format!("\nDEPENDENCIES: {}", self.dependencies.join(", "))
        };
        format!(
            "=== EXECUTIVE SUMMARY ===\nService: {} | Status: {} | {}\nSTATUS: {}\nTOP ISSUES:{issues}\nSLO BUDGET: {slos}\
             {dependencies}\nOPERATIONS: {} tracked, {} total requests{}",
            if self.service.is_empty() { "none" } else { &self.service },
            words::upper(&self.status),
            self.at,
            self.statement,
            self.operations_total,
            words::thousands(self.requests_total),
            words::gaps(&self.gaps),
        )
    }

    fn shorten(&mut self) -> bool {
        (self.slos_at_risk.len() > 3 && self.slos_at_risk.pop().is_some())
            || (self.dependencies.len() > 2 && self.dependencies.pop().is_some())
            || (self.issues.len() > 1 && self.issues.pop().is_some())
            || (self.slos_at_risk.len() > 1 && self.slos_at_risk.pop().is_some())
            || self.gaps.pop().is_some()
    }
}

impl Typed for GetExecutiveSummary {
    type Input = Input;
    type Answer = Shown<Answer>;

    fn about() -> About {
        About {
            name: "get_executive_summary".to_owned(),
            description: "Summarize a service in a few lines: status, the three worst operations, budgets.\n\
                          When to use: to begin; to report to people.\n\
                          When NOT to use: every operation (`get_service_health`); why (`get_incident_context`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::SUMMARY,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Self::Answer>, ToolError> {
        let window = facts::window(context, facts::NOW_SECONDS);
        let place = facts::place(context, (input.service.as_deref(), None), window).await?;
        let facts = Facts::of(context, &place.service, window).await;
        let mut bad: Vec<&OperationHealth> =
            facts.health.operations.iter().filter(|one| is_bad(one)).collect();
        bad.sort_by(|a, b| badness(b).cmp(&badness(a)).then_with(|| a.operation.cmp(&b.operation)));
        let next = match bad.first() {
            Some(worst) => {
                let arguments = json!({ "operation_name": worst.operation });
                Hint::new("get_incident_context", arguments, "the worst operation")
            }
            None => Hint::new("get_service_health", json!({}), "every operation"),
        };
        let mut found = Shown::found(answer(&facts, &bad), input.format, vec![next]);
        found.is_truncated = facts.is_truncated;
        Ok(found)
    }
}

fn is_bad(one: &OperationHealth) -> bool {
    one.status > Status::Healthy || one.deviation > Deviation::Normal
}

fn answer(facts: &Facts, bad: &[&OperationHealth]) -> Answer {
    let is_fine = |standing: Standing| standing == Standing::Healthy;
    let at_risk = facts.slos.iter().filter(|slo| slo.standing > Standing::Healthy);
    let failing = facts.health.dependencies.iter().filter(|one| one.status > Status::Healthy);
    let issue = |one: &&OperationHealth| Issue {
        operation: clip(&one.operation, 100),
        failure_rate: Num::new(one.figures.failure_rate()),
        baseline_failure_rate: Num::new(one.baseline.failure_rate),
        p50_ms: Num::new(one.figures.p50_ms),
        baseline_p50_ms: Num::new(one.baseline.p50_ms),
        baseline_source: one.baseline.origin.name().to_owned(),
    };
    Answer {
        service: facts.service.clone(),
        status: facts.health.status.name().to_owned(),
        at: words::stamp(facts.window.to),
        statement: statement(facts, bad),
        issues: bad.iter().take(ISSUES_MAX).map(issue).collect(),
        slos_total: facts.slos.len(),
        slos_healthy: facts.slos.iter().filter(|slo| is_fine(slo.standing)).count(),
        slos_at_risk: at_risk
            .filter_map(|slo| {
                Some(SloRow { name: clip(&slo.name, 60), budget_left: Num::new(slo.budget_left?) })
            })
            .collect(),
        dependencies: failing
            .map(|one| format!("{} err={}", clip(&one.name, 60), percent(one.failure_rate)))
            .collect(),
        operations_total: facts.health.operations.len(),
        requests_total: facts.health.operations.iter().map(|one| one.figures.count).sum(),
        gaps: facts.gaps.clone(),
    }
}

/// The state in a sentence or two.
fn statement(facts: &Facts, bad: &[&OperationHealth]) -> String {
    let Some(worst) = bad.first() else {
        return match facts.health.status {
            Status::Unknown => "Too few requests to judge.".to_owned(),
            Status::Healthy => "All operations are well.".to_owned(),
            Status::Degraded | Status::Critical => match facts.health.reasons.first() {
                Some(reason) => format!("{} is the reason.", clip(&reason.subject, 80)),
                None => "Not well.".to_owned(),
            },
        };
    };
    let name = clip(&worst.operation, 80);
    let what = if worst.status > Status::Healthy {
        format!("{name} error rate elevated ({})", percent(worst.figures.failure_rate()))
    } else {
        format!("{name} latency elevated (p50 {})", words::p50(worst.figures.p50_ms))
    };
    format!("{} degraded. {what}.", words::counted(bad.len(), "operation"))
}
