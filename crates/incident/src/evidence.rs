//! Addressable facts: each item of evidence says where it comes from and carries its numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use telemetry::answer::Locator;
use telemetry::number::Num;
use telemetry::{QuestionId, SourceName, TraceId, Window};

use crate::canonical;

/// `ev_` and 12 hex digits of the BLAKE3 hash of the evidence's canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct EvidenceId(pub String);

/// Which measure found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A change point of a series.
    ChangePoint,
    /// Exclusive time before and after.
    ExclusiveLatency,
    /// Client minus server time before and after.
    EdgeDelay,
    /// Errors that begin here.
    ErrorOrigination,
    /// Error lines in logs before and now.
    ErrorLines,
    /// Something was changed.
    Change,
    /// Spans of the new version against spans of the old one.
    VersionContrast,
    /// A trace that shows it.
    ExemplarTrace,
    /// Requests before and after.
    Load,
    /// Time spent waiting for a turn, and who holds it.
    Waiting,
    /// Calls that appear, vanish, multiply or repeat themselves.
    Structure,
    /// What became of messages.
    QueueFlow,
    /// Resources of a process before and after: computing time, connections in use.
    Saturation,
    /// What the metrics of a service say of its requests, before and after.
    MetricShift,
    /// What a workload, a node, a database or a monitor is, or what happened to it.
    State,
    /// What bad requests carry and good ones of the same time do not.
    AttributeContrast,
}

/// One fact with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// Its address; computed from the rest.
    pub id: EvidenceId,
    /// Which measure found it.
    pub kind: EvidenceKind,
    /// The sentence for people.
    pub statement: String,
    /// The numbers, unit in the name.
    pub numbers: BTreeMap<String, Num>,
    /// The questions whose answers it was computed from.
    pub questions: Vec<QuestionId>,
    /// Whose answers.
    pub source: SourceName,
    /// The window it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// A trace to open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// The queries of a back end behind it, with their range and where to look at them again; the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locators: Vec<Locator>,
}

impl Evidence {
    /// Computes the id from everything else.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.id = EvidenceId(String::new());
        let text = canonical::to_text(&self).unwrap_or_default();
        let hash = canonical::blake3_hex(text.as_bytes());
        self.id = EvidenceId(format!("ev_{}", hash.get(..12).unwrap_or_default()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_follows_the_content() {
        let fact = |value: f64| {
            Evidence {
                id: EvidenceId("anything".into()),
                kind: EvidenceKind::Load,
                statement: "load".into(),
                numbers: BTreeMap::from([("requests_per_minute".to_owned(), Num::new(value))]),
                questions: vec![QuestionId::numbered(1)],
                source: SourceName("store".into()),
                window: None,
                trace: None,
                locators: Vec::new(),
            }
            .sealed()
        };
        assert_eq!(fact(1.0), fact(1.0));
        assert_ne!(fact(1.0).id, fact(2.0).id);
        assert_eq!(fact(1.0).id.0.len(), 15);
    }
}
