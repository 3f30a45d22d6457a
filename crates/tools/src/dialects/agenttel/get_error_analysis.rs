//! `get_error_analysis`: failed requests of an operation by the kind of their error (AG-21).

use evidence::health::errors::{self, ErrorCounts, ErrorKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
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
pub(super) struct GetErrorAnalysis;

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
    service: String,
    operation: String,
    requests: u64,
    failed: u64,
    /// 0-1.
    failure_rate: Num,
    /// Failed requests whose traces were looked at; the categories sum to it.
    looked_at: u64,
    /// The most first.
    categories: Vec<Row>,
    types: Vec<Row>,
    gaps: Vec<String>,
}

/// A kind or a type of error.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: String,
    count: u64,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let head = format!(
            "=== ERROR ANALYSIS: {} ===\nFailed: {} of {} requests ({})",
            self.operation,
            self.failed,
            self.requests,
            percent(self.failure_rate.get())
        );
        let share = |count: u64| 100.0 * count as f64 / self.looked_at.max(1) as f64;
        let categories: String = self
            .categories
            .iter()
            .map(|row| format!("\n{}: {} ({:.0}%)", row.name, row.count, share(row.count)))
            .collect();
        let types: Vec<String> = self.types.iter().map(|row| format!("{} {}", row.count, row.name)).collect();
        let types = if types.is_empty() { String::new() } else { format!("\nTypes: {}", types.join(", ")) };
        let looked = format!("\nLooked at: {} failed requests", self.looked_at);
        format!("{head}{looked}{categories}{types}{}", words::gaps(&self.gaps))
    }

    fn shorten(&mut self) -> bool {
        self.types.pop().is_some() || self.gaps.pop().is_some()
    }
}

impl Typed for GetErrorAnalysis {
    type Input = Input;
    type Answer = Shown<Answer>;

    fn about() -> About {
        About {
            name: "get_error_analysis".to_owned(),
            description: "Get the failed requests of an operation by category: timeouts, connections, code, data, limits.\n\
                          When to use: an operation fails; whose fault it looks like.\n\
                          When NOT to use: it is slow (`get_trend_analysis`); the whole picture (`get_incident_context`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::SUMMARY,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Self::Answer>, ToolError> {
        let window = facts::window(context, facts::NOW_SECONDS);
        let operation = input.operation_name.as_str();
        let place = facts::place(context, (input.service.as_deref(), Some(operation)), window).await?;
        let facts = Facts::of(context, &place.service, window).await;
        let figures = situation::health_of(&facts, operation).map(|one| one.figures).unwrap_or_default();
        let who = (place.service.as_str(), operation);
        let traces = if figures.errors > 0 { traces::of(context, who, window).await } else { Vec::new() };
        let counts = errors::count(&traces, who.0, operation, figures.errors);
        let answer = Answer {
            operation: clip(operation, 120),
            requests: figures.count,
            failed: figures.errors,
            failure_rate: Num::new(figures.failure_rate()),
            looked_at: counts.total,
            categories: categories(&counts),
            types: counts
                .by_type
                .iter()
                .map(|(name, count)| Row { name: clip(name, 80), count: *count })
                .collect(),
            gaps: facts.gaps.clone(),
            service: place.service,
        };
        let next =
            Hint::new("get_incident_context", json!({ "operation_name": operation }), "the whole picture");
        let mut found = Shown::found(answer, input.format, vec![next]);
        found.is_truncated = counts.not_looked_at > 0 || facts.is_truncated;
        Ok(found)
    }
}

fn categories(counts: &ErrorCounts) -> Vec<Row> {
    let mut rows: Vec<(ErrorKind, u64)> =
        counts.by_kind.iter().map(|(kind, count)| (*kind, *count)).collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    rows.into_iter().map(|(kind, count)| Row { name: kind.name().to_owned(), count }).collect()
}
