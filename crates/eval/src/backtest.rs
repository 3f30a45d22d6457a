//! The score of a folder of one's own incidents, told for those who keep it: how many would have been explained,
//! which were lost and why, and what telemetry was missing.
//!
//! Judging is left to [`crate::score`]; the reasons here are read off the conclusion, its label and the staged data.

mod page;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::case::Case;
use crate::files::FileError;
use crate::folder;
use crate::label::Label;
use crate::score::{Judged, Report};
use telemetry::recorded::Tables;

/// The schema name of the report.
pub const SCHEMA: &str = "firstcause.backtest/1";

/// What a backtest arrived at; the counts come first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Backtest {
    /// [`SCHEMA`].
    pub schema: String,
    /// Incidents that were scored.
    pub incidents: usize,
    /// Those whose cause was named, or rightly nobody's.
    pub explained: usize,
    /// Those in which the engine said that it does not know, though somebody was at fault.
    pub abstained: usize,
    /// Those in which somebody else was blamed.
    pub misled: usize,
    /// One each, in the order of their names.
    pub cases: Vec<Told>,
}

/// How an incident came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The cause was named, or rightly nobody.
    Explained,
    /// It was said that the evidence does not suffice.
    Abstained,
    /// Somebody else was blamed, or somebody where nobody was to blame.
    Misled,
}

/// One incident, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// The name of its folder.
    pub incident: String,
    /// Its opaque name in the staged cases, to look it up there.
    pub case: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What the cause was, by its label; empty when nobody was to blame.
    pub roots: Vec<String>,
    /// What the engine said.
    pub said: String,
    /// The place of the cause among the suspects, from 1; nothing when it is not among them.
    pub rank: Option<usize>,
    /// Whether the change of the label was named; nothing when it has none.
    pub is_change_named: Option<bool>,
    /// Why it was lost; empty when it was not.
    pub why: Vec<String>,
    /// Telemetry that was not there.
    pub missing: Vec<String>,
    /// Seconds from opening its files to the conclusion.
    pub seconds: f64,
}

/// Tells the report of a backtest whose staged cases lie in `cases`.
///
/// # Errors
/// When a staged case cannot be read.
pub fn tell(report: &Report, cases: &Path) -> Result<Backtest, FileError> {
    let mut told = Vec::new();
    for judged in report.won.iter().chain(&report.losing) {
        let case = folder::read(&cases.join(&judged.label.case))?;
        told.push(one(judged, &case));
    }
    told.sort_by(|a, b| a.incident.cmp(&b.incident));
    let count = |outcome| told.iter().filter(|told| told.outcome == outcome).count();
    Ok(Backtest {
        schema: SCHEMA.to_owned(),
        incidents: told.len(),
        explained: count(Outcome::Explained),
        abstained: count(Outcome::Abstained),
        misled: count(Outcome::Misled),
        cases: told,
    })
}

impl Backtest {
    /// The report as a page of text.
    #[must_use]
    pub fn render(&self) -> String {
        page::render(self)
    }
}

fn one(judged: &Judged, case: &Case) -> Told {
    let (label, line) = (&judged.label, judged.line.as_ref());
    let outcome = match (judged.is_won(), judged.abstained || line.is_none()) {
        (true, _) => Outcome::Explained,
        (false, true) => Outcome::Abstained,
        (false, false) => Outcome::Misled,
    };
    let missing = missing(label, case);
    Told {
        incident: label.origin.clone(),
        case: label.case.clone(),
        outcome,
        roots: label.roots.clone(),
        said: line.map_or("no conclusion".to_owned(), |line| line.statement.clone()),
        rank: judged.rank,
        is_change_named: (!label.change.is_empty())
            .then(|| line.is_some_and(|line| line.changes.contains(&label.change))),
        why: if outcome == Outcome::Explained { Vec::new() } else { why(judged, &missing) },
        missing,
        seconds: line.map_or(0.0, |line| line.seconds),
    }
}

/// The reasons that can be read off a lost case.
fn why(judged: &Judged, missing: &[String]) -> Vec<String> {
    let label = &judged.label;
    let Some(line) = &judged.line else {
        return vec!["there is no conclusion for it".to_owned()];
    };
    let blamed = line.root_cause.as_deref().unwrap_or_default();
    let mut why = Vec::new();
    match (label.is_none, judged.abstained, judged.rank) {
        (true, ..) => why.push(format!("`{blamed}` was blamed, and nobody was to blame")),
        (_, true, Some(1)) => why.push(
            "the cause stood first among the suspects, and the evidence did not suffice to name it"
                .to_owned(),
        ),
        (_, true, Some(rank)) => {
            why.push(format!("nothing was claimed; the cause stood at place {rank} among the suspects"))
        }
        (_, true, None) => {
            why.push("nothing was claimed, and the cause was not among the suspects".to_owned())
        }
        (_, false, Some(rank)) => why.push(format!("`{blamed}` was blamed; the cause stood at place {rank}")),
        (_, false, None) => why.push(format!("`{blamed}` was blamed; the cause was not among the suspects")),
    }
    if judged.is_loudest && !judged.is_within(1) {
        why.push("the cause's own figures moved most of all".to_owned());
    }
    if !missing.is_empty() && !label.is_none {
        why.push("see what telemetry was missing".to_owned());
    }
    why.extend(judged.decoys.iter().map(|decoy| format!("the decoy `{decoy}` was blamed")));
    why
}

/// What was not recorded: of the whole system, of the alerted service and of the cause.
fn missing(label: &Label, case: &Case) -> Vec<String> {
    let tables = &case.tables;
    let mut missing = Vec::new();
    let absent = [
        (tables.spans.is_empty(), "no traces at all"),
        (tables.logs.is_empty(), "no logs at all"),
        (tables.series.is_empty(), "no metrics at all"),
        (tables.changes.is_empty(), "no changes were told: deploys, commits, flags"),
    ];
    missing.extend(absent.into_iter().filter(|(is_absent, _)| *is_absent).map(|(_, what)| what.to_owned()));
    let alerted = case.file.symptoms.iter().map(|symptom| (symptom.service.as_str(), "which was alerted"));
    let roots = label.roots.iter().map(|root| (root.as_str(), "which was the cause"));
    let mut seen = BTreeSet::new();
    for (service, role) in alerted.chain(roots) {
        if seen.insert(service) {
            missing.extend(of_service(tables, service, role));
        }
    }
    let from = case.file.wrong_from();
    let history_s = from.since(case.file.history_from) / telemetry::time::SECOND_NS;
    if history_s < HISTORY_SECONDS_MIN {
        missing.push(format!(
            "only {history_s} s of history before the symptom: give at least {HISTORY_SECONDS_MIN} s"
        ));
    }
    missing.extend(case.file.left_out.iter().cloned());
    missing
}

/// Seconds of history with which contrasts mean something.
const HISTORY_SECONDS_MIN: i64 = 300;

/// The signals that others send and this service does not.
fn of_service(tables: &Tables, service: &str, role: &str) -> Option<String> {
    let spans = tables.spans.iter().any(|span| *span.resource.service == *service);
    let logs = tables.logs.iter().any(|log| *log.resource.service == *service);
    let series = tables.series.iter().any(|series| series.key.service == service);
    let sent = [
        (spans || tables.spans.is_empty(), "spans"),
        (logs || tables.logs.is_empty(), "logs"),
        (series || tables.series.is_empty(), "metrics"),
    ];
    let lacking: Vec<&str> = sent.iter().filter(|(is_sent, _)| !is_sent).map(|(_, what)| *what).collect();
    match (spans || logs || series, lacking.is_empty()) {
        (false, _) => Some(format!(
            "nothing was recorded of `{service}`, {role}; hint: is it spelled as in the telemetry?"
        )),
        (true, false) => Some(format!("no {} of `{service}`, {role}", lacking.join(" and no "))),
        (true, true) => None,
    }
}

#[cfg(test)]
mod tests;
