//! `get_cross_stack_context`: what users saw of an operation, beside what the service says (AG-18).

use evidence::health::deviation::Deviation;
use evidence::health::frontend::{self, Frontend, Looked};
use evidence::health::slo::SloState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::Window;
use telemetry::number::Num;

use super::facts::{self, Facts};
use super::shown::{Format, Shown};
use super::words::{self, percent};
use super::{situation, traces};
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct GetCrossStackContext;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    operation_name: String,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    service: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    operation: String,
    /// Null where browsers sent nothing: no frontend data.
    frontend: Option<FrontendRow>,
    service: String,
    /// 0-1.
    failure_rate: Num,
    /// 0-1.
    baseline_failure_rate: Num,
    p50_ms: Num,
    baseline_p50_ms: Num,
    deviation: String,
    slos: Vec<SloRow>,
    traces_looked_at: usize,
    gaps: Vec<String>,
}

/// What users saw.
#[derive(Debug, Serialize, JsonSchema)]
struct FrontendRow {
    route: String,
    page_load_p50_ms: Option<Num>,
    page_load_baseline_p50_ms: Option<Num>,
    api_call_p50_ms: Option<Num>,
    api_call_baseline_p50_ms: Option<Num>,
    journey: Option<String>,
    journey_step: Option<u64>,
    journey_steps: Option<u64>,
    /// Share, 0-1.
    completion: Option<Num>,
    /// Share, 0-1.
    completion_baseline: Option<Num>,
    anomalies: Vec<String>,
    /// At least so many, seen in the traces looked at; null where calls failed or were slow and no span says whose.
    affected_users: Option<usize>,
    linked_traces: usize,
}

/// One objective.
#[derive(Debug, Serialize, JsonSchema)]
struct SloRow {
    name: String,
    actual: String,
    target: String,
    /// Share, 0-1.
    budget_left: Option<Num>,
}

impl FrontendRow {
    fn of(frontend: &Frontend) -> Self {
        let journey = frontend.journey.as_ref();
        let num = |value: Option<f64>| value.map(Num::new);
        Self {
            route: clip(&frontend.route, 120),
            page_load_p50_ms: num(frontend.page_load_ms.now),
            page_load_baseline_p50_ms: num(frontend.page_load_ms.usual),
            api_call_p50_ms: num(frontend.api_call_ms.now),
            api_call_baseline_p50_ms: num(frontend.api_call_ms.usual),
            journey: journey.map(|journey| clip(&journey.name, 80)),
            journey_step: journey.map(|journey| journey.step),
            journey_steps: journey.map(|journey| journey.steps),
            completion: num(journey.and_then(|journey| journey.completion.now)),
            completion_baseline: num(journey.and_then(|journey| journey.completion.usual)),
            anomalies: frontend.anomalies.iter().map(|name| (*name).to_owned()).collect(),
            affected_users: (frontend.users.hit > 0 || frontend.users.hit_traces == 0)
                .then_some(frontend.users.hit),
            linked_traces: frontend.linked_traces,
        }
    }

    fn text(&self, traces: usize) -> String {
        let against =
            |usual: Option<String>| usual.map(|usual| format!(" (baseline: {usual})")).unwrap_or_default();
        let latency = |name: &str, now: Option<Num>, usual: Option<Num>| match now {
            Some(now) => {
                format!(
                    "\n{name}: {}{}",
                    words::p50(now.get()),
                    against(usual.map(|usual| words::p50(usual.get())))
                )
            }
            None => String::new(),
        };
        let whole = |share: Num| format!("{:.0}%", 100.0 * share.get());
        let journey = match (&self.journey, self.journey_step, self.journey_steps) {
            (Some(name), Some(step), Some(steps)) => format!("\nJourney: {name} (step {step}/{steps})"),
            _ => String::new(),
        };
        let funnel = match self.completion {
            Some(now) => {
                format!(
                    "\nFunnel Health: {} completion{}",
                    whole(now),
                    against(self.completion_baseline.map(whole))
                )
            }
            None => String::new(),
        };
        let anomalies = if self.anomalies.is_empty() { "none".to_owned() } else { self.anomalies.join(", ") };
        let users = match self.affected_users {
            Some(0) => format!("none seen (in {traces} traces looked at)"),
            Some(users) => format!("at least {users} (in {traces} traces looked at)"),
            None => format!("unknown: no span says whose (in {traces} traces looked at)"),
        };
        format!(
            "Route: {}{}{}{journey}{funnel}\nAnomalies: {anomalies}\nAffected Users: {users}",
            if self.route.is_empty() { "unknown" } else { &self.route },
            latency("Page Load P50", self.page_load_p50_ms, self.page_load_baseline_p50_ms),
            latency("API Call P50", self.api_call_p50_ms, self.api_call_baseline_p50_ms),
        )
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let frontend = self.frontend.as_ref().map_or_else(
            || {
                "Status: No frontend telemetry connected\n\
                 Note: no frontend data. Browser spans that share their trace with the service connect it."
                    .to_owned()
            },
            |frontend| frontend.text(self.traces_looked_at),
        );
        let slos: String = self
            .slos
            .iter()
            .map(|row| {
                let budget = row.budget_left.map_or_else(|| "no data".to_owned(), |left| percent(left.get()));
                format!("\n{}: {} (target: {}) budget={budget}", row.name, row.actual, row.target)
            })
            .collect();
        let slos = if slos.is_empty() { "\nNo objective is declared".to_owned() } else { slos };
        let correlation = match &self.frontend {
            Some(_) => "active\nBrowser trace IDs correlated with backend spans via W3C Trace Context",
            None => "none",
        };
        format!(
            "=== CROSS-STACK CONTEXT: {} ===\n## FRONTEND (User Experience)\n{frontend}\n## BACKEND ({})\nOperation: {}\n\
             Error Rate: {} (baseline: {})\nLatency P50: {} (baseline: {})\nDeviation: {}\n## SLO STATUS{slos}\n\
             ## CORRELATION\nFrontend \u{2192} Backend trace linking: {correlation}{}",
            self.operation,
            self.service,
            self.operation,
            percent(self.failure_rate.get()),
            percent(self.baseline_failure_rate.get()),
            words::p50(self.p50_ms.get()),
            words::p50(self.baseline_p50_ms.get()),
            words::upper(&self.deviation),
            words::gaps(&self.gaps),
        )
    }

    fn shorten(&mut self) -> bool {
        (self.slos.len() > 1 && self.slos.pop().is_some()) || self.gaps.pop().is_some()
    }
}

impl Typed for GetCrossStackContext {
    type Input = Input;
    type Answer = Shown<Answer>;

    fn about() -> About {
        About {
            name: "get_cross_stack_context".to_owned(),
            description: "Get what users saw of an operation, from browser spans: page, calls, journey, affected users; beside \
                          what the service says.\n\
                          When to use: who is hit; whether it is slow for users or only inside.\n\
                          When NOT to use: the service alone (`get_incident_context`); objectives (`get_slo_report`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Self::Answer>, ToolError> {
        let window = facts::window(context, facts::NOW_SECONDS);
        let operation = input.operation_name.as_str();
        let place = facts::place(context, (input.service.as_deref(), Some(operation)), window).await?;
        let facts = Facts::of(context, &place.service, window).await;
        let who = (place.service.as_str(), operation);
        let earlier = Window::new(window.from.plus_seconds(-facts::NOW_SECONDS), window.from);
        let (now, before) = (traces::of(context, who, window).await, traces::of(context, who, earlier).await);
        let looked = Looked { service: who.0, operation, traces: &now, before: &before };
        let frontend = frontend::of(&looked);
        let health = situation::health_of(&facts, operation);
        let figures = health.map(|one| one.figures).unwrap_or_default();
        let baseline = health.map(|one| one.baseline);
        let usual = |of: fn(&evidence::health::Baseline) -> f64| Num::new(baseline.as_ref().map_or(0.0, of));
        let answer = Answer {
            operation: clip(operation, 120),
            frontend: frontend.as_ref().map(FrontendRow::of),
            failure_rate: Num::new(figures.failure_rate()),
            baseline_failure_rate: usual(|baseline| baseline.failure_rate),
            p50_ms: Num::new(figures.p50_ms),
            baseline_p50_ms: usual(|baseline| baseline.p50_ms),
            deviation: health.map_or(Deviation::Unknown, |one| one.deviation).name().to_owned(),
            slos: facts.slos.iter().map(slo_row).collect(),
            traces_looked_at: now.len(),
            gaps: facts.gaps.clone(),
            service: place.service,
        };
        let next =
            Hint::new("get_incident_context", json!({ "operation_name": operation }), "what is behind it");
        let mut found = Shown::found(answer, input.format, vec![next]);
        found.is_truncated = facts.is_truncated;
        Ok(found)
    }
}

fn slo_row(state: &SloState) -> SloRow {
    let share = |value: f64, decimals: usize| format!("{:.decimals$}%", 100.0 * value);
    let actual = state.measured_ms.map(words::ms).or(state.actual.map(|actual| share(actual, 2)));
    SloRow {
        name: clip(&state.name, 80),
        actual: actual.unwrap_or_else(|| "no data".to_owned()),
        target: state.threshold_ms.map_or_else(|| share(state.target, 1), words::ms),
        budget_left: state.budget_left.map(Num::new),
    }
}
