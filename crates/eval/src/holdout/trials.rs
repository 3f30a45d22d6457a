//! The scores of all systems under thresholds anywhere on the grid.

use std::collections::BTreeMap;

use evidence::{Thresholds, thresholds};
use investigation::Settings;
use platform::Clock;

use super::{FACTORS, Won};
use crate::ablate::Staged;
use crate::bench::Bench;
use crate::conclusion_line::Line;
use crate::files::FileError;
use crate::label::{self, Answers};
use crate::score::{self, Judged};

/// The place of each threshold on the grid.
pub(super) type Places = Vec<usize>;
/// By system.
pub(super) type Scores = BTreeMap<String, Won>;

/// The factor at a place of the grid.
pub(super) fn factor(place: usize) -> f64 {
    FACTORS.get(place).copied().unwrap_or(1.0)
}

/// Cases with their answers.
pub(super) struct Trials<'a> {
    clock: &'a dyn Clock,
    parts: Vec<Part>,
}

/// One staging.
struct Part {
    bench: Bench,
    answers: Answers,
}

impl<'a> Trials<'a> {
    pub(super) fn read(
        stagings: &[Staged],
        clock: &'a dyn Clock,
        told: &mut impl FnMut(&str),
    ) -> Result<Self, FileError> {
        let mut parts = Vec::new();
        for staging in stagings {
            let bench = Bench::read(&staging.cases, |_, _| {})?;
            let answers = score::answers(&staging.answers)?;
            told(&format!("read {} cases of `{}`", answers.labels.len(), staging.cases.display()));
            parts.push(Part { bench, answers });
        }
        Ok(Self { clock, parts })
    }

    /// The scores at `places`.
    pub(super) fn scores(&self, places: &Places) -> Result<Scores, FileError> {
        let mut systems: BTreeMap<String, Vec<Won>> = BTreeMap::new();
        for part in &self.parts {
            for (system, won) in part.judged(&part.predict(places, self.clock)?) {
                systems.entry(label::whole(&system).to_owned()).or_default().push(won);
            }
        }
        Ok(systems.into_iter().map(|(system, parts)| (system, Won::sum(&parts))).collect())
    }

    /// The mean points of all systems but one.
    pub(super) fn points_without(&self, system: &str, places: &Places) -> Result<f64, FileError> {
        let scores = self.scores(places)?;
        let others: Vec<f64> =
            scores.iter().filter(|(name, _)| *name != system).map(|(_, won)| won.points).collect();
        Ok(others.iter().sum::<f64>() / others.len().max(1) as f64)
    }
}

impl Part {
    /// Sees no answer.
    fn predict(&self, places: &Places, clock: &dyn Clock) -> Result<BTreeMap<String, Line>, FileError> {
        let all = thresholds::all().iter().zip(places);
        let thresholds = all.fold(Thresholds::default(), |changed, (threshold, place)| {
            threshold.with(&changed, threshold.moved(factor(*place)))
        });
        let mut settings = Settings::default();
        settings.thresholds = thresholds;
        self.bench.lines(&settings, clock)
    }

    fn judged(&self, lines: &BTreeMap<String, Line>) -> BTreeMap<String, Won> {
        let judged = score::judge(&self.answers, lines);
        let systems = score::by_system(&judged).into_iter();
        systems.map(|(system, cases)| (system.to_owned(), Won::of(&cases))).collect()
    }
}

impl Won {
    fn of(cases: &[&Judged]) -> Self {
        let count = |has: &dyn Fn(&Judged) -> bool| cases.iter().filter(|case| has(case)).count();
        let rooted = |case: &Judged| !case.label.is_none;
        let first = count(&|case| rooted(case) && case.is_within(1));
        let exact = count(&|case| rooted(case) && case.is_exact);
        let abstained = count(&|case| case.label.is_none && case.abstained);
        let points = 0.5 * (first + exact) as f64 + abstained as f64;
        Self {
            cases: cases.len(),
            first,
            exact,
            healthy: count(&|case| case.label.is_none),
            abstained,
            points: points / cases.len().max(1) as f64,
        }
    }

    /// Parts of one system together: cases are added up, points are averaged.
    fn sum(parts: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> usize| parts.iter().map(of).sum();
        Self {
            cases: sum(|part| part.cases),
            first: sum(|part| part.first),
            exact: sum(|part| part.exact),
            healthy: sum(|part| part.healthy),
            abstained: sum(|part| part.abstained),
            points: parts.iter().map(|part| part.points).sum::<f64>() / parts.len().max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_system_count_alike_however_many_cases_they_have() {
        let part = |cases, points| Won { cases, points, ..Won::default() };
        let sum = Won::sum(&[part(10, 1.0), part(90, 0.5)]);
        assert_eq!((sum.cases, sum.points), (100, 0.75));
        assert_eq!((label::whole("shop, normal latency"), label::whole("shop")), ("shop", "shop"));
    }
}
