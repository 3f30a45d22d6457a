//! `investigate`: the engine on one symptom, here and now.

use incident::{Alert, AlertSignal, Measured, Symptom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use telemetry::answer::{OnsetRow, Table};
use telemetry::number::Num;
use telemetry::{Ask, Scope, Space, UnixNanos, Window};

use crate::access::Permission;
use crate::budget::Budget;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::{asked, report, services, when};

/// The tool.
#[derive(Debug)]
pub struct Investigate;

/// How the origin of an alert begins that a tool raised: it is explained, and nothing is ever done about it.
pub const ORIGIN: &str = "tool:";
/// Seconds in which something is taken to be wrong when no start is given.
const BACK: i64 = 300;
/// Seconds before that serve as history.
const HISTORY: i64 = 900;

/// The engine looks again a minute after an alert when it sees no cause at once. Who asks now must not wait for that
/// minute: where the window is long enough its end is moved back by so many seconds, which have then passed already.
const SETTLED: i64 = 64;
/// Seconds of a window that must be left for that.
const LEFT_MIN: i64 = 60;

/// Which figure is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Signal {
    Latency,
    Errors,
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where it hurts; else what looks worst.
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    signal: Option<Signal>,
    /// Since when, `now-5m` when not given.
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
}

impl Typed for Investigate {
    type Input = Input;
    type Answer = report::Answer;

    fn about() -> About {
        About {
            name: "investigate".to_owned(),
            description: "Investigate a symptom with the deterministic engine and explain its root cause, or say that the \
                          evidence does not suffice. Changes nothing.\n\
                          When to use: for a symptom that raised no alert; to look again, or at another window.\n\
                          When NOT to use: an incident that is explained already (`report`); a glance (`status`)."
                .to_owned(),
            permission: Permission::Diagnose,
            budget: Budget::PAGE,
            is_read_only: false,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<report::Answer>, ToolError> {
        let alert = alert(context, &input).await?;
        let report = context.installation.investigate(alert).await?;
        Ok(Found::whole(report::Answer::of(&report), report::hints(&report)))
    }
}

/// The alert that the arguments stand for, with the figures that the sources know.
async fn alert(context: &Context, input: &Input) -> Result<Alert, ToolError> {
    let now = context.installation.now();
    let asked =
        when::window(input.start.as_deref(), input.end.as_deref(), now, BACK).map_err(ToolError::Input)?;
    let history_from = asked.from.plus_seconds(-HISTORY);
    let (good, whole) = (Window::new(history_from, asked.from), Window::new(history_from, asked.to));
    let scope = input.service.as_deref().map_or_else(Scope::all, Scope::service);
    let rows = onset(context, whole, scope).await;
    let subject = match &input.service {
        Some(service) => {
            services::known(context, whole, service).await?;
            if let Some(operation) = &input.operation {
                services::known_operation(context, whole, service, operation).await?;
            }
            Some((service.clone(), input.operation.clone().unwrap_or_default(), input.signal))
        }
        None => {
            worst(&rows, good, asked).map(|(service, operation, signal)| (service, operation, Some(signal)))
        }
    };
    let seen = subject.map(|(service, operation, signal)| {
        let its: Vec<&OnsetRow> = rows
            .iter()
            .filter(|row| row.subject.service == service)
            .filter(|row| operation.is_empty() || row.subject.operation == operation)
            .collect();
        let signal = signal.map_or_else(|| likelier(&its, good, asked), Signal::of);
        let wrong = shown(&its, signal, good, (asked, settled(asked, now)));
        let symptom = Symptom {
            baseline: Measured::of(its.iter().copied(), signal, good),
            observed: Measured::of(its.iter().copied(), signal, wrong),
            service,
            operation,
            signal,
            baseline_window: good,
            observed_window: wrong,
            q_value: Num::default(),
        };
        (symptom, wrong)
    });
    let wrong = seen.as_ref().map_or_else(|| settled(asked, now), |(_, wrong)| *wrong);
    let symptoms: Vec<Symptom> = seen.into_iter().map(|(symptom, _)| symptom).collect();
    let of = symptoms.first().map(|symptom| symptom.service.as_str()).unwrap_or("all");
    Ok(Alert {
        space: Space::default(),
        origin: format!("{ORIGIN}{}", context.caller.principal),
        at: wrong.to,
        history_from,
        dedupe_key: format!("tool:{of}:{}:{}", wrong.from.0, wrong.to.0),
        symptoms,
    })
}

/// The window to look at: the settled part, unless what is wrong shows in the last minute alone. Who asks about what
/// has just begun may wait; nobody waits for what does not show at all.
fn shown(
    rows: &[&OnsetRow],
    signal: AlertSignal,
    good: Window,
    (asked, settled): (Window, Window),
) -> Window {
    let shows = |window| rise(rows, signal, good, window) > RISE_MIN;
    if shows(asked) && !shows(settled) { asked } else { settled }
}

/// The part of a window after which a minute has passed, where enough of it is left.
fn settled(asked: Window, now: UnixNanos) -> Window {
    let to = asked.to.min(now.plus_seconds(-SETTLED));
    let is_long = to >= asked.from.plus_seconds(LEFT_MIN);
    if is_long { Window::new(asked.from, to) } else { asked }
}

impl Signal {
    fn of(self) -> AlertSignal {
        match self {
            Self::Latency => AlertSignal::Latency,
            Self::Errors => AlertSignal::Errors,
        }
    }
}

async fn onset(context: &Context, window: Window, scope: Scope) -> Vec<OnsetRow> {
    let picked = asked::one::<Vec<OnsetRow>>(context, Ask::Onset { window, scope }, |table| match table {
        Table::Onset(rows) => Some(rows),
        _ => None,
    });
    picked.await.rows
}

/// The operation whose requests got worst: by the share that fails more, else by how many times longer they take. Only
/// where to begin: the engine finds where it comes from. None where nothing got worse.
fn worst(rows: &[OnsetRow], good: Window, wrong: Window) -> Option<(String, String, Signal)> {
    let mut names: Vec<(&str, &str)> =
        rows.iter().map(|row| (row.subject.service.as_str(), row.subject.operation.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    let scored = names.into_iter().map(|(service, operation)| {
        let its: Vec<&OnsetRow> = rows
            .iter()
            .filter(|row| row.subject.service == service && row.subject.operation == operation)
            .collect();
        let signal = likelier(&its, good, wrong);
        (rise(&its, signal, good, wrong), service, operation, signal)
    });
    let (rise, service, operation, signal) = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    let signal = if signal == AlertSignal::Errors { Signal::Errors } else { Signal::Latency };
    (rise > RISE_MIN).then(|| (service.to_owned(), operation.to_owned(), signal))
}

/// A rise below this is no place to begin: half as long again, or half a percent more failures.
const RISE_MIN: f64 = 0.5;

/// How much worse a figure got: the share that fails in percent points, the mean duration in times.
fn rise(rows: &[&OnsetRow], signal: AlertSignal, good: Window, wrong: Window) -> f64 {
    let (before, now) =
        (Measured::of(rows.iter().copied(), signal, good), Measured::of(rows.iter().copied(), signal, wrong));
    if now.count == 0 || before.count == 0 {
        return 0.0;
    }
    let (before, now) = (before.value.get(), now.value.get());
    match signal {
        AlertSignal::Errors => (now - before) * 100.0,
        AlertSignal::Latency | AlertSignal::Throughput => now / before.max(f64::MIN_POSITIVE) - 1.0,
    }
}

/// Failures where the share that fails rose by a percent point, else latency.
fn likelier(rows: &[&OnsetRow], good: Window, wrong: Window) -> AlertSignal {
    if rise(rows, AlertSignal::Errors, good, wrong) >= 1.0 {
        AlertSignal::Errors
    } else {
        AlertSignal::Latency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_window_ends_a_minute_ago_and_a_short_one_as_asked() {
        let now = UnixNanos(1_750_000_000_000_000_000);
        let window = |from: i64, to: i64| Window::new(now.plus_seconds(from), now.plus_seconds(to));
        assert_eq!(settled(window(-300, 0), now), window(-300, -64));
        assert_eq!(
            settled(window(-100, 0), now),
            window(-100, 0),
            "what began just now is looked at as it is"
        );
        assert_eq!(settled(window(-900, -600), now), window(-900, -600));
    }
}
