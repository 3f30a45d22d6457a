//! Measure 2: did the way between two services become slower?
//!
//! The edge delay of a call is its client duration minus its server duration: network, queues and connection
//! set-up. Blocks of one second, one-sided rank-sum, false discovery over all edges.
//!
//! Does not say whose fault a grown edge is: that is the diagnosis' to weigh. Queues are no edges here.

use std::collections::BTreeMap;

use telemetry::answer::EdgeRow;

use super::{Measure, exclusive_latency};
use crate::Thresholds;
use crate::series::MS_NS;
use crate::statistics::{false_discovery, median, rank_sum};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "edge_delay",
    finds: "calls whose client side waits longer than the server side explains",
    questions: &["edges"],
};

/// One edge in both windows.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeContrast {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
    /// Calls in the bad window.
    pub count: u64,
    /// Mean delay of a call before, milliseconds.
    pub good_ms: f64,
    /// Mean delay of a call now, milliseconds.
    pub bad_ms: f64,
    /// Extra milliseconds in the bad window, all calls together.
    pub excess_ms: f64,
    /// False discovery rate at which the rise is significant.
    pub q_value: f64,
    is_raised: bool,
}

impl EdgeContrast {
    /// Whether the rise is more than noise and more than trifling, by the same bounds as of spans.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_raised
    }
}

/// Instrumented edges that appear in the bad window, largest excess first.
#[must_use]
pub fn contrast(good: &[EdgeRow], bad: &[EdgeRow], thresholds: &Thresholds) -> Vec<EdgeContrast> {
    let is_call = |row: &&EdgeRow| row.is_instrumented && row.queue.is_none();
    let before: BTreeMap<_, Vec<f64>> =
        good.iter().filter(is_call).map(|row| (ends(row), means(row))).collect();
    let rows: Vec<&EdgeRow> = bad.iter().filter(is_call).collect();
    let sides: Vec<(&[f64], Vec<f64>)> =
        rows.iter().map(|row| (before.get(&ends(row)).map_or(&[][..], Vec::as_slice), means(row))).collect();
    let p_values: Vec<f64> = sides.iter().map(|(good, bad)| rank_sum::p_raised(good, bad)).collect();
    let mut found: Vec<EdgeContrast> = rows
        .iter()
        .zip(&sides)
        .zip(false_discovery::q_values(&p_values))
        .map(|((row, (good, bad)), q_value)| {
            let (good_ms, bad_ms) = (median::mean(good), median::mean(bad));
            EdgeContrast {
                caller: row.caller.clone(),
                callee: row.callee.clone(),
                count: row.count,
                good_ms,
                bad_ms,
                excess_ms: (bad_ms - good_ms) * row.count as f64,
                q_value,
                is_raised: exclusive_latency::is_raised(q_value, bad_ms / good_ms.max(1e-6), thresholds),
            }
        })
        .collect();
    found.sort_by(|a, b| {
        b.excess_ms.total_cmp(&a.excess_ms).then_with(|| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)))
    });
    found
}

/// Caller and callee.
fn ends(row: &EdgeRow) -> (&str, &str) {
    (&row.caller, &row.callee)
}

fn means(row: &EdgeRow) -> Vec<f64> {
    let counted = row.blocks.iter().filter(|block| block.count > 0);
    counted.map(|block| block.sum_ns as f64 / block.count as f64 / MS_NS).collect()
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;
    use telemetry::answer::Block;

    use super::*;

    fn contrast(good: &[EdgeRow], bad: &[EdgeRow]) -> Vec<EdgeContrast> {
        super::contrast(good, bad, &Thresholds::default())
    }

    fn edge(callee: &str, delay_ms: i64, seconds: i64) -> EdgeRow {
        let block = |second| Block {
            second: UnixNanos(0).plus_seconds(second),
            count: 5,
            sum_ns: delay_ms * 5_000_000 + second * 1000,
        };
        EdgeRow {
            caller: "front".into(),
            callee: callee.into(),
            is_instrumented: true,
            resends: 0,
            queue: None,
            count: 5 * seconds as u64,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: (0..seconds).map(block).collect(),
        }
    }

    #[test]
    fn a_slower_way_is_found_and_a_steady_one_is_not() {
        let found = contrast(&[edge("a", 1, 20), edge("b", 1, 20)], &[edge("a", 40, 6), edge("b", 1, 6)]);
        assert_eq!(found[0].callee, "a");
        assert!(found[0].q_value < 0.01 && found[1].q_value > 0.05);
        assert!(contrast(&[], &[]).is_empty());
    }
}
