//! One case: an alert, a time and the data. Nothing in it tells what was done to the system.

use incident::Alert;
use incident::alert::{AlertSignal, Measured, Symptom};
use serde::{Deserialize, Serialize};
use telemetry::number::Num;
use telemetry::time::SECOND_NS;
use telemetry::{Space, UnixNanos, Window};

use telemetry::recorded::Tables;

/// The schema name of `case.json`.
pub const SCHEMA: &str = "firstcause.case/1";

/// Seconds before the alert in which the symptom is taken to be there; alert rules look at one to five minutes.
pub const OBSERVED_SECONDS: i64 = 180;

/// `case.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// [`SCHEMA`].
    pub schema: String,
    /// When the alert fired.
    pub at: UnixNanos,
    /// The earliest data that may serve as history.
    pub history_from: UnixNanos,
    /// Since when the symptoms are seen, where the alert says so; else [`OBSERVED_SECONDS`] before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_from: Option<UnixNanos>,
    /// What the alert says is wrong; empty when it only says that something is.
    #[serde(default)]
    pub symptoms: Vec<CaseSymptom>,
    /// What the alert says in words; empty when nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// What a loader left out of the data, and how much of it: for people, the engine does not see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// One thing that is wrong, as an alert names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSymptom {
    /// Of which service.
    pub service: String,
    /// Of which of its operations; empty when not told.
    #[serde(default)]
    pub operation: String,
    /// Which figure.
    pub signal: AlertSignal,
}

/// A case as it is read and written.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The alert.
    pub file: CaseFile,
    /// The data.
    pub tables: Tables,
}

impl CaseFile {
    /// An alert at `at` with history from `history_from` that names nothing.
    #[must_use]
    pub fn new(at: UnixNanos, history_from: UnixNanos) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            at,
            history_from,
            observed_from: None,
            symptoms: Vec::new(),
            summary: String::new(),
            left_out: Vec::new(),
        }
    }

    /// From when on something is taken to be wrong.
    #[must_use]
    pub fn wrong_from(&self) -> UnixNanos {
        let from = self.observed_from.unwrap_or_else(|| self.at.plus_seconds(-OBSERVED_SECONDS));
        from.min(self.at).max(self.history_from)
    }

    /// Moves the alert by `seconds`, as one does who does not know the time so well.
    pub fn shift(&mut self, seconds: i64) {
        self.at = self.at.plus_seconds(seconds);
        self.observed_from = self.observed_from.map(|from| from.plus_seconds(seconds));
    }
}

impl Case {
    /// The alert that the engine is given. What the symptoms' figures are is read off the entry spans.
    #[must_use]
    pub fn alert(&self) -> Alert {
        let file = &self.file;
        Alert {
            space: Space::default(),
            origin: "eval".to_owned(),
            at: file.at,
            history_from: file.history_from,
            dedupe_key: "eval".to_owned(),
            symptoms: file.symptoms.iter().map(|symptom| self.symptom(symptom)).collect(),
        }
    }

    fn symptom(&self, symptom: &CaseSymptom) -> Symptom {
        let from = self.file.wrong_from();
        let baseline_window = Window::new(self.file.history_from, from);
        let observed_window = Window::new(from, self.file.at);
        Symptom {
            service: symptom.service.clone(),
            operation: symptom.operation.clone(),
            signal: symptom.signal,
            baseline: self.measured(symptom, baseline_window),
            observed: self.measured(symptom, observed_window),
            baseline_window,
            observed_window,
            q_value: Num::default(),
        }
    }

    fn measured(&self, symptom: &CaseSymptom, window: Window) -> Measured {
        let is_meant = |operation: &str| symptom.operation.is_empty() || symptom.operation == operation;
        let entries = self.tables.spans.iter().filter(|span| {
            span.is_entry()
                && *span.resource.service == *symptom.service
                && is_meant(&span.name)
                && window.contains(span.end)
        });
        let (mut count, mut errors, mut sum_ns, mut seconds) = (0_u64, 0_u64, 0_i64, Vec::new());
        for span in entries {
            count += 1;
            errors += u64::from(span.is_error());
            sum_ns = sum_ns.saturating_add(span.duration_ns());
            seconds.push(span.end.0.div_euclid(SECOND_NS));
        }
        seconds.sort_unstable();
        seconds.dedup();
        let of = count.max(1) as f64;
        let value = match symptom.signal {
            AlertSignal::Latency => sum_ns as f64 / of / 1e6,
            AlertSignal::Errors => errors as f64 / of,
            AlertSignal::Throughput => count as f64 / window.seconds().max(1.0),
        };
        Measured { count, seconds: seconds.len() as u64, value: Num::new(value) }
    }
}
