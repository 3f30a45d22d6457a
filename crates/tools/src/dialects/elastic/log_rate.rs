//! `run_log_rate_analysis`: which values a burst of lines, or their absence, is made of.

use std::collections::{BTreeMap, BTreeSet};

use evidence::statistics::{false_discovery, fisher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::LogRow;
use telemetry::number::Num;
use telemetry::{Scope, Window, template};

use crate::budget::clip;
use crate::dialects::reading::arguments::{self, Index, Kql, Short, When};
use crate::dialects::reading::filter::{self, Filter};
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::{indices, lines};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

/// Values at most, and values of a field from which it is an id and no group.
const ITEMS: usize = 25;
const VALUES_MAX: usize = 200;
/// False discovery rate up to which a value is listed.
const Q_MAX: f64 = 0.01;

/// A stretch of time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Stretch {
    start: When,
    end: When,
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    index: Option<Index>,
    /// `@timestamp`, and nothing else.
    time_field_name: Option<Short>,
    /// How it is usually.
    baseline: Stretch,
    /// How it is not.
    deviation: Stretch,
    kql_filter: Option<Kql>,
}

/// Which way the rate went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AnalysisType {
    Spike,
    Dip,
    None,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    analysis_type: AnalysisType,
    /// Lines per minute.
    baseline_rate_per_min: Num,
    deviation_rate_per_min: Num,
    total: usize,
    /// The surest first.
    items: Vec<Item>,
    gaps: Vec<String>,
}

/// One value.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Item {
    field: String,
    value: String,
    /// Lines with it.
    baseline_count: u64,
    deviation_count: u64,
    p_value: Num,
    /// Share of false ones among all values down to here.
    q_value: Num,
}

shortened!(Answer, "LOG RATE", [items]);
reads!(
    RunLogRateAnalysis,
    "run_log_rate_analysis",
    Input => Answer,
    call,
    "Explain why the number of log lines rose or fell: the field values whose share changed, corrected for how many were tried.\n\
     When to use: after a spike or dip of log lines was seen; to compare a bad window with a good one.\n\
     When NOT to use: when the rate changed (`get_log_change_points`); what the lines say (`get_log_groups`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    indices::only(&input.index, "logs")?;
    if let Some(field) = arguments::text(&input.time_field_name).filter(|field| *field != "@timestamp") {
        return Err(ToolError::Input(format!("`timeFieldName` is `@timestamp`, not `{field}`")));
    }
    let window = |stretch: &Stretch| {
        arguments::window(context, (&Some(stretch.start.clone()), &Some(stretch.end.clone())), 0)
    };
    let (good, bad) = (window(&input.baseline)?, window(&input.deviation)?);
    let filter = Filter::read(context, &input.kql_filter)?;
    let before = lines::lines(context, good, Scope::all(), &filter).await?;
    let now = lines::lines(context, bad, Scope::all(), &filter).await?;
    let rates = [(&before.rows, good), (&now.rows, bad)]
        .map(|(rows, window)| rows.len() as f64 * 60.0 / window.seconds().max(1.0));
    let analysis_type = match rates[1].total_cmp(&rates[0]) {
        std::cmp::Ordering::Greater => AnalysisType::Spike,
        std::cmp::Ordering::Less => AnalysisType::Dip,
        std::cmp::Ordering::Equal => AnalysisType::None,
    };
    let mut items = items(&before.rows, &now.rows, (good, bad), analysis_type);
    let total = items.len();
    items.truncate(ITEMS);
    let next = match items.first() {
        Some(item) => vec![Hint::new(
            "get_log_groups",
            arguments::within(bad, json!({ "kqlFilter": filter::of_value(&item.field, &item.value) })),
            "what these lines say",
        )],
        None => vec![Hint::new("get_log_groups", arguments::within(bad, json!({})), "what the lines say")],
    };
    let mut gaps = before.gaps;
    gaps.extend(now.gaps);
    gaps.sort();
    gaps.dedup();
    let answer = Answer {
        analysis_type,
        baseline_rate_per_min: Num::new(rates[0]),
        deviation_rate_per_min: Num::new(rates[1]),
        total,
        items,
        gaps,
    };
    Ok(Found { answer, is_truncated: before.is_truncated || now.is_truncated || total > ITEMS, next })
}

type Values = BTreeMap<(String, String), u64>;

/// How many lines have each value of each field, the masked line among them.
fn values(rows: &[LogRow]) -> Values {
    let mut counts = Values::new();
    for row in rows {
        let mut held: BTreeSet<(String, String)> = row.attributes.iter().cloned().collect();
        held.insert(("service.name".to_owned(), row.service.clone()));
        held.insert(("service.node.name".to_owned(), row.instance.clone()));
        held.insert(("log.level".to_owned(), telemetry::logs::level(row.severity).to_owned()));
        held.insert(("message".to_owned(), template::of(&row.body)));
        for entry in held.into_iter().filter(|(_, value)| !value.is_empty()) {
            *counts.entry(entry).or_default() += 1;
        }
    }
    counts
}

/// The values whose share of time is another one than before, each against all lines without it.
fn items(before: &[LogRow], now: &[LogRow], windows: (Window, Window), kind: AnalysisType) -> Vec<Item> {
    if kind == AnalysisType::None || (before.is_empty() && now.is_empty()) {
        return Vec::new();
    }
    let (old, new) = (values(before), values(now));
    let keys: BTreeSet<&(String, String)> = old.keys().chain(new.keys()).collect();
    let mut per_field: BTreeMap<&str, usize> = BTreeMap::new();
    for (field, _) in &keys {
        *per_field.entry(field).or_default() += 1;
    }
    let keys: Vec<&(String, String)> = keys
        .iter()
        .copied()
        .filter(|(field, _)| per_field.get(field.as_str()).is_some_and(|n| *n <= VALUES_MAX))
        .collect();
    let count = |of: &Values, key: &(String, String)| of.get(key).copied().unwrap_or(0);
    let p_values: Vec<f64> =
        keys.iter().map(|key| rate_p(count(&old, key), count(&new, key), windows, kind)).collect();
    let q_values = false_discovery::q_values(&p_values);
    let mut rows: Vec<Item> = keys
        .into_iter()
        .zip(p_values.into_iter().zip(q_values))
        .filter(|(_, (_, q_value))| *q_value <= Q_MAX)
        .map(|(key, (p_value, q_value))| Item {
            field: key.0.clone(),
            value: clip(&key.1, 200),
            baseline_count: count(&old, key),
            deviation_count: count(&new, key),
            p_value: Num::new(p_value),
            q_value: Num::new(q_value),
        })
        .collect();
    rows.sort_by(|one, other| {
        let key = |row: &Item| (row.p_value.get(), row.field.clone(), row.value.clone());
        key(one).partial_cmp(&key(other)).unwrap_or(std::cmp::Ordering::Equal)
    });
    rows
}

/// Chance that as many lines of a value fall into the bad window, or as few, when its rate is that of the good one: the time
/// of both is cut into cells that are nearly all empty, and those with a line are compared by Fisher's test. Lines are
/// taken as independent; where they come in bursts the chance is larger than this.
fn rate_p(old: u64, new: u64, (good, bad): (Window, Window), kind: AnalysisType) -> f64 {
    let seconds = |window: Window| (window.seconds().ceil() as u64).max(1);
    let (good_n, bad_n) = (seconds(good), seconds(bad));
    let cells = |n: u64| n.saturating_mul(100);
    let (old, new) = (old.min(cells(good_n)), new.min(cells(bad_n)));
    match kind {
        AnalysisType::Dip => fisher::p_raised(new, cells(bad_n), old, cells(good_n)),
        _ => fisher::p_raised(old, cells(good_n), new, cells(bad_n)),
    }
}
