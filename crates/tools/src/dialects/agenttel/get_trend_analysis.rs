//! `get_trend_analysis`: which way latency, failures and throughput of an operation go (AG-17).

use std::fmt;

use evidence::health::Part;
use evidence::health::trends::{self, Assessment, Direction, MeasureTrend, Trends};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use telemetry::Scope;
use telemetry::number::Num;

use super::facts;
use super::lacks::Lacks;
use super::shown::{Format, Shown};
use super::words::{self, percent};
use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::{health, when};

/// The tool.
#[derive(Debug)]
pub(super) struct GetTrendAnalysis;

/// Minutes looked at: unless told, and the most.
const MINUTES: i64 = 30;
const MINUTES_MAX: i64 = 1_440;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    operation_name: String,
    #[serde(default)]
    window_minutes: Minutes,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    service: Option<String>,
}

/// Minutes as `"30"`, 30 or `"now-30m"` (C-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Minutes(i64);

impl Default for Minutes {
    fn default() -> Self {
        Self(MINUTES)
    }
}

impl JsonSchema for Minutes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Minutes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "Minutes, or a start like `now-2h`; 30 when not given." })
    }
}

impl<'de> Deserialize<'de> for Minutes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MinutesVisitor)
    }
}

struct MinutesVisitor;

impl Visitor<'_> for MinutesVisitor {
    type Value = Minutes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "5 to {MINUTES_MAX} minutes as `30` or `now-30m`")
    }

    fn visit_i64<E: Error>(self, minutes: i64) -> Result<Minutes, E> {
        if (5..=MINUTES_MAX).contains(&minutes) {
            Ok(Minutes(minutes))
        } else {
            Err(E::custom(format!("{minutes} minutes: 5 to {MINUTES_MAX} can be looked at")))
        }
    }

    fn visit_u64<E: Error>(self, minutes: u64) -> Result<Minutes, E> {
        self.visit_i64(i64::try_from(minutes).unwrap_or(i64::MAX))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Minutes, E> {
        if let Ok(minutes) = text.trim().parse::<i64>() {
            return self.visit_i64(minutes);
        }
        // Any moment serves as now: only the difference counts.
        let now = telemetry::UnixNanos(0);
        let start = when::parse(text, now).map_err(E::custom)?;
        self.visit_i64(now.since(start) / 60_000_000_000)
    }
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Answer {
    service: String,
    operation: String,
    window_minutes: i64,
    /// Parts of the window with requests.
    samples: usize,
    latency_p50: Row,
    latency_p99: Row,
    failures: Row,
    throughput: Row,
    /// `degrading`, `improving`, `stable` or `unknown`.
    assessment: String,
    statement: String,
    gaps: Vec<String>,
}

/// One measure.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// `ms`, `share` (0-1) or `per_minute`.
    unit: String,
    from: Num,
    to: Num,
    change_percent: Option<Num>,
    /// `rising`, `falling`, `stable` or `unknown`.
    direction: String,
    p_value: Num,
}

impl Row {
    fn of(unit: &str, trend: &MeasureTrend) -> Self {
        Self {
            unit: unit.to_owned(),
            from: Num::new(trend.from),
            to: Num::new(trend.to),
            change_percent: trend.change.map(|change| Num::new(100.0 * change)),
            direction: trend.direction.name().to_owned(),
            p_value: Num::new(trend.p_value),
        }
    }

    fn line(&self, name: &str, write: &dyn Fn(f64) -> String) -> String {
        let arrow = match self.direction.as_str() {
            "rising" => "\u{2191} ",
            "falling" => "\u{2193} ",
            _ => "",
        };
        let change =
            self.change_percent.map(|change| format!(" ({:+.0}%)", change.get())).unwrap_or_default();
        format!(
            "\n{name}: {} \u{2192} {} {arrow}{}{change}",
            write(self.from.get()),
            write(self.to.get()),
            words::upper(&self.direction)
        )
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let rpm = |value: f64| format!("{value:.0} rpm");
        format!(
            "=== TREND ANALYSIS: {} ===\nWindow: {} minutes | Samples: {}{}{}{}{}\nASSESSMENT: {}{}",
            self.operation,
            self.window_minutes,
            self.samples,
            self.latency_p50.line("LATENCY P50", &words::p50),
            self.latency_p99.line("LATENCY P99", &words::ms),
            self.failures.line("ERROR RATE", &percent),
            self.throughput.line("THROUGHPUT", &rpm),
            self.statement,
            words::gaps(&self.gaps),
        )
    }

    fn shorten(&mut self) -> bool {
        self.gaps.pop().is_some()
    }
}

impl Typed for GetTrendAnalysis {
    type Input = Input;
    type Answer = Shown<Answer>;

    fn about() -> About {
        About {
            name: "get_trend_analysis".to_owned(),
            description: "Get which way latency, error rate and throughput of an operation go, chance and autocorrelation \
                          ruled out.\n\
                          When to use: whether it gets worse; whether an action helped.\n\
                          When NOT to use: how it is now (`get_service_health`); why (`get_incident_context`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::SUMMARY,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Self::Answer>, ToolError> {
        let Minutes(minutes) = input.window_minutes;
        let window = facts::window(context, minutes * 60);
        let operation = input.operation_name.as_str();
        let place = facts::place(context, (input.service.as_deref(), Some(operation)), window).await?;
        let parts = trends::parts(window);
        let scope = Scope { operation: Some(operation.to_owned()), ..Scope::service(&place.service) };
        let answers = health::rows(context, &parts, &scope).await;
        let told: Vec<Part<'_>> =
            parts.iter().zip(&answers).map(|(part, picked)| (*part, picked.rows.as_slice())).collect();
        let settings = &context.installation.declared().settings;
        let trends = trends::of(&told, &place.service, operation, settings);
        let mut lacks = Lacks::default();
        for picked in &answers {
            lacks.of("samples", picked);
        }
        let answer = Answer {
            service: place.service,
            operation: clip(operation, 120),
            window_minutes: minutes,
            samples: trends.samples,
            latency_p50: Row::of("ms", &trends.p50_ms),
            latency_p99: Row::of("ms", &trends.p99_ms),
            failures: Row::of("share", &trends.failure_rate),
            throughput: Row::of("per_minute", &trends.per_minute),
            assessment: trends.assessment.name().to_owned(),
            statement: statement(&trends),
            gaps: lacks.told(),
        };
        let context_of =
            Hint::new("get_incident_context", json!({ "operation_name": operation }), "what is behind it");
        let mut found = Shown::found(answer, input.format, vec![context_of]);
        found.is_truncated = lacks.is_truncated;
        Ok(found)
    }
}

fn statement(trends: &Trends) -> String {
    let measures = [
        ("Latency", vec![trends.p50_ms.direction, trends.p99_ms.direction]),
        ("error rate", vec![trends.failure_rate.direction]),
    ];
    let with = |wanted: Direction| -> Vec<&str> {
        measures.iter().filter(|(_, all)| all.contains(&wanted)).map(|(name, _)| *name).collect()
    };
    let sentence = |names: Vec<&str>, verb: &str| match names.as_slice() {
        [first, second] => format!("{first} and {second} are both {verb}."),
        [only] => {
            let mut letters = only.chars();
            let first: String =
                letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter().collect();
            format!("{first}{} is {verb}.", letters.as_str())
        }
        _ => String::new(),
    };
    match trends.assessment {
        Assessment::Degrading => {
            format!("Operation is degrading. {}", sentence(with(Direction::Rising), "rising"))
        }
        Assessment::Improving => {
            format!("Operation is improving. {}", sentence(with(Direction::Falling), "falling"))
        }
        Assessment::Stable => "Operation is stable.".to_owned(),
        Assessment::Unknown => "Too few samples to tell.".to_owned(),
    }
}
