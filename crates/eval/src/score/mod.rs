//! The third process: holds conclusions against answers.
//!
//! One table a system, never one for all. A root counts at the worst place of those it is tied with.

mod figures;
mod interval;
mod judged;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::conclusion_line::Line;
use crate::files::{self, FileError};
use crate::label::{Answers, FILE, SCHEMA};

pub use figures::{Against, Figures};
pub use interval::{Share, mcnemar};
pub use judged::Judged;

/// What is scored.
#[derive(Debug, Clone, Copy)]
pub struct Scoring<'a> {
    /// `conclusions.jsonl`.
    pub conclusions: &'a Path,
    /// The folder of the answers.
    pub answers: &'a Path,
    /// Conclusions of another run on the same cases, to compare with.
    pub baseline: Option<&'a Path>,
}

/// The score of a run; the headline comes first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `firstcause.eval/1`.
    pub schema: String,
    /// One line a system.
    pub headline: Vec<String>,
    /// The figures of each system, by name.
    pub systems: BTreeMap<String, Figures>,
    /// The cases that were lost, by name.
    pub losing: Vec<Judged>,
    /// All others.
    pub won: Vec<Judged>,
}

/// Scores a run.
///
/// # Errors
/// When a file cannot be read, or conclusions speak of a case without an answer.
pub fn score(scoring: &Scoring<'_>) -> Result<Report, FileError> {
    let answers = answers(scoring.answers)?;
    let lines = read_lines(scoring.conclusions)?;
    let baseline = scoring.baseline.map(read_lines).transpose()?;
    if let Some(case) = lines.keys().find(|case| !answers.labels.iter().any(|label| label.case == **case)) {
        let what =
            format!("it speaks of `{case}`, which has no answer; hint: give the answers of this staging");
        return Err(FileError::content(scoring.conclusions, what));
    }
    Ok(report(judge(&answers, &lines), baseline.as_ref().map(|lines| judge(&answers, lines))))
}

/// The answers in the folder `path`.
///
/// # Errors
/// When they cannot be read, or are of another form.
pub fn answers(path: &Path) -> Result<Answers, FileError> {
    let path = path.join(FILE);
    let answers: Answers = files::read_json(&path)?;
    if answers.schema != SCHEMA {
        return Err(FileError::content(&path, format!("it is `{}`, not `{SCHEMA}`", answers.schema)));
    }
    Ok(answers)
}

/// Holds the lines against the answers, in the order of the answers.
#[must_use]
pub fn judge(answers: &Answers, lines: &BTreeMap<String, Line>) -> Vec<Judged> {
    answers.labels.iter().map(|label| Judged::new(label, lines.get(&label.case))).collect()
}

/// The cases of each system.
#[must_use]
pub fn by_system(judged: &[Judged]) -> BTreeMap<&str, Vec<&Judged>> {
    let mut systems: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for one in judged {
        systems.entry(&one.label.system).or_default().push(one);
    }
    systems
}

fn report(judged: Vec<Judged>, baseline: Option<Vec<Judged>>) -> Report {
    let systems: BTreeMap<String, Figures> = by_system(&judged)
        .into_iter()
        .map(|(name, cases)| {
            let figures = Figures::new(&cases, baseline.as_deref());
            (name.to_owned(), figures)
        })
        .collect();
    let headline = systems.iter().map(|(name, figures)| figures.headline(name)).collect();
    let (won, losing) = judged.into_iter().partition(Judged::is_won);
    Report { schema: "firstcause.eval/1".to_owned(), headline, systems, losing, won }
}

fn read_lines(path: &Path) -> Result<BTreeMap<String, Line>, FileError> {
    let text = std::fs::read_to_string(path).map_err(|error| FileError::io(path, error))?;
    let mut lines = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        let line: Line = serde_json::from_str(line)
            .map_err(|error| FileError::content(path, format!("line {number} is no conclusion: {error}")))?;
        if let Some(twice) = lines.insert(line.case.clone(), line) {
            return Err(FileError::content(path, format!("`{}` stands there twice", twice.case)));
        }
    }
    Ok(lines)
}

impl Report {
    /// The report as a page of text.
    #[must_use]
    pub fn render(&self) -> String {
        table::render(self)
    }
}

#[cfg(test)]
mod tests;
