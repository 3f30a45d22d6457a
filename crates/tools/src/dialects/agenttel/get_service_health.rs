//! `get_service_health`: one service over the last quarter of an hour (AG-10).

use evidence::health::service::{DependencyHealth, OperationHealth};
use evidence::health::slo::SloState;
use evidence::health::{Deviation, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;

use super::facts::{self, Facts};
use super::shown::{Format, Shown};
use super::words::{self, percent};
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct GetServiceHealth;

/// Characters of a name that are shown even where little fits.
const NAME_CHARS_MIN: usize = 40;

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
    /// `healthy`, `degraded`, `critical` or `unknown`.
    status: String,
    at: String,
    /// The worst first.
    operations: Vec<OperationRow>,
    operations_total: usize,
    dependencies: Vec<DependencyRow>,
    slos: Vec<SloRow>,
    gaps: Vec<String>,
}

/// One operation.
#[derive(Debug, Serialize, JsonSchema)]
struct OperationRow {
    operation: String,
    requests: u64,
    /// 0-1.
    failure_rate: Num,
    p50_ms: Num,
    p99_ms: Num,
    baseline_p50_ms: Num,
    /// `declared`, `rolling` or `default`.
    baseline_source: String,
    /// `normal`, `elevated`, `critical` or `unknown`.
    deviation: String,
}

/// One dependency.
#[derive(Debug, Serialize, JsonSchema)]
struct DependencyRow {
    name: String,
    calls: u64,
    /// 0-1.
    failure_rate: Num,
    mean_ms: Num,
}

/// One objective.
#[derive(Debug, Serialize, JsonSchema)]
struct SloRow {
    name: String,
    /// Share, 0-1.
    budget_left: Option<Num>,
    burn_rate: Option<Num>,
}

impl OperationRow {
    fn of(one: &OperationHealth) -> Self {
        Self {
            operation: clip(&one.operation, 120),
            requests: one.figures.count,
            failure_rate: Num::new(one.figures.failure_rate()),
            p50_ms: Num::new(one.figures.p50_ms),
            p99_ms: Num::new(one.figures.p99_ms),
            baseline_p50_ms: Num::new(one.baseline.p50_ms),
            baseline_source: one.baseline.origin.name().to_owned(),
            deviation: one.deviation.name().to_owned(),
        }
    }

    fn line(&self) -> String {
        let mark = match self.deviation.as_str() {
            "elevated" | "critical" => format!(" [{}]", words::upper(&self.deviation)),
            _ => String::new(),
        };
        format!(
            "\n{}: err={} p50={} p99={}{mark}",
            self.operation,
            percent(self.failure_rate.get()),
            words::p50(self.p50_ms.get()),
            words::ms(self.p99_ms.get()),
        )
    }
}

impl DependencyRow {
    fn of(one: &DependencyHealth) -> Self {
        Self {
            name: clip(&one.name, 80),
            calls: one.count,
            failure_rate: Num::new(one.failure_rate),
            mean_ms: Num::new(one.mean_ms),
        }
    }
}

impl SloRow {
    fn of(state: &SloState) -> Self {
        Self {
            name: clip(&state.name, 80),
            budget_left: state.budget_left.map(Num::new),
            burn_rate: facts::burn(state).map(Num::new),
        }
    }

    fn line(&self) -> String {
        let budget = self.budget_left.map_or_else(|| "no data".to_owned(), |left| percent(left.get()));
        let burn = self.burn_rate.map(|burn| format!(" burn={:.1}x", burn.get())).unwrap_or_default();
        format!("\n{}: budget={budget}{burn}", self.name)
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let head = format!(
            "SERVICE: {} | STATUS: {} | {}",
            if self.service.is_empty() { "none" } else { &self.service },
            words::upper(&self.status),
            self.at
        );
        let operations: String = self.operations.iter().map(OperationRow::line).collect();
        let operations =
            if operations.is_empty() { "\nno requests in this window".to_owned() } else { operations };
        let left_out = self.operations_total - self.operations.len();
        let more = if left_out > 0 { format!("\n(+{left_out} more)") } else { String::new() };
        let dependencies: String = self
            .dependencies
            .iter()
            .map(|row| {
                format!(
                    "\n{}: err={} avg={}",
                    row.name,
                    percent(row.failure_rate.get()),
                    words::ms(row.mean_ms.get())
                )
            })
            .collect();
        let slos: String = self.slos.iter().map(SloRow::line).collect();
        let section = |name: &str, lines: String| {
            if lines.is_empty() { String::new() } else { format!("\n{name}:{lines}") }
        };
        format!(
            "{head}\nOPERATIONS:{operations}{more}{}{}{}",
            section("DEPENDENCIES", dependencies),
            section("SLOs", slos),
            words::gaps(&self.gaps)
        )
    }

    /// The best operations first, then dependencies, then objectives; the worst of each stays as long as it can. JSON takes
    /// more words than a glance has: at last the worst operation is left, with as much of its name as fits.
    fn shorten(&mut self) -> bool {
        (self.operations.len() > 3 && self.operations.pop().is_some())
            || (self.dependencies.len() > 2 && self.dependencies.pop().is_some())
            || (self.operations.len() > 1 && self.operations.pop().is_some())
            || (self.slos.len() > 1 && self.slos.pop().is_some())
            || (self.dependencies.len() > 1 && self.dependencies.pop().is_some())
            || self.gaps.pop().is_some()
            || self.dependencies.pop().is_some()
            || self.slos.pop().is_some()
            || self.operations.first_mut().is_some_and(|worst| shorter(&mut worst.operation))
            || shorter(&mut self.service)
    }
}

/// Cuts a name to the least that is shown of one; `false` when it is that short.
fn shorter(name: &mut String) -> bool {
    let is_long = name.chars().count() > NAME_CHARS_MIN;
    if is_long {
        *name = clip(name, NAME_CHARS_MIN);
    }
    is_long
}

/// How bad an operation looks: what decides the health of the service before what only deviates.
pub(super) fn badness(one: &OperationHealth) -> (Status, Deviation, u64) {
    (one.status.max(Status::Healthy), one.deviation.max(Deviation::Normal), one.figures.count)
}

impl Typed for GetServiceHealth {
    type Input = Input;
    type Answer = Shown<Answer>;

    fn about() -> About {
        About {
            name: "get_service_health".to_owned(),
            description: "Get the health of a service in the last 15 minutes: operations against what is usual, \
                          dependencies, error budgets.\n\
                          When to use: to see how a service is; after an action.\n\
                          When NOT to use: one operation in trouble (`get_incident_context`); over time (`get_trend_analysis`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::GLANCE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Self::Answer>, ToolError> {
        let window = facts::window(context, facts::NOW_SECONDS);
        let place = facts::place(context, (input.service.as_deref(), None), window).await?;
        let facts = Facts::of(context, &place.service, window).await;
        let mut operations: Vec<&OperationHealth> = facts.health.operations.iter().collect();
        operations.sort_by(|a, b| badness(b).cmp(&badness(a)).then_with(|| a.operation.cmp(&b.operation)));
        let mut dependencies: Vec<&DependencyHealth> = facts.health.dependencies.iter().collect();
        dependencies
            .sort_by(|a, b| b.failure_rate.total_cmp(&a.failure_rate).then_with(|| a.name.cmp(&b.name)));
        let answer = Answer {
            status: facts.health.status.name().to_owned(),
            at: words::stamp(window.to),
            operations_total: operations.len(),
            operations: operations.iter().map(|one| OperationRow::of(one)).collect(),
            dependencies: dependencies.iter().map(|one| DependencyRow::of(one)).collect(),
            slos: facts.slos.iter().map(SloRow::of).collect(),
            gaps: facts.gaps.clone(),
            service: facts.service.clone(),
        };
        let next = operations.first().map(|worst| {
            let arguments = json!({ "operation_name": worst.operation });
            Hint::new("get_incident_context", arguments, "the worst operation")
        });
        let mut found = Shown::found(answer, input.format, next.into_iter().collect());
        found.is_truncated = facts.is_truncated;
        Ok(found)
    }
}
