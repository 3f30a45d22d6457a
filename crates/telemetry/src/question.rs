//! The sixteen questions that may be asked of a system, and how narrow they are.
//!
//! A question names its space, its window and its scope; it is plain data, so that it can be journaled, asked
//! again and pushed down to any back end. How it is answered is the business of a `Source`.

use serde::{Deserialize, Serialize};

use crate::ids::{QuestionId, Space, TraceId};
use crate::time::{UnixNanos, Window};

/// One question of an investigation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Question {
    /// Its number within the investigation.
    pub id: QuestionId,
    /// The area asked about.
    pub space: Space,
    /// What is asked.
    pub ask: Ask,
    /// Data time before which the answer could not be complete; the driver waits for it.
    pub not_before: UnixNanos,
}

/// Narrows a question; an absent field means all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scope {
    /// `service.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Span name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `service.instance.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

impl Scope {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// One service.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self { service: Some(name.to_owned()), ..Self::default() }
    }

    /// Whether this service, operation and instance are inside.
    #[must_use]
    pub fn admits(&self, service: &str, operation: &str, instance: &str) -> bool {
        let fits = |wanted: &Option<String>, got: &str| wanted.as_deref().is_none_or(|wanted| wanted == got);
        fits(&self.service, service) && fits(&self.operation, operation) && fits(&self.instance, instance)
    }
}

/// What is asked. One variant a question; the names are the questions' names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum Ask {
    /// Rate, errors and duration of entry spans, by service, operation, instance and version.
    Health {
        /// When.
        window: Window,
        /// Of what.
        scope: Scope,
    },
    /// Per second: count, errors and duration of entry spans, by service, operation, instance and version.
    Onset {
        /// When.
        window: Window,
        /// Of what.
        scope: Scope,
    },
    /// Two windows of the same scope against each other over every attribute.
    Compare {
        /// The good window.
        good: Window,
        /// The bad window.
        bad: Window,
        /// Of what.
        scope: Scope,
    },
    /// Exclusive time in complete traces, by service, operation, instance and version.
    SelfTime {
        /// When.
        window: Window,
        /// Of what.
        scope: Scope,
    },
    /// The shapes that traces take, with counts.
    Paths {
        /// When.
        window: Window,
        /// Of what.
        scope: Scope,
    },
    /// Trace ids that stand for a window: the slowest or failed ones and the most typical ones.
    Exemplars {
        /// When.
        window: Window,
        /// Of what.
        scope: Scope,
        /// How many of each, at most 10.
        limit: u8,
    },
    /// One trace with exclusive times.
    Trace {
        /// Which.
        trace_id: TraceId,
    },
    /// What became of one message: who sent it, who took it, and how that ended.
    Message {
        /// `messaging.message.id`.
        message_id: String,
    },
    /// Calls between services: counts, errors, client and server time.
    Edges {
        /// When.
        window: Window,
        /// Caller or callee.
        scope: Scope,
    },
    /// Masked log lines with counts.
    LogTemplates {
        /// When.
        window: Window,
        /// Of what.
        scope: Scope,
    },
    /// Log records that hold a text.
    LogSearch {
        /// When.
        window: Window,
        /// Of what.
        scope: Scope,
        /// The text looked for.
        text: String,
    },
    /// How metric series moved between two windows.
    SeriesChange {
        /// The good window.
        good: Window,
        /// The bad window.
        bad: Window,
        /// Of what; a series knows no operation, that part of the scope is not looked at.
        scope: Scope,
        /// The exact names of the metrics, all when empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        metrics: Vec<String>,
    },
    /// Deploys, restarts and configuration changes, told or detected in the telemetry itself.
    Changes {
        /// When.
        window: Window,
        /// Of what.
        scope: Scope,
    },
    /// What things are, not what passes through them: workloads, nodes, databases, monitors, and what happened to them.
    State {
        /// When; what is so at its end, and what happened in it.
        window: Window,
        /// Of what; a state knows no operation, that part of the scope is not looked at.
        scope: Scope,
    },
    /// Services, instances and placement.
    Topology {
        /// When.
        window: Window,
    },
    /// Which signals exist for which services.
    Coverage {
        /// When.
        window: Window,
    },
}

impl Ask {
    /// The question's name, as capabilities, the command line and evidence say it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Health { .. } => "health",
            Self::Onset { .. } => "onset",
            Self::Compare { .. } => "compare",
            Self::SelfTime { .. } => "self_time",
            Self::Paths { .. } => "paths",
            Self::Exemplars { .. } => "exemplars",
            Self::Trace { .. } => "trace",
            Self::Message { .. } => "message",
            Self::Edges { .. } => "edges",
            Self::LogTemplates { .. } => "log_templates",
            Self::LogSearch { .. } => "log_search",
            Self::SeriesChange { .. } => "series_change",
            Self::Changes { .. } => "changes",
            Self::State { .. } => "state",
            Self::Topology { .. } => "topology",
            Self::Coverage { .. } => "coverage",
        }
    }

    /// The end of the latest window asked about, when it asks about one.
    #[must_use]
    pub fn until(&self) -> Option<UnixNanos> {
        match self {
            Self::Health { window, .. }
            | Self::Onset { window, .. }
            | Self::SelfTime { window, .. }
            | Self::Paths { window, .. }
            | Self::Exemplars { window, .. }
            | Self::Edges { window, .. }
            | Self::LogTemplates { window, .. }
            | Self::LogSearch { window, .. }
            | Self::Changes { window, .. }
            | Self::State { window, .. }
            | Self::Topology { window }
            | Self::Coverage { window } => Some(window.to),
            Self::Compare { bad, .. } | Self::SeriesChange { bad, .. } => Some(bad.to),
            Self::Trace { .. } | Self::Message { .. } => None,
        }
    }
}

/// The sixteen names, sorted.
pub const NAMES: [&str; 16] = [
    "changes",
    "compare",
    "coverage",
    "edges",
    "exemplars",
    "health",
    "log_search",
    "log_templates",
    "message",
    "onset",
    "paths",
    "self_time",
    "series_change",
    "state",
    "topology",
    "trace",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_sixteen_sorted_names() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
        let ask = Ask::Trace { trace_id: TraceId([1; 16]) };
        assert!(NAMES.contains(&ask.name()));
    }

    #[test]
    fn an_empty_scope_admits_all_and_a_narrow_one_does_not() {
        assert!(Scope::all().admits("a", "b", "c"));
        assert!(!Scope::service("x").admits("a", "b", "c"));
    }
}
