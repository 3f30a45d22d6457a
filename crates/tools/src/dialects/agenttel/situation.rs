//! What is known of one operation in trouble: its patterns, when it began, what changed before, how unusual it is.

use evidence::change_point;
use evidence::health::Deviation;
use evidence::health::anomaly::{self, Anomaly};
use evidence::health::changes::{self, RankedChanges};
use evidence::health::playbook::Facts as Figures;
use evidence::health::service::OperationHealth;
use evidence::health::shown::{self, Sampled, Tables};
use evidence::patterns::Pattern;
use evidence::series::{self, Series};
use telemetry::answer::{ChangeKind, ChangeRow, OnsetRow, SeriesRow, Table};
use telemetry::{Ask, Scope, UnixNanos, Window};

use super::facts::Facts;
use crate::asked;
use crate::tool::Context;

/// Seconds before the window in which its history lies, and in which changes are looked for.
const HISTORY_SECONDS: i64 = 1_800;
const CHANGES_SECONDS: i64 = 86_400;
/// Seconds of one sample of the history of a median.
const SAMPLE_SECONDS: i64 = 30;
/// Windows in which memory is sampled.
const MEMORY_SAMPLES: i64 = 12;
/// Seconds before the onset in which a deployment counts for a playbook.
const DEPLOYMENT_SECONDS: f64 = 1_800.0;

/// One operation in trouble, or not.
#[derive(Debug)]
pub(super) struct Situation {
    pub(super) patterns: Vec<Pattern>,
    /// When it began, as far as the window shows.
    pub(super) onset: UnixNanos,
    pub(super) changes: Vec<ChangeRow>,
    pub(super) anomaly: Option<Anomaly>,
    memory_growth: Option<f64>,
    throughput_growth: Option<f64>,
    pub(super) gaps: Vec<String>,
}

impl Situation {
    /// Asks for what the health of the service does not hold.
    pub(super) async fn of(context: &Context, facts: &Facts, operation: &str) -> Self {
        let window = facts.window;
        let whole = Window::new(window.from.plus_seconds(-HISTORY_SECONDS), window.to);
        let scope = Scope { operation: Some(operation.to_owned()), ..Scope::service(&facts.service) };
        let onset = Ask::Onset { window: whole, scope };
        let seconds = asked::one(context, onset, |table| match table {
            Table::Onset(rows) => Some(rows),
            _ => None,
        })
        .await;
        let (changes, mut gaps) = changes_of(context, &facts.service, window.to).await;
        let sampled = memory(context, &facts.service, whole).await;
        let sampled: Vec<Sampled<'_>> = sampled.iter().map(|(pair, rows)| (*pair, rows.as_slice())).collect();
        let health = health_of(facts, operation);
        // A default baseline is no knowledge: nothing is held against it.
        let judged = health.filter(|one| one.deviation != Deviation::Unknown);
        let tables = Tables {
            now: judged.map(|one| (&one.figures, &one.baseline)),
            dependencies: &facts.health.dependencies,
            seconds: &seconds.rows,
            changes: &changes,
            memory: &sampled,
        };
        let all = series::sum(&seconds.rows);
        gaps.extend(seconds.gaps);
        gaps.sort();
        gaps.dedup();
        Self {
            patterns: shown::patterns(&tables, &facts.service),
            onset: began(&all, window, health),
            anomaly: health.and_then(|one| unusual(one, &seconds.rows, window, facts)),
            memory_growth: shown::memory_growth(&tables, &facts.service),
            throughput_growth: growth_of_requests(&all, window),
            changes,
            gaps,
        }
    }

    /// Its changes in the order to look at.
    pub(super) fn ranked(&self) -> RankedChanges<'_> {
        changes::rank(&self.changes, self.onset)
    }

    /// The figures that playbooks ask for, as far as they are known.
    pub(super) fn figures(&self, facts: &Facts, operation: &str) -> Figures {
        let failing = facts.health.dependencies.iter().filter(|one| one.failure_rate > 0.1).count();
        let is_recent = |row: &&ChangeRow| {
            let before = self.onset.since(row.at) as f64 / 1e9;
            row.kind == ChangeKind::Deploy && (0.0..=DEPLOYMENT_SECONDS).contains(&before)
        };
        let deployments = self.changes.iter().filter(is_recent).count();
        let mut figures = Figures::from([
            ("failing_dependencies", failing as f64),
            ("deployments_before_onset", deployments as f64),
        ]);
        if let Some(one) = health_of(facts, operation) {
            let rate = one.figures.failure_rate();
            figures.insert("failure_rate", rate);
            if one.deviation != Deviation::Unknown {
                figures.insert("latency_growth", one.figures.p50_ms / one.baseline.p50_ms);
                figures.insert("failure_rate_growth", rate / one.baseline.failure_rate.max(0.001));
            }
        }
        let told = [("memory_growth", self.memory_growth), ("throughput_growth", self.throughput_growth)];
        figures.extend(told.into_iter().filter_map(|(name, value)| Some((name, value?))));
        figures
    }
}

/// The health of an operation of the service.
pub(super) fn health_of<'a>(facts: &'a Facts, operation: &str) -> Option<&'a OperationHealth> {
    facts.health.operations.iter().find(|one| one.operation == operation)
}

/// The changes of a day, of the service and of those that belong to none; each source knows others.
async fn changes_of(context: &Context, service: &str, to: UnixNanos) -> (Vec<ChangeRow>, Vec<String>) {
    let window = Window::new(to.plus_seconds(-CHANGES_SECONDS), to);
    let (mut changes, mut gaps) = (Vec::new(), Vec::new());
    for answered in context.installation.ask(vec![Ask::Changes { window, scope: Scope::all() }]).await {
        match answered.result {
            Ok(answer) => {
                if let Table::Changes(rows) = answer.table {
                    changes.extend(rows);
                }
            }
            Err(error) => gaps.push(format!("{}: {error}", answered.source.0)),
        }
    }
    changes.retain(|row: &ChangeRow| row.service == service || row.service.is_empty());
    (changes, gaps)
}

/// Metrics of the service in successive windows, two of them an answer.
async fn memory(context: &Context, service: &str, whole: Window) -> Vec<((Window, Window), Vec<SeriesRow>)> {
    let step = (whole.seconds() as i64 / MEMORY_SAMPLES).max(1);
    let part =
        |at: i64| Window::new(whole.from.plus_seconds(at * step), whole.from.plus_seconds((at + 1) * step));
    let pairs: Vec<(Window, Window)> =
        (0..MEMORY_SAMPLES / 2).map(|at| (part(2 * at), part(2 * at + 1))).collect();
    let asks = pairs.iter().map(|(good, bad)| Ask::SeriesChange {
        good: *good,
        bad: *bad,
        scope: Scope::service(service),
        metrics: Vec::new(),
    });
    let answers = asked::each(context, asks.collect()).await;
    let rows = answers.into_iter().map(|answers| {
        asked::picked(answers, |table| match table {
            Table::SeriesChange(rows) => Some(rows),
            _ => None,
        })
        .rows
    });
    pairs.into_iter().zip(rows).collect()
}

/// When it began: where the failures or the latency rose, else the start of the window.
fn began(all: &Series, window: Window, health: Option<&OperationHealth>) -> UnixNanos {
    let Some(health) = health else { return window.from };
    let is_slow = health.deviation > Deviation::Normal;
    let is_failing = health.figures.errors > 0;
    let value = |second: &series::Second| {
        if is_slow { second.mean_ms() } else { (second.errors as f64 + 0.1) / second.count.max(1) as f64 }
    };
    if !is_slow && !is_failing {
        return window.from;
    }
    let values: Vec<(UnixNanos, f64)> =
        all.iter().filter(|(_, second)| second.count > 0).map(|(at, second)| (*at, value(second))).collect();
    change_point::find_rise(&values, window.to).map_or(window.from, |found| found.at)
}

/// How unusual the median latency is against those of the half hour before.
fn unusual(one: &OperationHealth, rows: &[OnsetRow], window: Window, facts: &Facts) -> Option<Anomaly> {
    let before = series::sum(rows.iter().filter(|row| row.second < window.from));
    let mut samples: std::collections::BTreeMap<i64, series::Second> = std::collections::BTreeMap::new();
    for (at, second) in &before {
        samples.entry(at.0.div_euclid(SAMPLE_SECONDS * 1_000_000_000)).or_default().merge(second);
    }
    let history: Vec<f64> = samples.values().map(series::Second::p50_ms).collect();
    anomaly::of(one.figures.p50_ms, &history, &facts.declared.settings)
}

/// Requests a second in the window over those before it; nothing without a history of a minute.
fn growth_of_requests(all: &Series, window: Window) -> Option<f64> {
    let first = *all.keys().next()?;
    let count = |from: UnixNanos, to: UnixNanos| -> f64 {
        series::within(all, Window::new(from, to)).map(|(_, second)| second.count as f64).sum()
    };
    let seconds_before = Window::new(first, window.from).seconds();
    let before = count(first, window.from) / seconds_before.max(1.0);
    (seconds_before >= 60.0 && before > 0.0)
        .then(|| count(window.from, window.to) / window.seconds().max(1.0) / before)
}
