//! `get_apm_correlations`: attribute values that go with slow or failed requests, or with many of them.
//!
//! The same contrast as everywhere else: requests and not spans, within minutes and not across them, and only what is beyond
//! chance for all values that were tried. A field that a version of this tool called a candidate narrows the list, and
//! nothing else.

use std::collections::BTreeMap;

use evidence::measures::attribute_contrast::{AttributeContrast, contrasts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{CompareTable, OnsetRow, SeriesRow};
use telemetry::number::Num;
use telemetry::{Ask, Scope, Window};

use crate::budget::clip;
use crate::dialects::reading::arguments::{self, Kql, Short, When};
use crate::dialects::reading::filter::{Filter, no_environment};
use crate::dialects::reading::histogram::Buckets;
use crate::dialects::reading::shape::{reads, shortened};
use crate::dialects::reading::{requests, told};
use crate::dialects::resolve_field;
use crate::hint::Hint;
use crate::services;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 3600;
const LIMIT: (usize, usize) = (10, 20);
const CANDIDATES: usize = 25;
/// The only share of fine requests that the questions know, in percent.
const PERCENTILE: f64 = 95.0;
/// Least coefficient of Pearson and fewest buckets of a course.
const R_MIN: f64 = 0.3;
const BUCKETS: i64 = 12;
const BUCKETS_MIN: usize = 3;

/// What is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Metric {
    #[default]
    Latency,
    FailureRate,
    Throughput,
    InfraMetrics,
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    service_name: Option<Short>,
    environment: Option<Short>,
    /// `service.name`, `transaction.name` or `service.node.name`, each with one value.
    kql_filter: Option<Kql>,
    #[serde(default)]
    metric: Metric,
    /// 95: requests slower than so many percent of those before are slow.
    percentile_threshold: Option<f64>,
    /// Only these fields; at most 25.
    field_candidates: Option<Vec<Short>>,
    limit: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    metric: Metric,
    /// Requests of the window, and bad ones among them.
    overall: u64,
    subset: u64,
    total: usize,
    /// The surest first.
    correlations: Vec<Correlation>,
    gaps: Vec<String>,
}

/// One value.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Correlation {
    field: String,
    value: String,
    service: String,
    /// Bad requests with the value, and all requests with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    subset_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overall_count: Option<u64>,
    /// Percent of the bad requests, and of all requests, that carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    subset_pct: Option<Num>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overall_pct: Option<Num>,
    /// Percent points by which requests with it are bad more often.
    #[serde(skip_serializing_if = "Option::is_none")]
    uplift_points: Option<Num>,
    /// Share of false ones among all values down to here; of courses the coefficient is given instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    q_value: Option<Num>,
    /// Coefficient of Pearson between two courses, -1 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<Num>,
}

shortened!(Answer, "CORRELATIONS", [correlations]);
reads!(
    GetApmCorrelations,
    "get_apm_correlations",
    Input => Answer,
    call,
    "Find what slow or failed requests have in common: version, host, pod, customer, flag; only what is beyond chance.\n\
     When to use: some requests of a service are bad and others are not; to test whether a deploy or a node is hit.\n\
     When NOT to use: all requests are bad alike (`analyze_latency_bottlenecks`); figures by group (`get_trace_metrics`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    no_environment(&input.environment)?;
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    let limit = arguments::limit(input.limit, LIMIT.0, LIMIT.1)?;
    let named = input.field_candidates.as_ref().map_or(0, Vec::len);
    if named > CANDIDATES {
        return Err(ToolError::Input(format!(
            "`fieldCandidates` names at most {CANDIDATES} fields, not {named}"
        )));
    }
    if let Some(asked) = input.percentile_threshold.filter(|asked| *asked != PERCENTILE) {
        return Err(ToolError::Input(format!(
            "`percentileThreshold` is {PERCENTILE} here, not {asked}: sources compare at that one"
        )));
    }
    let filter = Filter::read(context, &input.kql_filter)?;
    let scope = filter.scope(arguments::text(&input.service_name))?;
    let (mut answer, is_truncated) = match input.metric {
        Metric::Latency | Metric::FailureRate => {
            of_requests(context, window, scope.clone(), input.metric).await
        }
        Metric::Throughput => of_courses(context, window, scope.clone()).await,
        Metric::InfraMetrics => of_metrics(context, window, scope.clone()).await,
    };
    if answer.overall == 0
        && let Some(service) = &scope.service
    {
        services::known(context, window, service).await?;
    }
    if let Some(candidates) = &input.field_candidates {
        let wanted: Vec<String> = candidates.iter().map(|field| resolve_field(&field.0).name).collect();
        answer.correlations.retain(|row| wanted.contains(&resolve_field(&row.field).name));
    }
    answer.total = answer.correlations.len();
    answer.correlations.truncate(limit);
    let service =
        scope.service.clone().or_else(|| answer.correlations.first().map(|row| row.service.clone()));
    let within = |of| arguments::within(window, of);
    let next = match service.filter(|service| !service.is_empty()) {
        Some(service) => vec![
            Hint::new("get_change_events", within(json!({ "serviceName": service })), "what was changed"),
            Hint::new(
                "analyze_latency_bottlenecks",
                within(json!({ "serviceName": service })),
                "where its time goes",
            ),
        ],
        None => vec![Hint::new("get_services", within(json!({})), "which services are there")],
    };
    let is_truncated = is_truncated || answer.total > limit;
    Ok(Found { answer, is_truncated, next })
}

fn empty(metric: Metric, gaps: Vec<String>) -> Answer {
    Answer { metric, overall: 0, subset: 0, total: 0, correlations: Vec::new(), gaps }
}

/// Bad requests of the window against its fine ones; the window before says what is slow.
async fn of_requests(context: &Context, window: Window, scope: Scope, metric: Metric) -> (Answer, bool) {
    let good = arguments::before(window);
    let ask = Ask::Compare { good, bad: window, scope };
    let told = told::ask::<CompareTable>(context, ask, told::rows!(Compare)).await;
    let is_truncated = told.is_truncated;
    let mut answer = empty(metric, told.gaps);
    answer.gaps.push(
        "bad is failed, or slower than 95 % of the requests before: sources do not tell the two apart, so that \
         `latency` and `failure_rate` list the same"
            .to_owned(),
    );
    for block in &told.rows.blocks {
        answer.overall += block.all();
        answer.subset += block.bad;
    }
    if told.rows.slow_ns.is_none() && answer.overall > 0 {
        answer.gaps.push("no requests in the window before: only failed ones are called bad".to_owned());
    }
    let found = contrasts(&told.rows);
    let mut claimed: Vec<&AttributeContrast> = found.iter().filter(|found| found.is_claimed()).collect();
    claimed.sort_by(|one, other| {
        let key = |found: &AttributeContrast| (found.q_value, -found.uplift());
        key(one).partial_cmp(&key(other)).unwrap_or(std::cmp::Ordering::Equal)
    });
    answer.correlations = claimed.into_iter().map(correlation).collect();
    (answer, is_truncated)
}

fn correlation(found: &AttributeContrast) -> Correlation {
    let (with, all) = (found.with, found.with.all() + found.without.all());
    let bad = with.bad + found.without.bad;
    let pct = |part: u64, of: u64| Some(Num::new(100.0 * part as f64 / of.max(1) as f64));
    Correlation {
        field: found.key.clone(),
        value: clip(&found.value, 100),
        service: found.service.clone(),
        subset_count: Some(with.bad),
        overall_count: Some(with.all()),
        subset_pct: pct(with.bad, bad),
        overall_pct: pct(with.all(), all),
        uplift_points: Some(Num::new(found.uplift() * 100.0)),
        q_value: Some(Num::new(found.q_value)),
        r: None,
    }
}

fn of_course(field: &str, value: &str, service: &str, r: f64) -> Correlation {
    Correlation {
        field: field.to_owned(),
        value: clip(value, 100),
        service: service.to_owned(),
        subset_count: None,
        overall_count: None,
        subset_pct: None,
        overall_pct: None,
        uplift_points: None,
        q_value: None,
        r: Some(Num::new(r)),
    }
}

/// Parts of the traffic whose course is that of all of it.
async fn of_courses(context: &Context, window: Window, scope: Scope) -> (Answer, bool) {
    let told = told::ask::<Vec<OnsetRow>>(context, Ask::Onset { window, scope }, told::rows!(Onset)).await;
    let buckets = Buckets::exactly(window, BUCKETS);
    let mut all = vec![0.0; buckets.count()];
    let mut parts: BTreeMap<(&str, &str, &str), Vec<f64>> = BTreeMap::new();
    let mut answer = empty(Metric::Throughput, told.gaps);
    for row in &told.rows {
        let Some(place) = buckets.place(row.second) else { continue };
        answer.overall += row.count;
        let fields =
            requests::FIELDS.iter().skip(1).map(|field| (*field, requests::part(&row.subject, field)));
        for (field, value) in fields.filter(|(_, value)| !value.is_empty()) {
            let course = parts
                .entry((field, value, &row.subject.service))
                .or_insert_with(|| vec![0.0; buckets.count()]);
            course.get_mut(place).into_iter().for_each(|slot| *slot += row.count as f64);
        }
        all.get_mut(place).into_iter().for_each(|slot| *slot += row.count as f64);
    }
    answer.subset = answer.overall;
    answer.correlations = parts
        .into_iter()
        .filter_map(|((field, value, service), course)| {
            Some((field, value, service, pearson(&course, &all)?))
        })
        .filter(|(.., r)| r.abs() >= R_MIN)
        .map(|(field, value, service, r)| of_course(field, value, service, r))
        .collect();
    sort_by_r(&mut answer);
    (answer, told.is_truncated)
}

/// Metrics of the service whose course is that of its mean latency.
async fn of_metrics(context: &Context, window: Window, scope: Scope) -> (Answer, bool) {
    let buckets = Buckets::exactly(window, BUCKETS);
    let part = |place: usize| Window::new(buckets.start(place), buckets.start(place + 1));
    let asks = (0..buckets.count()).step_by(2).map(|place| Ask::SeriesChange {
        good: part(place),
        bad: part(place + 1),
        scope: scope.clone(),
        metrics: Vec::new(),
    });
    let series = told::each::<Vec<SeriesRow>>(context, asks.collect(), told::rows!(SeriesChange)).await;
    let told = told::ask::<Vec<OnsetRow>>(context, Ask::Onset { window, scope }, told::rows!(Onset)).await;
    let mut sums = vec![(0.0, 0.0); buckets.count()];
    let mut answer = empty(Metric::InfraMetrics, told.gaps);
    for row in &told.rows {
        answer.overall += row.count;
        if let Some(slot) = buckets.place(row.second).and_then(|place| sums.get_mut(place)) {
            *slot = (slot.0 + row.sum_ns as f64, slot.1 + row.count as f64);
        }
    }
    answer.subset = answer.overall;
    let latency: Vec<f64> = sums.iter().map(|(sum, count)| sum / f64::max(*count, 1.0)).collect();
    let mut courses: BTreeMap<(String, String, String), Vec<Option<f64>>> = BTreeMap::new();
    let mut is_truncated = told.is_truncated;
    for (pair, told) in series.into_iter().enumerate() {
        is_truncated |= told.is_truncated;
        answer.gaps.extend(told.gaps);
        for row in told.rows {
            let course = courses
                .entry((row.metric, row.instance, row.service))
                .or_insert_with(|| vec![None; buckets.count() + 1]);
            for (place, figures) in [(pair * 2, row.good), (pair * 2 + 1, row.bad)] {
                if let Some(slot) = course.get_mut(place).filter(|_| figures.n > 0) {
                    *slot = Some(slot.unwrap_or(0.0) + figures.mean.get());
                }
            }
        }
    }
    answer.correlations = courses
        .into_iter()
        .filter_map(|((metric, instance, service), course)| {
            let pairs: Vec<(f64, f64)> =
                course.iter().zip(&latency).filter_map(|(one, other)| Some(((*one)?, *other))).collect();
            let (one, other): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let r = pearson(&one, &other).filter(|r| r.abs() >= R_MIN)?;
            Some(of_course(&metric, &instance, &service, r))
        })
        .collect();
    answer.gaps.sort();
    answer.gaps.dedup();
    sort_by_r(&mut answer);
    (answer, is_truncated)
}

fn sort_by_r(answer: &mut Answer) {
    let r = |row: &Correlation| row.r.map_or(0.0, |r| r.get().abs());
    answer.correlations.sort_by(|one, other| {
        r(other).total_cmp(&r(one)).then_with(|| {
            (&one.field, &one.value, &one.service).cmp(&(&other.field, &other.value, &other.service))
        })
    });
    if !answer.correlations.is_empty() {
        answer.gaps.push("a common course is no proof: coefficients have no chance given here".to_owned());
    }
}

/// The coefficient of Pearson; none for fewer than three values or where one side does not move.
fn pearson(one: &[f64], other: &[f64]) -> Option<f64> {
    if one.len() < BUCKETS_MIN || one.len() != other.len() {
        return None;
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (a, b) = (mean(one), mean(other));
    let sum = |of: &mut dyn Iterator<Item = f64>| of.sum::<f64>();
    let both = sum(&mut one.iter().zip(other).map(|(x, y)| (x - a) * (y - b)));
    let (x, y) =
        (sum(&mut one.iter().map(|x| (x - a) * (x - a))), sum(&mut other.iter().map(|y| (y - b) * (y - b))));
    (x > 0.0 && y > 0.0).then(|| both / (x * y).sqrt())
}
