//! Published methods on the cases that the engine is given, scored by the scorer that scores the engine.
//!
//! The methods are those of the package `rcaeval`, unmodified, fed by `tests/peers`; it is installed once, below the
//! target folder, in pinned versions. Here stands that each of them is fed rightly; what they earn on public data is
//! measured by `cargo xtask soak eval-peers`.

mod compare;
mod measured;
mod methods;
mod planted;

use std::collections::BTreeSet;
use std::path::Path;

use eval::label::{Answers, FILE, Label, SCHEMA};
use eval::score::{Judged, Report, Scoring, score};
use eval::{files, folder};

use planted::{Planted, SERVICES};

/// What a group of planted cases is scored as.
const OBVIOUS: &str = "obvious";
const OTHER_NAMES: &str = "other names";
const NO_TRACES: &str = "no traces";

/// Stages the cases of all groups in `at` as the engine's are staged, runs every method on them, and scores each.
fn scored(at: &Path, groups: &[(&str, Vec<Planted>)]) -> Vec<(&'static str, Report)> {
    let (cases, answers) = (at.join("cases"), at.join("answers"));
    let mut labels = Vec::new();
    for (system, planted) in groups {
        for one in planted {
            let case = format!("case-{:04}", labels.len() + 1);
            folder::write(&cases.join(&case), &one.case()).unwrap();
            let roots = vec![one.root.to_owned()];
            labels.push(Label { case, system: (*system).to_owned(), roots, ..Label::default() });
        }
    }
    files::create_dir(&answers).unwrap();
    files::write_json(&answers.join(FILE), &Answers { schema: SCHEMA.to_owned(), labels }).unwrap();
    let lines = methods::run_all(&cases, at, 2);
    let of = |(method, lines): &(&'static str, std::path::PathBuf)| {
        let scoring = Scoring { conclusions: lines, answers: &answers, baseline: None };
        (*method, score(&scoring).unwrap())
    };
    lines.iter().map(of).collect()
}

fn of_group<'a>(cases: &'a [Judged], system: &str) -> Vec<&'a Judged> {
    cases.iter().filter(|case| case.label.system == system).collect()
}

// covers: W-21
#[test]
fn every_method_finds_an_obvious_root_not_under_anothers_name_and_says_where_it_does_not_apply() {
    let at = tempfile::tempdir().unwrap();
    // Each method meets several roots, so that no fixed order can pass.
    let obvious: Vec<Planted> =
        (1..).zip(&SERVICES[1..4]).map(|(seed, root)| Planted::new(seed, root)).collect();
    // The same data told under other names: whoever still finds the root was told it.
    let other_names = obvious.iter().cloned().map(Planted::under_other_names).collect();
    let no_traces = vec![Planted::new(1, SERVICES[2]).without_traces()];
    let groups = [(OBVIOUS, obvious), (OTHER_NAMES, other_names), (NO_TRACES, no_traces)];
    let mut silent = BTreeSet::new();
    for (method, report) in scored(at.path(), &groups) {
        let lost: Vec<_> = of_group(&report.losing, OBVIOUS).into_iter().map(|case| &case.line).collect();
        assert!(lost.is_empty(), "{method} is fed wrongly: {lost:#?}");
        let found = of_group(&report.won, OTHER_NAMES);
        assert!(found.is_empty(), "{method} finds what is not there: {found:#?}");
        let all = report.won.iter().chain(&report.losing);
        for line in all.filter(|case| case.label.system == NO_TRACES).filter_map(|case| case.line.as_ref()) {
            assert!(!line.statement.starts_with("failed"), "{method}: {}", line.statement);
            silent.extend(methods::is_not_applicable(line).then_some(method));
        }
    }
    assert_eq!(silent, BTreeSet::from(["microrank", "tracerca"]));
}
