//! A sound conclusion passes; a fabricated id, a wrong value and changed evidence do not.

use incident::conclusion::SCHEMA;
use incident::{
    Candidate, CandidateKind, ComponentKind, EvidenceKind, Factor, FactorRole, Fault, Prediction,
};
use telemetry::number::Num;
use telemetry::{QuestionId, SourceName};

use super::*;

fn evidence() -> Evidence {
    Evidence {
        id: EvidenceId(String::new()),
        kind: EvidenceKind::ExclusiveLatency,
        statement: "`orders` takes longer".to_owned(),
        numbers: BTreeMap::from([
            ("before_ms_per_call".to_owned(), Num::new(3.04)),
            ("now_ms_per_call".to_owned(), Num::new(41.26)),
        ]),
        questions: vec![QuestionId::numbered(2)],
        source: SourceName("store".to_owned()),
        window: None,
        trace: None,
        locators: Vec::new(),
    }
    .sealed()
}

fn candidate() -> Candidate {
    Candidate { kind: CandidateKind::Service, service: "orders".to_owned(), name: String::new() }
}

fn conclusion() -> Conclusion {
    let item = evidence();
    let statement = "`orders`: takes 41.3 ms a call instead of 3.0 ms; it explains 90 % of the extra time";
    Conclusion {
        schema: SCHEMA.to_owned(),
        kind: ConclusionKind::RootCause,
        statement: statement.to_owned(),
        root_cause: Some(RootCause {
            component: ComponentKind::Service,
            service: "orders".to_owned(),
            seen_from: Vec::new(),
            instances: Vec::new(),
            operation: String::new(),
            span: String::new(),
            resource: String::new(),
            fault: Fault::SlowWork,
            statement: statement.to_owned(),
            trigger: None,
            factors: Vec::new(),
            evidence: vec![item.id.clone()],
        }),
        further_causes: Vec::new(),
        onset: None,
        symptoms: Vec::new(),
        hypotheses: vec![Hypothesis {
            candidate: candidate(),
            statement: "it takes 41.3 ms a call".to_owned(),
            predictions: Vec::<Prediction>::new(),
            status: HypothesisStatus::Supported,
            score: Num::new(0.9),
            evidence: vec![item.id.clone()],
        }],
        ruled_out: vec![RuledOut {
            candidate: candidate(),
            rule: "excess_in_callee".to_owned(),
            why: "its own work is the same".to_owned(),
            numbers: BTreeMap::from([("now_ms_per_call".to_owned(), Num::new(41.26))]),
            evidence: vec![item.id.clone()],
        }],
        gaps: Vec::new(),
        confidence: None,
        evidence: vec![item],
    }
}

// covers: PB-44, W-16
#[test]
fn a_conclusion_that_its_evidence_bears_out_passes_unchanged() {
    let (checked, notes) = checked(conclusion());
    assert_eq!((checked, notes.len()), (conclusion(), 0));
}

// covers: PB-44, W-16
#[test]
fn what_cites_a_fabricated_id_or_nothing_is_dropped_and_counted() {
    let mut forged = conclusion();
    forged.hypotheses[0].evidence = vec![EvidenceId("ev_000000000000".to_owned())];
    forged.ruled_out[0].evidence = vec![EvidenceId("ev_111111111111".to_owned())];
    let (checked, notes) = checked(forged);
    assert!(checked.hypotheses.is_empty() && checked.ruled_out.is_empty());
    assert!(checked.root_cause.is_some(), "what is sound stays");
    assert_eq!((checked.gaps.len(), notes.len()), (2, 2));
    assert!(checked.gaps[0].missing.ends_with("1 hypotheses"), "{:?}", checked.gaps);
}

// covers: PB-44, W-16
#[test]
fn what_states_another_value_than_its_evidence_is_dropped() {
    let mut wrong = conclusion();
    wrong.hypotheses[0].statement = "it takes 47.3 ms a call".to_owned();
    wrong.ruled_out[0].numbers.insert("now_ms_per_call".to_owned(), Num::new(41.27));
    let (checked, _) = checked(wrong);
    assert!(checked.hypotheses.is_empty() && checked.ruled_out.is_empty());
}

#[test]
fn a_factor_that_is_not_borne_out_goes_and_its_cause_stays() {
    let factor = |id: EvidenceId| Factor {
        role: FactorRole::Sustaining,
        statement: "calls are repeated".to_owned(),
        evidence: vec![id],
    };
    let mut wrong = conclusion();
    let sound = factor(wrong.evidence[0].id.clone());
    if let Some(cause) = &mut wrong.root_cause {
        cause.factors = vec![sound.clone(), factor(EvidenceId("ev_000000000000".to_owned()))];
    }
    let (checked, notes) = checked(wrong);
    assert_eq!(checked.root_cause.map(|cause| cause.factors), Some(vec![sound]));
    assert_eq!((checked.gaps.len(), notes.len()), (1, 1));
}

// covers: PB-44
#[test]
fn a_cause_that_is_not_borne_out_leaves_no_conclusion() {
    let mut wrong = conclusion();
    if let Some(cause) = &mut wrong.root_cause {
        cause.statement = "`orders`: takes 400.0 ms a call".to_owned();
    }
    let (checked, _) = checked(wrong);
    assert_eq!((checked.kind, checked.root_cause), (ConclusionKind::Insufficient, None));
    assert!(checked.statement.starts_with("insufficient evidence"));
}

// covers: PB-44
#[test]
fn evidence_that_was_changed_after_it_was_sealed_is_none() {
    let mut changed = conclusion();
    changed.evidence[0].numbers.insert("now_ms_per_call".to_owned(), Num::new(4.1));
    let (checked, _) = checked(changed);
    assert!(checked.evidence.is_empty() && checked.hypotheses.is_empty() && checked.root_cause.is_none());
}
