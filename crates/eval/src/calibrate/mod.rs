//! Is a confidence right? Cases are made worse in ways that really happen, and what is fitted to all systems but one is
//! tried on that one.
//!
//! Everything is predicted before an answer is read, and the runs of a system are never used for what is tried on it. A
//! run counts when it names a cause: a confidence is of a named cause only. Runs of one case hang together, so intervals
//! resample cases. Decides which ways to a conclusion are measured; what the figures of a conclusion are is
//! `investigation::confidence`.

mod conditions;
mod curve;
mod figures;
mod fit;
mod page;
mod runs;
mod table;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use investigation::confidence::{Grounds, Model, Route, SIGNS};
use platform::Clock;
use serde::Serialize;

use crate::ablate::Staged;
use crate::files::FileError;

pub use conditions::conditions;
pub use figures::{Bin, Figures, Interval};
pub use verdict::Verdict;

/// The result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// `firstcause.calibration/1`.
    pub schema: String,
    /// How many conditions there are.
    pub conditions: usize,
    /// What came of what was taken away, whatever the time of the alert.
    pub losses: BTreeMap<String, Tally>,
    /// What came of the alert's time, in seconds from what was recorded, whatever was taken away.
    pub shifts: BTreeMap<i64, Tally>,
    /// What came of each system.
    pub tallies: BTreeMap<String, Tally>,
    /// Each system, left out in turn.
    pub systems: BTreeMap<String, Figures>,
    /// All of them together, each as it was left out.
    pub overall: Figures,
    /// Each way to a conclusion, and whether it is measured.
    pub routes: BTreeMap<&'static str, Verdict>,
    /// What was fitted without each system.
    pub without: BTreeMap<String, Weights>,
    /// What was fitted to all systems, for systems beyond them.
    pub fitted: Weights,
    #[serde(skip)]
    model: Model,
    #[serde(skip)]
    measured: Vec<Route>,
    #[serde(skip)]
    runs: Vec<Run>,
}

/// What came of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Cases.
    pub cases: usize,
    /// Cases under conditions that changed something about them.
    pub runs: usize,
    /// Those in which a cause was named.
    pub named: usize,
    /// Those in which it was right.
    pub right: usize,
    /// Those in which the evidence had a bar to clear, so that a confidence can be read from it.
    pub barred: usize,
    /// Cases in which a wrong cause was named under some condition.
    pub cases_wrong: usize,
}

/// A model by the names of its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weights {
    /// The sum without any grounds, in logits.
    pub intercept: f64,
    /// Logits for each figure.
    pub weights: BTreeMap<&'static str, f64>,
}

/// One case under one condition, held against its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    /// The system.
    pub(crate) system: String,
    /// The case, the same under all conditions.
    pub(crate) case: String,
    /// The place of the condition.
    pub(crate) condition: usize,
    /// Whether what was said is right.
    pub(crate) is_right: bool,
    /// Whether a cause is named.
    pub(crate) is_named: bool,
    /// What the confidence is read from, when a cause is named on evidence that had a bar to clear.
    pub(crate) grounds: Option<Grounds>,
}

/// Runs every case under every condition and leaves each system out in turn. `told` hears how far it has come.
///
/// # Errors
/// When cases or answers cannot be read.
pub fn calibrate(
    stagings: &[Staged],
    clock: &dyn Clock,
    mut told: impl FnMut(&str),
) -> Result<Calibration, FileError> {
    let runs = runs::all(stagings, clock, &mut told)?;
    Ok(Calibration { runs: runs.clone(), ..of_runs(&runs) })
}

/// The calibration of runs.
fn of_runs(runs: &[Run]) -> Calibration {
    let systems: BTreeSet<&str> = runs.iter().map(|run| run.system.as_str()).collect();
    let mut forecasts = Vec::new();
    let mut without = BTreeMap::new();
    for system in &systems {
        let (tried, others): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.system == *system);
        let (model, base) = fit::model(&others);
        forecasts.extend(figures::forecasts(&tried, &model, base));
        without.insert((*system).to_owned(), Weights::of(&model));
    }
    let of_system = |system: &str| {
        let own = forecasts.iter().filter(|forecast| forecast.system == system);
        Figures::of(&own.copied().collect::<Vec<_>>())
    };
    let (model, _) = fit::model(&runs.iter().collect::<Vec<_>>());
    let routes = verdict::all(&forecasts);
    let conditions = conditions();
    let of = |run: &Run| conditions.get(run.condition).cloned().unwrap_or_default();
    Calibration {
        schema: "firstcause.calibration/1".to_owned(),
        conditions: conditions.len(),
        losses: tallies(runs, |run| of(run).loss()),
        shifts: tallies(runs, |run| of(run).shift_seconds),
        tallies: tallies(runs, |run| run.system.clone()),
        systems: systems.iter().map(|system| ((*system).to_owned(), of_system(system))).collect(),
        overall: Figures::of(&forecasts),
        measured: Route::ALL
            .into_iter()
            .filter(|route| routes.get(route.name()).is_some_and(|verdict| verdict.is_measured))
            .collect(),
        routes,
        without,
        fitted: Weights::of(&model),
        model,
        runs: Vec::new(),
    }
}

fn tallies<K: Ord>(runs: &[Run], key: impl Fn(&Run) -> K) -> BTreeMap<K, Tally> {
    let mut groups: BTreeMap<K, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        groups.entry(key(run)).or_default().push(run);
    }
    groups.into_iter().map(|(key, runs)| (key, Tally::of(&runs))).collect()
}

impl Tally {
    fn of(runs: &[&Run]) -> Self {
        let named = || runs.iter().filter(|run| run.is_named);
        let cases = |runs: &mut dyn Iterator<Item = &&Run>| {
            runs.map(|run| run.case.as_str()).collect::<BTreeSet<_>>().len()
        };
        Self {
            cases: cases(&mut runs.iter()),
            runs: runs.len(),
            named: named().count(),
            right: named().filter(|run| run.is_right).count(),
            barred: named().filter(|run| run.grounds.is_some()).count(),
            cases_wrong: cases(&mut named().filter(|run| !run.is_right)),
        }
    }
}

impl Run {
    fn line(&self) -> serde_json::Value {
        let of = |grounds: &Grounds| {
            serde_json::json!({
                "route": grounds.route.name(),
                "signs": SIGNS.into_iter().zip(grounds.signs).collect::<BTreeMap<_, _>>(),
                "cap": grounds.coverage.cap(),
            })
        };
        serde_json::json!({
            "system": self.system,
            "case": self.case,
            "condition": conditions().get(self.condition).map(crate::bench::Condition::name),
            "is_named": self.is_named,
            "is_right": self.is_right,
            "grounds": self.grounds.as_ref().map(of),
        })
    }
}

impl Weights {
    fn of(model: &Model) -> Self {
        Self { intercept: model.intercept, weights: SIGNS.into_iter().zip(model.weights).collect() }
    }
}

impl Calibration {
    /// The page, in Markdown.
    #[must_use]
    pub fn render(&self) -> String {
        page::render(self)
    }

    /// Every run as a line of JSON: what it was, whether it is right, and what its confidence is read from.
    #[must_use]
    pub fn lines(&self) -> String {
        self.runs.iter().map(|run| format!("{}\n", run.line())).collect()
    }

    /// The reliability curve, as SVG.
    #[must_use]
    pub fn curve(&self) -> String {
        curve::draw(self)
    }

    /// The source text of `investigation::confidence::table`.
    #[must_use]
    pub fn table(&self) -> String {
        table::text(&self.model, &self.measured)
    }
}

#[cfg(test)]
mod tests;
