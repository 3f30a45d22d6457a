//! What bad requests have in common, as evidence, as a hypothesis, and as a cause that several services share.
//!
//! It sharpens a cause that was found otherwise and never replaces it. Only where no service explains the symptom, and
//! the requests of one place (a host, a zone, a region) go badly, the place is what they share: at or behind it lies
//! the cause.

use evidence::measures::attribute_contrast::AttributeContrast;
use incident::{
    Alert, AlertSignal, Candidate, CandidateKind, ComponentKind, EvidenceId, EvidenceKind, Fault, Hypothesis,
    HypothesisStatus, Prediction, PredictionOutcome, RootCause,
};
use telemetry::number::Num;

use crate::findings::Findings;
use crate::ledger::{Fact, Ledger};

/// Share of the bad requests that a shared place must explain; it is all that is known, so it must be most.
const COVERAGE_MIN: f64 = 0.8;

/// A value that bad requests have in common, with its evidence.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    contrast: AttributeContrast,
    evidence: EvidenceId,
}

impl Shared {
    /// It as a sentence.
    pub(super) fn text(&self) -> String {
        text(&self.contrast)
    }
}

fn text(contrast: &AttributeContrast) -> String {
    let bad = contrast.with.bad + contrast.without.bad;
    let of = if contrast.service.is_empty() { String::new() } else { format!(" of `{}`", contrast.service) };
    let only = if contrast.is_exclusive() { "only requests" } else { "mostly requests" };
    format!(
        "{only} with {}{of} go badly: {} of {bad} bad ones, and {} of {} without it",
        contrast.name(),
        contrast.with.bad,
        contrast.without.bad,
        contrast.without.all()
    )
}

/// Seals what is claimed.
pub(super) fn facts(ledger: &mut Ledger, findings: &Findings) -> Vec<Shared> {
    let views = &findings.views;
    let shared = findings.common.iter().filter_map(|contrast| {
        let evidence = ledger.prove(Fact {
            kind: EvidenceKind::AttributeContrast,
            statement: text(contrast),
            numbers: &[
                ("bad_with", contrast.with.bad as f64),
                ("requests_with", contrast.with.all() as f64),
                ("bad_without", contrast.without.bad as f64),
                ("requests_without", contrast.without.all() as f64),
                ("requests_with_before", contrast.before.0 as f64),
                ("requests_before", contrast.before.1 as f64),
                ("uplift", contrast.uplift()),
                ("q_value", contrast.q_value),
                ("family_p_value", contrast.family_p_value),
            ],
            questions: &[&views.compare],
            window: Some(views.bad),
            trace: None,
        })?;
        Some(Shared { contrast: contrast.clone(), evidence })
    });
    shared.collect()
}

/// Adds what the requests of a cause have in common to it: to its evidence always, to its sentence when that does not
/// say so yet.
pub(super) fn tell(causes: &mut [RootCause], common: &[Shared]) {
    for cause in causes {
        let is_its = |one: &&Shared| {
            let service = &one.contrast.service;
            service.is_empty() || *service == cause.service || cause.seen_from.contains(service)
        };
        let its: Vec<&Shared> = common.iter().filter(is_its).collect();
        cause.evidence.extend(its.iter().map(|one| one.evidence.clone()));
        if let Some(first) = its.first().filter(|one| !is_said(cause, &one.contrast)) {
            cause.statement = format!("{}; {}", cause.statement, first.text());
        }
    }
}

/// Whether the cause names the instance or the version already.
fn is_said(cause: &RootCause, contrast: &AttributeContrast) -> bool {
    let value = &contrast.value;
    cause.instances == std::slice::from_ref(value)
        || cause.trigger.as_ref().is_some_and(|trigger| trigger.change.after == *value)
}

/// The place that bad requests share, when nothing else explains them.
pub(super) fn place(alert: &Alert, findings: &Findings, common: &[Shared]) -> Option<RootCause> {
    let symptom = alert.symptoms.first()?;
    let is_place = |one: &&Shared| {
        one.contrast.service.is_empty()
            && telemetry::rows::is_place(&one.contrast.key)
            && one.contrast.coverage() >= COVERAGE_MIN
    };
    let one = common.iter().find(is_place)?;
    let mut seen_from: Vec<String> =
        findings.suspects.iter().map(|suspect| suspect.service.clone()).collect();
    seen_from.extend(alert.symptoms.iter().map(|symptom| symptom.service.clone()));
    seen_from.sort();
    seen_from.dedup();
    let name = one.contrast.name();
    Some(RootCause {
        component: ComponentKind::Dependency,
        service: name.clone(),
        seen_from,
        instances: Vec::new(),
        operation: symptom.operation.clone(),
        span: String::new(),
        resource: name.clone(),
        fault: if symptom.signal == AlertSignal::Errors { Fault::ErrorOrigin } else { Fault::SlowDependency },
        statement: format!("at or behind {name}: {}; no service explains half of it", one.text()),
        trigger: None,
        factors: Vec::new(),
        evidence: vec![one.evidence.clone()],
    })
}

/// Puts what is in common among the hypotheses: first when it is the cause, else before those that are ruled out.
pub(super) fn hypotheses(ranked: &mut Vec<Hypothesis>, common: &[Shared], causes: &[&RootCause]) {
    for one in common {
        let name = one.contrast.name();
        let is_cause = causes.iter().any(|cause| cause.service == name);
        if is_cause {
            ranked.retain(|hypothesis| hypothesis.candidate.service != name);
        }
        let is_refuted = |hypothesis: &Hypothesis| hypothesis.status == HypothesisStatus::Refuted;
        let last = ranked.iter().position(is_refuted).unwrap_or(ranked.len());
        let place = if is_cause { 0 } else { last };
        ranked.insert(place, hypothesis(one, name, is_cause));
    }
}

fn hypothesis(one: &Shared, name: String, is_cause: bool) -> Hypothesis {
    let contrast = &one.contrast;
    let seen = |is_seen| if is_seen { PredictionOutcome::Held } else { PredictionOutcome::Failed };
    Hypothesis {
        candidate: Candidate { kind: CandidateKind::Resource, service: contrast.service.clone(), name },
        statement: text(contrast),
        predictions: vec![
            Prediction {
                statement: "most bad requests carry it".to_owned(),
                outcome: seen(contrast.coverage() >= COVERAGE_MIN),
            },
            Prediction {
                statement: "no request without it goes badly".to_owned(),
                outcome: seen(contrast.is_exclusive()),
            },
        ],
        status: if is_cause { HypothesisStatus::Supported } else { HypothesisStatus::Inconclusive },
        score: Num::new(contrast.coverage() * contrast.uplift()),
        evidence: vec![one.evidence.clone()],
    }
}
