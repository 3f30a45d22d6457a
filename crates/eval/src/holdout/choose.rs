//! The search: one threshold after the other, each at the middle of where the other systems score best.

use std::collections::BTreeSet;

use evidence::thresholds;

use super::trials::{Places, Trials};
use super::{FACTORS, OWN, PASSES};
use crate::files::FileError;

/// Points closer than this are equal.
const SAME: f64 = 1e-9;

/// The places chosen without `system`, from `start` on, and the thresholds on which the others have something to say.
pub(super) fn without(
    system: &str,
    trials: &Trials<'_>,
    start: Places,
) -> Result<(Places, Vec<&'static str>), FileError> {
    let mut places = start;
    let mut informed = BTreeSet::new();
    for _ in 0..PASSES {
        for (at, threshold) in thresholds::all().iter().enumerate() {
            let mut points = Vec::with_capacity(FACTORS.len());
            for place in 0..FACTORS.len() {
                points.push(trials.points_without(system, &moved(&places, at, place))?);
            }
            if is_informed(&points) {
                informed.insert(threshold.name);
            }
            places = moved(&places, at, best(&points));
        }
    }
    Ok((places, informed.into_iter().collect()))
}

/// The same places with one of them changed.
pub(super) fn moved(places: &Places, at: usize, place: usize) -> Places {
    let mut changed = places.clone();
    if let Some(old) = changed.get_mut(at) {
        *old = place;
    }
    changed
}

fn is_informed(points: &[f64]) -> bool {
    let most = points.iter().copied().fold(f64::MIN, f64::max);
    points.iter().any(|one| most - one > SAME)
}

/// The middle of the longest run of best places; of two middles, and of runs equally long, the one nearest the engine's
/// own value.
fn best(points: &[f64]) -> usize {
    let most = points.iter().copied().fold(f64::MIN, f64::max);
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (place, one) in points.iter().enumerate() {
        if most - one > SAME {
            continue;
        }
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == place => *last = place,
            _ => runs.push((place, place)),
        }
    }
    let middles = runs.into_iter().flat_map(|(first, last)| {
        let (sum, length) = (first + last, last - first);
        [(length, sum / 2), (length, sum.div_ceil(2))]
    });
    let order =
        |(length, middle): &(usize, usize)| (std::cmp::Reverse(*length), middle.abs_diff(OWN), *middle);
    middles.min_by_key(order).map_or(OWN, |(_, middle)| middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_plateau_is_chosen_and_without_a_difference_the_own_value() {
        assert_eq!(best(&[0.5; 5]), OWN);
        assert_eq!(best(&[0.9, 0.9, 0.9, 0.5, 0.1]), 1);
        assert_eq!(best(&[0.1, 0.9, 0.9, 0.9, 0.9]), 2, "of two middles the nearer one");
        assert_eq!(best(&[0.9, 0.1, 0.1, 0.9, 0.9]), 3, "the longer run, and its nearer middle");
        assert_eq!(best(&[0.1, 0.2, 0.3, 0.4, 0.5]), 4);
        assert!(is_informed(&[0.1, 0.2]) && !is_informed(&[0.2, 0.2]));
    }
}
