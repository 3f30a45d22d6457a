//! Operations of instances that have just started: the first requests of a process open connections, fill caches and run
//! unoptimised code.
//!
//! Such slowness is limited and decays within seconds, and a fault need not: while an instance is new, a rise below what a
//! start may do is told from ten seconds, not from five, and nothing is told while what is slow gets faster. A new version
//! that is much slower and stays so is told without delay.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;
use telemetry::answer::OnsetRow;
use telemetry::time::SECOND_NS;

use crate::statistics::median;

/// Seconds for which an instance counts as new.
const NEW_SECONDS: i64 = 15;
/// Seconds after the history's beginning in which an instance that appears was there before.
const BEFORE_SECONDS: i64 = 3;
/// Share of the slowest second to which the last two must have come down.
const DECAYED: f64 = 0.7;

/// Seconds of silence after which an instance counts as started anew: where it keeps its name, a restart is no more.
const SILENT_SECONDS: i64 = 3;

/// The operations of services one of whose instances started within the last seconds before `at`.
pub(super) fn operations(rows: &[OnsetRow], from: UnixNanos, at: UnixNanos) -> BTreeSet<(String, String)> {
    let since = at.plus_seconds(-NEW_SECONDS).max(from.plus_seconds(BEFORE_SECONDS));
    let mut seen: BTreeMap<(&str, &str, &str), BTreeSet<UnixNanos>> = BTreeMap::new();
    for row in rows {
        let subject = &row.subject;
        seen.entry((&subject.service, &subject.instance, &subject.version)).or_default().insert(row.second);
    }
    let has_started = |seconds: &BTreeSet<UnixNanos>| {
        let is_new = seconds.first().is_some_and(|first| *first >= since);
        let pairs = seconds.iter().zip(seconds.iter().skip(1));
        is_new
            || pairs
                .into_iter()
                .any(|(before, after)| *after >= since && after.since(*before) > SILENT_SECONDS * SECOND_NS)
    };
    let services: BTreeSet<&str> =
        seen.iter().filter(|(_, seconds)| has_started(seconds)).map(|(key, _)| key.0).collect();
    if services.is_empty() {
        return BTreeSet::new();
    }
    let name = |row: &OnsetRow| (row.subject.service.clone(), row.subject.operation.clone());
    rows.iter().filter(|row| services.contains(row.subject.service.as_str())).map(name).collect()
}

/// Ratio of medians above which no start is taken to be the reason, and seconds from which it need not be so large.
const STARTS_MAX: f64 = 4.0;
const OVER_SECONDS: usize = 8;

/// Whether a rise from `history` to `observed` is no start: it does not come down, and it is large or lasts.
pub(super) fn is_settled(history: &[f64], observed: &[f64]) -> bool {
    let (before, now) = (median::median(history), median::median(observed));
    let is_large = before.zip(now).is_some_and(|(before, now)| now > STARTS_MAX * before);
    (is_large || observed.len() >= OVER_SECONDS) && !is_warming_up(observed)
}

/// Whether the seconds `observed` come down from their slowest.
fn is_warming_up(observed: &[f64]) -> bool {
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
        let history = [10.0; 30];
        assert!(is_settled(&history, &[150.0, 134.0, 125.0, 119.0, 115.0]), "told without delay");
        assert!(!is_settled(&history, &[30.0; 5]), "a start may do this");
        assert!(is_settled(&history, &[30.0; 10]), "and this it may not");
    }
}
