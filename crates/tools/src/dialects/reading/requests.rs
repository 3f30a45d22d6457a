//! Rate, errors and duration of requests by group: the one computation behind every figure of that kind.
//!
//! Counts and failures are of requests, never of documents (C-04), and of entry spans, never of calls to a dependency
//! (EL-46). Quantiles of parts do not add up to one of the whole: that of a group of several rows is the largest of its
//! parts, which the whole's never exceeds, and is marked. Where a source knows no quantiles, none is given.

use std::collections::BTreeMap;

use telemetry::answer::{HealthRow, OnsetRow, Subject};
use telemetry::number::Num;
use telemetry::{Ask, Scope, Window};

use super::filter::Filter;
use super::told::{self, Told};
use crate::dialects::Record;
use crate::health;
use crate::tool::{Context, ToolError};

/// The fields that figures of requests carry.
pub(crate) const FIELDS: [&str; 4] =
    ["service.name", "transaction.name", "service.node.name", "service.version"];

/// What requests of one subject did.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) subject: Subject,
    pub(crate) count: u64,
    pub(crate) errors: u64,
    pub(crate) sum_ns: i64,
    /// Median, 95th and 99th percentile; none where the source does not know them.
    pub(crate) quantiles_ns: Option<[i64; 3]>,
}

/// What requests of one group did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) count: u64,
    pub(crate) errors: u64,
    pub(crate) sum_ns: i64,
    pub(crate) quantiles_ns: Option<[i64; 3]>,
    /// Rows that were added up.
    pub(crate) parts: usize,
}

/// Which figure of the durations.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LatencyType {
    /// The mean.
    #[default]
    Avg,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
}

impl Group {
    pub(crate) fn add(&mut self, row: &Row) {
        let of = |one: [i64; 3], other: [i64; 3]| {
            [one[0].max(other[0]), one[1].max(other[1]), one[2].max(other[2])]
        };
        self.quantiles_ns = match (self.parts, self.quantiles_ns, row.quantiles_ns) {
            (0, _, quantiles) => quantiles,
            (_, Some(one), Some(other)) => Some(of(one, other)),
            _ => None,
        };
        self.count += row.count;
        self.errors += row.errors;
        self.sum_ns = self.sum_ns.saturating_add(row.sum_ns);
        self.parts += 1;
    }

    /// In milliseconds.
    pub(crate) fn latency_ms(&self, kind: LatencyType) -> Option<Num> {
        let ns = match kind {
            LatencyType::Avg => (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64),
            LatencyType::P95 => self.quantiles_ns.map(|[_, p95, _]| p95 as f64),
            LatencyType::P99 => self.quantiles_ns.map(|[_, _, p99]| p99 as f64),
        };
        ns.map(|ns| Num::new(ns / 1e6))
    }

    /// 0 to 1.
    pub(crate) fn failure_rate(&self) -> Num {
        Num::new(self.errors as f64 / self.count.max(1) as f64)
    }

    /// Per minute.
    pub(crate) fn per_minute(&self, window: Window) -> Num {
        Num::new(self.count as f64 * 60.0 / window.seconds().max(1.0))
    }
}

/// The figures of `window` that the filter keeps.
///
/// # Errors
/// When the filter asks for what figures do not carry.
pub(crate) async fn rows(
    context: &Context,
    window: Window,
    scope: Scope,
    filter: &Filter,
) -> Result<Told<Vec<Row>>, ToolError> {
    filter.only(&FIELDS)?;
    let scope = filter.within(scope)?;
    let told = told::ask::<Vec<HealthRow>>(
        context,
        Ask::Health { window, scope: scope.clone() },
        told::rows!(Health),
    );
    let told = told.await;
    let mut told = if told.is_answered && !told.rows.is_empty() {
        let measured = told.from_metrics.clone();
        told.map(|rows| rows.into_iter().map(|row| Row::of(row, &measured)).collect::<Vec<_>>())
    } else {
        from_seconds(context, window, scope, told.gaps).await
    };
    told.rows.retain(|row| filter.keeps(&row.record()));
    if !told.from_metrics.is_empty() {
        told.gaps.push(format!(
            "no percentiles, only means, of {}: measured by servers",
            told.from_metrics.join(", ")
        ));
    }
    Ok(told)
}

/// From the seconds, where nobody tells of the whole.
async fn from_seconds(context: &Context, window: Window, scope: Scope, gaps: Vec<String>) -> Told<Vec<Row>> {
    let told = told::ask::<Vec<OnsetRow>>(context, Ask::Onset { window, scope }, told::rows!(Onset)).await;
    if told.rows.is_empty() {
        let gaps = if told.is_answered { told.gaps.clone() } else { gaps };
        return Told { gaps, ..told.map(|_| Vec::new()) };
    }
    let measured = told.from_metrics.clone();
    let mut told = told.map(|rows| {
        let rows = health::folded(rows).into_iter();
        rows.map(|row| Row::of(row, &measured)).collect::<Vec<_>>()
    });
    told.gaps.push("percentiles are put together from those of the seconds".to_owned());
    told
}

impl Row {
    fn of(row: HealthRow, measured: &[String]) -> Self {
        let is_measured = measured.contains(&row.subject.service);
        Self {
            count: row.count,
            errors: row.errors,
            sum_ns: row.sum_ns,
            quantiles_ns: (!is_measured).then_some([row.p50_ns, row.p95_ns, row.p99_ns]),
            subject: row.subject,
        }
    }

    /// What a filter sees of it.
    pub(crate) fn record(&self) -> Record {
        record(&self.subject)
    }
}

/// What a filter sees of a subject.
pub(crate) fn record(subject: &Subject) -> Record {
    Record::default()
        .with("service.name", &subject.service)
        .with("transaction.name", &subject.operation)
        .with("service.node.name", &subject.instance)
        .with("service.version", &subject.version)
}

/// The part of a subject that a field of [`FIELDS`] names.
pub(crate) fn part<'a>(subject: &'a Subject, field: &str) -> &'a str {
    match field {
        "transaction.name" => &subject.operation,
        "service.node.name" => &subject.instance,
        "service.version" => &subject.version,
        _ => &subject.service,
    }
}

/// Added up by the values of a field.
pub(crate) fn grouped(rows: &[Row], field: &str) -> BTreeMap<String, Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for row in rows {
        groups.entry(part(&row.subject, field).to_owned()).or_default().add(row);
    }
    groups
}

/// Second by second, of what the filter keeps.
///
/// # Errors
/// When the filter asks for what figures do not carry.
pub(crate) async fn seconds(
    context: &Context,
    window: Window,
    scope: Scope,
    filter: &Filter,
) -> Result<Told<Vec<OnsetRow>>, ToolError> {
    filter.only(&FIELDS)?;
    let scope = filter.within(scope)?;
    let told = told::ask::<Vec<OnsetRow>>(context, Ask::Onset { window, scope }, told::rows!(Onset)).await;
    Ok(told.map(|mut rows| {
        rows.retain(|row| filter.keeps(&record(&row.subject)));
        rows
    }))
}
