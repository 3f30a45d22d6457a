//! Operations of instances that have just started: the first requests of a process open connections, fill caches and run
//! unoptimised code.
//!
//! Such slowness decays within seconds, and a fault does not: while an instance is new and what is slow gets faster, it is
//! waited for the next look. A new version that stays slow is told without delay.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;
use telemetry::answer::OnsetRow;

/// Seconds for which an instance counts as new.
const NEW_SECONDS: i64 = 15;
/// Seconds after the history's beginning in which an instance that appears was there before.
const BEFORE_SECONDS: i64 = 3;
/// Share of the slowest second to which the last two must have come down.
const DECAYED: f64 = 0.7;

/// The operations that an instance serves which appeared within the last seconds before `at`.
pub(super) fn operations(rows: &[OnsetRow], from: UnixNanos, at: UnixNanos) -> BTreeSet<(String, String)> {
    let mut first: BTreeMap<(&str, &str, &str), UnixNanos> = BTreeMap::new();
    for row in rows {
        let subject = &row.subject;
        let seen = first
            .entry((&subject.service, &subject.instance, &subject.version))
            .or_insert(row.second);
        *seen = row.second.min(*seen);
    }
    let since = at.plus_seconds(-NEW_SECONDS).max(from.plus_seconds(BEFORE_SECONDS));
    first.retain(|_, seen| *seen >= since);
    if first.is_empty() {
        return BTreeSet::new();
    }
    let is_new = |row: &&OnsetRow| {
        let subject = &row.subject;
        first.contains_key(&(subject.service.as_str(), subject.instance.as_str(), subject.version.as_str()))
    };
    let name = |row: &OnsetRow| (row.subject.service.clone(), row.subject.operation.clone());
    rows.iter().filter(is_new).map(name).collect()
}

/// Whether the seconds `observed` come down from their slowest.
pub(super) fn is_warming_up(observed: &[f64]) -> bool {
    let slowest = observed.iter().copied().fold(0.0, f64::max);
    let last: Vec<f64> = observed.iter().rev().take(2).copied().collect();
    last.iter().sum::<f64>() < DECAYED * slowest * last.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_down_is_warming_up_and_what_stays_is_not() {
        assert!(is_warming_up(&[50.0, 34.0, 25.0, 19.0, 15.0]));
        assert!(!is_warming_up(&[150.0, 134.0, 125.0, 119.0, 115.0]), "a fault beneath the start");
        assert!(!is_warming_up(&[10.0, 10.0, 90.0, 95.0, 92.0]));
    }
}
