//! `get_log_volume` and `aggregate_logs`: how many lines, and figures of their fields.

use std::collections::BTreeMap;

use evidence::statistics::median;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;

use crate::budget::clip;
use crate::dialects::Record;
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::histogram::{self, Bucket, Buckets};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::{indices, lines};
use crate::dialects::{Held, resolve_field};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const BUCKETS: i64 = 30;
const GROUPS: (usize, usize) = (10, 100);
const FIELDS: usize = 3;

/// The arguments of the volume.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VolumeInput {
    /// A field; `service.name` when not given.
    group_by: Option<Short>,
    /// Seconds, or `auto`.
    interval: Option<Short>,
    #[serde(rename = "kqlFilter")]
    kql_filter: Option<Kql>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// The volume.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Volume {
    total: usize,
    lines: usize,
    /// In seconds.
    interval_s: Num,
    /// The most frequent first; the rest as `_other`.
    groups: Vec<Group>,
    gaps: Vec<String>,
}

/// One group.
#[derive(Debug, Serialize, JsonSchema)]
struct Group {
    group: String,
    count: u64,
    /// Buckets with lines.
    histogram: Vec<Bucket>,
}

shortened!(Volume, "LOG VOLUME", [groups]);
reads!(
    GetLogVolume,
    "get_log_volume",
    VolumeInput => Volume,
    volume,
    "Count log lines over time by a field.\n\
     When to use: to see when lines became more or stopped; to find the loudest service.\n\
     When NOT to use: figures of a numeric field (`aggregate_logs`); what the lines say (`search_logs`)."
);

/// The value of a field of a line, or that it is missing.
fn value(record: &Record, field: &str) -> String {
    record.text(field).unwrap_or_else(|| "_missing".to_owned())
}

/// Refuses a field that no line carries.
fn held(records: &[Record], fields: &[String]) -> Result<(), ToolError> {
    let missing = fields
        .iter()
        .find(|field| !records.is_empty() && records.iter().all(|record| record.text(field).is_none()));
    let Some(field) = missing else { return Ok(()) };
    let mut names: Vec<String> = records.iter().flat_map(Record::names).collect();
    names.sort();
    names.dedup();
    names.truncate(40);
    Err(ToolError::Input(format!("no line carries `{field}`; they carry {}", names.join(", "))))
}

async fn volume(context: &Context, input: VolumeInput) -> Result<Found<Volume>, ToolError> {
    indices::only(&input.index, "logs")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, GROUPS.0, GROUPS.1)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let field = resolve_field(arguments::text(&input.group_by).unwrap_or("service.name")).name;
    let buckets = match arguments::text(&input.interval) {
        None | Some("auto") => Buckets::about(window, BUCKETS),
        Some(text) => {
            let seconds = text.trim_end_matches('s').parse::<i64>().ok().filter(|seconds| *seconds > 0);
            let wrong =
                || ToolError::Input(format!("`interval` is `auto` or seconds, not `{}`", clip(text, 40)));
            Buckets::of(window, seconds.ok_or_else(wrong)?)
        }
    };
    let told = lines::lines(context, window, telemetry::Scope::all(), &filter).await?;
    let records: Vec<Record> = told.rows.iter().map(lines::record).collect();
    held(&records, std::slice::from_ref(&field))?;
    let mut groups: BTreeMap<String, Vec<telemetry::UnixNanos>> = BTreeMap::new();
    for (row, record) in told.rows.iter().zip(&records) {
        groups.entry(value(record, &field)).or_default().push(row.at);
    }
    let total = groups.len();
    let mut sorted: Vec<(String, Vec<telemetry::UnixNanos>)> = groups.into_iter().collect();
    sorted.sort_by(|one, other| other.1.len().cmp(&one.1.len()).then_with(|| one.0.cmp(&other.0)));
    let rest: Vec<telemetry::UnixNanos> =
        sorted.iter().skip(limit).flat_map(|(_, times)| times.iter().copied()).collect();
    sorted.truncate(limit);
    if !rest.is_empty() {
        sorted.push(("_other".to_owned(), rest));
    }
    let group = |(name, times): (String, Vec<telemetry::UnixNanos>)| {
        let mut histogram = histogram::shown(buckets, &buckets.counts(times.iter().copied()));
        histogram.retain(|bucket| bucket.count > 0);
        Group { group: clip(&name, 120), count: times.len() as u64, histogram }
    };
    let groups: Vec<Group> = sorted.into_iter().map(group).collect();
    let next = vec![Hint::new("get_error_summary", arguments::within(window, json!({})), "errors by kind")];
    let lines = told.rows.len();
    let answer = Volume { total, lines, interval_s: Num::new(buckets.seconds()), groups, gaps: told.gaps };
    Ok(Found { answer, is_truncated: told.is_truncated || total > limit, next })
}

/// What is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Metric {
    #[default]
    Count,
    Sum,
    Avg,
    Min,
    Max,
    /// The 50th, 95th and 99th.
    Percentiles,
}

/// The arguments of the aggregation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AggregateInput {
    #[serde(default)]
    metric: Metric,
    /// A numeric field; for anything but `count`.
    field: Option<Short>,
    /// At most 3 fields.
    group_by: Option<Vec<Short>>,
    #[serde(rename = "kqlFilter")]
    kql_filter: Option<Kql>,
    index: Option<Index>,
    start: Option<When>,
    end: Option<When>,
    limit: Option<u32>,
}

/// The table.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Aggregated {
    metric: Metric,
    total: usize,
    /// The most lines first.
    rows: Vec<Row>,
    /// Lines of groups that are not shown.
    other_count: u64,
    gaps: Vec<String>,
}

/// One group.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    group: Vec<String>,
    /// Lines with the field.
    count: u64,
    /// In the unit of the field; a duration in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Num>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percentiles: Vec<String>,
}

shortened!(Aggregated, "AGGREGATE", [rows]);
reads!(
    AggregateLogs,
    "aggregate_logs",
    AggregateInput => Aggregated,
    aggregate,
    "Measure a numeric field of log lines, or count them, by up to three fields.\n\
     When to use: to sum or average what lines carry; to count lines by several fields at once.\n\
     When NOT to use: lines over time (`get_log_volume`); durations of requests (`get_latency_stats`)."
);

async fn aggregate(context: &Context, input: AggregateInput) -> Result<Found<Aggregated>, ToolError> {
    indices::only(&input.index, "logs")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, GROUPS.0, GROUPS.1)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let group_by: Vec<String> =
        input.group_by.iter().flatten().map(|field| resolve_field(&field.0).name).collect();
    if group_by.len() > FIELDS {
        return Err(ToolError::Input(format!(
            "`group_by` names at most {FIELDS} fields, not {}",
            group_by.len()
        )));
    }
    let field = input.field.as_ref().map(|field| resolve_field(&field.0).name);
    if input.metric != Metric::Count && field.is_none() {
        return Err(ToolError::Input("this `metric` needs a numeric `field`".to_owned()));
    }
    let told = lines::lines(context, window, telemetry::Scope::all(), &filter).await?;
    let records: Vec<Record> = told.rows.iter().map(lines::record).collect();
    held(&records, &group_by)?;
    held(&records, field.as_slice())?;
    let mut groups: BTreeMap<Vec<String>, Vec<f64>> = BTreeMap::new();
    for record in &records {
        let numbers: Vec<f64> = match &field {
            None => vec![1.0],
            Some(field) => record.values(field).iter().filter_map(Held::number).collect(),
        };
        let name: Vec<String> = group_by.iter().map(|field| value(record, field)).collect();
        groups.entry(name).or_default().extend(numbers);
    }
    groups.retain(|_, numbers| !numbers.is_empty());
    let mut gaps = told.gaps;
    if groups.is_empty() && !records.is_empty() {
        gaps.push("no line has a number in this field".to_owned());
    }
    let total = groups.len();
    let mut rows: Vec<Row> =
        groups.into_iter().map(|(group, numbers)| row(group, numbers, input.metric)).collect();
    rows.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.group.cmp(&other.group)));
    let other_count = rows.iter().skip(limit).map(|row| row.count).sum();
    rows.truncate(limit);
    let next = vec![Hint::new("search_logs", arguments::within(window, json!({})), "the lines themselves")];
    let answer = Aggregated { metric: input.metric, total, rows, other_count, gaps };
    Ok(Found { answer, is_truncated: told.is_truncated || total > limit, next })
}

fn row(group: Vec<String>, numbers: Vec<f64>, metric: Metric) -> Row {
    let sum: f64 = numbers.iter().sum();
    let value = match metric {
        Metric::Count | Metric::Percentiles => None,
        Metric::Sum => Some(sum),
        Metric::Avg => Some(sum / numbers.len().max(1) as f64),
        Metric::Min => numbers.iter().copied().reduce(f64::min),
        Metric::Max => numbers.iter().copied().reduce(f64::max),
    };
    let percentiles = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)].into_iter().filter_map(|(name, share)| {
        let value = median::quantile(&numbers, share)?;
        Some(format!("{name}={}", serde_json::to_string(&Num::new(value)).unwrap_or_default()))
    });
    Row {
        percentiles: if metric == Metric::Percentiles { percentiles.collect() } else { Vec::new() },
        group: group.iter().map(|value| clip(value, 80)).collect(),
        count: numbers.len() as u64,
        value: value.map(Num::new),
    }
}
