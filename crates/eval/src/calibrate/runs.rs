//! Every case under every condition: first predicted, then held against the answers.
//!
//! A condition that takes nothing away from a case is no run of it: the same run twice is no second observation.

use std::collections::BTreeMap;
use std::path::Path;

use investigation::confidence::Grounds;
use platform::Clock;

use super::Run;
use super::conditions::conditions;
use crate::ablate::Staged;
use crate::case::Case;
use crate::conclusion_line::{Cost, Line};
use crate::files::FileError;
use crate::score::{self, Judged};
use crate::{folder, label, predict, side_by_side};
use telemetry::recorded::TableSource;

/// What was said of one case under one condition.
struct Said {
    condition: usize,
    line: Line,
    grounds: Option<Grounds>,
}

/// By case, in the order of the conditions.
type All = BTreeMap<String, Vec<Said>>;

/// All runs, in the order of stagings, cases and conditions.
pub(super) fn all(
    stagings: &[Staged],
    clock: &dyn Clock,
    told: &mut impl FnMut(&str),
) -> Result<Vec<Run>, FileError> {
    let mut predicted = Vec::new();
    for staging in stagings {
        let said = predict_all(&staging.cases, clock)?;
        let runs: usize = said.values().map(Vec::len).sum();
        told(&format!("{runs} runs of {} cases of `{}`", said.len(), staging.cases.display()));
        predicted.push(said);
    }
    let mut runs = Vec::new();
    for ((staging, said), number) in stagings.iter().zip(predicted).zip(1..) {
        let answers = score::answers(&staging.answers)?;
        for label in &answers.labels {
            for one in said.get(&label.case).into_iter().flatten() {
                let judged = Judged::new(label, Some(&one.line));
                runs.push(Run {
                    system: label::whole(&label.system).to_owned(),
                    case: format!("{number}/{}", label.case),
                    condition: one.condition,
                    is_named: !judged.abstained,
                    is_right: judged.is_won(),
                    grounds: one.grounds.clone(),
                });
            }
        }
    }
    Ok(runs)
}

/// Sees no answer.
fn predict_all(cases: &Path, clock: &dyn Clock) -> Result<All, FileError> {
    let names = predict::names(cases)?;
    let said = side_by_side::map(&names, |name| {
        let case = folder::read(&cases.join(name))?;
        Ok((name.clone(), predict_one(name, &case, clock)))
    });
    said.into_iter().collect()
}

fn predict_one(name: &str, case: &Case, clock: &dyn Clock) -> Vec<Said> {
    let mut said = Vec::new();
    for (condition, place) in conditions().iter().zip(0..) {
        if !condition.is_felt_by(&case.tables) {
            continue;
        }
        let mut changed = case.clone();
        condition.apply(&mut changed);
        let alert = changed.alert();
        let source = TableSource::new(changed.tables);
        let (conclusion, grounds) = predict::diagnose_with_grounds(alert, &source, clock);
        let cost = Cost { seconds: 0.0, engine_seconds: 0.0, peak_bytes: 0 };
        said.push(Said { condition: place, line: Line::new(name, &conclusion, None, cost), grounds });
    }
    said
}
