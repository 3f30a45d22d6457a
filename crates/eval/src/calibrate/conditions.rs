//! What is done to the cases: what really happens to alerts and telemetry.

use crate::bench::Condition;
use telemetry::recorded::Kind;

/// Seconds by which alerts come early or late.
const SHIFTS: [i64; 5] = [0, -120, -60, 60, 120];
/// Kinds of telemetry that systems do without.
const KINDS: [Kind; 4] = [Kind::Logs, Kind::Traces, Kind::Metrics, Kind::Changes];
/// Of how many traces a sampler at the head keeps one.
const SAMPLED: [u64; 3] = [2, 5, 10];

/// Every condition, that under which nothing is changed first: each loss with the alert in time, early and late.
#[must_use]
pub fn conditions() -> Vec<Condition> {
    let mut losses = vec![Condition::default()];
    losses.extend(KINDS.map(|kind| Condition { without: vec![kind], ..Condition::default() }));
    for (kind, place) in KINDS.iter().zip(1..) {
        let others = KINDS.iter().skip(place);
        losses.extend(others.map(|other| Condition { without: vec![*kind, *other], ..Condition::default() }));
    }
    losses.extend(SAMPLED.map(|one_trace_in| Condition { one_trace_in, ..Condition::default() }));
    let shifted = |shift_seconds: i64| {
        losses.iter().map(move |loss| Condition { shift_seconds, ..loss.clone() }).collect::<Vec<_>>()
    };
    SHIFTS.into_iter().flat_map(shifted).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_condition_is_another_one() {
        let names: Vec<String> = conditions().iter().map(Condition::name).collect();
        assert_eq!(names.len(), 70);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!(names[0], "as recorded");
        assert!(
            names.contains(&"as recorded, alert -120 s".to_owned())
                && names.contains(&"one trace in 10".to_owned())
        );
        assert!(names.contains(&"without logs and metrics, alert +60 s".to_owned()));
    }
}
