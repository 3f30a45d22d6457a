//! `analyze_latency_bottlenecks`: where the time of a service's requests goes, by exclusive time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{EdgeRow, SelfTimeRow, SelfTimeTable};
use telemetry::number::Num;
use telemetry::{Ask, SpanKind, Window};

use crate::budget::clip;
use crate::dialects::reading::arguments::{self, Kql, Short, When};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::{calls, told};
use crate::hint::Hint;
use crate::services;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
/// Bottlenecks at most.
const TOP: usize = 10;
/// Mean milliseconds of a group, of a dependency, and percent of all the time: from which one is critical, a warning,
/// worth a note. Source: EL-21.
const CRITICAL: (f64, f64, f64) = (5_000.0, 2_000.0, 20.0);
const WARNING: (f64, f64, f64) = (2_000.0, 1_000.0, 10.0);
const INFO: (f64, f64, f64) = (1_000.0, 500.0, 5.0);

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    service_name: Short,
    environment: Option<Short>,
    start: Option<When>,
    end: Option<When>,
    /// `service.node.name`, with one value.
    kql_filter: Option<Kql>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    /// Whole traces that were looked at.
    traces: u64,
    total: usize,
    /// Those that most of the time goes to, first.
    bottlenecks: Vec<Bottleneck>,
    gaps: Vec<String>,
}

/// How grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Severity {
    Critical,
    Warning,
    Info,
}

/// Something that time goes to.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Bottleneck {
    /// The span's name, or what is called.
    name: String,
    /// `self` for work of the service, `dependency` for what it waits for.
    kind: &'static str,
    /// Whether the called one tells of itself: then ask about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_service: Option<String>,
    severity: Severity,
    /// Percent of all the time of the service's requests.
    impact_percent: Num,
    count: u64,
    /// Mean per span, in ms.
    mean_ms: Num,
}

shortened!(Answer, "BOTTLENECKS", [bottlenecks]);
reads!(
    AnalyzeLatencyBottlenecks,
    "analyze_latency_bottlenecks",
    Input => Answer,
    call,
    "Analyze where the time of a service's requests goes: its own work, databases and services that it waits for.\n\
     When to use: a service is slow and nobody knows where; to decide which callee to look at.\n\
     When NOT to use: which requests are slow (`get_apm_correlations`); one request (`get_traces`)."
);

#[derive(Default)]
struct Sum {
    count: u64,
    sum_ns: i64,
    is_dependency: bool,
    service: Option<String>,
}

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    filter::no_environment(&input.environment)?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let scope = Filter::read(context, &input.kql_filter)?.scope(Some(&input.service_name.0))?;
    if scope.operation.is_some() {
        return Err(ToolError::Input(
            "`kqlFilter` cannot use `transaction.name` here: the calls of a service are not told apart by its operations; \
             it is service.name or service.node.name. `get_traces` takes one operation"
                .to_owned(),
        ));
    }
    let service = scope.service.clone().unwrap_or_default();
    let told = told::ask::<SelfTimeTable>(
        context,
        Ask::SelfTime { window, scope: scope.clone() },
        told::rows!(SelfTime),
    )
    .await;
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for row in told.rows.rows.iter().filter(|row| row.subject.service == service) {
        let (name, is_dependency) = named(row);
        let sum = sums.entry(name).or_default();
        (sum.count, sum.is_dependency) = (sum.count + row.count, is_dependency);
        sum.sum_ns = sum.sum_ns.saturating_add(row.sum_ns);
    }
    let edges = calls::calls(context, window, scope).await;
    let is_call = |edge: &&EdgeRow| edge.caller == service && edge.is_instrumented && edge.queue.is_none();
    // All of them: what is left out of the whole would make the others' shares too large.
    for edge in edges.rows.iter().filter(is_call) {
        let sum = sums.entry(edge.callee.clone()).or_default();
        sum.count += edge.count;
        sum.sum_ns = sum.sum_ns.saturating_add(edge.client_sum_ns);
        (sum.is_dependency, sum.service) = (true, Some(edge.callee.clone()));
    }
    if sums.is_empty() {
        services::known(context, window, &service).await?;
    }
    let whole: i64 = sums.values().fold(0, |whole: i64, sum| whole.saturating_add(sum.sum_ns));
    let mut bottlenecks: Vec<Bottleneck> =
        sums.into_iter().filter_map(|(name, sum)| bottleneck(name, sum, whole)).collect();
    bottlenecks.sort_by(|one, other| {
        other
            .impact_percent
            .get()
            .total_cmp(&one.impact_percent.get())
            .then_with(|| one.name.cmp(&other.name))
    });
    let total = bottlenecks.len();
    bottlenecks.truncate(TOP);
    let next = hints(&bottlenecks, &service, window);
    let mut gaps = told.gaps;
    gaps.extend(edges.gaps);
    gaps.dedup();
    let answer = Answer { traces: told.rows.traces, total, bottlenecks, gaps };
    Ok(Found { answer, is_truncated: told.is_truncated || edges.is_truncated || total > TOP, next })
}

/// What a group of spans is: a dependency that tells nothing of itself, or work of the service.
fn named(row: &SelfTimeRow) -> (String, bool) {
    let is_call = matches!(row.kind, SpanKind::Client | SpanKind::Producer);
    if is_call && !row.resource.is_empty() {
        return (clip(&row.resource, 120), true);
    }
    (clip(&row.subject.operation, 120), is_call)
}

fn bottleneck(name: String, sum: Sum, whole: i64) -> Option<Bottleneck> {
    let mean_ms = sum.sum_ns as f64 / sum.count.max(1) as f64 / 1e6;
    let impact = 100.0 * sum.sum_ns as f64 / whole.max(1) as f64;
    let reaches = |(own, dependency, percent): (f64, f64, f64)| {
        mean_ms > if sum.is_dependency { dependency } else { own } || impact > percent
    };
    let severity = match (reaches(CRITICAL), reaches(WARNING), reaches(INFO)) {
        (true, ..) => Severity::Critical,
        (_, true, _) => Severity::Warning,
        (.., true) => Severity::Info,
        _ => return None,
    };
    Some(Bottleneck {
        name,
        kind: if sum.is_dependency { "dependency" } else { "self" },
        target_service: sum.service,
        severity,
        impact_percent: Num::new(impact),
        count: sum.count,
        mean_ms: Num::new(mean_ms),
    })
}

fn hints(bottlenecks: &[Bottleneck], service: &str, window: Window) -> Vec<Hint> {
    let within = |of| arguments::within(window, of);
    match bottlenecks.first() {
        Some(Bottleneck { target_service: Some(target), .. }) => vec![Hint::new(
            "analyze_latency_bottlenecks",
            within(json!({ "serviceName": target })),
            "most of the time is waiting for it",
        )],
        Some(_) => vec![
            Hint::new(
                "get_apm_correlations",
                within(json!({ "serviceName": service })),
                "which requests are slow",
            ),
            Hint::new(
                "get_traces",
                within(json!({ "kqlFilter": filter::of_value("service.name", service) })),
                "its worst requests",
            ),
        ],
        None => vec![Hint::new("get_services", within(json!({})), "which services are there")],
    }
}
