//! `get_slo_report`: how each declared objective stands (AG-15).

use std::collections::BTreeMap;

use evidence::health::slo::{SloState, Standing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;

use super::facts;
use super::lacks::Lacks;
use super::shown::{Format, Shown};
use super::words;
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};

/// The tool.
#[derive(Debug)]
pub(super) struct GetSloReport;

/// Objectives at most.
const ROWS: usize = 50;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default)]
    format: Format,
    /// All with objectives when not given.
    #[serde(default)]
    service: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    generated_at: String,
    total: usize,
    /// By standing: `healthy`, `at_risk`, `warning`, `violated`, `no_data`.
    summary: BTreeMap<String, usize>,
    /// The worst first.
    slos: Vec<Row>,
    gaps: Vec<String>,
}

/// One objective.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: String,
    service: String,
    /// `availability`, `error_rate`, `latency_p50` or `latency_p99`.
    kind: String,
    standing: String,
    /// Share of good requests, 0-1.
    target: Num,
    /// Share of good requests, 0-1.
    actual: Option<Num>,
    threshold_ms: Option<Num>,
    measured_ms: Option<Num>,
    /// Share, 0-1.
    budget_left: Option<Num>,
    /// In the last hour, null without requests in it; the budget lasts as long as its window at 1.
    burn_rate: Option<Num>,
    requests: u64,
    /// Estimated from quantiles where it is about latency.
    failed: u64,
    is_estimated: bool,
    window_days: Num,
    covered_days: Num,
    /// Pairs of windows that burn too fast, as `14.4x in 1h`.
    burning: Vec<String>,
}

impl Row {
    fn of(service: &str, state: &SloState) -> Self {
        let burning = state.burns.iter().filter(|burn| burn.is_burning);
        Self {
            name: clip(&state.name, 80),
            service: service.to_owned(),
            kind: state.kind.name().to_owned(),
            standing: state.standing.name().to_owned(),
            target: Num::new(state.target),
            actual: state.actual.map(Num::new),
            threshold_ms: state.threshold_ms.map(Num::new),
            measured_ms: state.measured_ms.map(Num::new),
            budget_left: state.budget_left.map(Num::new),
            burn_rate: facts::burn(state).map(Num::new),
            requests: state.total,
            failed: state.bad.estimate.round() as u64,
            is_estimated: !state.bad.is_exact(),
            window_days: Num::new(state.window.seconds() / 86_400.0),
            covered_days: Num::new(state.covered_seconds / 86_400.0),
            burning: burning
                .map(|burn| format!("{}x in {}h", burn.rule.factor, burn.rule.long_seconds / 3_600))
                .collect(),
        }
    }

    fn text(&self) -> String {
        let standing = words::upper(&self.standing).replace('_', " ");
        let target = match self.threshold_ms {
            Some(ms) => words::ms(ms.get()),
            None => format!("{:.2}%", 100.0 * self.target.get()),
        };
        let share = || self.actual.map(|actual| format!("{:.2}%", 100.0 * actual.get()));
        let measured = self.measured_ms.map(|ms| words::ms(ms.get())).or_else(share);
        let (Some(actual), Some(left)) = (measured, self.budget_left) else {
            return format!("\n[{standing}] {}\nTarget: {target}", self.name);
        };
        let burn = self.burn_rate.map(|burn| format!(" Burn: {:.1}x", burn.get())).unwrap_or_default();
        let burning: String = self.burning.iter().map(|pair| format!("\nBURNING: {pair}")).collect();
        let is_short = self.covered_days.get() < 0.99 * self.window_days.get();
        let covered = if is_short {
            format!("\nCovered: {:.2} of {:.0} days", self.covered_days.get(), self.window_days.get())
        } else {
            String::new()
        };
        format!(
            "\n[{standing}] {}\nTarget: {target} Actual: {actual} Budget: {}{burn} Requests: {} Failed: {}{burning}{covered}",
            self.name,
            words::percent(left.get()),
            self.requests,
            self.failed,
        )
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let count = |name: &str| self.summary.get(name).copied().unwrap_or(0);
        let no_data = match count("no_data") {
            0 => String::new(),
            count => format!(", {count} no data"),
        };
        let rows: String = self.slos.iter().map(Row::text).collect();
        let left_out = self.total - self.slos.len();
        let more = if left_out > 0 { format!("\n(+{left_out} more)") } else { String::new() };
        let none = if self.total == 0 { "\nNo objective is declared" } else { "" };
        format!(
            "=== SLO REPORT ===\nGenerated: {}\nTotal SLOs: {}\nSUMMARY: {} healthy, {} at risk, {} violated{no_data}{none}{rows}{more}{}",
            self.generated_at,
            self.total,
            count("healthy"),
            count("at_risk") + count("warning"),
            count("violated"),
            words::gaps(&self.gaps),
        )
    }

    fn shorten(&mut self) -> bool {
        (self.slos.len() > 1 && self.slos.pop().is_some()) || self.gaps.pop().is_some()
    }
}

impl Typed for GetSloReport {
    type Input = Input;
    type Answer = Shown<Answer>;

    fn about() -> About {
        About {
            name: "get_slo_report".to_owned(),
            description: "Get how each declared objective stands: target, actual, budget left, burn rate.\n\
                          When to use: how much may still fail; whether a budget burns too fast.\n\
                          When NOT to use: what is wrong now (`get_service_health`); a summary (`get_executive_summary`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Self::Answer>, ToolError> {
        let now = context.installation.now();
        let declared = context.installation.declared();
        let window = facts::window(context, facts::NOW_SECONDS);
        let services: Vec<String> = match &input.service {
            Some(service) => vec![facts::place(context, (Some(service), None), window).await?.service],
            None => declared.services.keys().cloned().collect(),
        };
        let mut rows: Vec<(Standing, f64, Row)> = Vec::new();
        let mut lacks = Lacks::default();
        for service in &services {
            let found = facts::objectives(context, service, now, &declared).await;
            lacks.extend(found.lacks);
            for state in found.states {
                let left = state.budget_left.unwrap_or(f64::INFINITY);
                rows.push((state.standing, left, Row::of(service, &state)));
            }
        }
        rows.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)).then_with(|| a.2.name.cmp(&b.2.name)));
        let mut summary: BTreeMap<String, usize> = BTreeMap::new();
        for (standing, _, _) in &rows {
            *summary.entry(standing.name().to_owned()).or_default() += 1;
        }
        let total = rows.len();
        let slos: Vec<Row> = rows.into_iter().take(ROWS).map(|(_, _, row)| row).collect();
        let next = slos.first().filter(|row| row.standing != "healthy").map(|row| {
            Hint::new("get_service_health", json!({ "service": row.service }), "what uses the budget up")
        });
        let answer = Answer { generated_at: words::stamp(now), total, summary, slos, gaps: lacks.told() };
        let mut found = Shown::found(answer, input.format, next.into_iter().collect());
        found.is_truncated = total > ROWS || lacks.is_truncated;
        Ok(found)
    }
}
