//! Ranks, ties, silence, decoys and the figures of a system.

use incident::ConclusionKind;

use super::*;
use crate::conclusion_line::Ranked;
use crate::label::Label;

fn label(case: &str, root: &str) -> Label {
    let roots = if root.is_empty() { Vec::new() } else { vec![root.to_owned()] };
    Label {
        case: case.to_owned(),
        system: "s".to_owned(),
        is_none: roots.is_empty(),
        roots,
        ..Label::default()
    }
}

fn line(case: &str, ranking: &[(&str, f64)], loudest: &str) -> Line {
    let root_cause = ranking.first().map(|(name, _)| (*name).to_owned());
    Line {
        schema: String::new(),
        case: case.to_owned(),
        kind: if ranking.is_empty() { ConclusionKind::Insufficient } else { ConclusionKind::RootCause },
        root_cause,
        further_causes: Vec::new(),
        fault: None,
        further_faults: Vec::new(),
        inner: Vec::new(),
        changes: Vec::new(),
        ranking: ranking
            .iter()
            .map(|(name, score)| Ranked { component: (*name).to_owned(), score: *score })
            .collect(),
        statement: String::new(),
        is_grounded: None,
        loudest: Some(loudest.to_owned()),
        seconds: 1.0,
        engine_seconds: 0.5,
        peak_bytes: 1,
    }
}

#[test]
fn a_tie_earns_the_last_place_of_those_tied() {
    let rank = |ranking: &[(&str, f64)]| Judged::new(&label("1", "a"), Some(&line("1", ranking, ""))).rank;
    assert_eq!(rank(&[("a", 3.0), ("b", 2.0)]), Some(1));
    assert_eq!(rank(&[("a", 2.0), ("b", 2.0), ("c", 2.0)]), Some(3));
    assert_eq!(rank(&[("b", 3.0), ("a", 2.0)]), Some(2));
    assert_eq!(rank(&[("b", 3.0)]), None);
}

#[test]
fn a_case_without_a_line_is_lost_and_silence_wins_only_where_nobody_is_to_blame() {
    let lost = Judged::new(&label("1", "a"), None);
    assert!(!lost.is_won() && !Judged::new(&label("1", ""), None).is_won());
    assert!(Judged::new(&label("1", ""), Some(&line("1", &[], ""))).is_won());
    assert!(!Judged::new(&label("1", "a"), Some(&line("1", &[], ""))).is_won());
    assert!(!Judged::new(&label("1", ""), Some(&line("1", &[("a", 1.0)], ""))).is_won());
}

#[test]
fn figures_are_of_the_cases_that_they_speak_of() {
    let judged = vec![
        Judged::new(&label("1", "a"), Some(&line("1", &[("a", 2.0), ("b", 1.0)], "a"))),
        Judged::new(&label("2", "a"), Some(&line("2", &[("b", 2.0), ("a", 1.0)], "b"))),
        Judged::new(&label("3", "a"), Some(&line("3", &[], "b"))),
        Judged::new(&label("4", ""), Some(&line("4", &[], "b"))),
    ];
    let report = report(judged.clone(), Some(judged));
    let figures = &report.systems["s"];
    assert_eq!(
        figures.ac.iter().map(|share| (share.hits, share.of)).collect::<Vec<_>>()[..2],
        [(1, 3), (2, 3)]
    );
    assert!((figures.mrr - 0.5).abs() < 1e-12);
    assert_eq!((figures.abstention_precision.hits, figures.abstention_precision.of), (1, 2));
    assert_eq!((figures.abstention_recall.hits, figures.abstention_recall.of), (1, 1));
    assert_eq!((figures.loudest.hits, figures.loudest.of), (1, 3));
    assert_eq!((figures.ac1_root_is_loudest.of, figures.ac1_root_is_not_loudest.of), (1, 2));
    assert_eq!(figures.against_baseline, Some(Against { wins: 0, losses: 0, p: 1.0 }));
    assert_eq!(report.losing.len(), 2);
    assert!(report.render().contains("AC@1"));
}

#[test]
fn a_decoy_counts_when_it_is_blamed_and_not_when_it_is_ranked() {
    let with = Label { decoys: vec!["b".to_owned(), "v2".to_owned()], ..label("1", "a") };
    let fine = Judged::new(&with, Some(&line("1", &[("a", 2.0), ("b", 1.0)], "")));
    assert!(fine.decoys.is_empty() && fine.is_exact);
    let blamed = Line { changes: vec!["v2".to_owned()], ..line("1", &[("b", 2.0)], "") };
    assert_eq!(Judged::new(&with, Some(&blamed)).decoys, ["b", "v2"]);
}

#[test]
fn where_the_label_tells_the_kind_of_fault_the_component_alone_is_not_enough() {
    let label =
        Label { fault_kinds: vec!["full".to_owned()], decoys: vec!["busy".to_owned()], ..label("1", "a") };
    let said = |fault: &str, further: &[&str]| {
        let further_faults = further.iter().map(|fault| (*fault).to_owned()).collect();
        let line = Line { fault: Some(fault.to_owned()), further_faults, ..line("1", &[("a", 1.0)], "") };
        Judged::new(&label, Some(&line))
    };
    assert!(said("full", &[]).is_won());
    let other = said("busy", &[]);
    assert!(!other.is_won() && other.is_within(1));
    assert_eq!(other.decoys, ["busy"]);
    // A second cause of another kind is wrong, too.
    let both = said("full", &["busy"]);
    assert!(!both.is_won() && both.decoys == ["busy"]);
    let figures = Figures::new(&[&said("full", &[]), &other], None);
    assert_eq!((figures.fault.hits, figures.fault.of), (1, 2));
    assert!(figures.headline("s").contains("fault 1/2"), "{}", figures.headline("s"));
}
