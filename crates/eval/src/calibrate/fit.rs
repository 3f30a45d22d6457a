//! Fits a logistic model by its penalised likelihood, with weights that cannot fall below zero.
//!
//! Every system weighs alike, however many runs it has, and every figure of a conclusion is one that reassures: a fit in
//! which it does the opposite has learned a system and not the figure. The penalty is fixed, not searched for.

use std::collections::{BTreeMap, BTreeSet};

use investigation::confidence::{Grounds, Model};

use super::Run;

/// The weight of the penalty: a normal prior of standard deviation one, against the likelihood of one case each.
const PENALTY: f64 = 1.0;
/// The same of the intercept, which is nearly free.
const PENALTY_OF_INTERCEPT: f64 = 0.01;
/// Steps at most.
const STEPS_MAX: usize = 20_000;
/// Change of every weight in one step below which no more are taken.
const STILL: f64 = 1e-9;

/// What is learned from: the figures, whether it was right, and what it weighs.
type Sample<'a> = (&'a [f64; 5], f64, f64);

/// The model of the named runs, and how often these are right: what somebody without a model would say.
pub(super) fn model(runs: &[&Run]) -> (Model, f64) {
    let named = || runs.iter().filter_map(|run| run.grounds.as_ref().map(|grounds| (*run, grounds)));
    let mut counts: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for (run, _) in named() {
        let (runs, cases) = counts.entry(&run.system).or_default();
        *runs += 1;
        cases.insert(&run.case);
    }
    let cases: usize = counts.values().map(|(_, cases)| cases.len()).sum();
    let each = cases as f64 / counts.len().max(1) as f64;
    let weight = |run: &Run| counts.get(run.system.as_str()).map_or(0.0, |(runs, _)| each / *runs as f64);
    let sample = |(run, grounds): (&'_ Run, &'_ Grounds)| {
        (grounds.signs, f64::from(u8::from(run.is_right)), weight(run))
    };
    let samples: Vec<([f64; 5], f64, f64)> = named().map(sample).collect();
    let samples: Vec<Sample<'_>> =
        samples.iter().map(|(signs, right, weight)| (signs, *right, *weight)).collect();
    (fit(&samples), base_rate(&samples))
}

fn base_rate(samples: &[Sample<'_>]) -> f64 {
    let (right, all) = samples
        .iter()
        .fold((0.0, 0.0), |(right, all), (_, is_right, weight)| (right + is_right * weight, all + weight));
    if all > 0.0 { right / all } else { 0.5 }
}

/// Gradient descent, each step followed by lifting what fell below zero; the step is the one that cannot overshoot.
fn fit(samples: &[Sample<'_>]) -> Model {
    let steepest: f64 = samples
        .iter()
        .map(|(signs, _, weight)| 0.25 * weight * (1.0 + signs.iter().map(|sign| sign * sign).sum::<f64>()))
        .sum();
    let step = 1.0 / (steepest + PENALTY);
    let mut model = Model { intercept: 0.0, weights: [0.0; 5] };
    for _ in 0..STEPS_MAX {
        let mut of_intercept = PENALTY_OF_INTERCEPT * model.intercept;
        let mut of_weights = model.weights.map(|weight| PENALTY * weight);
        for (signs, right, weight) in samples {
            let error = weight * (model.probability(signs) - right);
            of_intercept += error;
            for (slope, sign) in of_weights.iter_mut().zip(*signs) {
                *slope += error * sign;
            }
        }
        let before = model;
        model.intercept -= step * of_intercept;
        for (weight, slope) in model.weights.iter_mut().zip(of_weights) {
            *weight = (*weight - step * slope).max(0.0);
        }
        let moved = model.weights.iter().zip(before.weights).map(|(now, before)| (now - before).abs());
        if moved.fold((model.intercept - before.intercept).abs(), f64::max) < STILL {
            break;
        }
    }
    model
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_tells_gets_a_weight_and_one_that_would_reassure_by_being_worse_gets_none() {
        let runs: Vec<([f64; 5], f64)> = (0..200)
            .map(|n| {
                let (good, bad) = (f64::from(n % 10) / 10.0, f64::from(n % 7) / 7.0);
                let right = if (n * 37) % 100 < 20 + (70.0 * good - 15.0 * bad) as i32 { 1.0 } else { 0.0 };
                ([good, 1.0 - bad, bad, 0.0, 1.0], right)
            })
            .collect();
        let samples: Vec<Sample<'_>> = runs.iter().map(|(signs, right)| (signs, *right, 1.0)).collect();
        let model = fit(&samples);
        assert!(model.weights[0] > 1.0, "{model:?}");
        assert_eq!(model.weights[2], 0.0, "{model:?}");
        assert_eq!(model.weights[3], 0.0, "{model:?}");
        assert_eq!(model, fit(&samples));
    }

    #[test]
    fn without_a_run_nothing_is_learned() {
        assert_eq!(model(&[]), (Model { intercept: 0.0, weights: [0.0; 5] }, 0.5));
    }
}
