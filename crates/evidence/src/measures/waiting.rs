//! Measure 8: time spent waiting for a turn, and who holds it.
//!
//! Two shapes. *Blocked executor*: while a call of the process is under way, nothing else in that process begins or
//! ends; before, it did. If the rest of the process went on meanwhile, its starts and ends would fall inside the
//! calls in proportion to the time that the calls cover (they are independent of them); the count expected so is
//! compared with the count seen. *Pool*: idle time stands in requests right before the calls to a database, and the
//! calls run at the limit of how many there may be at once.
//!
//! Sees processes that serve all requests on one thread, and calls that have spans; two threads hide it.

use std::collections::BTreeMap;

use telemetry::answer::{LaneRow, SelfTimeTable};

use super::Measure;
use crate::series::MS_NS;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "waiting",
    finds: "calls during which a process does nothing else, and requests that wait for a connection",
    questions: &["self_time"],
};

/// Calls of others that must be expected inside before their absence says something: with ten expected, none at all
/// comes by chance less than once in twenty thousand times (Poisson). Starts and ends are no such measure: a request
/// brings a dozen of them together.
const EXPECTED_MIN: f64 = 10.0;
/// Share of the expected events up to which the process stood still: those that clocks and the spans' own edges add.
const STILL_MAX: f64 = 0.08;
/// Share of the expected events from which it went on.
const MOVING_MIN: f64 = 0.4;
/// Calls at once, on average, from which they are said to have run side by side.
const AT_ONCE_MIN: f64 = 1.5;
/// Share of the time in which at least as many calls as ever ran at once, from which a pool is at its limit.
const FULL_MIN: f64 = 0.5;

/// The calls of one service to one operation of a target, all instances together.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// `service.name`.
    pub service: String,
    /// What is called.
    pub target: String,
    /// Which operation of it; empty for a database.
    pub operation: String,
    /// Whether the target is a database.
    pub is_database: bool,
    /// Before.
    pub good: Turns,
    /// Now.
    pub bad: Turns,
    /// Instances with such calls now, sorted.
    pub instances: Vec<String>,
}

/// How the calls of a lane lie in time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Turns {
    /// Calls.
    pub calls: u64,
    /// Sum of their durations, milliseconds.
    pub total_ms: f64,
    /// Share of the time in which at least one was under way, mean over the instances, 0 to 1.
    pub busy: f64,
    /// Most that were under way at once in one instance.
    pub most_at_once: u64,
    /// Mean number under way while any was.
    pub at_once: f64,
    /// Starts and ends of other work inside the calls.
    pub inside: f64,
    /// The same, expected if the rest of the process did not care.
    pub expected: f64,
    /// Calls of the lane itself that would begin inside others, if they did not care either.
    pub expected_calls: f64,
}

impl Lane {
    /// Whether the process stands still during these calls now, and did not before (or had no chance to show it).
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        let (good, bad) = (&self.good, &self.bad);
        let is_known = good.expected >= EXPECTED_MIN;
        let went_on_before = is_known && good.inside >= MOVING_MIN * good.expected;
        let stood_still_before = is_known && !went_on_before;
        // A process of one request at a time stands still in every query; of a database it must be seen that it did not.
        if self.is_database && !went_on_before {
            return false;
        }
        bad.expected_calls >= EXPECTED_MIN && bad.inside <= STILL_MAX * bad.expected && !stood_still_before
    }

    /// Milliseconds that requests wait longer because blocking calls stand in a row that ran side by side before: no
    /// call takes longer, so no exclusive time shows it. Zero when the process is not blocked.
    #[must_use]
    pub fn serialised_ms(&self) -> f64 {
        let (before, now) = (self.good.at_once, self.bad.at_once);
        if !self.is_blocked() || before < AT_ONCE_MIN || now <= 0.0 {
            return 0.0;
        }
        (self.bad.total_ms * (1.0 / now - 1.0 / before)).max(0.0)
    }

    /// Whether the calls run at the limit of how many there may be at once: for most of the time as many as ever.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let most = self.bad.most_at_once as f64;
        self.is_database && self.bad.busy * self.bad.at_once >= FULL_MIN * most && self.bad.most_at_once > 0
    }
}

/// Every lane of calls in the bad window, by service, target and operation. Calls of which nothing says whom they reach
/// are left out: they may be many lanes in one.
#[must_use]
pub fn lanes(good: &SelfTimeTable, bad: &SelfTimeTable) -> Vec<Lane> {
    let mut found: BTreeMap<(&str, &str, &str, bool), [Vec<&LaneRow>; 2]> = BTreeMap::new();
    for (side, table) in [good, bad].into_iter().enumerate() {
        for row in table.lanes.iter().filter(|row| !row.target.is_empty()) {
            let key = (row.service.as_str(), row.target.as_str(), row.operation.as_str(), row.is_database);
            if let Some(rows) = found.entry(key).or_default().get_mut(side) {
                rows.push(row);
            }
        }
    }
    found
        .into_iter()
        .filter(|(_, [_, bad])| !bad.is_empty())
        .map(|((service, target, operation, is_database), [good, bad])| Lane {
            service: service.to_owned(),
            target: target.to_owned(),
            operation: operation.to_owned(),
            is_database,
            good: turns(&good),
            bad: turns(&bad),
            instances: {
                let mut names: Vec<String> = bad.iter().map(|row| row.instance.clone()).collect();
                names.sort();
                names.dedup();
                names
            },
        })
        .collect()
}

fn turns(rows: &[&LaneRow]) -> Turns {
    let mut turns = Turns::default();
    let (mut busy_ns, mut total_ns, mut elapsed_ns) = (0.0, 0.0, 0.0);
    for row in rows {
        let busy = row.busy_ns as f64 / row.elapsed_ns.max(1) as f64;
        turns.calls += row.count;
        turns.most_at_once = turns.most_at_once.max(row.most_at_once);
        turns.inside += row.events_inside as f64;
        // The calls' own starts and ends are among the events; they never lie inside when only one runs at a time.
        let others = row.events.saturating_sub(2 * row.count) as f64;
        turns.expected += others * busy;
        turns.expected_calls += row.count as f64 * busy;
        busy_ns += row.busy_ns as f64;
        total_ns += row.total_ns as f64;
        elapsed_ns += row.elapsed_ns as f64;
    }
    turns.total_ms = total_ns / MS_NS;
    turns.busy = if elapsed_ns > 0.0 { busy_ns / elapsed_ns } else { 0.0 };
    turns.at_once = if busy_ns > 0.0 { total_ns / busy_ns } else { 0.0 };
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(busy_ms: i64, total_ms: i64, most: u64, events: u64, inside: u64) -> LaneRow {
        LaneRow {
            service: "a".into(),
            instance: "a-1".into(),
            version: "1".into(),
            target: "rates".into(),
            operation: "GET /rate".into(),
            is_database: most > 0,
            count: 50,
            total_ns: total_ms * 1_000_000,
            busy_ns: busy_ms * 1_000_000,
            elapsed_ns: 5_000_000_000,
            most_at_once: most,
            lead_ns: 0,
            events,
            events_inside: inside,
        }
    }

    fn table(row: LaneRow) -> SelfTimeTable {
        SelfTimeTable { traces: 50, rows: Vec::new(), lanes: vec![row] }
    }

    // covers: AT-33
    #[test]
    fn a_process_that_stands_still_is_blocked_and_one_that_goes_on_is_not() {
        let (calm, moving) = (table(row(500, 550, 2, 500, 40)), table(row(4000, 9000, 6, 500, 700)));
        let still = table(row(4000, 4000, 1, 500, 2));
        let found = lanes(&calm, &still);
        assert!(found[0].is_blocked() && found[0].bad.expected > 300.0);
        assert!(!lanes(&calm, &moving)[0].is_blocked() && lanes(&calm, &moving)[0].serialised_ms() == 0.0);
        // Five calls of a request side by side, then one after the other: as long each, four fifths more waiting.
        let side_by_side = table(row(500, 2500, 5, 500, 200));
        let seldom = lanes(&calm, &table(row(200, 200, 1, 800, 2)));
        assert!(seldom[0].bad.expected > 20.0 && !seldom[0].is_blocked(), "two requests' worth of events");
        let lost = lanes(&side_by_side, &still)[0].serialised_ms();
        assert!((lost - 0.8 * 4000.0).abs() < 1e-6, "{lost}");
        assert!(
            !lanes(&still, &still)[0].is_blocked(),
            "a server of one request at a time always stood still"
        );
    }

    // covers: AT-32
    #[test]
    fn calls_at_the_limit_are_full_and_calls_with_room_are_not() {
        let calm = table(row(500, 550, 3, 500, 40));
        assert!(lanes(&calm, &table(row(4500, 4500, 1, 500, 200)))[0].is_full());
        assert!(!lanes(&calm, &table(row(2000, 2600, 4, 500, 200)))[0].is_full());
    }
}
