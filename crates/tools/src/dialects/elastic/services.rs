//! `get_services`: every service with its figures, those that only write lines or metrics included.

use std::collections::BTreeMap;

use evidence::health::{Settings, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::CoverageRow;
use telemetry::number::Num;
use telemetry::{Scope, Window};

use crate::dialects::Record;
use crate::dialects::reading::arguments::{self, Kql, Short, When};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::indices;
use crate::dialects::reading::requests::{self, Group, LatencyType};
use crate::dialects::reading::shape::{reads, shortened};
use crate::health::{self, Requests};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
/// Services at most.
const MOST: usize = 500;

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum HealthStatus {
    Critical,
    Warning,
    Unknown,
    Healthy,
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    environment: Option<Short>,
    /// Only those.
    health_status: Option<Vec<HealthStatus>>,
    kql_filter: Option<Kql>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    total: usize,
    /// The worst first.
    services: Vec<Service>,
    max_count_exceeded: bool,
    service_overflow_count: usize,
    gaps: Vec<String>,
}

/// One service.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Service {
    service_name: String,
    /// Against the window before; `unknown` with fewer than 100 requests.
    health_status: HealthStatus,
    /// Mean, in ms.
    latency_ms: Option<Num>,
    throughput_per_min: Option<Num>,
    /// 0-1.
    failure_rate: Option<Num>,
    /// What it sends: `traces`, `logs`, `metrics`.
    signals: Vec<&'static str>,
}

shortened!(Answer, "SERVICES", [services]);
reads!(
    GetServices,
    "get_services",
    Input => Answer,
    call,
    "List services with latency, throughput, failure rate and health, the worst first; those that send only logs or \
     metrics, too.\n\
     When to use: to see which services do badly; to learn their names; to compare two windows.\n\
     When NOT to use: single operations of a service (`get_trace_metrics`); who calls whom (`get_service_topology`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    filter::no_environment(&input.environment)?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let now = requests::rows(context, window, Scope::all(), &filter).await?;
    let earlier = requests::rows(context, arguments::before(window), Scope::all(), &filter).await?;
    let coverage = indices::coverage(context, window).await;
    let groups = requests::grouped(&now.rows, "service.name");
    let before = requests::grouped(&earlier.rows, "service.name");
    let mut names: BTreeMap<&str, Option<&CoverageRow>> =
        groups.keys().map(|name| (name.as_str(), None)).collect();
    for row in coverage.rows.iter().filter(|row| row.is_instrumented) {
        if groups.contains_key(&row.service)
            || filter.keeps(&Record::default().with("service.name", &row.service))
        {
            names.insert(&row.service, Some(row));
        }
    }
    let declared = context.installation.declared();
    let mut services: Vec<Service> = names
        .into_iter()
        .map(|(name, row)| {
            service(name, (groups.get(name), before.get(name)), row, (window, &declared.settings))
        })
        .collect();
    services
        .retain(|row| input.health_status.as_ref().is_none_or(|wanted| wanted.contains(&row.health_status)));
    services.sort_by(|one, other| {
        let key = |row: &Service| {
            (row.health_status, std::cmp::Reverse(row.failure_rate.map(|rate| (rate.get() * 1e9) as i64)))
        };
        key(one).cmp(&key(other)).then_with(|| one.service_name.cmp(&other.service_name))
    });
    let total = services.len();
    services.truncate(MOST);
    let next = hints(services.first(), window);
    let mut gaps = now.gaps;
    gaps.extend(coverage.gaps);
    let answer = Answer {
        total,
        services,
        max_count_exceeded: total > MOST || now.is_truncated,
        service_overflow_count: total.saturating_sub(MOST),
        gaps,
    };
    Ok(Found { answer, is_truncated: now.is_truncated || total > MOST, next })
}

fn service(
    name: &str,
    (group, before): (Option<&Group>, Option<&Group>),
    coverage: Option<&CoverageRow>,
    (window, settings): (Window, &Settings),
) -> Service {
    let sent = |count: fn(&CoverageRow) -> u64| coverage.is_some_and(|row| count(row) > 0);
    let signals = [
        ("traces", group.is_some() || sent(|row| row.spans)),
        ("logs", sent(|row| row.logs)),
        ("metrics", sent(|row| row.points)),
    ];
    Service {
        service_name: name.to_owned(),
        health_status: group.map_or(HealthStatus::Unknown, |group| judged(group, before, settings)),
        latency_ms: group.and_then(|group| group.latency_ms(LatencyType::Avg)),
        throughput_per_min: group.map(|group| group.per_minute(window)),
        failure_rate: group.map(Group::failure_rate),
        signals: signals.into_iter().filter(|(_, is_sent)| *is_sent).map(|(name, _)| name).collect(),
    }
}

/// As `status` judges, in the words of this dialect.
fn judged(group: &Group, before: Option<&Group>, settings: &Settings) -> HealthStatus {
    let requests = |group: &Group| Requests {
        count: group.count,
        errors: group.errors,
        p95_ns: group
            .quantiles_ns
            .map_or(group.sum_ns / i64::try_from(group.count.max(1)).unwrap_or(1), |[_, p95, _]| p95),
    };
    match health::judged(&requests(group), before.map(requests).as_ref(), settings) {
        Status::Critical => HealthStatus::Critical,
        Status::Degraded => HealthStatus::Warning,
        Status::Healthy => HealthStatus::Healthy,
        Status::Unknown => HealthStatus::Unknown,
    }
}

fn hints(worst: Option<&Service>, window: Window) -> Vec<Hint> {
    let within = |of| arguments::within(window, of);
    match worst {
        Some(row) => vec![
            Hint::new(
                "get_trace_metrics",
                within(
                    json!({ "groupBy": "transaction.name", "kqlFilter": filter::of_value("service.name", &row.service_name) }),
                ),
                "its operations",
            ),
            Hint::new(
                "get_service_topology",
                within(json!({ "serviceName": row.service_name })),
                "whom it calls",
            ),
        ],
        None => vec![Hint::new("get_index_info", within(json!({})), "what is there at all")],
    }
}
