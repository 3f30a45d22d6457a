//! `get_log_change_points`, `get_metric_change_points`, `get_trace_change_points`: where a series is no longer as before.
//!
//! Each series that is tried is counted: what is listed is corrected for all of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::SeriesRow;
use telemetry::number::Num;
use telemetry::{Ask, Scope, Window, template};

use crate::budget::clip;
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::change_points::{self, Changed, Named};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::histogram::Buckets;
use crate::dialects::reading::requests::{self, LatencyType};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::{indices, lines, told};
use crate::dialects::{Record, resolve_field};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
/// Patterns tried at most, buckets of a window, changes listed.
const PATTERNS: usize = 1000;
const BUCKETS: i64 = 60;
const LISTED: usize = 25;
/// Buckets of a metric: each two are a question.
const METRIC_BUCKETS: i64 = 24;
/// Groups of requests or of a metric.
const GROUPS: usize = 200;

/// The answer of all three.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    total: usize,
    /// Series that were tried, and among them those with too few buckets to say anything.
    series_tried: usize,
    series_indeterminable: usize,
    /// In seconds.
    bucket_size: Num,
    /// The surest first.
    change_points: Vec<Changed>,
    gaps: Vec<String>,
}

shortened!(Answer, "CHANGE POINTS", [change_points]);

/// What was tried, and what came of it.
fn found(series: Vec<Named>, buckets: Buckets, gaps: Vec<String>, is_truncated: bool) -> Found<Answer> {
    let series_tried = series.len();
    let (mut change_points, series_indeterminable) =
        change_points::among(series, |place| buckets.start(place));
    let total = change_points.len();
    change_points.truncate(LISTED);
    let next = match change_points.iter().find_map(|change| change.at.clone()) {
        Some(at) => vec![Hint::new(
            "get_change_events",
            json!({ "start": format!("{at}||-15m"), "end": format!("{at}||+1m") }),
            "what was changed right before",
        )],
        None => vec![Hint::new(
            "get_services",
            arguments::within(buckets.window(), json!({})),
            "how all services do",
        )],
    };
    let answer = Answer {
        total,
        series_tried,
        series_indeterminable,
        bucket_size: Num::new(buckets.seconds()),
        change_points,
        gaps,
    };
    Found { answer, is_truncated: is_truncated || total > LISTED, next }
}

/// Of rows that a source cut nobody knows which are missing: to whole groups, or to the end of one, that looks like a step.
fn not_judged(buckets: Buckets, mut gaps: Vec<String>) -> Found<Answer> {
    gaps.push("not judged: a source gave only a part of the rows; name a service in `kqlFilter`, or a shorter window".to_owned());
    gaps.sort();
    gaps.dedup();
    found(Vec::new(), buckets, gaps, true)
}

/// The arguments for lines.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct LogInput {
    start: Option<When>,
    end: Option<When>,
    index: Option<Index>,
    kql_filter: Option<Kql>,
    /// `message`, and nothing else.
    message_field: Option<Short>,
}

reads!(
    GetLogChangePoints,
    "get_log_change_points",
    LogInput => Answer,
    of_lines,
    "Find patterns of log lines whose number changed, and when: spikes, dips, steps, bends.\n\
     When to use: to date the begin of an error; to find lines that stopped.\n\
     When NOT to use: two given windows (`run_log_rate_analysis`); requests (`get_trace_change_points`)."
);

async fn of_lines(context: &Context, input: LogInput) -> Result<Found<Answer>, ToolError> {
    indices::only(&input.index, "logs")?;
    if let Some(field) =
        arguments::text(&input.message_field).filter(|field| resolve_field(field).name != "message")
    {
        return Err(ToolError::Input(format!("`messageField` is `message`, not `{field}`")));
    }
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let told = lines::lines(context, window, Scope::all(), &filter).await?;
    let buckets = Buckets::exactly(window, BUCKETS);
    if told.is_truncated {
        return Ok(not_judged(buckets, told.gaps));
    }
    let mut patterns: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
    let mut is_truncated = false;
    for row in &told.rows {
        let Some(place) = buckets.place(row.at) else { continue };
        let key = (row.service.clone(), template::of(&row.body));
        if patterns.len() >= PATTERNS && !patterns.contains_key(&key) {
            is_truncated = true;
            continue;
        }
        let counts = patterns.entry(key).or_insert_with(|| vec![0.0; buckets.count()]);
        if let Some(slot) = counts.get_mut(place) {
            *slot += 1.0;
        }
    }
    let series = patterns.into_iter().map(|((service, pattern), values)| Named {
        group: clip(&format!("{service}: {pattern}"), 300),
        figure: "lines".to_owned(),
        values,
    });
    Ok(found(series.collect(), buckets, told.gaps, is_truncated))
}

/// The arguments for requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct TraceInput {
    start: Option<When>,
    end: Option<When>,
    kql_filter: Option<Kql>,
    /// `service.name`, or `transaction.name`, `service.node.name`, `service.version`.
    group_by: Option<Short>,
    /// `avg`, or `p95`: that of the seconds, weighted by their requests.
    latency_type: Option<LatencyType>,
}

reads!(
    GetTraceChangePoints,
    "get_trace_change_points",
    TraceInput => Answer,
    of_requests,
    "Find when latency, throughput or failure rate of requests changed, by service, operation, instance or version.\n\
     When to use: to date an onset; to find which group changed first.\n\
     When NOT to use: the course itself (`get_trace_metrics_timeseries`); other metrics (`get_metric_change_points`)."
);

#[derive(Default)]
struct Cell {
    count: f64,
    errors: f64,
    latency_ns: f64,
}

async fn of_requests(context: &Context, input: TraceInput) -> Result<Found<Answer>, ToolError> {
    let kind = input.latency_type.unwrap_or(LatencyType::P95);
    if kind == LatencyType::P99 {
        return Err(ToolError::Input(
            "`latencyType` is `avg` or `p95`: no source tells more by the second".to_owned(),
        ));
    }
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let field = arguments::text(&input.group_by).unwrap_or("service.name");
    let field = filter::group_field(field, &requests::FIELDS)?;
    let told = requests::seconds(context, window, Scope::all(), &filter).await?;
    let buckets = Buckets::exactly(window, BUCKETS);
    if told.is_truncated {
        return Ok(not_judged(buckets, told.gaps));
    }
    let mut groups: BTreeMap<&str, BTreeMap<usize, Cell>> = BTreeMap::new();
    let mut is_truncated = false;
    for row in &told.rows {
        let Some(place) = buckets.place(row.second) else { continue };
        let name = requests::part(&row.subject, field);
        if groups.len() >= GROUPS && !groups.contains_key(name) {
            is_truncated = true;
            continue;
        }
        let cell = groups.entry(name).or_default().entry(place).or_default();
        let is_mean = kind == LatencyType::Avg || told.from_metrics.contains(&row.subject.service);
        cell.latency_ns += if is_mean { row.sum_ns as f64 } else { row.p95_ns as f64 * row.count as f64 };
        cell.count += row.count as f64;
        cell.errors += row.errors as f64;
    }
    let mut series = Vec::new();
    for (name, cells) in groups {
        let mut add = |figure: &str, values: Vec<f64>| {
            series.push(Named { group: name.to_owned(), figure: figure.to_owned(), values });
        };
        let all = (0..buckets.count()).map(|place| cells.get(&place).map_or(0.0, |cell| cell.count));
        add("throughput", all.map(|count| count * 60.0 / buckets.seconds()).collect());
        // A bucket without requests has neither latency nor failures: a series with a hole is not judged.
        if cells.len() == buckets.count() {
            add(
                "latencyMs",
                cells.values().map(|cell| cell.latency_ns / cell.count.max(1.0) / 1e6).collect(),
            );
            add("failureRate", cells.values().map(|cell| cell.errors / cell.count.max(1.0)).collect());
        } else {
            add("latencyMs", Vec::new());
            add("failureRate", Vec::new());
        }
    }
    Ok(found(series, buckets, told.gaps, is_truncated))
}

/// How the values of a bucket become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Aggregate {
    #[default]
    Avg,
    Sum,
    Min,
    Max,
    P95,
}

/// Which metric, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Aggregation {
    /// The name of the metric.
    field: Short,
    #[serde(default, rename = "type")]
    kind: Aggregate,
}

/// The arguments for metrics.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct MetricInput {
    aggregation: Aggregation,
    start: Option<When>,
    end: Option<When>,
    kql_filter: Option<Kql>,
    /// `service.name`, `service.node.name`, or attributes of the metric.
    group_by: Option<Vec<Short>>,
}

reads!(
    GetMetricChangePoints,
    "get_metric_change_points",
    MetricInput => Answer,
    of_metric,
    "Find when a metric changed, by service, instance or any of its attributes: spike, dip, step, bend, spread or trend.\n\
     When to use: to date a leak or a saturation; to find the instance that changed.\n\
     When NOT to use: latency and failures of requests (`get_trace_change_points`); names of metrics (`get_index_info`)."
);

async fn of_metric(context: &Context, input: MetricInput) -> Result<Found<Answer>, ToolError> {
    let kind = input.aggregation.kind;
    if kind == Aggregate::P95 {
        return Err(ToolError::Input(
            "`aggregation.type` is avg, sum, min or max: no source tells percentiles of a metric".to_owned(),
        ));
    }
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let metric = &input.aggregation.field.0;
    let buckets = Buckets::exactly(window, METRIC_BUCKETS);
    let part = |place: usize| Window::new(buckets.start(place), buckets.start(place + 1));
    let asks = (0..buckets.count()).step_by(2).map(|place| Ask::SeriesChange {
        good: part(place),
        bad: part(place + 1),
        scope: Scope::all(),
        metrics: vec![metric.clone()],
    });
    let told = told::each::<Vec<SeriesRow>>(context, asks.collect(), told::rows!(SeriesChange)).await;
    let records: Vec<Record> = told.iter().flat_map(|told| &told.rows).map(record).collect();
    filter.only_held(&["service.name", "service.node.name"], &records)?;
    let group_by = metric_groups(&input, &records)?;
    if told.iter().any(|told| told.is_truncated) {
        return Ok(not_judged(buckets, told.into_iter().flat_map(|told| told.gaps).collect()));
    }
    let mut groups: BTreeMap<String, Vec<Vec<telemetry::answer::SeriesFigures>>> = BTreeMap::new();
    let (mut gaps, mut is_truncated) = (Vec::new(), false);
    for (pair, told) in told.into_iter().enumerate() {
        gaps.extend(told.gaps);
        for row in &told.rows {
            let record = record(row);
            if !filter.keeps(&record) {
                continue;
            }
            let name: Vec<String> =
                group_by.iter().map(|field| record.text(field).unwrap_or_default()).collect();
            let name = name.join(" ");
            if groups.len() >= GROUPS && !groups.contains_key(&name) {
                is_truncated = true;
                continue;
            }
            let cells = groups.entry(name).or_insert_with(|| vec![Vec::new(); buckets.count() + 1]);
            for (place, figures) in [(pair * 2, row.good), (pair * 2 + 1, row.bad)] {
                if let Some(cell) = cells.get_mut(place).filter(|_| figures.n > 0) {
                    cell.push(figures);
                }
            }
        }
    }
    gaps.sort();
    gaps.dedup();
    if groups.is_empty() && gaps.is_empty() {
        gaps.push(format!("no point of `{}` in this window", clip(metric, 100)));
    }
    let series = groups.into_iter().map(|(group, cells)| {
        // A series with a bucket in which nothing was measured is not judged.
        let values = cells.iter().take(buckets.count()).map(|figures| aggregated(figures, kind));
        let values: Option<Vec<f64>> = values.collect();
        Named { group, figure: metric.clone(), values: values.unwrap_or_default() }
    });
    Ok(found(series.collect(), buckets, gaps, is_truncated))
}

/// The fields to group by, each of which some point carries.
fn metric_groups(input: &MetricInput, records: &[Record]) -> Result<Vec<String>, ToolError> {
    let group_by: Vec<String> = match &input.group_by {
        Some(fields) => fields.iter().map(|field| resolve_field(&field.0).name).collect(),
        None => vec!["service.name".to_owned()],
    };
    let is_missing = |field: &&String| records.iter().all(|record| record.text(field).is_none());
    let Some(field) = group_by.iter().find(is_missing).filter(|_| !records.is_empty()) else {
        return Ok(group_by);
    };
    let mut names: Vec<String> = records.iter().flat_map(Record::names).collect();
    names.sort();
    names.dedup();
    Err(ToolError::Input(format!("cannot group by `{field}`; this metric carries {}", names.join(", "))))
}

fn record(row: &SeriesRow) -> Record {
    Record::default()
        .with("service.name", &row.service)
        .with("service.node.name", &row.instance)
        .with_all(&row.attributes)
}

/// Several series of a group in one bucket as one value; none when none was measured.
fn aggregated(figures: &[telemetry::answer::SeriesFigures], kind: Aggregate) -> Option<f64> {
    if figures.is_empty() {
        return None;
    }
    let n: f64 = figures.iter().map(|one| one.n as f64).sum();
    let sum: f64 = figures.iter().map(|one| one.mean.get() * one.n as f64).sum();
    Some(match kind {
        Aggregate::Sum => sum,
        Aggregate::Min => figures.iter().map(|one| one.min.get()).fold(f64::INFINITY, f64::min),
        Aggregate::Max => figures.iter().map(|one| one.max.get()).fold(f64::NEG_INFINITY, f64::max),
        Aggregate::Avg | Aggregate::P95 => sum / n.max(1.0),
    })
}
