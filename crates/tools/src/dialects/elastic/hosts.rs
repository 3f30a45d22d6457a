//! `get_hosts`: machines by what they say of themselves and by the metrics that name them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{SeriesRow, StateKind, StateRow};
use telemetry::number::Num;
use telemetry::{Ask, Scope, Window};

use crate::dialects::reading::arguments::{self, Kql, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::told;
use crate::dialects::{Record, resolve_field};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const USUAL: usize = 20;
const MOST: usize = 100;
/// Metrics of one host that are shown.
const METRICS: usize = 12;
/// Beginnings of the names of metrics that speak of a machine.
const OF_HOSTS: [&str; 4] = ["system.", "host.", "node_", "k8s.node."];

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    kql_filter: Option<Kql>,
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    total: usize,
    hosts: Vec<Host>,
    gaps: Vec<String>,
}

/// One machine.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Host {
    name: String,
    /// Means over the window, and figures of its state.
    metrics: Vec<Metric>,
    /// What else is known: `status=Ready`.
    metadata: Vec<String>,
}

/// One figure.
#[derive(Debug, Serialize, JsonSchema)]
struct Metric {
    name: String,
    value: Num,
    /// UCUM, empty when not told.
    #[serde(skip_serializing_if = "String::is_empty")]
    unit: String,
}

const FIELDS: [&str; 2] = ["host.name", "host.status"];

shortened!(Answer, "HOSTS", [hosts]);
reads!(
    GetHosts,
    "get_hosts",
    Input => Answer,
    call,
    "List hosts and nodes with their state and resource metrics.\n\
     When to use: to rule machines out; to see which node is short of memory or disk.\n\
     When NOT to use: processes and runtimes (`get_runtime_metrics`); requests of one instance (`get_trace_metrics`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, USUAL, MOST)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    filter.only(&FIELDS)?;
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    let mut gaps = Vec::new();
    let states = nodes(context, window).await;
    let mut is_truncated = states.is_truncated;
    for row in states.rows.iter().filter(|row| row.kind == StateKind::Node) {
        of_state(hosts.entry(row.name.clone()).or_default(), row);
    }
    let good = arguments::before(window);
    let ask = Ask::SeriesChange { good, bad: window, scope: Scope::all(), metrics: Vec::new() };
    let series = told::ask::<Vec<SeriesRow>>(context, ask, told::rows!(SeriesChange)).await;
    is_truncated |= series.is_truncated;
    for row in series.rows.iter().filter(|row| row.bad.n > 0) {
        if let Some(name) = named(row) {
            let value = Metric { name: metric_name(row), value: row.bad.mean, unit: row.unit.clone() };
            hosts.entry(name).or_default().metrics.push(value);
        }
    }
    if hosts.is_empty() {
        gaps.push("no source tells of hosts: no node states, and no metric that names a host".to_owned());
        gaps.extend(series.gaps);
    }
    let mut hosts: Vec<Host> = hosts.into_iter().map(|(name, host)| Host { name, ..host }).collect();
    hosts.retain(|host| filter.keeps(&record(host)));
    for host in &mut hosts {
        is_truncated |= host.metrics.len() > METRICS;
        host.metrics.truncate(METRICS);
    }
    let total = hosts.len();
    hosts.truncate(limit);
    let next = match hosts.first() {
        Some(_) => vec![Hint::new(
            "get_runtime_metrics",
            arguments::within(window, json!({})),
            "the processes on them",
        )],
        None => {
            vec![Hint::new("get_services", arguments::within(window, json!({})), "which services are there")]
        }
    };
    Ok(Found { answer: Answer { total, hosts, gaps }, is_truncated: is_truncated || total > limit, next })
}

fn record(host: &Host) -> Record {
    let status = host.metadata.iter().find_map(|entry| entry.strip_prefix("status="));
    Record::default().with("host.name", &host.name).with("host.status", status.unwrap_or_default())
}

async fn nodes(context: &Context, window: Window) -> told::Told<Vec<StateRow>> {
    let ask = Ask::State { window, scope: Scope::all() };
    told::ask::<Vec<StateRow>>(context, ask, told::rows!(State)).await
}

fn of_state(host: &mut Host, row: &StateRow) {
    host.metrics.extend(row.figures.iter().map(|(name, value)| Metric {
        name: name.clone(),
        value: *value,
        unit: String::new(),
    }));
    host.metadata = std::iter::once(format!("status={}", row.status))
        .chain(row.attributes.iter().map(|(key, value)| format!("{key}={value}")))
        .collect();
}

/// The host that a series speaks of: by an attribute, or by its instance where its metric is one of machines.
fn named(row: &SeriesRow) -> Option<String> {
    let is_host = |key: &str| {
        let name = resolve_field(key).name;
        name == "host.name" || name == "kubernetes.node.name"
    };
    let told = row.attributes.iter().find(|(key, _)| is_host(key)).map(|(_, value)| value.clone());
    told.or_else(|| OF_HOSTS.iter().any(|start| row.metric.starts_with(start)).then(|| row.instance.clone()))
        .filter(|name| !name.is_empty())
}

fn metric_name(row: &SeriesRow) -> String {
    let is_host = |key: &str| {
        let name = resolve_field(key).name;
        name == "host.name" || name == "kubernetes.node.name"
    };
    let told: Vec<String> = row
        .attributes
        .iter()
        .filter(|(key, _)| !is_host(key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if told.is_empty() { row.metric.clone() } else { format!("{}{{{}}}", row.metric, told.join(",")) }
}
