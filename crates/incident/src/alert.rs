//! What is wrong as seen from outside, and the door through which it is reported.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use telemetry::answer::OnsetRow;
use telemetry::number::Num;
use telemetry::{Space, UnixNanos, Window};

/// Which figure of a service is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertSignal {
    /// Duration of entry spans.
    Latency,
    /// Share of failed entry spans.
    Errors,
    /// Messages taken from a queue, per second: too few.
    Throughput,
}

/// A figure over a window, with how much data stands behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Measured {
    /// Items.
    pub count: u64,
    /// Seconds with data.
    pub seconds: u64,
    /// Latency in milliseconds, failure rate from 0 to 1, or messages a second.
    pub value: Num,
}

impl Measured {
    /// The figure of `signal` in the rows that lie inside `window`; of latency and errors the mean over all requests.
    #[must_use]
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a OnsetRow>, signal: AlertSignal, window: Window) -> Self {
        let (mut count, mut errors, mut sum_ns, mut seconds) = (0_u64, 0_u64, 0_i64, BTreeSet::new());
        for row in rows.into_iter().filter(|row| window.contains(row.second)) {
            count += row.count;
            errors += row.errors;
            sum_ns = sum_ns.saturating_add(row.sum_ns);
            seconds.insert(row.second);
        }
        let of = count.max(1) as f64;
        let value = match signal {
            AlertSignal::Latency => sum_ns as f64 / of / 1e6,
            AlertSignal::Errors => errors as f64 / of,
            AlertSignal::Throughput => count as f64 / window.seconds().max(1.0),
        };
        Self { count, seconds: seconds.len() as u64, value: Num::new(value) }
    }
}

/// One thing that is wrong, as seen from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Symptom {
    /// Of which service.
    pub service: String,
    /// Of which of its operations; empty when of all.
    pub operation: String,
    /// Which figure.
    pub signal: AlertSignal,
    /// What it was before.
    pub baseline: Measured,
    /// What it is now.
    pub observed: Measured,
    /// The window of `baseline`.
    pub baseline_window: Window,
    /// The window of `observed`.
    pub observed_window: Window,
    /// Probability of such a difference between equal windows, corrected for all series looked at.
    pub q_value: Num,
}

impl Symptom {
    /// Whether requests of this operation of this service show it. A symptom that names no operation is of all of them.
    #[must_use]
    pub fn is_of(&self, service: &str, operation: &str) -> bool {
        self.service == service && (self.operation.is_empty() || self.operation == operation)
    }
}

/// A report that something is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alert {
    /// In which area.
    pub space: Space,
    /// Who raised it.
    pub origin: String,
    /// Data time of the last second looked at.
    pub at: UnixNanos,
    /// The earliest data that may serve as history.
    pub history_from: UnixNanos,
    /// Alerts with the same key belong to one incident while it is open.
    pub dedupe_key: String,
    /// What is wrong, worst first.
    pub symptoms: Vec<Symptom>,
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertReceipt {
    /// The incident it belongs to.
    pub incident: String,
    /// Whether this alert opened it.
    pub is_new: bool,
}

/// Where every alert enters.
pub trait AlertDesk: Send + Sync {
    /// Takes an alert: opens an incident or adds to the open one with the same key.
    fn accept(&self, alert: Alert) -> AlertReceipt;
}

#[cfg(test)]
mod tests {
    use telemetry::answer::Subject;

    use super::*;

    #[test]
    fn a_figure_is_of_the_requests_inside_its_window() {
        let row = |second: i64, count: u64, errors: u64, sum_ns: i64| OnsetRow {
            subject: Subject {
                service: "a".to_owned(),
                operation: "get".to_owned(),
                instance: String::new(),
                version: String::new(),
            },
            second: UnixNanos(0).plus_seconds(second),
            count,
            errors,
            sum_ns,
            p50_ns: 0,
            p95_ns: 0,
            is_message: false,
        };
        let rows = [row(1, 3, 1, 30_000_000), row(1, 1, 1, 10_000_000), row(2, 4, 0, 0), row(9, 9, 9, 9)];
        let window = Window::new(UnixNanos(0), UnixNanos(0).plus_seconds(4));
        let of = |signal| Measured::of(&rows, signal, window);
        assert_eq!((of(AlertSignal::Latency).count, of(AlertSignal::Latency).seconds), (8, 2));
        assert_eq!(of(AlertSignal::Latency).value.get(), 5.0);
        assert_eq!(of(AlertSignal::Errors).value.get(), 0.25);
        assert_eq!(of(AlertSignal::Throughput).value.get(), 2.0);
    }
}
