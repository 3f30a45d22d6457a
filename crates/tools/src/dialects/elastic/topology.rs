//! `get_service_topology` and `get_downstream_dependencies`: who calls whom, and how that goes.
//!
//! Figures are those that the caller sees: they are of the dependency, and no service's own (EL-37, EL-46).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::EdgeRow;
use telemetry::number::Num;
use telemetry::{Scope, Window};

use crate::dialects::Record;
use crate::dialects::reading::arguments::{self, Kql, Short, When};
use crate::dialects::reading::calls::{self, Direction};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::requests;
use crate::dialects::reading::shape::{reads, shortened};
use crate::hint::Hint;
use crate::near;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
/// Steps when not given and at most, and connections.
const DEPTH: (usize, usize) = (3, 10);
const CONNECTIONS: usize = 100;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    service_name: Short,
    #[serde(default)]
    direction: Direction,
    /// Steps from the service; 1 asks for its own calls only.
    depth: Option<u32>,
    start: Option<When>,
    end: Option<When>,
    kql_filter: Option<Kql>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    total: usize,
    /// The nearest first.
    connections: Vec<Connection>,
    gaps: Vec<String>,
}

/// One service calls another one, or something that tells nothing of itself.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Connection {
    source: String,
    target: String,
    /// Steps from the service asked for.
    depth: usize,
    /// Whether the target sends no telemetry: known by what its callers say of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_external: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    metrics: Metrics,
}

/// As the caller sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    /// 0-1.
    error_rate: Num,
    /// Mean, in ms.
    latency_ms: Num,
    throughput_per_min: Num,
}

const FIELDS: [&str; 2] = ["service.name", "span.destination.service.resource"];

shortened!(Answer, "TOPOLOGY", [connections]);
reads!(
    GetServiceTopology,
    "get_service_topology",
    Input => Answer,
    call,
    "Show who a service calls and who calls it, several steps far, with error rate, latency and throughput of each call.\n\
     When to use: to see how far trouble reaches; to find the callee that a slow service waits for.\n\
     When NOT to use: all services at once (`get_services`); only the direct dependencies (`get_downstream_dependencies`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let depth = arguments::limit(input.depth, DEPTH.0, DEPTH.1)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    filter.only(&FIELDS)?;
    let service = &input.service_name.0;
    // The fast path asks for the calls of one service; a scope admits an edge by its caller or by its callee.
    let scope = if depth == 1 { Scope::service(service) } else { Scope::all() };
    let told = calls::calls(context, window, scope).await;
    let reached = calls::reached(&told.rows, service, input.direction, depth);
    if reached.is_empty() {
        known(context, window, service).await?;
    }
    let mut connections: Vec<Connection> = reached
        .into_iter()
        .filter(|(_, edge)| filter.keeps(&record(edge)))
        .map(|(depth, edge)| connection(depth, edge, window))
        .collect();
    let total = connections.len();
    connections.truncate(CONNECTIONS);
    let worst = connections.iter().max_by(|one, other| {
        let key = |row: &Connection| (row.metrics.error_rate.get(), row.metrics.latency_ms.get());
        key(one).partial_cmp(&key(other)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let within = |of| arguments::within(window, of);
    let next = match worst {
        Some(row) if !row.is_external => vec![Hint::new(
            "analyze_latency_bottlenecks",
            within(json!({ "serviceName": row.target })),
            "where the worst callee spends its time",
        )],
        Some(_) => vec![Hint::new(
            "analyze_latency_bottlenecks",
            within(json!({ "serviceName": service })),
            "where its time goes",
        )],
        None => vec![Hint::new("get_services", within(json!({})), "which services are there")],
    };
    let answer = Answer { total, connections, gaps: told.gaps };
    Ok(Found { answer, is_truncated: told.is_truncated || total > CONNECTIONS, next })
}

/// Refuses a service that nobody knows, with the nearest names.
async fn known(context: &Context, window: Window, service: &str) -> Result<(), ToolError> {
    let names: Vec<String> = calls::services(context, window).await;
    if names.is_empty() || names.iter().any(|name| name == service) {
        return Ok(());
    }
    Err(ToolError::Input(near::unknown("service", service, &names)))
}

fn record(edge: &EdgeRow) -> Record {
    Record::default()
        .with("service.name", &edge.caller)
        .with("span.destination.service.resource", &edge.callee)
}

fn connection(depth: usize, edge: &EdgeRow, window: Window) -> Connection {
    let mut group = requests::Group {
        count: edge.count,
        errors: edge.errors,
        sum_ns: edge.client_sum_ns,
        ..Default::default()
    };
    if let Some(queue) = &edge.queue {
        group.errors = queue.failed;
    }
    Connection {
        source: edge.caller.clone(),
        target: edge.callee.clone(),
        depth,
        is_external: !edge.is_instrumented,
        queue: edge.queue.as_ref().map(|queue| queue.name.clone()),
        metrics: Metrics {
            error_rate: group.failure_rate(),
            latency_ms: group.latency_ms(requests::LatencyType::Avg).unwrap_or_default(),
            throughput_per_min: group.per_minute(window),
        },
    }
}

/// The arguments of the older tool.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct DependenciesInput {
    service_name: Short,
    service_environment: Option<Short>,
    start: Option<When>,
    end: Option<When>,
}

/// The dependencies.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Dependencies {
    total: usize,
    dependencies: Vec<Dependency>,
    gaps: Vec<String>,
}

/// What a service calls.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    /// What the callers name.
    resource: String,
    /// The service behind it, where it tells of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_service: Option<String>,
    metrics: Metrics,
}

shortened!(Dependencies, "DEPENDENCIES", [dependencies]);
reads!(
    GetDownstreamDependencies,
    "get_downstream_dependencies",
    DependenciesInput => Dependencies,
    dependencies,
    "List what a service calls directly: services, databases, queues and hosts, with error rate, latency and throughput.\n\
     When to use: to see what a service needs; to find the dependency that fails it.\n\
     When NOT to use: further steps or callers (`get_service_topology`); time inside the service (`analyze_latency_bottlenecks`)."
);

async fn dependencies(context: &Context, input: DependenciesInput) -> Result<Found<Dependencies>, ToolError> {
    filter::no_environment(&input.service_environment)?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let service = &input.service_name.0;
    let told = calls::calls(context, window, Scope::service(service)).await;
    let mut rows: Vec<Dependency> = told
        .rows
        .iter()
        .filter(|edge| edge.caller == *service)
        .map(|edge| {
            let connection = connection(1, edge, window);
            Dependency {
                resource: connection.queue.unwrap_or_else(|| edge.callee.clone()),
                target_service: edge.is_instrumented.then(|| edge.callee.clone()),
                metrics: connection.metrics,
            }
        })
        .collect();
    if rows.is_empty() {
        known(context, window, service).await?;
    }
    rows.sort_by(|one, other| one.resource.cmp(&other.resource));
    let total = rows.len();
    rows.truncate(CONNECTIONS);
    let next = vec![Hint::new(
        "get_service_topology",
        arguments::within(window, json!({ "serviceName": service, "direction": "both" })),
        "further steps, and who calls it",
    )];
    let answer = Dependencies { total, dependencies: rows, gaps: told.gaps };
    Ok(Found { answer, is_truncated: told.is_truncated || total > CONNECTIONS, next })
}
