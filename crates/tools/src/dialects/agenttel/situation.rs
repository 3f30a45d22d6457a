//! What is known of one operation in trouble: its patterns, when it began, what changed before, how unusual it is.

use evidence::change_point;
use evidence::health::anomaly::{self, Anomaly};
use evidence::health::changes::{self, RankedChanges};
use evidence::health::playbook::Facts as Figures;
use evidence::health::service::OperationHealth;
use evidence::health::shown::{self, Sampled, Tables};
use evidence::health::{Deviation, Status};
use evidence::patterns::Pattern;
use evidence::series::{self, Second, Series};
use evidence::statistics::rank_sum;
use telemetry::answer::{ChangeRow, OnsetRow, SeriesRow, Table};
use telemetry::{Ask, Scope, UnixNanos, Window};

use super::facts::Facts;
use super::lacks::Lacks;
use crate::asked;
use crate::tool::Context;

/// Seconds before the window in which its history lies, and in which changes are looked for.
const HISTORY_SECONDS: i64 = 1_800;
const CHANGES_SECONDS: i64 = 86_400;
/// Seconds of one sample of the history of a median.
const SAMPLE_SECONDS: i64 = 30;
/// Windows in which memory is sampled.
const MEMORY_SAMPLES: i64 = 12;
/// Chance up to which a rise is told: the place of it is the best of many hundred, which is what keeps it this low.
const RISE_P_MAX: f64 = 1e-4;

/// One operation in trouble, or not.
#[derive(Debug)]
pub(super) struct Situation {
    pub(super) patterns: Vec<Pattern>,
    /// When it began; nothing where nothing is wrong, or no rise is more than noise.
    pub(super) onset: Option<UnixNanos>,
    pub(super) changes: Vec<ChangeRow>,
    pub(super) anomaly: Option<Anomaly>,
    memory_growth: Option<f64>,
    throughput_growth: Option<f64>,
    pub(super) is_truncated: bool,
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
        let (changes, mut lacks) = changes_of(context, &facts.service, window.to).await;
        lacks.of("seconds", &seconds);
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
        Self {
            patterns: shown::patterns(&tables, &facts.service),
            onset: health.and_then(|one| began(&all, window, one)),
            anomaly: health.and_then(|one| unusual(one, &seconds.rows, window, facts)),
            memory_growth: shown::memory_growth(&tables, &facts.service),
            throughput_growth: growth_of_requests(&all, window),
            changes,
            is_truncated: lacks.is_truncated,
            gaps: lacks.told(),
        }
    }

    /// Its changes in the order to look at; nothing without an onset, from which their places in time are counted.
    pub(super) fn ranked(&self) -> Option<RankedChanges<'_>> {
        self.onset.map(|onset| changes::rank(&self.changes, onset))
    }

    /// The figures that playbooks ask for, as far as they are known.
    pub(super) fn figures(&self, facts: &Facts, operation: &str) -> Figures {
        let failing = shown::failing_dependencies(&facts.health.dependencies);
        let mut figures = Figures::from([("failing_dependencies", failing as f64)]);
        if let Some(ranked) = self.ranked() {
            figures.insert("deployments_before_onset", ranked.deployments_shortly_before() as f64);
        }
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
async fn changes_of(context: &Context, service: &str, to: UnixNanos) -> (Vec<ChangeRow>, Lacks) {
    let window = Window::new(to.plus_seconds(-CHANGES_SECONDS), to);
    let (mut changes, mut lacks) = (Vec::new(), Lacks::default());
    for answered in context.installation.ask(vec![Ask::Changes { window, scope: Scope::all() }]).await {
        match answered.result {
            Ok(answer) => {
                lacks.is_truncated |= answer.truncated;
                if let Table::Changes(rows) = answer.table {
                    changes.extend(rows);
                }
            }
            Err(error) => lacks.gap(format!("{}: {error}", answered.source.0)),
        }
    }
    changes.retain(|row: &ChangeRow| row.service == service || row.service.is_empty());
    (changes, lacks)
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

/// When it began: where the latency or else the failures rose, if they are above what is normal and the seconds behind the rise
/// rank above those before it. Nothing is better than a moment that a rollback or a ranking would rest on without reason.
fn began(all: &Series, window: Window, health: &OperationHealth) -> Option<UnixNanos> {
    let slow = (health.deviation > Deviation::Normal).then_some(Second::mean_ms as fn(&Second) -> f64);
    let failing = (health.status > Status::Healthy).then_some(failure_share as fn(&Second) -> f64);
    slow.into_iter().chain(failing).find_map(|value| tested_rise(all, window.to, value))
}

/// Failed requests of a second; hardly any is not none, because a rise is a ratio.
fn failure_share(second: &Second) -> f64 {
    (second.errors as f64 + 0.1) / second.count.max(1) as f64
}

fn tested_rise(all: &Series, not_after: UnixNanos, value: fn(&Second) -> f64) -> Option<UnixNanos> {
    let values: Vec<(UnixNanos, f64)> =
        all.iter().filter(|(_, second)| second.count > 0).map(|(at, second)| (*at, value(second))).collect();
    let found = change_point::find_rise(&values, not_after)?;
    let side = |is_after: bool| -> Vec<f64> {
        values.iter().filter(|(at, _)| (*at >= found.at) == is_after).map(|(_, value)| *value).collect()
    };
    (rank_sum::p_raised(&side(false), &side(true)) <= RISE_P_MAX).then_some(found.at)
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
