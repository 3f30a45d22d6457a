//! Whether a way to a conclusion is measured: only where it was better than a constant on systems not fitted to.

use std::collections::{BTreeMap, BTreeSet};

use investigation::confidence::Route;
use serde::Serialize;

use super::figures::{Figures, Forecast};

/// Cases below which nothing can be said.
const CASES_MIN: usize = 10;
/// Cases with a run that is right, and cases with one that is not, that there must be.
const OF_EACH_MIN: usize = 5;

/// One way to a conclusion.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether conclusions on it carry a confidence.
    pub is_measured: bool,
    /// Why, in words.
    pub why: String,
    /// The systems on which a cause was named on it.
    pub systems: BTreeSet<String>,
    /// Its figures, each system as it was left out.
    pub figures: Figures,
}

/// The verdict on each way.
pub(super) fn all(forecasts: &[Forecast<'_>]) -> BTreeMap<&'static str, Verdict> {
    Route::ALL.into_iter().map(|route| (route.name(), of(route, forecasts))).collect()
}

fn of(route: Route, forecasts: &[Forecast<'_>]) -> Verdict {
    let own: Vec<Forecast<'_>> = forecasts.iter().filter(|one| one.route == route).copied().collect();
    let figures = Figures::of(&own);
    let with = |is_right: bool| {
        let cases: BTreeSet<&str> =
            own.iter().filter(|one| one.is_right == is_right).map(|one| one.case).collect();
        cases.len()
    };
    let (right, wrong) = (with(true), with(false));
    let doubt = if figures.cases < CASES_MIN || right.min(wrong) < OF_EACH_MIN {
        Some(format!(
            "too few: {} cases, {right} with a run that is right and {wrong} with one that is not; {CASES_MIN} and {OF_EACH_MIN} of each are asked for",
            figures.cases
        ))
    } else if figures.skill.is_none_or(|skill| skill.low <= 0.0) {
        Some(
            "no skill against the base rate that was learned: the interval does not lie above zero"
                .to_owned(),
        )
    } else if figures.skill_own.is_none_or(|skill| skill.value <= 0.0) {
        Some("no skill against the base rate of its own runs: it knows the level and not the case".to_owned())
    } else {
        None
    };
    Verdict {
        is_measured: doubt.is_none(),
        why: doubt.unwrap_or_else(|| "skill on systems that it was not fitted to".to_owned()),
        systems: own.iter().map(|one| one.system.to_owned()).collect(),
        figures,
    }
}
