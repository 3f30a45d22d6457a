//! Holds the engine and every method against the same answers, system by system, and says where who is better.

use std::collections::{BTreeMap, BTreeSet};

use eval::score::{Figures, Judged, Report, mcnemar};
use serde_json::{Value, json};

use super::methods;
use crate::soaks::columns;

/// The level below which a difference is called one.
const LEVEL: f64 = 0.05;

/// One run over the cases: the engine's, or a method's.
pub(super) struct Run {
    pub(super) name: String,
    pub(super) report: Report,
}

impl Run {
    fn cases(&self, system: &str) -> BTreeMap<&str, &Judged> {
        let all = self.report.won.iter().chain(&self.report.losing);
        let of_system = all.filter(|case| case.label.system == system);
        of_system.map(|case| (case.label.case.as_str(), case)).collect()
    }

    fn figures(&self, system: &str) -> &Figures {
        &self.report.systems[system]
    }

    /// The cases that it could say something about.
    fn ran<'a>(&'a self, system: &str) -> BTreeMap<&'a str, &'a Judged> {
        let is_silent = |case: &Judged| case.line.as_ref().is_none_or(methods::is_not_applicable);
        self.cases(system).into_iter().filter(|(_, case)| !is_silent(case)).collect()
    }

    /// Why it could not speak of the others, and how often.
    fn reasons(&self, system: &str) -> BTreeMap<String, usize> {
        let mut reasons = BTreeMap::new();
        for case in self.cases(system).values() {
            let reason = match &case.line {
                None => Some("no line"),
                Some(line) => methods::reason(line),
            };
            if let Some(reason) = reason {
                *reasons.entry(reason.to_owned()).or_insert(0) += 1;
            }
        }
        reasons
    }
}

/// The engine against one method, on the cases on which that could run.
#[derive(Debug, PartialEq)]
pub(super) struct Duel {
    won: usize,
    lost: usize,
    p: f64,
}

impl Duel {
    fn new(ours: &Run, other: &Run, system: &str) -> Self {
        let mine = ours.cases(system);
        let pairs: Vec<(bool, bool)> =
            other.ran(system).iter().map(|(name, there)| (mine[name].is_won(), there.is_won())).collect();
        let won = pairs.iter().filter(|(here, there)| *here && !there).count();
        let lost = pairs.iter().filter(|(here, there)| !here && *there).count();
        Self { won, lost, p: mcnemar(won, lost) }
    }

    /// A win or a loss is one only below the level.
    fn word(&self) -> &'static str {
        match self.won.cmp(&self.lost) {
            std::cmp::Ordering::Greater if self.p < LEVEL => "win",
            std::cmp::Ordering::Less if self.p < LEVEL => "LOSS",
            _ => "open",
        }
    }
}

/// The systems of all runs, sorted.
fn systems(ours: &Run) -> BTreeSet<&str> {
    ours.report.systems.keys().map(String::as_str).collect()
}

/// A table a system, for people.
pub(super) fn table(ours: &Run, others: &[Run]) -> Vec<String> {
    let mut lines = Vec::new();
    for system in systems(ours) {
        let mut rows = vec![cells(ours, None, system), loudest(ours, system)];
        rows.extend(others.iter().map(|other| cells(other, Some(ours), system)));
        lines.push(format!("{system}: {} cases with a root", ours.cases(system).len()));
        lines.push(String::new());
        lines.extend(columns(&HEAD, &rows));
        lines.push(String::new());
        for other in others {
            let reasons = other.reasons(system);
            lines.extend(reasons.iter().map(|(why, count)| format!("{}, {count} cases: {why}", other.name)));
        }
        lines.push(String::new());
    }
    lines
}

const HEAD: [&str; 12] = [
    "",
    "ran",
    "AC@1",
    "of ran",
    "AC@3",
    "Avg@5",
    "root loudest",
    "not loudest",
    "s a case",
    "method s",
    "we won, lost",
    "p",
];

fn cells(run: &Run, ours: Option<&Run>, system: &str) -> Vec<String> {
    let (figures, ran) = (run.figures(system), run.ran(system));
    let right = ran.values().filter(|case| case.is_within(1)).count();
    let place = |k: usize| format!("{}/{}", figures.ac[k - 1].hits, figures.ac[k - 1].of);
    let split = |share: eval::score::Share| format!("{}/{}", share.hits, share.of);
    let (duel, p) = ours.map_or_else(
        || ("-".to_owned(), "-".to_owned()),
        |ours| {
            let duel = Duel::new(ours, run, system);
            (format!("{}, {}", duel.won, duel.lost), format!("{:.4} {}", duel.p, duel.word()))
        },
    );
    let is_silent = ran.is_empty();
    let or_none = |text: String| if is_silent { "-".to_owned() } else { text };
    vec![
        run.name.clone(),
        format!("{}/{}", ran.len(), run.cases(system).len()),
        or_none(place(1)),
        or_none(format!("{right}/{}", ran.len())),
        or_none(place(3)),
        or_none(format!("{:.3}", figures.avg_at_5)),
        or_none(split(figures.ac1_root_is_loudest)),
        or_none(split(figures.ac1_root_is_not_loudest)),
        or_none(format!("{:.2}", median(&ran, |line| line.seconds))),
        or_none(format!("{:.3}", median(&ran, |line| line.engine_seconds))),
        or_none(duel),
        or_none(p),
    ]
}

/// The baseline beside every score.
fn loudest(ours: &Run, system: &str) -> Vec<String> {
    let figures = ours.figures(system);
    let mut cells = vec!["-".to_owned(); HEAD.len()];
    cells[0] = "(loudest service)".to_owned();
    cells[2] = format!("{}/{}", figures.loudest.hits, figures.loudest.of);
    let against = figures.against_loudest;
    cells[10] = format!("{}, {}", against.wins, against.losses);
    cells[11] = format!("{:.4}", against.p);
    cells
}

fn median(ran: &BTreeMap<&str, &Judged>, of: impl Fn(&eval::conclusion_line::Line) -> f64) -> f64 {
    let values = ran.values().filter_map(|case| case.line.as_ref()).map(of);
    crate::soaks::median(values).unwrap_or(0.0)
}

/// Everything that the table is made of, and the place of the root in every case.
pub(super) fn figures(ours: &Run, others: &[Run]) -> Value {
    let mut told = serde_json::Map::new();
    for system in systems(ours) {
        let runs: serde_json::Map<String, Value> = std::iter::once(ours)
            .chain(others)
            .map(|run| {
                let duel = Duel::new(ours, run, system);
                let ranks: BTreeMap<&str, Option<usize>> =
                    run.cases(system).iter().map(|(name, case)| (*name, case.rank)).collect();
                let told = json!({
                    "ran": run.ran(system).len(),
                    "not_applicable": run.reasons(system),
                    "figures": run.figures(system),
                    "engine_won": duel.won,
                    "engine_lost": duel.lost,
                    "p": duel.p,
                    "said": duel.word(),
                    "place_of_the_root": ranks,
                });
                (run.name.clone(), told)
            })
            .collect();
        told.insert(system.to_owned(), Value::Object(runs));
    }
    Value::Object(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, right: usize, wrong: usize, silent: usize) -> Run {
        let kinds = [("root_cause", "r", right), ("root_cause", "x", wrong), ("insufficient", "", silent)];
        let mut number = 0;
        let mut lines = Vec::new();
        let mut labels = Vec::new();
        for (kind, first, count) in kinds {
            for _ in 0..count {
                number += 1;
                let case = format!("case-{number:04}");
                let ranking =
                    if first.is_empty() { json!([]) } else { json!([{"component": first, "score": 1.0}]) };
                lines.push(json!({
                    "schema": "firstcause.prediction/1", "case": case, "kind": kind,
                    "root_cause": if first.is_empty() { Value::Null } else { json!(first) },
                    "further_causes": [], "fault": null, "inner": [], "changes": [], "ranking": ranking,
                    "statement": if first.is_empty() { "not applicable: no traces" } else { "" },
                    "loudest": null, "seconds": 1.0, "engine_seconds": 0.5, "peak_bytes": 0,
                }));
                labels.push(json!({"case": case, "system": "s", "roots": ["r"]}));
            }
        }
        let at = tempfile::tempdir().unwrap();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(at.path().join("lines"), text).unwrap();
        let answers = json!({"schema": eval::label::SCHEMA, "labels": labels});
        std::fs::write(at.path().join(eval::label::FILE), answers.to_string()).unwrap();
        let conclusions = at.path().join("lines");
        let scoring = eval::score::Scoring { conclusions: &conclusions, answers: at.path(), baseline: None };
        Run { name: name.to_owned(), report: eval::score::score(&scoring).unwrap() }
    }

    #[test]
    fn a_win_needs_a_small_p_and_cases_that_a_method_cannot_run_on_are_none() {
        let ours = run("ours", 10, 0, 0);
        assert_eq!(Duel::new(&ours, &run("a", 4, 6, 0), "s").word(), "win");
        // Five of five are not enough, and the five silent cases do not make them ten.
        let silent = Duel::new(&ours, &run("b", 0, 5, 5), "s");
        assert_eq!((silent.won, silent.lost, silent.word()), (5, 0, "open"));
        assert_eq!(Duel::new(&run("c", 4, 6, 0), &ours, "s").word(), "LOSS");
    }

    #[test]
    fn the_table_shows_losses_reasons_and_the_baseline() {
        let text =
            table(&run("ours", 1, 9, 0), &[run("better", 10, 0, 0), run("silent", 0, 0, 10)]).join("\n");
        assert!(text.contains("0, 9  0.0039 LOSS"), "{text}");
        assert!(text.contains("silent, 10 cases: not applicable: no traces"), "{text}");
        assert!(text.contains("(loudest service)"), "{text}");
    }
}
