//! Candidate causes: what each predicts, how it fared, and what was ruled out with which numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use telemetry::number::Num;

use crate::evidence::EvidenceId;

/// What may be the cause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Candidate {
    /// What kind of thing.
    pub kind: CandidateKind,
    /// The service it belongs to.
    pub service: String,
    /// The operation, resource, edge or version; empty when the service as a whole.
    pub name: String,
}

/// The kinds of candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CandidateKind {
    /// A service's own work.
    Service,
    /// Something a service uses that emits no spans itself: a query of a database, a host.
    Resource,
    /// A queue between services.
    Queue,
    /// The way between two services.
    Edge,
    /// A deploy, restart or configuration change.
    Change,
    /// More requests.
    Load,
}

/// How a hypothesis stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HypothesisStatus {
    /// Its predictions hold.
    Supported,
    /// Looked at, neither held nor failed.
    Inconclusive,
    /// A prediction failed.
    Refuted,
}

/// A candidate cause with what it predicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hypothesis {
    /// The candidate.
    pub candidate: Candidate,
    /// The sentence for people.
    pub statement: String,
    /// What must be seen if it is true.
    pub predictions: Vec<Prediction>,
    /// How it stands.
    pub status: HypothesisStatus,
    /// Share of the excess that it explains, 0 to 1; the order of ranking, not a probability.
    pub score: Num,
    /// The facts it rests on or falls by.
    pub evidence: Vec<EvidenceId>,
}

/// Something that must be seen if a hypothesis is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Prediction {
    /// The sentence.
    pub statement: String,
    /// What was seen.
    pub outcome: PredictionOutcome,
}

/// What was seen of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PredictionOutcome {
    /// It was seen.
    Held,
    /// The opposite was seen.
    Failed,
    /// It could not be looked at.
    Unknown,
}

/// A candidate that is not the cause, with the check and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuledOut {
    /// The candidate.
    pub candidate: Candidate,
    /// Which rule of reasoning ruled it out.
    pub rule: String,
    /// Why, with the numbers in words.
    pub why: String,
    /// The numbers, unit in the name.
    pub numbers: BTreeMap<String, Num>,
    /// The facts.
    pub evidence: Vec<EvidenceId>,
}
