//! `get_runtime_metrics`: what the runtimes of services measure of themselves.
//!
//! The virtual machine of Java and, beyond it, processes, Go, Node, .NET and Python by the names of OpenTelemetry.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::SeriesRow;
use telemetry::number::Num;
use telemetry::{Ask, Window};

use crate::dialects::Record;
use crate::dialects::reading::arguments::{self, Kql, Short, When};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::told;
use crate::hint::Hint;
use crate::services;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const USUAL: usize = 20;
const MOST: usize = 100;
/// Metrics of one instance that are shown.
const METRICS: usize = 20;
/// Beginnings of the names of metrics of a runtime.
const RUNTIMES: [&str; 9] =
    ["jvm.", "process.", "go.", "runtime.go.", "nodejs.", "v8js.", "dotnet.", "cpython.", "container."];

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    service_name: Option<Short>,
    service_environment: Option<Short>,
    start: Option<When>,
    end: Option<When>,
    kql_filter: Option<Kql>,
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    total: usize,
    /// Instances, by service.
    nodes: Vec<Node>,
    gaps: Vec<String>,
}

/// One instance.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Node {
    service_name: String,
    service_node_name: String,
    metrics: Vec<Metric>,
}

/// One metric.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Metric {
    name: String,
    /// UCUM; a rate is in it per second.
    unit: String,
    mean: Num,
    max: Num,
    /// In the window before, as long.
    mean_before: Option<Num>,
}

const FIELDS: [&str; 3] = ["service.name", "service.node.name", "metric.name"];

shortened!(Answer, "RUNTIME METRICS", [nodes]);
reads!(
    GetRuntimeMetrics,
    "get_runtime_metrics",
    Input => Answer,
    call,
    "Get what runtimes measure of themselves per instance: processor time, memory, heap, threads, garbage collection.\n\
     When to use: to find a leak, a full heap or a busy processor; to rule the runtime out.\n\
     When NOT to use: machines (`get_hosts`); any other metric over time (`get_metric_change_points`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    filter::no_environment(&input.service_environment)?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, USUAL, MOST)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    filter.only(&FIELDS)?;
    let good = arguments::before(window);
    let ask = Ask::SeriesChange {
        good,
        bad: window,
        scope: arguments::scope(&input.service_name),
        metrics: Vec::new(),
    };
    let told = told::ask::<Vec<SeriesRow>>(context, ask, told::rows!(SeriesChange)).await;
    let is_of_runtime = |row: &&SeriesRow| RUNTIMES.iter().any(|start| row.metric.starts_with(start));
    let mut nodes: BTreeMap<(&str, &str), Vec<Metric>> = BTreeMap::new();
    for row in
        told.rows.iter().filter(is_of_runtime).filter(|row| row.bad.n > 0 && filter.keeps(&record(row)))
    {
        nodes.entry((&row.service, &row.instance)).or_default().push(metric(row));
    }
    if nodes.is_empty()
        && let Some(service) = &input.service_name
    {
        services::known(context, window, &service.0).await?;
    }
    let mut is_truncated = told.is_truncated;
    let mut gaps = told.gaps.clone();
    if nodes.is_empty() && gaps.is_empty() {
        gaps.push("no metric of a runtime was sent in this window".to_owned());
    }
    let mut nodes: Vec<Node> = nodes
        .into_iter()
        .map(|((service, instance), mut metrics)| {
            is_truncated |= metrics.len() > METRICS;
            metrics.truncate(METRICS);
            Node { service_name: service.to_owned(), service_node_name: instance.to_owned(), metrics }
        })
        .collect();
    let total = nodes.len();
    nodes.truncate(limit);
    let next = hints(nodes.first(), window);
    Ok(Found { answer: Answer { total, nodes, gaps }, is_truncated: is_truncated || total > limit, next })
}

fn hints(first: Option<&Node>, window: Window) -> Vec<Hint> {
    let Some((node, metric)) = first.and_then(|node| Some((node, node.metrics.first()?))) else {
        return vec![Hint::new(
            "get_services",
            arguments::within(window, json!({})),
            "which services are there",
        )];
    };
    let field = metric.name.split('{').next().unwrap_or_default();
    let asked = json!({
        "aggregation": { "field": field },
        "kqlFilter": filter::of_value("service.name", &node.service_name),
    });
    vec![Hint::new("get_metric_change_points", arguments::within(window, asked), "when one of them changed")]
}

fn record(row: &SeriesRow) -> Record {
    Record::default()
        .with("service.name", &row.service)
        .with("service.node.name", &row.instance)
        .with("metric.name", &row.metric)
}

fn metric(row: &SeriesRow) -> Metric {
    let told: Vec<String> = row.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let name =
        if told.is_empty() { row.metric.clone() } else { format!("{}{{{}}}", row.metric, told.join(",")) };
    Metric {
        name,
        unit: row.unit.clone(),
        mean: row.bad.mean,
        max: row.bad.max,
        mean_before: (row.good.n > 0).then_some(row.good.mean),
    }
}
