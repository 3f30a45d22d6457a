//! `status`: how the system is now, the worst first.

use std::collections::BTreeMap;

use ::evidence::health::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::HealthRow;
use telemetry::number::Num;
use telemetry::{Scope, Window};

use crate::access::Permission;
use crate::asked::Picked;
use crate::budget::{Budget, Shorten, clip};
use crate::health::Requests;
use crate::hint::Hint;
use crate::installation::IncidentRow;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::{health, services, when};

/// The tool.
#[derive(Debug)]
pub struct Status;

/// Seconds of which "now" is made.
const NOW: i64 = 300;
/// Seconds before that are what it is compared with.
const BEFORE: i64 = 3600;
/// Services at most.
const ROWS: usize = 50;
/// Characters of a name.
const NAME: usize = 160;
/// Incidents that are looked at and shown.
const INCIDENTS: usize = 5;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its operations; else all services.
    #[serde(default)]
    service: Option<String>,
    /// `now` when not given: the five minutes before are looked at.
    #[serde(default)]
    end: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    at: String,
    /// Running ones, and those of the window and the hour before.
    incidents: Vec<String>,
    total: usize,
    /// The worst first.
    rows: Vec<Row>,
    gaps: Vec<String>,
}

/// One service, or one operation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Row {
    name: String,
    /// `healthy`, `degraded`, `critical` or `unknown`.
    status: String,
    requests_per_min: Num,
    /// 0-1.
    failure_rate: Num,
    p95_ms: Num,
    /// In the hour before.
    before_p95_ms: Option<Num>,
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let incidents: String = self.incidents.iter().map(|line| format!("\nincident: {line}")).collect();
        let rows: String = self.rows.iter().map(Row::line).collect();
        let none = if self.rows.is_empty() { "\nno requests in this window" } else { "" };
        let gaps: String = self.gaps.iter().map(|gap| format!("\ngap: {gap}")).collect();
        format!("STATUS {}: {} of {}{incidents}{none}{rows}{gaps}", self.at, self.rows.len(), self.total)
    }

    fn shorten(&mut self) -> bool {
        self.rows.len() > 1 && self.rows.pop().is_some()
    }
}

impl Row {
    fn line(&self) -> String {
        let before = self.before_p95_ms.map(|ms| format!(" (before {:.0}ms)", ms.get())).unwrap_or_default();
        format!(
            "\n{} [{}] {:.0}/min err={:.1}% p95={:.0}ms{before}",
            self.name,
            self.status,
            self.requests_per_min.get(),
            self.failure_rate.get() * 100.0,
            self.p95_ms.get(),
        )
    }
}

impl Typed for Status {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "status".to_owned(),
            description: "Show incidents of now and the health of all services now, the worst first.\n\
                          When to use: to begin; to see whether something is wrong; after a fix.\n\
                          When NOT to use: why it is wrong (`report`, `investigate`); past incidents (`incidents`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let now = context.installation.now();
        let window = when::window(None, input.end.as_deref(), now, NOW).map_err(ToolError::Input)?;
        let before = Window::new(window.from.plus_seconds(-BEFORE), window.from);
        let scope = input.service.as_deref().map_or_else(Scope::all, Scope::service);
        let mut answers = health::rows(context, &[window, before], &scope).await.into_iter();
        let none =
            || Picked { rows: Vec::new(), source: String::new(), is_truncated: false, gaps: Vec::new() };
        let (lately, earlier) = (answers.next().unwrap_or_else(none), answers.next().unwrap_or_else(none));
        if let Some(service) = &input.service
            && lately.rows.is_empty()
            && earlier.rows.is_empty()
        {
            services::known(context, Window::new(before.from, window.to), service).await?;
        }
        let is_one = input.service.is_some();
        let declared = context.installation.declared();
        let (now_sums, before_sums) =
            (sums(&lately.rows, is_one, slowest), sums(&earlier.rows, is_one, usual));
        let mut rows = rows(&now_sums, &before_sums, window, &declared.settings);
        let total = rows.len();
        rows.truncate(ROWS);
        let mut incidents = context.installation.incidents(INCIDENTS)?.rows;
        // What broke last week is no reason for what is seen now.
        let is_of_now = |row: &IncidentRow| row.opened_at >= before.from && row.opened_at <= window.to;
        incidents.retain(|row| row.status == "running" || is_of_now(row));
        let next = hints(&incidents, rows.first().filter(|_| !is_one), &input);
        let told = incidents
            .iter()
            .map(|row| clip(&format!("{} [{}] {}", row.incident, row.status, row.headline), 200));
        let answer =
            Answer { at: window.to.rfc3339(), incidents: told.collect(), total, rows, gaps: lately.gaps };
        Ok(Found { answer, is_truncated: lately.is_truncated || total > ROWS, next })
    }
}

/// The requests of each service, or of each operation of the one that is asked for. Of an operation the quantile is that of
/// its parts which `of_parts` chooses, of a service that of its slowest operation: quantiles do not add up.
fn sums(
    rows: &[HealthRow],
    is_by_operation: bool,
    of_parts: fn(&[&HealthRow]) -> i64,
) -> BTreeMap<&str, Requests> {
    let mut operations: BTreeMap<(&str, &str), Vec<&HealthRow>> = BTreeMap::new();
    for row in rows {
        operations.entry((&row.subject.service, &row.subject.operation)).or_default().push(row);
    }
    let mut sums: BTreeMap<&str, Requests> = BTreeMap::new();
    for ((service, operation), parts) in operations {
        let sum = sums.entry(if is_by_operation { operation } else { service }).or_default();
        sum.count += parts.iter().map(|row| row.count).sum::<u64>();
        sum.errors += parts.iter().map(|row| row.errors).sum::<u64>();
        sum.p95_ns = sum.p95_ns.max(of_parts(&parts));
    }
    sums
}

/// Of what is judged, the slowest part: one instance of many that is slow is told.
fn slowest(parts: &[&HealthRow]) -> i64 {
    parts.iter().map(|row| row.p95_ns).max().unwrap_or_default()
}

/// Of what it is held against, the part of the typical request: a few requests of a version that has just come are not
/// what was usual.
fn usual(parts: &[&HealthRow]) -> i64 {
    health::weighted(parts.iter().map(|row| (row.p95_ns, row.count)), 0.5)
}

fn rows(
    lately: &BTreeMap<&str, Requests>,
    earlier: &BTreeMap<&str, Requests>,
    window: Window,
    settings: &Settings,
) -> Vec<Row> {
    let minutes = (window.seconds() / 60.0).max(f64::MIN_POSITIVE);
    let mut rows: Vec<Row> = lately
        .iter()
        .map(|(name, sum)| {
            let before = earlier.get(name).filter(|sum| sum.count >= settings.requests_min);
            Row {
                name: clip(name, NAME),
                status: health::judged(sum, before, settings).name().to_owned(),
                requests_per_min: Num::new(sum.count as f64 / minutes),
                failure_rate: Num::new(sum.errors as f64 / sum.count.max(1) as f64),
                p95_ms: Num::new(sum.p95_ns as f64 / 1e6),
                before_p95_ms: before.map(|before| Num::new(before.p95_ns as f64 / 1e6)),
            }
        })
        .collect();
    rows.sort_by(|one, other| {
        let key = |row: &Row| (rank(&row.status), -row.failure_rate.get(), -row.p95_ms.get());
        key(one)
            .partial_cmp(&key(other))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| one.name.cmp(&other.name))
    });
    rows
}

fn rank(status: &str) -> u8 {
    match status {
        "critical" => 0,
        "degraded" => 1,
        "unknown" => 2,
        _ => 3,
    }
}

/// An incident's report before all; else the engine on what looks worst.
fn hints(incidents: &[IncidentRow], worst: Option<&Row>, input: &Input) -> Vec<Hint> {
    let mut next = Vec::new();
    if let Some(incident) = incidents.first() {
        next.push(Hint::new("report", json!({ "incident": incident.incident }), "why it broke"));
    }
    if let Some(row) = worst.filter(|row| rank(&row.status) < 2) {
        next.push(Hint::new("investigate", json!({ "service": row.name }), "why it is worse than before"));
    } else if let (Some(service), true) = (&input.service, incidents.is_empty()) {
        next.push(Hint::new(
            "investigate",
            json!({ "service": service }),
            "the whole engine on this service",
        ));
    }
    if next.is_empty() {
        next.push(Hint::new("changes", json!({}), "what changed lately"));
    }
    next
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;
    use telemetry::answer::Subject;

    use super::*;

    fn part(version: &str, count: u64, p95_ms: i64) -> HealthRow {
        let subject = Subject {
            service: "orders".to_owned(),
            operation: "GET /orders".to_owned(),
            instance: format!("orders-{version}"),
            version: version.to_owned(),
        };
        let p95_ns = p95_ms * 1_000_000;
        HealthRow { subject, count, errors: 0, sum_ns: 0, p50_ns: p95_ns, p95_ns, p99_ns: p95_ns }
    }

    #[test]
    fn the_first_requests_of_a_bad_version_are_not_what_was_usual() {
        let before = [part("1.0.0", 1800, 12), part("1.1.0", 60, 136)];
        let now = [part("1.0.0", 500, 12), part("1.1.0", 500, 136)];
        let (before, now) = (sums(&before, true, usual), sums(&now, true, slowest));
        let window = Window::new(UnixNanos(0), UnixNanos(0).plus_seconds(300));
        let rows = rows(&now, &before, window, &Settings::default());
        assert_eq!((rows[0].status.as_str(), rows[0].p95_ms), ("critical", Num::new(136.0)));
        assert_eq!(rows[0].before_p95_ms, Some(Num::new(12.0)));
    }
}
