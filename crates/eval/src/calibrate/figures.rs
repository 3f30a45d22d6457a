//! What probabilities are worth against what came true.
//!
//! The skill is one minus the Brier score over that of a constant: of the base rate of the systems that were learned
//! from, which a forecaster would have, and, beside it, of the base rate of the very runs that are scored, which nobody
//! can know. Intervals resample whole cases.

use std::collections::BTreeMap;

use investigation::confidence::{Model, Route};
use platform::{Chance, SeededChance};
use serde::Serialize;

use super::Run;
use crate::score::Share;

/// Bins of the reliability table, equally wide.
const BINS: usize = 10;
/// Times that the cases are drawn anew.
const DRAWS: usize = 1000;
/// Their seed.
const SEED: u64 = 1;
/// The share of the runs, the surest ones, in which a cause is still named.
const KEPT: f64 = 0.8;
/// A constant that is this good is right every time.
const NOTHING: f64 = 1e-12;

/// A probability that was given, and what came true.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Forecast<'a> {
    pub(crate) system: &'a str,
    pub(crate) case: &'a str,
    pub(crate) route: Route,
    /// As it would be shown.
    pub(crate) probability: f64,
    /// The base rate of what was learned from.
    pub(crate) base: f64,
    pub(crate) is_right: bool,
}

/// The figures of some runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Cases in which a cause was named under some condition.
    pub cases: usize,
    /// Runs in which one was named.
    pub runs: usize,
    /// The share of them that is right.
    pub base_rate: f64,
    /// What the systems that were learned from say of it, as a mean over the runs.
    pub base_rate_learned: f64,
    /// The Brier score.
    pub brier: f64,
    /// The skill against the base rate that was learned.
    pub skill: Option<Interval>,
    /// The skill against the base rate of each system's own runs.
    pub skill_own: Option<Interval>,
    /// The expected calibration error over the bins.
    pub ece: f64,
    /// How often a run that is right has the higher probability of a pair with one that is not.
    pub concordance: Option<f64>,
    /// The share that is right when every cause is named.
    pub accuracy: Option<Interval>,
    /// The share that is right when only the surest four fifths are.
    pub accuracy_at_80: Option<Interval>,
    /// The bins that hold a run.
    pub reliability: Vec<Bin>,
}

/// A figure with its interval at 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// The runs whose probability lies between two tenths.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// From this probability on.
    pub from: f64,
    /// Up to this one.
    pub to: f64,
    /// Their mean probability.
    pub predicted: f64,
    /// The share that is right, with the interval of as many independent runs.
    pub right: Share,
}

/// What `model` says of the named runs, as it would be shown.
pub(super) fn forecasts<'a>(runs: &[&'a Run], model: &Model, base: f64) -> Vec<Forecast<'a>> {
    let of = |run: &&'a Run| {
        let grounds = run.grounds.as_ref()?;
        Some(Forecast {
            system: &run.system,
            case: &run.case,
            route: grounds.route,
            probability: grounds.coverage.capped(model.probability(&grounds.signs)),
            base,
            is_right: run.is_right,
        })
    };
    runs.iter().filter_map(of).collect()
}

fn truth(forecast: &Forecast<'_>) -> f64 {
    f64::from(u8::from(forecast.is_right))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

fn brier(forecasts: &[Forecast<'_>], said: impl Fn(&Forecast<'_>) -> f64) -> f64 {
    mean(forecasts.iter().map(|one| {
        let error = said(one) - truth(one);
        error * error
    }))
}

fn skill(forecasts: &[Forecast<'_>], constant: impl Fn(&Forecast<'_>) -> f64) -> Option<f64> {
    let reference = brier(forecasts, constant);
    (reference > NOTHING).then(|| 1.0 - brier(forecasts, |one| one.probability) / reference)
}

fn skill_learned(forecasts: &[Forecast<'_>]) -> Option<f64> {
    skill(forecasts, |one| one.base)
}

fn skill_own(forecasts: &[Forecast<'_>]) -> Option<f64> {
    let mut own: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for one in forecasts {
        let (right, all) = own.entry(one.system).or_default();
        *right += truth(one);
        *all += 1.0;
    }
    skill(forecasts, |one| own.get(one.system).map_or(0.5, |(right, all)| right / all))
}

fn accuracy(forecasts: &[Forecast<'_>]) -> Option<f64> {
    (!forecasts.is_empty()).then(|| mean(forecasts.iter().map(truth)))
}

/// Of equal probabilities at the edge each counts for as much as is left.
fn accuracy_at_80(forecasts: &[Forecast<'_>]) -> Option<f64> {
    let kept = (KEPT * forecasts.len() as f64).ceil();
    let mut sorted: Vec<(f64, f64)> = forecasts.iter().map(|one| (one.probability, truth(one))).collect();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let edge = sorted.get((kept as usize).checked_sub(1)?)?.0;
    let sum = |of: &dyn Fn(f64) -> bool| {
        let chosen = sorted.iter().filter(|(probability, _)| of(*probability));
        chosen.fold((0.0, 0.0), |(right, all), (_, truth)| (right + truth, all + 1.0))
    };
    let ((above, count), (at_edge, tied)) = (sum(&|one| one > edge), sum(&|one| one == edge));
    Some((above + at_edge * (kept - count) / tied) / kept)
}

fn concordance(forecasts: &[Forecast<'_>]) -> Option<f64> {
    let (right, wrong): (Vec<&Forecast<'_>>, Vec<&Forecast<'_>>) =
        forecasts.iter().partition(|forecast| forecast.is_right);
    let mut pairs = 0.0;
    for one in &right {
        for other in &wrong {
            pairs += match one.probability.total_cmp(&other.probability) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    let all = right.len() as f64 * wrong.len() as f64;
    (all > 0.0).then(|| pairs / all)
}

fn reliability(forecasts: &[Forecast<'_>]) -> Vec<Bin> {
    let mut bins: Vec<Vec<&Forecast<'_>>> = vec![Vec::new(); BINS];
    for one in forecasts {
        let place = ((one.probability * BINS as f64) as usize).min(BINS - 1);
        if let Some(bin) = bins.get_mut(place) {
            bin.push(one);
        }
    }
    let tenth = |place: usize| place as f64 / BINS as f64;
    let filled = bins.iter().enumerate().filter(|(_, bin)| !bin.is_empty());
    filled
        .map(|(place, bin)| Bin {
            from: tenth(place),
            to: tenth(place + 1),
            predicted: mean(bin.iter().map(|one| one.probability)),
            right: Share::new(bin.iter().filter(|one| one.is_right).count(), bin.len()),
        })
        .collect()
}

fn ece(bins: &[Bin], runs: usize) -> f64 {
    let gaps = bins.iter().map(|bin| bin.right.of as f64 * (bin.predicted - bin.right.share).abs());
    gaps.sum::<f64>() / runs.max(1) as f64
}

type Statistic = fn(&[Forecast<'_>]) -> Option<f64>;
const RESAMPLED: [Statistic; 4] = [skill_learned, skill_own, accuracy, accuracy_at_80];

/// The statistics with their intervals: cases are drawn with replacement, each with all of its runs.
fn resampled(forecasts: &[Forecast<'_>]) -> [Option<Interval>; 4] {
    let mut cases: BTreeMap<&str, Vec<Forecast<'_>>> = BTreeMap::new();
    for one in forecasts {
        cases.entry(one.case).or_default().push(*one);
    }
    let cases: Vec<Vec<Forecast<'_>>> = cases.into_values().collect();
    let mut chance = SeededChance::new(SEED);
    let mut drawn: [Vec<f64>; 4] = Default::default();
    for _ in 0..DRAWS {
        let places = (0..cases.len()).map(|_| chance.below(cases.len() as u64) as usize);
        let sample: Vec<Forecast<'_>> =
            places.filter_map(|place| cases.get(place)).flatten().copied().collect();
        for (values, statistic) in drawn.iter_mut().zip(RESAMPLED) {
            values.extend(statistic(&sample));
        }
    }
    let mut drawn = drawn.into_iter();
    RESAMPLED.map(|statistic| {
        let value = statistic(forecasts)?;
        let mut values = drawn.next()?;
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values.get((share * (values.len() as f64 - 1.0)).round() as usize).copied();
        Some(Interval { value, low: at(0.025)?, high: at(0.975)? })
    })
}

impl Figures {
    /// The figures of `forecasts`.
    pub(crate) fn of(forecasts: &[Forecast<'_>]) -> Self {
        let bins = reliability(forecasts);
        let [skill, skill_own, accuracy, accuracy_at_80] = resampled(forecasts);
        let cases: std::collections::BTreeSet<&str> = forecasts.iter().map(|one| one.case).collect();
        Self {
            cases: cases.len(),
            runs: forecasts.len(),
            base_rate: mean(forecasts.iter().map(truth)),
            base_rate_learned: mean(forecasts.iter().map(|one| one.base)),
            brier: brier(forecasts, |one| one.probability),
            skill,
            skill_own,
            ece: ece(&bins, forecasts.len()),
            concordance: concordance(forecasts),
            accuracy,
            accuracy_at_80,
            reliability: bins,
        }
    }
}
