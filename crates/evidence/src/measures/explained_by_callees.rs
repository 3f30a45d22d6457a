//! Which of the services behind an alert moved by themselves, when there are metrics and a call graph and no traces.
//!
//! Time that a callee takes too long is time that its caller waits, and a request that fails below may fail above: of
//! the excess of a service only what its moved callees do not explain is its own. A callee that several services call
//! explains each of them in full: who of them made the slow calls is not known, and a caller must not be blamed for
//! them. So a proxy, whose excess is that of the service behind it, explains nothing, and a way to a service that
//! carries few of its calls explains little. Services that the alerted one does not reach, that had no requests, or
//! that nobody called before (then the caller changed) are no candidates.
//!
//! A caller whose own work grew by less than a callee's at the same time goes unseen; so does a callee that is called
//! more often at the same cost.

use std::collections::{BTreeMap, BTreeSet};

use super::Measure;
use super::metric_shift::Shift;
use crate::Thresholds;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "explained_by_callees",
    finds: "the service whose excess its callees do not explain, from metrics and the call graph alone",
    questions: &["onset", "topology"],
};

/// A service behind the alert, and what of its excess is its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub service: String,
    /// Calls from the alerted service to it, on the shortest way.
    pub depth: usize,
    /// What its metrics say.
    pub shift: Shift,
    /// Its excess without that of its moved callees, in the unit of the excess; negative when they explain more.
    pub own_excess: f64,
    /// `own_excess` by the excess of the alerted service, 0 to 1.
    pub share: f64,
    /// Its callees that moved, sorted.
    pub moved_callees: Vec<String>,
    /// Its callees of which nothing is known: no requests now, or no history; sorted.
    pub unseen_callees: Vec<String>,
    share_min: f64,
}

impl Candidate {
    /// Whether it moved, and not because of its callees.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.shift.is_raised && !self.is_explained()
    }

    /// Whether it moved, and its callees explain at least half of that.
    #[must_use]
    pub fn is_explained(&self) -> bool {
        self.shift.is_raised && self.own_excess <= self.shift.excess * (1.0 - self.share_min)
    }

    /// Whether it may be called the cause: it moved, and explains at least half of what the alerted service shows.
    #[must_use]
    pub fn is_cause(&self) -> bool {
        self.is_own() && self.share >= self.share_min
    }
}

/// The services that `alerted` reaches over `calls` (caller, callee), itself included, best candidate first: those that
/// moved by themselves by their share, then those that their callees explain, then the rest by excess. Ties go to the
/// deeper one, then to the one that moved first, then by name. Empty when the alerted service has no excess.
#[must_use]
pub fn candidates(
    shifts: &BTreeMap<String, Shift>,
    calls: &BTreeSet<(String, String)>,
    alerted: &str,
    thresholds: &Thresholds,
) -> Vec<Candidate> {
    let Some(whole) = shifts.get(alerted).map(|shift| shift.excess).filter(|excess| *excess > 0.0) else {
        return Vec::new();
    };
    let mut ranked: Vec<Candidate> = depths(calls, alerted)
        .into_iter()
        .filter_map(|(service, depth)| {
            let shift = shifts.get(service)?.clone();
            let moved: Vec<(&String, f64)> = callees(calls, service)
                .filter(|callee| *callee != service)
                .filter_map(|callee| shifts.get_key_value(callee))
                .filter(|(_, shift)| shift.is_raised)
                .map(|(callee, shift)| (callee, shift.excess.max(0.0)))
                .collect();
            let own_excess = moved.iter().fold(shift.excess, |own, (_, excess)| own - excess);
            Some(Candidate {
                service: service.to_owned(),
                depth,
                own_excess,
                share: (own_excess / whole).clamp(0.0, 1.0),
                moved_callees: moved.into_iter().map(|(callee, _)| callee.clone()).collect(),
                unseen_callees: callees(calls, service)
                    .filter(|callee| !shifts.contains_key(*callee))
                    .map(str::to_owned)
                    .collect(),
                shift,
                share_min: thresholds.share_min,
            })
        })
        .collect();
    ranked.sort_by(|a, b| {
        let class = |candidate: &Candidate| match (candidate.is_own(), candidate.shift.is_raised) {
            (true, _) => 0,
            (_, true) => 1,
            _ => 2,
        };
        let weight = |candidate: &Candidate| match class(candidate) {
            0 => candidate.share,
            1 => 0.0,
            _ => candidate.shift.excess,
        };
        class(a)
            .cmp(&class(b))
            .then_with(|| weight(b).total_cmp(&weight(a)))
            .then_with(|| b.depth.cmp(&a.depth))
            .then_with(|| a.shift.first.cmp(&b.shift.first))
            .then_with(|| a.service.cmp(&b.service))
    });
    ranked
}

/// The services that `service` calls, sorted.
fn callees<'a>(
    calls: &'a BTreeSet<(String, String)>,
    service: &'a str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    calls
        .range((service.to_owned(), String::new())..)
        .take_while(move |(caller, _)| caller == service)
        .map(|(_, callee)| callee.as_str())
}

/// Every service that `alerted` reaches, with the calls on the shortest way to it.
fn depths<'a>(calls: &'a BTreeSet<(String, String)>, alerted: &'a str) -> BTreeMap<&'a str, usize> {
    let mut found = BTreeMap::from([(alerted, 0)]);
    let (mut open, mut depth) = (vec![alerted], 0);
    while !open.is_empty() {
        depth += 1;
        let mut next = Vec::new();
        for callee in open.into_iter().flat_map(|service| callees(calls, service)) {
            if !found.contains_key(callee) {
                found.insert(callee, depth);
                next.push(callee);
            }
        }
        open = next;
    }
    found
}

#[cfg(test)]
#[path = "explained_by_callees/tests.rs"]
mod tests;
