//! What kind of change a series of buckets went through, and where: a spike, a dip, a step, a bend, another spread, a
//! trend over all of it, or nothing.
//!
//! Least squares decides between a level, a line, a step and a line with one bend, by the Bayesian information criterion
//! (Schwarz 1978). Each is tested against the simpler one with a t test whose degrees of freedom shrink with the
//! autocorrelation of what is left, multiplied by the number of places that were tried. A single bucket is tested
//! against the median and the median deviation of the others; of all that was found the surest counts. Many series are many tests: callers give q values.

use evidence::statistics::{false_discovery, median, rank_sum, student, trend};
use telemetry::UnixNanos;

/// Buckets below which nothing is said.
const LEAST: usize = 12;
/// Buckets on either side of a place.
const SIDE: usize = 3;
/// Chance up to which a change is called one.
const P_MAX: f64 = 0.01;
/// Degrees of freedom of the test of one bucket: tails as heavy as telemetry has them.
const SPIKE_DEGREES: f64 = 6.0;

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// One bucket far above the others.
    Spike,
    /// One bucket far below the others.
    Dip,
    /// Another level from there on.
    StepChange,
    /// Another slope from there on.
    TrendChange,
    /// Another spread around the same level from there on.
    DistributionChange,
    /// Nothing changed.
    Stationary,
    /// A slope over all of it, without a place.
    NonStationary,
    /// Too few values to say.
    Indeterminable,
}

/// What a series went through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    /// The first bucket that is not as before.
    pub(crate) place: Option<usize>,
    /// Chance of as much without a change.
    pub(crate) p_value: f64,
}

impl Change {
    pub(crate) fn is_one(&self) -> bool {
        !matches!(self.kind, Kind::Stationary | Kind::Indeterminable)
    }
}

/// What `values` went through, in the order of time.
pub(crate) fn of(values: &[f64]) -> Change {
    if values.len() < LEAST || values.iter().any(|value| !value.is_finite()) {
        return Change { kind: Kind::Indeterminable, place: None, p_value: 1.0 };
    }
    let found = [single(values), shaped(values), spread(values)];
    let best = found.iter().min_by(|one, other| one.p_value.total_cmp(&other.p_value));
    match best {
        Some(change) if change.p_value <= P_MAX => *change,
        other => Change {
            kind: Kind::Stationary,
            place: None,
            p_value: other.map_or(1.0, |change| change.p_value),
        },
    }
}

/// The bucket farthest from the median, in median deviations.
fn single(values: &[f64]) -> Change {
    let none = Change { kind: Kind::Stationary, place: None, p_value: 1.0 };
    let Some(centre) = median::median(values) else { return none };
    let away = |value: &f64| (value - centre).abs();
    let far = values.iter().enumerate().max_by(|one, other| away(one.1).total_cmp(&away(other.1)));
    let Some((place, value)) = far else { return none };
    let others: Vec<f64> =
        values.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, v)| away(v)).collect();
    // A level that does not move at all has no deviation; a share of it stands in, so that a ripple is no spike.
    let mean_away = others.iter().sum::<f64>() / others.len().max(1) as f64;
    let scale =
        (median::median(&others).unwrap_or(0.0) * 1.4826).max(mean_away).max(centre.abs() * 0.01).max(1e-9);
    let p_value =
        (2.0 * values.len() as f64 * student::upper_tail(away(value) / scale, SPIKE_DEGREES)).min(1.0);
    // Neighbours that are as far make a step or a bend of it.
    let is_alone = |at: Option<usize>| {
        at.and_then(|at| values.get(at)).is_none_or(|near| (near - centre) / (value - centre) < 0.5)
    };
    if !is_alone(place.checked_sub(1)) || !is_alone(place.checked_add(1)) {
        return none;
    }
    let kind = if *value > centre { Kind::Spike } else { Kind::Dip };
    Change { kind, place: Some(place), p_value }
}

/// One way to describe a series.
struct Model {
    kind: Kind,
    place: Option<usize>,
    squares: f64,
    parameters: f64,
    p_value: f64,
}

fn shaped(values: &[f64]) -> Change {
    let n = values.len() as f64;
    let level = squares(values, &[]);
    let line_shape = |at: usize| at as f64;
    let line = squares(values, &[&line_shape]);
    let splits = SIDE..values.len() - SIDE;
    let tried = splits.len() as f64;
    let best = |shape: &dyn Fn(usize, usize) -> f64, with_line: bool| {
        let fits = splits.clone().map(|place| {
            let one = |at: usize| shape(at, place);
            let fit =
                if with_line { squares(values, &[&line_shape, &one]) } else { squares(values, &[&one]) };
            (place, fit)
        });
        fits.min_by(|one, other| one.1.total.total_cmp(&other.1.total))
    };
    let step = best(&|at, place| f64::from(u8::from(at >= place)), false);
    let bend = best(&|at, place| (at as f64 - place as f64).max(0.0), true);
    let mut models = vec![
        Model { kind: Kind::Stationary, place: None, squares: level.total, parameters: 1.0, p_value: 1.0 },
        Model {
            kind: Kind::NonStationary,
            place: None,
            squares: line.total,
            parameters: 2.0,
            p_value: chance(&level, &line, n - 2.0),
        },
    ];
    if let Some((place, fit)) = step {
        let p_value = (chance(&level, &fit, n - 2.0) * tried).min(1.0);
        models.push(Model {
            kind: Kind::StepChange,
            place: Some(place),
            squares: fit.total,
            parameters: 3.0,
            p_value,
        });
    }
    if let Some((place, fit)) = bend {
        let p_value = (chance(&line, &fit, n - 3.0) * tried).min(1.0);
        models.push(Model {
            kind: Kind::TrendChange,
            place: Some(place),
            squares: fit.total,
            parameters: 4.0,
            p_value,
        });
    }
    let floor = level.total.max(1e-9) * 1e-9;
    let cost = |model: &Model| n * ((model.squares.max(0.0) + floor) / n).ln() + model.parameters * n.ln();
    let least = models.iter().skip(1).map(|model| model.p_value).fold(1.0, f64::min);
    // A shape that chance makes as well is none, however close it lies.
    let sure = models.into_iter().skip(1).filter(|model| model.p_value <= P_MAX);
    let best = sure.min_by(|one, other| cost(one).total_cmp(&cost(other)));
    best.map_or(Change { kind: Kind::Stationary, place: None, p_value: least }, |model| Change {
        kind: model.kind,
        place: model.place,
        p_value: model.p_value,
    })
}

/// What a fit leaves.
struct Left {
    total: f64,
    residuals: Vec<f64>,
}

/// Least squares on a level and `shapes`, each made orthogonal to those before it.
fn squares(values: &[f64], shapes: &[&dyn Fn(usize) -> f64]) -> Left {
    let n = values.len().max(1) as f64;
    let centred = |of: Vec<f64>| {
        let mean = of.iter().sum::<f64>() / n;
        of.into_iter().map(|value| value - mean).collect::<Vec<f64>>()
    };
    let mut residuals = centred(values.to_vec());
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for shape in shapes {
        let mut column = centred((0..values.len()).map(shape).collect());
        for other in &basis {
            take_away(&mut column, other);
        }
        take_away(&mut residuals, &column);
        basis.push(column);
    }
    Left { total: residuals.iter().map(|value| value * value).sum(), residuals }
}

/// Takes the part of `of` that lies along `column` away.
fn take_away(of: &mut [f64], column: &[f64]) {
    let length: f64 = column.iter().map(|value| value * value).sum();
    if length > 1e-12 {
        let along: f64 = of.iter().zip(column).map(|(one, other)| one * other).sum::<f64>() / length;
        of.iter_mut().zip(column).for_each(|(one, other)| *one -= along * other);
    }
}

/// Chance that one more parameter explains as much: two-sided t.
fn chance(simple: &Left, fit: &Left, degrees: f64) -> f64 {
    let share = trend::effective_share_left(&fit.residuals).clamp(0.05, 1.0);
    let degrees = (degrees * share).max(1.0);
    let scale = simple.total.max(1e-12) * 1e-12;
    let t = ((simple.total - fit.total).max(0.0) * share / ((fit.total + scale) * share / degrees)).sqrt();
    (2.0 * student::upper_tail(t, degrees)).min(1.0)
}

/// Whether values lie farther from their median, or nearer, from some place on.
fn spread(values: &[f64]) -> Change {
    let centre = median::median(values).unwrap_or(0.0);
    let away: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    // Every place would be tried for nothing: a spread is dated by a dozen of them as well as it can be.
    let splits = (SIDE..values.len() - SIDE).step_by((values.len() / 12).max(1));
    let tried = splits.len() as f64;
    let best = splits
        .filter_map(|place| {
            let (before, after) = away.split_at_checked(place)?;
            let p_value = rank_sum::p_raised(before, after).min(rank_sum::p_raised(after, before));
            Some((place, (2.0 * p_value * tried).min(1.0)))
        })
        .min_by(|one, other| one.1.total_cmp(&other.1));
    best.map_or(Change { kind: Kind::Stationary, place: None, p_value: 1.0 }, |(place, p_value)| Change {
        kind: Kind::DistributionChange,
        place: Some(place),
        p_value,
    })
}

/// A series that changed, as it is shown.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    /// Of what: a group, a pattern.
    pub(crate) group: String,
    /// Of which figure.
    pub(crate) figure: String,
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// When the first bucket that is not as before begins.
    pub(crate) at: Option<String>,
    pub(crate) p_value: telemetry::number::Num,
    /// Share of false ones among all that are listed down to here.
    pub(crate) q_value: telemetry::number::Num,
    /// Mean before and from there on.
    pub(crate) before: Option<telemetry::number::Num>,
    pub(crate) after: Option<telemetry::number::Num>,
}

/// A series with its name.
pub(crate) struct Named {
    pub(crate) group: String,
    pub(crate) figure: String,
    pub(crate) values: Vec<f64>,
}

/// False discovery rate up to which a change is listed.
const Q_MAX: f64 = 0.05;

/// The series that changed, the surest first, and how many series could not be judged.
pub(crate) fn among(series: Vec<Named>, start: impl Fn(usize) -> UnixNanos) -> (Vec<Changed>, usize) {
    let changes: Vec<Change> = series.iter().map(|series| of(&series.values)).collect();
    let p_values: Vec<f64> = changes.iter().map(|change| change.p_value).collect();
    let q_values = false_discovery::q_values(&p_values);
    let unknown = changes.iter().filter(|change| change.kind == Kind::Indeterminable).count();
    let num = telemetry::number::Num::new;
    let mut rows: Vec<Changed> = series
        .into_iter()
        .zip(changes)
        .zip(q_values)
        .filter(|((_, change), q_value)| change.is_one() && *q_value <= Q_MAX)
        .map(|((series, change), q_value)| {
            let halves = change.place.and_then(|place| series.values.split_at_checked(place));
            Changed {
                kind: change.kind,
                at: change.place.map(|place| start(place).rfc3339()),
                p_value: num(change.p_value),
                q_value: num(q_value),
                before: halves.map(|(before, _)| num(median::mean(before))),
                after: halves.map(|(_, after)| num(median::mean(after))),
                group: series.group,
                figure: series.figure,
            }
        })
        .collect();
    rows.sort_by(|one, other| {
        let key = |row: &Changed| (row.p_value.get(), row.group.clone(), row.figure.clone());
        key(one).partial_cmp(&key(other)).unwrap_or(std::cmp::Ordering::Equal)
    });
    (rows, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Noise(u64);

    impl Noise {
        /// Nearly normal around zero with deviation one: twelve uniform draws.
        fn next(&mut self) -> f64 {
            let mut sum = -6.0;
            for _ in 0..12 {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                sum += (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
            }
            sum
        }
    }

    fn series(seed: u64, shape: impl Fn(usize) -> f64, spread: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut noise = Noise(seed);
        (0..60).map(|at| shape(at) + spread(at) * noise.next()).collect()
    }

    // covers: EL-12, EL-13
    #[test]
    fn each_kind_is_found_at_its_place() {
        let even = |_: usize| 1.0;
        for seed in 1..=20 {
            for (values, kind, place) in [
                (series(seed, |at| if at == 30 { 130.0 } else { 100.0 }, even), Kind::Spike, Some(30)),
                (series(seed, |at| if at == 30 { 70.0 } else { 100.0 }, even), Kind::Dip, Some(30)),
                (series(seed, |at| if at >= 40 { 110.0 } else { 100.0 }, even), Kind::StepChange, Some(40)),
                (series(seed, |at| 100.0 + (at as f64 - 30.0).max(0.0), even), Kind::TrendChange, Some(30)),
                (series(seed, |at| 100.0 + at as f64, even), Kind::NonStationary, None),
                (
                    series(seed, |_| 100.0, |at| if at >= 30 { 8.0 } else { 0.3 }),
                    Kind::DistributionChange,
                    Some(30),
                ),
            ] {
                let found = of(&values);
                assert_eq!(found.kind, kind, "seed {seed}: {found:?}");
                let off = found.place.zip(place).map_or(0, |(one, other)| one.abs_diff(other));
                let allowed =
                    if matches!(kind, Kind::TrendChange | Kind::DistributionChange) { 4 } else { 1 };
                assert!(off <= allowed && found.place.is_some() == place.is_some(), "seed {seed}: {found:?}");
            }
        }
        assert_eq!(of(&[1.0; 11]).kind, Kind::Indeterminable);
        assert_eq!(of(&[5.0; 60]).kind, Kind::Stationary);
    }

    // covers: EL-11, W-02
    #[test]
    fn among_a_thousand_series_without_a_change_hardly_one_is_listed() {
        let series = (1..=1000).map(|seed| Named {
            group: seed.to_string(),
            figure: String::new(),
            values: series(seed * 7919, |_| 100.0, |_| 5.0),
        });
        let (rows, unknown) = among(series.collect(), |_| UnixNanos(0));
        assert_eq!(unknown, 0);
        assert!(rows.len() <= 2, "{} of 1000", rows.len());
    }
}
