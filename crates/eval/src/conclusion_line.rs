//! One line of `conclusions.jsonl`: what the engine said of one case, and what that cost.

use std::collections::BTreeSet;

use incident::hypothesis::HypothesisStatus;
use incident::{CandidateKind, Conclusion, ConclusionKind, RootCause};
use serde::{Deserialize, Serialize};

/// The schema name of a line.
pub const SCHEMA: &str = "firstcause.prediction/1";

/// A conclusion, reduced to what is scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// [`SCHEMA`].
    pub schema: String,
    /// The case.
    pub case: String,
    /// Which of the three conclusions.
    pub kind: ConclusionKind,
    /// The component blamed.
    pub root_cause: Option<String>,
    /// Further components blamed.
    pub further_causes: Vec<String>,
    /// What kind of fault, in the engine's words.
    pub fault: Option<String>,
    /// What kinds of fault the further components have, in the engine's words.
    #[serde(default)]
    pub further_faults: Vec<String>,
    /// What inside the components is blamed: operations, spans, resources, code regions.
    pub inner: Vec<String>,
    /// What was changed and is blamed.
    pub changes: Vec<String>,
    /// Components in the order of suspicion: those blamed, then the hypotheses that were not refuted.
    pub ranking: Vec<Ranked>,
    /// The sentence for people.
    pub statement: String,
    /// Whether a way of calls leads from what was alarmed to what is blamed; nothing where that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_grounded: Option<bool>,
    /// The service whose figures changed most, whatever the reason: what the score is held against.
    pub loudest: Option<String>,
    /// Seconds from opening the case's files to the conclusion.
    pub seconds: f64,
    /// Seconds of those that the engine itself computed.
    pub engine_seconds: f64,
    /// The most memory that the process held meanwhile, in bytes; 0 when the system does not tell.
    pub peak_bytes: u64,
}

/// One component of a ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// The component.
    pub component: String,
    /// What the order goes by; equal scores are a tie.
    pub score: f64,
}

/// What it cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Seconds from opening the case's files to the conclusion.
    pub seconds: f64,
    /// Seconds of those that the engine itself computed.
    pub engine_seconds: f64,
    /// The most memory that the process held meanwhile, in bytes.
    pub peak_bytes: u64,
}

impl Line {
    /// The line of `case`.
    #[must_use]
    pub fn new(case: &str, conclusion: &Conclusion, loudest: Option<String>, cost: Cost) -> Self {
        let causes: Vec<&RootCause> =
            conclusion.root_cause.iter().chain(&conclusion.further_causes).collect();
        let mut inner: Vec<String> = causes
            .iter()
            .flat_map(|cause| [&cause.operation, &cause.span, &cause.resource])
            .filter(|text| !text.is_empty())
            .cloned()
            .collect();
        inner.dedup();
        Self {
            schema: SCHEMA.to_owned(),
            case: case.to_owned(),
            kind: conclusion.kind,
            root_cause: conclusion.root_cause.as_ref().map(|cause| cause.service.clone()),
            further_causes: conclusion.further_causes.iter().map(|cause| cause.service.clone()).collect(),
            fault: conclusion.root_cause.as_ref().map(|cause| cause.fault.name().to_owned()),
            further_faults: conclusion
                .further_causes
                .iter()
                .map(|cause| cause.fault.name().to_owned())
                .collect(),
            inner,
            changes: causes
                .iter()
                .filter_map(|cause| cause.trigger.as_ref())
                .map(|trigger| trigger.change.after.clone())
                .collect(),
            ranking: ranking(conclusion, &causes),
            statement: conclusion.statement.clone(),
            is_grounded: None,
            loudest,
            seconds: cost.seconds,
            engine_seconds: cost.engine_seconds,
            peak_bytes: cost.peak_bytes,
        }
    }
}

/// Components in the order of suspicion. A blamed component stands before every hypothesis, so it never ties.
fn ranking(conclusion: &Conclusion, causes: &[&RootCause]) -> Vec<Ranked> {
    let blamed = causes.iter().enumerate().map(|(place, cause)| (cause.service.clone(), 1e6 - place as f64));
    let open = conclusion
        .hypotheses
        .iter()
        .filter(|hypothesis| hypothesis.status != HypothesisStatus::Refuted)
        .filter(|hypothesis| hypothesis.candidate.kind != CandidateKind::Load)
        .map(|hypothesis| (hypothesis.candidate.service.clone(), hypothesis.score.get()));
    let mut seen = BTreeSet::new();
    blamed
        .chain(open)
        .filter(|(component, _)| !component.is_empty() && seen.insert(component.clone()))
        .map(|(component, score)| Ranked { component, score })
        .collect()
}
