//! What is wrong as seen from outside, and the door through which it is reported.

use serde::{Deserialize, Serialize};
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
