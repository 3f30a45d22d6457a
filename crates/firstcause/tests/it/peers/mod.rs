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
use eval::score::{Report, Scoring, score};
use eval::{files, folder};

use methods::METHODS;
use planted::{Planted, SERVICES};

/// Stages `planted` cases in `at` as the engine's are staged, runs every method on them, and scores each.
fn scored(at: &Path, planted: &[Planted]) -> Vec<(&'static str, Report)> {
    let (cases, answers) = (at.join("cases"), at.join("answers"));
    let mut labels = Vec::new();
    for (one, number) in planted.iter().zip(1..) {
        let name = format!("case-{number:04}");
        folder::write(&cases.join(&name), &one.case()).unwrap();
        let roots = vec![one.root.to_owned()];
        labels.push(Label { case: name, system: "planted".to_owned(), roots, ..Label::default() });
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

// covers: AG-34
#[test]
fn every_method_finds_an_obvious_root_and_not_under_anothers_name() {
    let at = tempfile::tempdir().unwrap();
    // Each method meets several roots, so that no fixed order can pass.
    let roots = &SERVICES[1..4];
    let right: Vec<Planted> = (1..).zip(roots).map(|(seed, root)| Planted::new(seed, root)).collect();
    for (method, report) in scored(&at.path().join("right"), &right) {
        let lost: Vec<_> = report.losing.iter().map(|case| &case.line).collect();
        assert!(lost.is_empty(), "{method} is fed wrongly: {lost:#?}");
    }
    // The same data told under other names: whoever still finds the root was told it.
    let shuffled: Vec<Planted> = right.into_iter().map(Planted::under_other_names).collect();
    for (method, report) in scored(&at.path().join("shuffled"), &shuffled) {
        assert!(report.won.is_empty(), "{method} finds what is not there: {:?}", report.won);
    }
}

#[test]
fn without_traces_the_methods_of_traces_say_that_they_do_not_apply_and_the_others_run() {
    let at = tempfile::tempdir().unwrap();
    let planted = Planted::new(1, SERVICES[2]).without_traces();
    let silent = |(method, report): &(&'static str, Report)| {
        let line = report.losing.iter().chain(&report.won).find_map(|case| case.line.as_ref()).unwrap();
        assert!(!line.statement.starts_with("failed"), "{method}: {}", line.statement);
        (methods::is_not_applicable(line)).then_some(*method)
    };
    let silent: BTreeSet<&str> = scored(at.path(), &[planted]).iter().filter_map(silent).collect();
    assert_eq!(silent, BTreeSet::from(["microrank", "tracerca"]));
    assert!(METHODS.len() > silent.len());
}
