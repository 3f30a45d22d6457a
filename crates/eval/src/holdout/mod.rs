//! Thresholds chosen without the system that is scored with them.
//!
//! For each system the thresholds are searched coordinate by coordinate on a coarse grid, by the mean score of all
//! *other* systems; the system left out is then scored with what was chosen. Predicting sees no label; choosing sees
//! the scores of the other systems only.

mod choose;
mod page;
mod trials;

use std::collections::BTreeMap;

use evidence::thresholds;
use platform::Clock;
use serde::Serialize;

use self::trials::{Places, Trials};
use crate::ablate::Staged;
use crate::files::FileError;

/// What the thresholds are multiplied by, each in its own scale; the middle one is the engine's own value.
pub const FACTORS: [f64; 5] = [0.5, 0.7, 1.0, 1.4, 2.0];
/// The place of the engine's own value among the factors.
const OWN: usize = 2;
/// Times that all thresholds are gone through.
const PASSES: usize = 2;

/// The result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Holdout {
    /// `firstcause.holdout/1`.
    pub schema: String,
    /// [`FACTORS`].
    pub factors: [f64; 5],
    /// Each system, left out in turn.
    pub systems: BTreeMap<String, LeftOut>,
    /// What each threshold alone does to each system.
    pub sensitivity: Vec<Sensitivity>,
}

/// One system with the thresholds chosen without it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOut {
    /// With the engine's own thresholds.
    pub own: Won,
    /// With those chosen on the other systems.
    pub held_out: Won,
    /// Those that differ from the engine's own, and their values.
    pub chosen: BTreeMap<&'static str, f64>,
    /// Those on which the other systems have something to say: their score is not the same over the whole grid.
    pub informed: Vec<&'static str>,
}

/// Cases of a system that are right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Won {
    /// Cases.
    pub cases: usize,
    /// A root comes first.
    pub first: usize,
    /// Exactly the roots are blamed.
    pub exact: usize,
    /// Cases in which nobody is to be blamed.
    pub healthy: usize,
    /// Nobody is blamed in those.
    pub abstained: usize,
    /// What is chosen by: half a point for the first place and half for the exact set, a whole one for rightly blaming
    /// nobody; the mean over the cases of a part, and over the parts of the system.
    pub points: f64,
}

/// The points of each system while one threshold alone moves over the grid.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sensitivity {
    /// The threshold.
    pub threshold: &'static str,
    /// Its values.
    pub values: Vec<f64>,
    /// Points by system.
    pub points: BTreeMap<String, Vec<f64>>,
}

/// Leaves each system out in turn. `told` hears how far it has come.
///
/// # Errors
/// When cases or answers cannot be read.
pub fn holdout(
    stagings: &[Staged],
    clock: &dyn Clock,
    mut told: impl FnMut(&str),
) -> Result<Holdout, FileError> {
    let trials = Trials::read(stagings, clock, &mut told)?;
    let own_places: Places = vec![OWN; thresholds::all().len()];
    let own = trials.scores(&own_places)?;
    let sensitivity = sensitivity(&trials, &own_places, &mut told)?;
    let mut systems = BTreeMap::new();
    for (name, own) in &own {
        let (places, informed) = choose::without(name, &trials, own_places.clone())?;
        let held_out = trials.scores(&places)?.get(name).copied().unwrap_or_default();
        told(&format!(
            "{name}: {} first and {} abstained of {}, left out {} and {}",
            own.first, own.abstained, own.cases, held_out.first, held_out.abstained
        ));
        systems.insert(name.clone(), LeftOut { own: *own, held_out, chosen: chosen(&places), informed });
    }
    Ok(Holdout { schema: "firstcause.holdout/1".to_owned(), factors: FACTORS, systems, sensitivity })
}

/// The thresholds at these places that are not the engine's own.
fn chosen(places: &Places) -> BTreeMap<&'static str, f64> {
    let all = thresholds::all().iter().zip(places).filter(|(_, place)| **place != OWN);
    all.map(|(threshold, place)| (threshold.name, threshold.moved(trials::factor(*place)))).collect()
}

/// Each threshold alone over the grid.
fn sensitivity(
    trials: &Trials<'_>,
    own: &Places,
    told: &mut impl FnMut(&str),
) -> Result<Vec<Sensitivity>, FileError> {
    let mut found = Vec::new();
    for (at, threshold) in thresholds::all().iter().enumerate() {
        let mut points: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for place in 0..FACTORS.len() {
            for (system, won) in trials.scores(&choose::moved(own, at, place))? {
                points.entry(system).or_default().push(won.points);
            }
        }
        let values = FACTORS.iter().map(|factor| threshold.moved(*factor)).collect();
        told(&format!("moved `{}`", threshold.name));
        found.push(Sensitivity { threshold: threshold.name, values, points });
    }
    Ok(found)
}
