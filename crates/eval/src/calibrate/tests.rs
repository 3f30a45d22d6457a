//! Planted runs: a figure that tells, and one that tells nothing.

use investigation::confidence::Coverage;
use platform::{Chance, SeededChance};

use super::*;

/// A number from 0 to below 1.
fn dice(chance: &mut SeededChance) -> f64 {
    chance.below(1_000_000) as f64 / 1e6
}

/// Five systems of thirty cases under four conditions, where `right` makes the probability of the margin.
fn planted(seed: u64, right: impl Fn(f64) -> f64) -> Vec<Run> {
    let mut chance = SeededChance::new(seed);
    let mut runs = Vec::new();
    for system in ["a", "b", "c", "d", "e"] {
        for case in 0..30 {
            for condition in 0..4 {
                let margin = dice(&mut chance);
                let signs = [margin, dice(&mut chance), 0.5, 1.0, 1.0];
                let is_right = dice(&mut chance) < right(margin);
                let coverage = Coverage { services: 4, silent: 0, asked: 2, untold: Vec::new() };
                let grounds = Some(Grounds { route: Route::Unnamed, signs, coverage });
                runs.push(Run {
                    system: system.to_owned(),
                    case: format!("{system}/{case}"),
                    condition,
                    is_named: true,
                    is_right,
                    grounds,
                });
            }
        }
    }
    runs
}

#[test]
fn a_figure_that_tells_gives_skill_a_good_curve_and_a_measured_way() {
    let calibration = of_runs(&planted(1, |margin| 0.1 + 0.85 * margin));
    let overall = &calibration.overall;
    assert_eq!((overall.cases, overall.runs), (150, 600));
    let skill = overall.skill.unwrap();
    assert!(skill.low > 0.1 && skill.high < 0.5, "{skill:?}");
    assert!(overall.skill_own.unwrap().value > 0.1, "{overall:?}");
    assert!(overall.ece < 0.1 && overall.concordance.unwrap() > 0.7, "{overall:?}");
    let kept = overall.accuracy_at_80.unwrap().value - overall.accuracy.unwrap().value;
    assert!(kept > 0.05, "{overall:?}");
    // The penalty draws every probability a little to the middle.
    let near = |bin: &Bin| bin.right.low - 0.1 < bin.predicted && bin.predicted < bin.right.high + 0.1;
    assert!(overall.reliability.iter().all(near), "{:?}", overall.reliability);
    assert_eq!(calibration.measured, [Route::Unnamed]);
    assert!(calibration.table().contains("measured: &[Route::Unnamed]"), "{}", calibration.table());
}

#[test]
fn a_figure_that_tells_nothing_gives_no_skill_and_no_measured_way() {
    for seed in 1..=3 {
        let calibration = of_runs(&planted(seed, |_| 0.7));
        assert!(calibration.measured.is_empty(), "seed {seed}: {:?}", calibration.routes);
        assert!(calibration.table().contains("measured: &[]"));
    }
}

#[test]
fn a_figure_that_tells_so_little_that_it_may_be_chance_is_not_measured() {
    // Better than a constant on these runs, and drawing the cases anew may make it worse than one.
    let doubtful = (1..=20).map(|seed| of_runs(&planted(seed, |margin| 0.6 + 0.2 * margin))).find(|one| {
        let (skill, own) = (one.overall.skill.unwrap(), one.overall.skill_own.unwrap());
        skill.value > 0.0 && skill.low <= 0.0 && own.value > 0.0
    });
    let doubtful = doubtful.expect("one of twenty is so");
    let verdict = &doubtful.routes["an alert that names nothing"];
    assert!(!verdict.is_measured && verdict.why.contains("does not lie above zero"), "{}", verdict.why);
}

#[test]
fn what_one_system_alone_knows_is_never_learned_from_itself() {
    // In every system but `e` the margin tells, in `e` the opposite is true: whoever had seen `e` would know.
    let mut runs = planted(3, |margin| margin);
    runs.iter_mut().filter(|run| run.system == "e").for_each(|run| run.is_right = !run.is_right);
    let calibration = of_runs(&runs);
    assert!(calibration.systems["e"].skill.unwrap().value < -0.2, "{:?}", calibration.systems["e"]);
    assert!(calibration.systems["a"].skill.unwrap().value > 0.0, "{:?}", calibration.systems["a"]);
}

#[test]
fn the_same_runs_give_the_same_bytes_and_a_curve_with_every_bin() {
    let runs = planted(2, |margin| margin);
    let (one, other) = (of_runs(&runs), of_runs(&runs));
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
    assert_eq!((one.render(), one.curve()), (other.render(), other.curve()));
    assert_eq!(one.curve().matches("<circle").count(), one.overall.reliability.len());
    for name in ["a", "b", "c", "d", "e", "all of them"] {
        assert!(one.render().contains(&format!("| {name} | ")), "{}", one.render());
    }
}

#[test]
fn runs_that_name_nobody_are_counted_and_not_scored() {
    let mut runs = planted(4, |margin| margin);
    runs.iter_mut().filter(|run| run.condition == 3).for_each(|run| {
        run.grounds = None;
        run.is_named = false;
    });
    let calibration = of_runs(&runs);
    assert_eq!(calibration.overall.runs, 450);
    assert_eq!((calibration.tallies["a"].runs, calibration.tallies["a"].named), (120, 90));
    assert_eq!(of_runs(&[]).overall.runs, 0);
}

#[test]
fn a_way_with_too_few_cases_is_not_measured_however_good_it_looks() {
    let runs: Vec<Run> =
        planted(1, |margin| margin).into_iter().filter(|run| run.case.ends_with("/7")).collect();
    let calibration = of_runs(&runs);
    let verdict = &calibration.routes["an alert that names nothing"];
    assert!(!verdict.is_measured && verdict.why.starts_with("too few: 5 cases"), "{verdict:?}");
}
