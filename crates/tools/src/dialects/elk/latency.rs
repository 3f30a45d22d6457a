//! `get_latency_stats` and `get_endpoint_status_summary`: how requests go, and endpoints that never went well.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{OnsetRow, TraceRow};
use telemetry::number::Num;
use telemetry::{Scope, SpanKind, StatusCode, TraceId, UnixNanos, Window};

use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::requests::{self, FIELDS};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::told::Told;
use crate::dialects::reading::{indices, spans};
use crate::hint::Hint;
use crate::services;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const GROUPS: (usize, usize) = (50, 100);

/// The arguments of the figures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LatencyInput {
    service: Option<Short>,
    operation: Option<Short>,
    /// Of 50, 95, 99.
    percentiles: Option<Vec<u32>>,
    /// `transaction.name`, or `service.name`, `service.node.name`, `service.version`.
    group_by: Option<Short>,
    #[serde(rename = "kqlFilter")]
    kql_filter: Option<Kql>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// The figures.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Latency {
    total: usize,
    /// Of the window, in seconds.
    interval_s: Num,
    /// The slowest first.
    groups: Vec<Group>,
    gaps: Vec<String>,
}

/// One group.
#[derive(Debug, Serialize, JsonSchema)]
struct Group {
    group: String,
    /// Requests.
    n: u64,
    /// 0-1.
    failure_rate: Num,
    avg_ms: Num,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<Num>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_ms: Option<Num>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_ms: Option<Num>,
    /// Whether the percentiles are the largest of the group's parts, and so an upper bound.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    upper_bound: bool,
}

shortened!(Latency, "LATENCY", [groups]);
reads!(
    GetLatencyStats,
    "get_latency_stats",
    LatencyInput => Latency,
    latency,
    "Measure how long requests take, by operation, service, instance or version, with percentiles and failure rate.\n\
     When to use: to see whether something is slow, and for whom; to compare versions or instances.\n\
     When NOT to use: one request (`search_by_trace_id`); endpoints that never work (`get_endpoint_status_summary`)."
);

async fn latency(context: &Context, input: LatencyInput) -> Result<Found<Latency>, ToolError> {
    indices::only(&input.index, "traces")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, GROUPS.0, GROUPS.1)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let wanted = input.percentiles.clone().unwrap_or_else(|| vec![50, 95, 99]);
    if let Some(other) = wanted.iter().find(|percentile| ![50, 95, 99].contains(*percentile)) {
        return Err(ToolError::Input(format!("`percentiles` are of 50, 95 and 99, not {other}")));
    }
    let field = arguments::text(&input.group_by).unwrap_or("transaction.name");
    let field = filter::group_field(field, &FIELDS)?;
    let scope = Scope {
        operation: input.operation.as_ref().map(|name| name.0.clone()),
        ..arguments::scope(&input.service)
    };
    let told = requests::rows(context, window, scope, &filter).await?;
    if told.rows.is_empty() {
        known(context, window, (&input.service, &input.operation)).await?;
    }
    let mut groups: Vec<Group> =
        requests::grouped(&told.rows, field).iter().map(|(name, group)| one(name, group, &wanted)).collect();
    groups.sort_by(|one, other| {
        let key = |group: &Group| group.p95_ms.unwrap_or(group.avg_ms).get();
        key(other).total_cmp(&key(one)).then_with(|| one.group.cmp(&other.group))
    });
    let total = groups.len();
    groups.truncate(limit);
    let next = match &input.service {
        Some(service) => vec![Hint::new(
            "get_endpoint_status_summary",
            arguments::within(window, json!({ "service": service.0 })),
            "which of them fail",
        )],
        None => vec![Hint::new("get_error_summary", arguments::within(window, json!({})), "what goes wrong")],
    };
    let answer = Latency { total, interval_s: Num::new(window.seconds()), groups, gaps: told.gaps };
    Ok(Found { answer, is_truncated: told.is_truncated || total > limit, next })
}

async fn known(
    context: &Context,
    window: Window,
    (service, operation): (&Option<Short>, &Option<Short>),
) -> Result<(), ToolError> {
    let Some(service) = service else { return Ok(()) };
    services::known(context, window, &service.0).await?;
    match operation {
        Some(operation) => services::known_operation(context, window, &service.0, &operation.0).await,
        None => Ok(()),
    }
}

fn one(name: &str, group: &requests::Group, wanted: &[u32]) -> Group {
    let quantile = |percentile: u32, place: usize| {
        let ns = group.quantiles_ns.and_then(|quantiles| quantiles.get(place).copied());
        ns.filter(|_| wanted.contains(&percentile)).map(|ns| Num::new(ns as f64 / 1e6))
    };
    Group {
        group: name.to_owned(),
        n: group.count,
        failure_rate: group.failure_rate(),
        avg_ms: group.latency_ms(requests::LatencyType::Avg).unwrap_or_default(),
        p50_ms: quantile(50, 0),
        p95_ms: quantile(95, 1),
        p99_ms: quantile(99, 2),
        upper_bound: group.parts > 1 && group.quantiles_ns.is_some(),
    }
}

/// Endpoints that are looked at request by request, and traces of each.
const ENDPOINTS: (usize, usize) = (20, 100);
const LOOKED_AT: usize = 20;
/// Seconds of the whole history.
const HISTORY: i64 = 365 * 24 * 3600;

/// The arguments of the summary.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointInput {
    service: Option<Short>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// The summary.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Endpoints {
    total: usize,
    /// Those that never succeeded first, then those that fail most.
    endpoints: Vec<Endpoint>,
    gaps: Vec<String>,
}

/// One endpoint.
#[derive(Debug, Serialize, JsonSchema)]
struct Endpoint {
    service: String,
    endpoint: String,
    /// In the window.
    requests: u64,
    failed: u64,
    /// Requests by class of HTTP status: of those that were looked at one by one.
    status_classes: Vec<String>,
    looked_at: usize,
    /// First second with a success in all of the history that the sources hold.
    first_success: Option<String>,
    /// No success in all of that history, or only refused requests (4xx) in the window and among those looked at before
    /// it: it was so before whatever broke now.
    never_succeeded: bool,
}

shortened!(Endpoints, "ENDPOINTS", [endpoints]);
reads!(
    GetEndpointStatusSummary,
    "get_endpoint_status_summary",
    EndpointInput => Endpoints,
    endpoints,
    "Check each endpoint: requests, failures, status classes, and whether it ever succeeded.\n\
     When to use: to tell endpoints that never worked from those that broke; to see which ones fail.\n\
     When NOT to use: how long they take (`get_latency_stats`); what the errors say (`get_error_summary`)."
);

async fn endpoints(context: &Context, input: EndpointInput) -> Result<Found<Endpoints>, ToolError> {
    indices::only(&input.index, "traces")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, ENDPOINTS.0, ENDPOINTS.1)?;
    let scope = arguments::scope(&input.service);
    let told = requests::rows(context, window, scope.clone(), &Filter::none()).await?;
    if told.rows.is_empty()
        && let Some(service) = &input.service
    {
        services::known(context, window, &service.0).await?;
    }
    let mut groups: BTreeMap<Name, requests::Group> = BTreeMap::new();
    for row in &told.rows {
        let key = (row.subject.service.clone(), row.subject.operation.clone());
        groups.entry(key).or_default().add(row);
    }
    let history = Window::new(window.to.plus_seconds(-HISTORY), window.to);
    let past = requests::seconds(context, history, scope, &Filter::none()).await?;
    let total = groups.len();
    let mut order: Vec<Grouped> = groups.into_iter().collect();
    order.sort_by(|one, other| {
        other.1.failure_rate().get().total_cmp(&one.1.failure_rate().get()).then_with(|| one.0.cmp(&other.0))
    });
    let seen = classes(context, window, &order).await;
    let none = Classes::new();
    let refused: Vec<Grouped> = order
        .iter()
        .filter(|(key, group)| is_refused(seen.get(key).unwrap_or(&none), group))
        .cloned()
        .collect();
    let earlier = classes(context, Window::new(history.from, window.from), &refused).await;
    let histories = histories(&past);
    let mut rows: Vec<Endpoint> = order
        .into_iter()
        .map(|(key, group)| {
            let seen = seen.get(&key).unwrap_or(&none);
            let is_refused = is_refused(seen, &group) && went_well(earlier.get(&key).unwrap_or(&none)) == 0;
            let untold =
                if past.is_answered && !past.is_truncated { History::NoSuccess } else { History::Unknown };
            let history =
                if is_refused { History::Refused } else { histories.get(&key).copied().unwrap_or(untold) };
            row(key, &group, history, seen)
        })
        .collect();
    rows.sort_by_key(|row| !row.never_succeeded);
    rows.truncate(limit);
    let gaps = endpoint_gaps(told.gaps, &past, total);
    let next = match rows.first() {
        Some(row) => vec![Hint::new(
            "get_latency_stats",
            arguments::within(window, json!({ "service": row.service })),
            "how long its requests take",
        )],
        None => vec![Hint::new("list_indices", arguments::within(window, json!({})), "what is there at all")],
    };
    let is_truncated = told.is_truncated || past.is_truncated || total > limit;
    Ok(Found { answer: Endpoints { total, endpoints: rows, gaps }, is_truncated, next })
}

/// What the answer does not know.
fn endpoint_gaps(mut gaps: Vec<String>, past: &Told<Vec<OnsetRow>>, total: usize) -> Vec<String> {
    gaps.extend(past.gaps.iter().cloned());
    gaps.push("status classes are those of the requests looked at, not of all".to_owned());
    if total > LOOKED_AT {
        gaps.push(format!(
            "requests of {LOOKED_AT} of {total} endpoints were looked at: of the others, refused requests (4xx) count as no failures"
        ));
    }
    if past.is_truncated {
        gaps.push(
            "the history is longer than a source gives: none is called one that never succeeded for it"
                .to_owned(),
        );
    }
    gaps.sort();
    gaps.dedup();
    gaps
}

/// Whether an endpoint succeeded in all of the history that the sources hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum History {
    /// In this second, first of those that were told.
    SucceededAt(UnixNanos),
    /// All of it was told, and no request in it succeeded.
    NoSuccess,
    /// What counts as no failure was refused.
    Refused,
    /// Nobody told all of it.
    Unknown,
}

/// The first success of each endpoint that had one.
fn histories(past: &Told<Vec<OnsetRow>>) -> BTreeMap<Name, History> {
    let mut first: BTreeMap<Name, UnixNanos> = BTreeMap::new();
    for row in past.rows.iter().filter(|row| row.count > row.errors) {
        let key = (row.subject.service.clone(), row.subject.operation.clone());
        let held = first.entry(key).or_insert(row.second);
        *held = (*held).min(row.second);
    }
    first.into_iter().map(|(key, second)| (key, History::SucceededAt(second))).collect()
}

/// Service and operation.
type Name = (String, String);
type Grouped = (Name, requests::Group);
type Classes = BTreeMap<u16, usize>;

/// HTTP status classes of examples of each endpoint; the one of a failed request without a status is 5.
async fn classes(context: &Context, window: Window, endpoints: &[Grouped]) -> BTreeMap<Name, Classes> {
    let mut wanted: BTreeMap<TraceId, ()> = BTreeMap::new();
    let scopes = endpoints.iter().take(LOOKED_AT).map(|((service, endpoint), _)| Scope {
        operation: Some(endpoint.clone()),
        ..Scope::service(service)
    });
    for scope in scopes {
        let examples = spans::examples(context, window, vec![scope]).await;
        wanted.extend(examples.rows.into_iter().map(|id| (id, ())));
    }
    let ids: Vec<TraceId> = wanted.into_keys().collect();
    let mut classes: BTreeMap<Name, Classes> = BTreeMap::new();
    for (_, told) in spans::traces(context, &ids).await {
        for row in told.rows.iter().filter(|row| row.kind == SpanKind::Server) {
            if let Some(class) = class(row) {
                let key = (row.subject.service.clone(), row.subject.operation.clone());
                *classes.entry(key).or_default().entry(class).or_default() += 1;
            }
        }
    }
    classes
}

fn class(row: &TraceRow) -> Option<u16> {
    let is_status = |key: &str| crate::dialects::resolve_field(key).name == "http.response.status_code";
    let told = row
        .attributes
        .iter()
        .find(|(key, _)| is_status(key))
        .and_then(|(_, value)| value.parse::<u16>().ok());
    told.map(|status| status / 100).or((row.status == StatusCode::Error).then_some(5))
}

/// Requests looked at that were neither refused nor failed.
fn went_well(seen: &Classes) -> usize {
    seen.iter().filter(|(class, _)| (1..4).contains(*class)).map(|(_, count)| count).sum()
}

/// Whether requests were refused and none went well. A refused request (4xx) is no failure of the server, but no success
/// either: told by the requests looked at, when they are all there are.
fn is_refused(seen: &Classes, group: &requests::Group) -> bool {
    let looked_at: usize = seen.values().sum();
    seen.contains_key(&4) && went_well(seen) == 0 && looked_at as u64 >= group.count
}

fn row((service, endpoint): Name, group: &requests::Group, history: History, seen: &Classes) -> Endpoint {
    let never_succeeded = match history {
        History::Refused => true,
        History::NoSuccess => group.errors >= group.count,
        History::SucceededAt(_) | History::Unknown => false,
    };
    let first = match history {
        History::SucceededAt(first) => Some(first),
        _ => None,
    };
    Endpoint {
        service,
        endpoint,
        requests: group.count,
        failed: group.errors,
        status_classes: seen.iter().map(|(class, count)| format!("{class}xx: {count}")).collect(),
        looked_at: seen.values().sum(),
        first_success: first.map(UnixNanos::rfc3339),
        never_succeeded,
    }
}
