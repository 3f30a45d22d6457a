//! `get_logs`: lines in summary: how many over time, samples, patterns, and what their fields hold.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::LogRow;
use telemetry::number::Num;
use telemetry::{Scope, template};

use crate::budget::clip;
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::histogram::{self, Bucket, Buckets};
use crate::dialects::reading::indices;
use crate::dialects::reading::lines::{self, Line};
use crate::dialects::reading::shape::{reads, shortened};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const SAMPLES: (usize, usize) = (10, 100);
const BUCKETS: i64 = 30;
/// Patterns, fields and values of a field, groups.
const CATEGORIES: usize = 30;
const TOP_FIELDS: usize = 10;
const TOP_VALUES: usize = 10;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    index: Option<Index>,
    kql_filter: Option<Kql>,
    /// Samples.
    limit: Option<u32>,
    /// Seconds of a bucket; about 30 buckets when not given.
    bucket_size: Option<u32>,
    /// Counts by the ten most frequent values, the rest as `_other`.
    group_by: Option<Short>,
    /// Attributes of samples that are shown.
    fields: Option<Vec<Short>>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    total_count: usize,
    /// Whether there are more than could be looked at.
    is_lower_bound: bool,
    /// In seconds.
    bucket_size: Num,
    /// Buckets with lines.
    histogram: Vec<Bucket>,
    groups: Vec<Count>,
    /// Patterns, the most frequent first.
    categories: Vec<Category>,
    /// The newest first.
    samples: Vec<Line>,
    top_values: Vec<TopValues>,
    gaps: Vec<String>,
}

/// A value and how often it is.
#[derive(Debug, Serialize, JsonSchema)]
struct Count {
    value: String,
    count: u64,
}

/// A pattern.
#[derive(Debug, Serialize, JsonSchema)]
struct Category {
    pattern: String,
    count: u64,
}

/// What a field holds.
#[derive(Debug, Serialize, JsonSchema)]
struct TopValues {
    field: String,
    /// `value (count)`.
    values: Vec<String>,
}

shortened!(Answer, "LOGS", [top_values, samples, categories, histogram, groups]);
reads!(
    GetLogs,
    "get_logs",
    Input => Answer,
    call,
    "Get log lines in summary: count over time, patterns, newest samples, and the most frequent values of their fields.\n\
     When to use: to look at lines; to narrow a filter step by step; to see how many there are and when.\n\
     When NOT to use: only errors by kind (`get_log_groups`); all lines of one request (`get_correlated_logs`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    indices::only(&input.index, "logs")?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, SAMPLES.0, SAMPLES.1)?;
    let filter = Filter::read(context, &input.kql_filter)?;
    let told = lines::lines(context, window, Scope::all(), &filter).await?;
    let rows = &told.rows;
    let buckets = match input.bucket_size {
        Some(seconds) => Buckets::of(window, i64::from(seconds)),
        None => Buckets::about(window, BUCKETS),
    };
    let counts = buckets.counts(rows.iter().map(|row| row.at));
    let mut histogram = histogram::shown(buckets, &counts);
    histogram.retain(|bucket| bucket.count > 0);
    let wanted: Vec<String> = input.fields.iter().flatten().map(|field| field.0.clone()).collect();
    let samples: Vec<Line> = rows.iter().rev().take(limit).map(|row| Line::of(row, &wanted)).collect();
    let patterns = frequent(rows.iter().map(|row| template::of(&row.body)));
    let groups = input.group_by.as_ref().map(|field| grouped(rows, &field.0)).unwrap_or_default();
    let is_cut = patterns.len() > CATEGORIES || rows.len() > limit;
    let next = match samples.iter().find_map(|line| line.trace_id.clone()) {
        Some(id) => vec![
            Hint::new(
                "get_traces",
                arguments::within(window, json!({ "kqlFilter": format!("trace.id: {id}") })),
                "the request of a sample",
            ),
            Hint::new("get_log_groups", arguments::within(window, json!({})), "errors by kind"),
        ],
        None => {
            vec![Hint::new(
                "get_index_info",
                arguments::within(window, json!({ "operation": "list-fields" })),
                "which fields there are",
            )]
        }
    };
    let answer = Answer {
        total_count: rows.len(),
        is_lower_bound: told.is_truncated,
        bucket_size: Num::new(buckets.seconds()),
        histogram,
        groups,
        categories: patterns
            .into_iter()
            .take(CATEGORIES)
            .map(|(pattern, count)| Category { pattern: clip(&pattern, 300), count })
            .collect(),
        samples,
        top_values: top_values(rows),
        gaps: told.gaps,
    };
    Ok(Found { answer, is_truncated: told.is_truncated || is_cut, next })
}

/// The texts, the most frequent first.
fn frequent(texts: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1);
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    counts
}

fn grouped(rows: &[LogRow], field: &str) -> Vec<Count> {
    let counts =
        frequent(rows.iter().map(|row| lines::value(row, field).unwrap_or_else(|| "_missing".to_owned())));
    let others: u64 = counts.iter().skip(TOP_VALUES).map(|(_, count)| count).sum();
    let mut groups: Vec<Count> = counts
        .into_iter()
        .take(TOP_VALUES)
        .map(|(value, count)| Count { value: clip(&value, 200), count })
        .collect();
    if others > 0 {
        groups.push(Count { value: "_other".to_owned(), count: others });
    }
    groups
}

fn top_values(rows: &[LogRow]) -> Vec<TopValues> {
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        let own =
            [("service.name", row.service.as_str()), ("log.level", telemetry::logs::level(row.severity))];
        let held = row.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in own.into_iter().chain(held).filter(|(_, value)| !value.is_empty()) {
            fields.entry(key).or_default().push(value);
        }
    }
    let mut fields: Vec<(&str, Vec<&str>)> = fields.into_iter().collect();
    fields.sort_by_key(|(_, values)| std::cmp::Reverse(values.len()));
    let top = fields.into_iter().take(TOP_FIELDS).map(|(field, values)| {
        let counts = frequent(values.into_iter().map(str::to_owned));
        let values = counts
            .into_iter()
            .take(TOP_VALUES)
            .map(|(value, count)| format!("{} ({count})", clip(&value, 60)));
        TopValues { field: field.to_owned(), values: values.collect() }
    });
    top.collect()
}
