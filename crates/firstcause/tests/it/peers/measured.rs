//! The soak: the engine and the methods on public datasets, which are not in the repository.
//!
//! `FIRSTCAUSE_DATASETS=FOLDER cargo xtask soak eval-peers`; the folder holds `rca_data` and `construct_data` (Nezha),
//! `petshop`, `rootcausebench` and the labels beside them. Cases in which nobody is to be blamed are left out: a
//! method that always ranks somebody could only lose there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eval::conclusion_line::Line;
use eval::files;
use eval::label::{Answers, FILE};
use eval::score::{Scoring, score};
use serde_json::json;

use super::compare::{Run, figures, table};
use super::methods;
use crate::clients::output;
use crate::{BINARY, alone, print_figures, soak};

/// A dataset and where it lies below the folder of all.
const DATASETS: [(&str, &str); 3] =
    [("nezha", "."), ("petshop", "petshop"), ("rootcausebench", "rootcausebench")];

/// The folder that the datasets are in.
fn datasets() -> PathBuf {
    let named = std::env::var_os("FIRSTCAUSE_DATASETS");
    let hint =
        "hint: FIRSTCAUSE_DATASETS=FOLDER with rca_data, construct_data, petshop and rootcausebench in it";
    let folder = PathBuf::from(named.unwrap_or_else(|| panic!("no datasets; {hint}")));
    for (name, below) in DATASETS {
        assert!(folder.join(below).is_dir(), "{name} is missing; {hint}");
    }
    folder.canonicalize().unwrap()
}

/// Stages a dataset, lets the engine predict, and leaves cases, answers and conclusions with a root alone.
fn staged(dataset: &str, root: &Path, at: &Path, seed: u64) {
    let (cases, answers, lines) = (at.join("cases"), at.join("answers"), at.join("conclusions.jsonl"));
    let eval = || {
        let mut command = Command::new(BINARY);
        command.arg("eval");
        command
    };
    let seed = seed.to_string();
    output(eval().arg("stage").arg(root).arg("--out").arg(&cases).arg("--answers").arg(&answers).args([
        "--dataset",
        dataset,
        "--seed",
        &seed,
    ]));
    output(eval().arg("predict").arg(&cases).arg("--out").arg(&lines));
    let mut told: Answers = files::read_json(&answers.join(FILE)).unwrap();
    let (with_root, without): (Vec<_>, Vec<_>) = told.labels.into_iter().partition(|label| !label.is_none);
    for label in &without {
        std::fs::remove_dir_all(cases.join(&label.case)).unwrap();
    }
    told.labels = with_root;
    let is_kept = |line: &Line| told.labels.iter().any(|label| label.case == line.case);
    let kept: Vec<Line> = read(&lines).into_iter().filter(is_kept).collect();
    write(&lines, &kept);
    files::write_json(&answers.join(FILE), &told).unwrap();
}

fn read(path: &Path) -> Vec<Line> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(path: &Path, lines: &[Line]) {
    let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    std::fs::write(path, text).unwrap();
}

/// The loudest service is what the data say, whoever is asked: the methods' lines take it from the engine's.
fn with_the_loudest(lines: &Path, ours: &Path) {
    let loudest: BTreeMap<String, Option<String>> =
        read(ours).into_iter().map(|line| (line.case, line.loudest)).collect();
    let told = read(lines).into_iter().map(|line| Line { loudest: loudest[&line.case].clone(), ..line });
    write(lines, &told.collect::<Vec<_>>());
}

/// All runs on one dataset, the engine's first.
fn runs(at: &Path, at_once: usize) -> (Run, Vec<Run>) {
    let (answers, ours) = (at.join("answers"), at.join("conclusions.jsonl"));
    let run = |name: &str, lines: &Path| {
        let scoring = Scoring { conclusions: lines, answers: &answers, baseline: None };
        Run { name: name.to_owned(), report: score(&scoring).unwrap() }
    };
    let others = methods::run_all(&at.join("cases"), at, at_once);
    let others = others.iter().map(|(name, lines)| {
        with_the_loudest(lines, &ours);
        run(name, lines)
    });
    let others = others.collect();
    (run("firstcause", &ours), others)
}

#[test]
fn published_methods_and_the_engine_are_scored_on_the_same_cases() {
    let (is_soak, _, seed) = soak();
    if !is_soak {
        // What the soak does is done on generated cases by the tests beside it; the data are not in the repository.
        assert_eq!(DATASETS.len(), 3);
        return;
    }
    let _turn = alone();
    let (folder, kept) = (datasets(), tempfile::tempdir().unwrap());
    let (mut lines, mut told) = (Vec::new(), serde_json::Map::new());
    for (dataset, below) in DATASETS {
        let at = kept.path().join(dataset);
        staged(dataset, &folder.join(below), &at, seed);
        let (ours, others) = runs(&at, crate::soaks::parallel());
        println!("{}", table(&ours, &others).join("\n"));
        lines.extend(table(&ours, &others));
        told.insert(dataset.to_owned(), figures(&ours, &others));
    }
    let read = [
        "ran: cases that the method could run on; AC@k counts the others as wrong, \"of ran\" leaves them out.",
        "we won, lost: cases that only one of the two got right, among those that the method ran on; an abstention",
        "of the engine counts as wrong. p: McNemar, exact, two-sided, not corrected for the number of methods;",
        "win or LOSS only where p < .05, open otherwise. No credit for ties. Systems are never pooled.",
        "s a case: median, from opening the files; method s: the method (or engine) alone.",
    ];
    lines.extend(read.map(str::to_owned));
    print_figures(&json!({
        "package": "rcaeval 1.8.1",
        "parallel": crate::soaks::parallel(),
        "datasets": told,
        "table": lines,
    }));
}
