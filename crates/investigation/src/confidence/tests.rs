//! Figures at their edges, ways that are not measured, and the cap.

use std::collections::BTreeSet;

use incident::conclusion::SCHEMA;
use incident::{
    AlertSignal, Candidate, CandidateKind, ComponentKind, ConclusionKind, Evidence, EvidenceId, EvidenceKind,
    Fault, Hypothesis, HypothesisStatus, Measured, RootCause, Symptom,
};
use telemetry::answer::{Answer, EdgeRow, PathTable, Table as Rows};
use telemetry::{SourceName, UnixNanos, Window};

use super::*;

const MODEL: Model = Model { intercept: -1.0, weights: [4.0, 0.0, 0.0, 0.0, 0.0] };
const ALL: Table = Table { model: MODEL, measured: &Route::ALL };

fn fact(id: &str, kind: EvidenceKind, numbers: &[(&str, f64)]) -> Evidence {
    Evidence {
        id: EvidenceId(id.into()),
        kind,
        statement: String::new(),
        numbers: numbers.iter().map(|(name, value)| ((*name).to_owned(), Num::new(*value))).collect(),
        questions: Vec::new(),
        source: SourceName("test".into()),
        window: None,
        trace: None,
        locators: Vec::new(),
    }
}

/// What an alert that names a service says.
fn symptom() -> Symptom {
    let measured = Measured { count: 9, seconds: 9, value: Num::new(1.0) };
    let window = Window::new(UnixNanos(0), UnixNanos(1));
    Symptom {
        service: "a".into(),
        operation: String::new(),
        signal: AlertSignal::Latency,
        baseline: measured.clone(),
        observed: measured,
        baseline_window: window,
        observed_window: window,
        q_value: Num::new(0.0),
    }
}

/// A named cause on this evidence: of an alert that names a service where the evidence is the shift of a metric.
fn named(evidence: Vec<Evidence>) -> Conclusion {
    let is_alerted = evidence.iter().any(|item| item.kind == EvidenceKind::MetricShift);
    Conclusion {
        schema: SCHEMA.into(),
        kind: ConclusionKind::RootCause,
        statement: String::new(),
        root_cause: Some(RootCause {
            component: ComponentKind::Service,
            service: "a".into(),
            seen_from: Vec::new(),
            instances: Vec::new(),
            operation: String::new(),
            span: String::new(),
            resource: String::new(),
            fault: Fault::SlowWork,
            statement: String::new(),
            trigger: None,
            factors: Vec::new(),
            evidence: evidence.iter().map(|item| item.id.clone()).collect(),
        }),
        further_causes: Vec::new(),
        onset: None,
        symptoms: if is_alerted { vec![symptom()] } else { Vec::new() },
        hypotheses: Vec::new(),
        ruled_out: Vec::new(),
        gaps: Vec::new(),
        confidence: None,
        evidence,
    }
}

fn hypothesis(status: HypothesisStatus, score: f64) -> Hypothesis {
    Hypothesis {
        candidate: Candidate { kind: CandidateKind::Service, service: "a".into(), name: String::new() },
        statement: String::new(),
        predictions: Vec::new(),
        status,
        score: Num::new(score),
        evidence: Vec::new(),
    }
}

fn grounds(conclusion: &Conclusion) -> Grounds {
    Grounds::of(conclusion, false, Coverage::default()).unwrap()
}

fn edge(callee: &str, is_instrumented: bool) -> EdgeRow {
    EdgeRow {
        caller: "a".into(),
        callee: callee.into(),
        is_instrumented,
        count: 1,
        errors: 0,
        client_sum_ns: 0,
        server_sum_ns: 0,
        delay_p50_ns: 0,
        clock_offset_p50_ns: 0,
        blocks: Vec::new(),
        resends: 0,
        queue: None,
    }
}

/// A change that matches half as well again as it must, and a map in which two of five services are silent.
fn partly_seen() -> (Conclusion, Coverage) {
    let edges = vec![edge("b", true), edge("dark", false), edge("pay", false), edge("c", true)];
    let edges = Answer::exact(Rows::Edges(edges));
    let coverage = Coverage::of(&BTreeSet::from(["edges"]), [&edges].into_iter());
    (named(vec![fact("e", EvidenceKind::Change, &[("match", 4.0)])]), coverage)
}

#[test]
fn the_margin_is_nothing_at_the_bar_and_grows_beyond_it_on_every_way() {
    let shift = |now: f64| [("before_ms", 10.0), ("now_ms", now), ("history_up_to_ms", 20.0)];
    let cases = [
        (EvidenceKind::MetricShift, shift(20.0).to_vec(), shift(40.0).to_vec(), Route::CallGraph),
        (EvidenceKind::Change, vec![("match", 0.4)], vec![("match", 0.8)], Route::Changes),
        (EvidenceKind::Structure, vec![("q_value", 0.05)], vec![("q_value", 0.0025)], Route::Unnamed),
    ];
    for (kind, bar, twice, route) in cases {
        let at = |numbers: &[(&str, f64)]| grounds(&named(vec![fact("e", kind, numbers)]));
        assert!(at(&bar).signs[0].abs() < 1e-9, "{kind:?}");
        assert!((at(&twice).signs[0] - 0.5).abs() < 1e-9, "{kind:?}");
        assert_eq!(at(&bar).route, route);
    }
}

#[test]
fn a_shift_of_a_metric_is_on_the_way_of_the_alert_that_it_answers() {
    let numbers = [("q_value", 0.0025)];
    let mut conclusion = named(vec![fact("e", EvidenceKind::MetricShift, &numbers)]);
    assert_eq!(Route::of(&conclusion), Some(Route::CallGraph));
    conclusion.symptoms.clear();
    assert_eq!(grounds(&conclusion).route, Route::Unnamed, "who names nothing has no call graph to follow");
}

#[test]
fn figures_at_their_edges_stay_between_nothing_and_one() {
    let strange = [
        vec![],
        vec![("q_value", 0.0)],
        vec![("q_value", 1.0)],
        vec![("before_ms", 0.0), ("now_ms", 0.0), ("history_up_to_ms", 0.0)],
        vec![("match", 0.0), ("share_of_excess", 5.0)],
    ];
    for numbers in strange {
        for kind in
            [EvidenceKind::MetricShift, EvidenceKind::Change, EvidenceKind::State, EvidenceKind::Waiting]
        {
            let mut conclusion = named(vec![fact("e", kind, &numbers)]);
            conclusion.hypotheses = vec![hypothesis(HypothesisStatus::Inconclusive, 2.0)];
            let Some(Grounds { signs, .. }) = Grounds::of(&conclusion, false, Coverage::default()) else {
                continue;
            };
            assert!(signs.iter().all(|sign| (0.0..=1.0).contains(sign)), "{kind:?} {numbers:?}: {signs:?}");
        }
    }
}

#[test]
fn a_rival_left_open_and_evidence_of_one_kind_count_less() {
    let structure = || fact("e", EvidenceKind::Structure, &[("q_value", 0.001)]);
    let mut alone = named(vec![structure(), fact("f", EvidenceKind::Saturation, &[])]);
    alone.hypotheses = vec![hypothesis(HypothesisStatus::Supported, 2.0)];
    let mut rivalled = named(vec![structure()]);
    rivalled.hypotheses =
        vec![hypothesis(HypothesisStatus::Supported, 2.0), hypothesis(HypothesisStatus::Inconclusive, 1.5)];
    assert_eq!((grounds(&alone).signs[1], grounds(&alone).signs[2]), (1.0, 0.5));
    assert_eq!((grounds(&rivalled).signs[1], grounds(&rivalled).signs[2]), (0.25, 0.0));
    let again = Grounds::of(&alone, true, Coverage::default()).unwrap();
    assert_eq!((grounds(&alone).signs[4], again.signs[4]), (1.0, 0.0));
}

#[test]
fn a_conclusion_that_names_nobody_has_no_grounds() {
    let mut conclusion = named(Vec::new());
    conclusion.root_cause = None;
    assert_eq!(Grounds::of(&conclusion, false, Coverage::default()), None);
}

#[test]
fn evidence_that_had_no_bar_to_clear_gives_no_grounds() {
    for kind in [EvidenceKind::State, EvidenceKind::MetricShift, EvidenceKind::Change, EvidenceKind::Waiting]
    {
        let conclusion = named(vec![fact("e", kind, &[("anything", 1.0)])]);
        assert_eq!(Grounds::of(&conclusion, false, Coverage::default()), None, "{kind:?}");
    }
}

#[test]
fn on_a_way_that_is_not_measured_confidence_stays_unmeasured_and_nothing_is_said() {
    let (mut conclusion, coverage) = partly_seen();
    let grounds = Grounds::of(&conclusion, false, coverage).unwrap();
    let before = conclusion.clone();
    let table = Table { model: MODEL, measured: &[Route::Unnamed] };
    assert!(fill_from(&table, &mut conclusion, &grounds).is_none());
    assert_eq!(conclusion, before);
}

// covers: W-15
#[test]
fn what_is_not_seen_caps_the_figure_and_the_gap_says_from_what() {
    let (mut whole, coverage) = partly_seen();
    let seen_all = grounds(&whole);
    assert!(fill_from(&ALL, &mut whole, &seen_all).is_none());
    assert!(whole.gaps.is_empty());
    assert!((whole.confidence.unwrap().get() - 0.931).abs() < 0.001, "{:?}", whole.confidence);
    let (mut dark, _) = partly_seen();
    let seen_partly = Grounds::of(&dark, false, coverage).unwrap();
    assert!(fill_from(&ALL, &mut dark, &seen_partly).is_some());
    assert_eq!(dark.confidence, Some(Num::new(0.8)));
    assert!(dark.gaps[0].missing.starts_with("2 of 5 services"), "{:?}", dark.gaps);
    assert!(dark.gaps[0].could_change.contains("from 0.93 to 0.80"), "{:?}", dark.gaps);
}

#[test]
fn a_kind_that_was_asked_for_and_told_nothing_is_missing_and_one_that_was_not_asked_for_is_not() {
    let paths = Answer::exact(Rows::Paths(PathTable::default()));
    let asked = BTreeSet::from(["paths", "series_change", "changes"]);
    let changes = Answer::exact(Rows::Changes(Vec::new()));
    let coverage = Coverage::of(&asked, [&paths, &changes].into_iter());
    assert_eq!((coverage.asked, &*coverage.untold), (4, ["logs", "metrics", "traces"].as_slice()));
    assert_eq!(coverage.missing(), "no logs, no metrics, no traces were to be had");
    assert!((coverage.capped(1.0) - 0.8125).abs() < 1e-9);
    let unasked = Coverage::of(&BTreeSet::new(), [&changes].into_iter());
    assert_eq!((unasked.asked, unasked.capped(0.9)), (1, 0.9));
    assert_eq!(Coverage::default().capped(1.0), 1.0);
}
