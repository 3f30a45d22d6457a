//! `get_trace_metrics` and its series over time: latency, throughput and failures of requests by group.
//!
//! Groups are sorted first and cut then, so that a rare group that is slow is not lost. Throughput counts requests, whether
//! they came as spans or were counted by the service before (EL-36).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;
use telemetry::{Scope, Window};

use crate::dialects::reading::arguments::{self, Kql, Short, When};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::histogram::Buckets;
use crate::dialects::reading::requests::{self, FIELDS, Group, LatencyType};
use crate::dialects::reading::shape::{reads, shortened};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
/// Groups at most, buckets at most, and groups of a series at most.
const GROUPS: usize = 100;
const BUCKETS: i64 = 30;
const SERIES: usize = 10;

/// By what the worst comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum SortBy {
    #[default]
    Latency,
    Throughput,
    FailureRate,
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    kql_filter: Option<Kql>,
    /// `service.name`, or `transaction.name`, `service.node.name`, `service.version`.
    group_by: Option<Short>,
    #[serde(default)]
    latency_type: LatencyType,
    #[serde(default)]
    sort_by: SortBy,
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    total: usize,
    group_by: String,
    latency_type: LatencyType,
    items: Vec<Item>,
    gaps: Vec<String>,
}

/// One group.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Item {
    group: String,
    /// In ms.
    latency_ms: Option<Num>,
    /// Whether the latency is an upper bound: the largest percentile of the group's parts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_upper_bound: bool,
    /// Requests per minute.
    throughput_per_min: Num,
    /// 0-1.
    failure_rate: Num,
    requests: u64,
}

shortened!(Answer, "TRACE METRICS", [items]);
reads!(
    GetTraceMetrics,
    "get_trace_metrics",
    Input => Answer,
    call,
    "Get latency, throughput and failure rate of requests by service, operation, instance or version.\n\
     When to use: to find which operation, instance or version is slow or fails; to measure how bad it is.\n\
     When NOT to use: when it began (`get_trace_metrics_timeseries`); where the time goes (`analyze_latency_bottlenecks`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, GROUPS, GROUPS)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let field = filter::group_field(arguments::text(&input.group_by).unwrap_or("service.name"), &FIELDS)?;
    let told = requests::rows(context, window, Scope::all(), &filter).await?;
    let groups = requests::grouped(&told.rows, field);
    let mut items: Vec<Item> =
        groups.iter().map(|(name, group)| item(name, group, input.latency_type, window)).collect();
    sort(&mut items, input.sort_by);
    let total = items.len();
    items.truncate(limit);
    let next = hints(items.first(), field, window);
    let answer = Answer {
        total,
        group_by: field.to_owned(),
        latency_type: input.latency_type,
        items,
        gaps: told.gaps,
    };
    Ok(Found { answer, is_truncated: told.is_truncated || total > limit, next })
}

fn item(name: &str, group: &Group, kind: LatencyType, window: Window) -> Item {
    let latency_ms = group.latency_ms(kind);
    Item {
        group: name.to_owned(),
        is_upper_bound: latency_ms.is_some() && kind != LatencyType::Avg && group.parts > 1,
        latency_ms,
        throughput_per_min: group.per_minute(window),
        failure_rate: group.failure_rate(),
        requests: group.count,
    }
}

fn sort(items: &mut [Item], by: SortBy) {
    let key = |item: &Item| match by {
        SortBy::Latency => item.latency_ms.map_or(-1.0, Num::get),
        SortBy::Throughput => item.throughput_per_min.get(),
        SortBy::FailureRate => item.failure_rate.get(),
    };
    items.sort_by(|one, other| key(other).total_cmp(&key(one)).then_with(|| one.group.cmp(&other.group)));
}

fn hints(worst: Option<&Item>, field: &str, window: Window) -> Vec<Hint> {
    let within = |of| arguments::within(window, of);
    let Some(worst) = worst else {
        return vec![Hint::new("get_services", within(json!({})), "which services are there")];
    };
    let filter = filter::of_value(field, &worst.group);
    let series =
        Hint::new("get_trace_metrics_timeseries", within(json!({ "kqlFilter": filter })), "when it began");
    let finer = match field {
        "service.name" => Hint::new(
            "get_trace_metrics",
            within(json!({ "kqlFilter": filter, "groupBy": "transaction.name" })),
            "its operations",
        ),
        // What is compared is not told apart by version.
        "service.version" => Hint::new("get_change_events", within(json!({})), "when it was deployed"),
        _ => Hint::new(
            "get_apm_correlations",
            within(json!({ "kqlFilter": filter })),
            "what its bad requests share",
        ),
    };
    vec![series, finer]
}

/// The arguments of the series.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SeriesInput {
    start: Option<When>,
    end: Option<When>,
    kql_filter: Option<Kql>,
    /// As in `get_trace_metrics`; all in one when not given.
    group_by: Option<Short>,
    /// Seconds of a bucket.
    bucket_size: Option<u32>,
    limit: Option<u32>,
}

/// The series.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Series {
    total: usize,
    /// In seconds.
    bucket_size: Num,
    /// The busiest first.
    groups: Vec<OneSeries>,
    gaps: Vec<String>,
}

/// The series of one group.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OneSeries {
    group: String,
    requests: u64,
    /// Those with requests, in the order of time.
    buckets: Vec<Point>,
}

/// One bucket.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Point {
    start: String,
    requests: u64,
    /// Mean, in ms.
    latency_ms: Num,
    throughput_per_min: Num,
    /// 0-1.
    failure_rate: Num,
}

impl crate::budget::Shorten for Series {
    fn text(&self) -> String {
        crate::dialects::reading::shape::text("TRACE METRICS OVER TIME", self)
    }

    /// Groups first, then the oldest buckets.
    fn shorten(&mut self) -> bool {
        if self.groups.len() > 1 {
            return self.groups.pop().is_some();
        }
        match self.groups.first_mut() {
            Some(group) if group.buckets.len() > 1 => {
                group.buckets.remove(0);
                true
            }
            _ => false,
        }
    }
}

reads!(
    GetTraceMetricsTimeseries,
    "get_trace_metrics_timeseries",
    SeriesInput => Series,
    series,
    "Get latency, throughput and failure rate of requests over time, in buckets.\n\
     When to use: to see when something began or ended; to compare its course with a change.\n\
     When NOT to use: one figure for the window (`get_trace_metrics`); to be told where it changed (`get_trace_change_points`)."
);

async fn series(context: &Context, input: SeriesInput) -> Result<Found<Series>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, 1, SERIES)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let field = input.group_by.as_ref().map(|field| filter::group_field(&field.0, &FIELDS)).transpose()?;
    let buckets = match input.bucket_size {
        Some(seconds) => Buckets::of(window, i64::from(seconds)),
        None => Buckets::about(window, BUCKETS),
    };
    let told = requests::seconds(context, window, Scope::all(), &filter).await?;
    let mut groups: BTreeMap<&str, BTreeMap<usize, Group>> = BTreeMap::new();
    for row in &told.rows {
        let name = field.map_or("all", |field| requests::part(&row.subject, field));
        let Some(place) = buckets.place(row.second) else { continue };
        let group = groups.entry(name).or_default().entry(place).or_default();
        group.count += row.count;
        group.errors += row.errors;
        group.sum_ns = group.sum_ns.saturating_add(row.sum_ns);
    }
    let mut groups: Vec<OneSeries> =
        groups.into_iter().map(|(name, points)| one(name, &points, buckets)).collect();
    groups.sort_by(|one, other| other.requests.cmp(&one.requests).then_with(|| one.group.cmp(&other.group)));
    let total = groups.len();
    groups.truncate(limit);
    let next = vec![Hint::new(
        "get_trace_change_points",
        arguments::within(window, json!({})),
        "where the level changed, with its chance",
    )];
    let answer = Series { total, bucket_size: Num::new(buckets.seconds()), groups, gaps: told.gaps };
    Ok(Found { answer, is_truncated: told.is_truncated || total > limit, next })
}

fn one(name: &str, points: &BTreeMap<usize, Group>, buckets: Buckets) -> OneSeries {
    let point = |(place, group): (&usize, &Group)| Point {
        start: buckets.start(*place).rfc3339(),
        requests: group.count,
        latency_ms: group.latency_ms(LatencyType::Avg).unwrap_or_default(),
        throughput_per_min: Num::new(group.count as f64 * 60.0 / buckets.seconds()),
        failure_rate: group.failure_rate(),
    };
    OneSeries {
        group: name.to_owned(),
        requests: points.values().map(|group| group.count).sum(),
        buckets: points.iter().map(point).collect(),
    }
}
