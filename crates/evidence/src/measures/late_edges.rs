//! Measure 2 where nobody says since when: ways between services that became slower, and the service that they share.
//!
//! The delay of a call (client minus server duration) is compared block by block by the one-sided rank-sum test. When
//! it began is not known beforehand: the test is made for up to twelve beginnings in the bad window, the blocks before
//! one count as good, and the smallest p-value is multiplied by the number of beginnings (Bonferroni); the false
//! discovery rate is controlled over all edges. Delays hang together from block to block, which the rank-sum test does not
//! know: the shift must also lie beyond what the edge's own earlier blocks do, see `statistics::shift`. Stated rate: 0.05 for
//! one false claim in a null window.
//!
//! Grown edges vote: the service incident to most of them is where the delay is; of several, the one of whose edges the
//! larger share grew. Delay on a machine's network shows on its edges and on no other's.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;
use telemetry::answer::EdgeRow;

use super::Measure;
use crate::Thresholds;
use crate::series::MS_NS;
use crate::statistics::{false_discovery, median, rank_sum, shift};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "late_edges",
    finds: "the service that ways which became slower, since whenever, have in common",
    questions: &["edges"],
};

/// Beginnings tried: twelve parts of five minutes are 25 seconds, less than a fault needs to be felt.
const BEGINNINGS_MAX: usize = 12;
/// Blocks after a beginning: of one alone nothing is said.
const BLOCKS_MIN: usize = 2;
/// Standard deviations by which delays must have shifted: one-sided 2e-4, for a few beginnings of a few dozen edges.
const DEVIATIONS: f64 = 3.5;
/// The delay below which it is counted as this many milliseconds: clocks and the buckets of histograms decide below.
const FLOOR_MS: f64 = 1.0;

/// One edge, before and since the likeliest beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct LateEdge {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
    /// Median over blocks of the mean delay before, milliseconds.
    pub good_ms: f64,
    /// The same since.
    pub bad_ms: f64,
    /// The start of the first block of the delay.
    pub began: UnixNanos,
    /// Blocks before and since.
    pub blocks: (usize, usize),
    /// Probability of such a rise by chance, corrected for the beginnings tried.
    pub p_value: f64,
    /// False discovery rate at which it is claimed.
    pub q_value: f64,
    is_raised: bool,
}

impl LateEdge {
    /// Whether it is claimed that the way became slower: q <= 0.05, and at least twice as slow.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_raised
    }

    fn growth(&self) -> f64 {
        self.bad_ms.max(FLOOR_MS) / self.good_ms.max(FLOOR_MS)
    }
}

/// A service that grown edges have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Vote {
    /// The service.
    pub service: String,
    /// Its edges that grew, the surest first.
    pub grown: Vec<LateEdge>,
    /// All of its edges.
    pub incident: usize,
}

/// Every edge that both windows tell of, the surest rise first.
#[must_use]
pub fn late_edges(good: &[EdgeRow], bad: &[EdgeRow], thresholds: &Thresholds) -> Vec<LateEdge> {
    let is_call = |row: &&EdgeRow| row.is_instrumented && row.queue.is_none();
    let key = |row: &EdgeRow| (row.caller.clone(), row.callee.clone());
    let before: BTreeMap<_, Vec<(UnixNanos, f64)>> =
        good.iter().filter(is_call).map(|row| (key(row), means(row))).collect();
    let mut found: Vec<LateEdge> = bad
        .iter()
        .filter(is_call)
        .filter_map(|row| late_edge(row, before.get(&key(row))?, &means(row)))
        .collect();
    let p_values: Vec<f64> = found.iter().map(|edge| edge.p_value).collect();
    for (edge, q_value) in found.iter_mut().zip(false_discovery::q_values(&p_values)) {
        edge.q_value = q_value;
        edge.is_raised &= q_value <= thresholds.claim_q_max && edge.growth() >= thresholds.late_growth_min;
    }
    let names = |edge: &LateEdge| (edge.caller.clone(), edge.callee.clone());
    found.sort_by(|a, b| a.p_value.total_cmp(&b.p_value).then_with(|| names(a).cmp(&names(b))));
    found
}

/// The services that the grown edges have in common, the most likely first; none when no edge grew. An edge speaks for
/// one service only.
#[must_use]
pub fn votes(edges: &[LateEdge]) -> Vec<Vote> {
    let mut open: Vec<&LateEdge> = edges.iter().filter(|edge| edge.is_raised()).collect();
    let touches = |edge: &LateEdge, service: &str| edge.caller == service || edge.callee == service;
    let incident = |service: &str| edges.iter().filter(|edge| touches(edge, service)).count();
    let mut found = Vec::new();
    while !open.is_empty() {
        let services: BTreeSet<&str> = open.iter().flat_map(|edge| [&*edge.caller, &*edge.callee]).collect();
        let weight = |service: &str| {
            let grown = open.iter().filter(|edge| touches(edge, service)).count();
            let called = open.iter().filter(|edge| edge.callee == service).count();
            (grown, grown as f64 / incident(service).max(1) as f64, called)
        };
        let order = |a: &&str, b: &&str| {
            let (left, right) = (weight(a), weight(b));
            let by_share = left.1.total_cmp(&right.1);
            left.0.cmp(&right.0).then(by_share).then(left.2.cmp(&right.2)).then(b.cmp(a))
        };
        let Some(service) = services.into_iter().max_by(order) else { break };
        let (grown, rest): (Vec<&LateEdge>, Vec<&LateEdge>) =
            open.iter().copied().partition(|edge| touches(edge, service));
        let vote = Vote {
            service: service.to_owned(),
            grown: grown.into_iter().cloned().collect(),
            incident: incident(service),
        };
        found.push(vote);
        open = rest;
    }
    found
}

fn late_edge(row: &EdgeRow, good: &[(UnixNanos, f64)], bad: &[(UnixNanos, f64)]) -> Option<LateEdge> {
    let places = beginnings(bad.len());
    let tried = places.len() as f64;
    let best = places
        .into_iter()
        .filter_map(|place| {
            let (before, since) = bad.split_at_checked(place)?;
            let base: Vec<f64> = good.iter().chain(before).map(|(_, ms)| *ms).collect();
            let raised: Vec<f64> = since.iter().map(|(_, ms)| *ms).collect();
            Some((rank_sum::p_raised(&base, &raised), base, raised, since.first()?.0))
        })
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let (p_value, base, raised, began) = best?;
    Some(LateEdge {
        caller: row.caller.clone(),
        callee: row.callee.clone(),
        good_ms: median::median(&base)?,
        bad_ms: median::median(&raised)?,
        began,
        blocks: (base.len(), raised.len()),
        p_value: (p_value * tried).min(1.0),
        q_value: 1.0,
        is_raised: is_beyond_noise(&base, &raised),
    })
}

/// Whether the blocks `raised` lie further above `base` than blocks that hang together do.
fn is_beyond_noise(base: &[f64], raised: &[f64]) -> bool {
    let logs = |blocks: &[f64]| -> Vec<f64> { blocks.iter().map(|ms| libm::log(ms.max(FLOOR_MS))).collect() };
    let (base, raised) = (logs(base), logs(raised));
    shift::shift(&base, &raised)
        .is_some_and(|shift| shift > DEVIATIONS * shift::deviation(&base, raised.len()))
}

/// The places among `blocks` at which it may have begun.
fn beginnings(blocks: usize) -> Vec<usize> {
    let last = (blocks + 1).saturating_sub(BLOCKS_MIN);
    let step = last.div_ceil(BEGINNINGS_MAX).max(1);
    (0..last).step_by(step).collect()
}

/// The mean delay of every block, by time.
fn means(row: &EdgeRow) -> Vec<(UnixNanos, f64)> {
    let counted = row.blocks.iter().filter(|block| block.count > 0);
    counted.map(|block| (block.second, block.sum_ns as f64 / block.count as f64 / MS_NS)).collect()
}

#[cfg(test)]
mod tests {
    use telemetry::answer::Block;

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn late_edges(good: &[EdgeRow], bad: &[EdgeRow]) -> Vec<LateEdge> {
        super::late_edges(good, bad, &Thresholds::default())
    }

    /// An edge with one block a minute.
    fn edge(
        noise: &mut Seeded,
        names: (&str, &str),
        minutes: std::ops::Range<i64>,
        late_from: i64,
    ) -> EdgeRow {
        let blocks = minutes.map(|minute| {
            let level = if minute >= late_from { 300.0 } else { 2.0 };
            let sum_ns = (noise.latency(level, 0.4) * MS_NS) as i64;
            Block { second: UnixNanos(0).plus_seconds(60 * minute), count: 1, sum_ns }
        });
        EdgeRow {
            caller: names.0.into(),
            callee: names.1.into(),
            is_instrumented: true,
            resends: 0,
            queue: None,
            count: 1,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: blocks.collect(),
        }
    }

    const EDGES: [(&str, &str); 8] =
        [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("b", "e"), ("d", "e"), ("d", "f")];

    /// An hour before and five minutes, the last two of them late on the edges of `at`.
    fn measured(seed: u64, is_late: impl Fn((&str, &str)) -> bool) -> Vec<LateEdge> {
        let mut noise = Seeded(seed);
        let late_from = |names| if is_late(names) { 63 } else { i64::MAX };
        let good: Vec<EdgeRow> =
            EDGES.iter().map(|names| edge(&mut noise, *names, 0..60, i64::MAX)).collect();
        let bad: Vec<EdgeRow> =
            EDGES.iter().map(|names| edge(&mut noise, *names, 60..65, late_from(*names))).collect();
        late_edges(&good, &bad)
    }

    #[test]
    fn the_service_that_late_edges_share_is_named_and_two_minutes_are_enough() {
        for seed in 1..=200 {
            let edges = measured(seed, |(caller, callee)| caller == "d" || callee == "d");
            let votes = votes(&edges);
            assert_eq!((votes[0].service.as_str(), votes[0].incident), ("d", 4), "seed {seed}");
            assert!(votes[0].grown.len() >= 3, "seed {seed}");
            // Minutes right before may be among the slowest by chance; the beginning is not later.
            let began = votes[0].grown[0].began;
            assert!(began <= UnixNanos(0).plus_seconds(60 * 63), "seed {seed}: {began:?}");
        }
    }

    #[test]
    fn of_one_late_edge_the_end_with_fewer_other_edges_is_named() {
        let votes = votes(&measured(7, |names| names == ("d", "f")));
        assert_eq!(votes.iter().map(|vote| vote.service.as_str()).collect::<Vec<_>>(), ["f"]);
    }

    #[test]
    fn null_windows_raise_nothing() {
        let rate = false_alarm_rate(1000, |seed| measured(seed, |_| false).iter().any(LateEdge::is_raised));
        assert!(rate <= 0.05, "stated 0.05, measured {rate}");
    }

    /// Delays that swing for minutes: what a busy hour does to every way.
    #[test]
    fn delays_that_hang_together_from_minute_to_minute_raise_no_more() {
        let rate = false_alarm_rate(1000, |seed| {
            let swinging = |place: usize| {
                let mut noise = Seeded(seed * 64 + place as u64);
                let swings = noise.autocorrelated(0.8, 65);
                move |names: (&str, &str), minutes: std::ops::Range<i64>| {
                    let mut row = edge(&mut noise, names, minutes.clone(), i64::MAX);
                    for (block, minute) in row.blocks.iter_mut().zip(minutes) {
                        let swing = 0.4 * swings.get(minute as usize).copied().unwrap_or_default();
                        block.sum_ns = (2.0 * libm::exp(swing) * MS_NS) as i64;
                    }
                    row
                }
            };
            let rows = EDGES.iter().enumerate().map(|(place, names)| {
                let mut of = swinging(place);
                (of(*names, 0..60), of(*names, 60..65))
            });
            let (good, bad): (Vec<EdgeRow>, Vec<EdgeRow>) = rows.unzip();
            late_edges(&good, &bad).iter().any(LateEdge::is_raised)
        });
        assert!(rate <= 0.05, "stated 0.05, measured {rate}");
    }

    #[test]
    fn without_history_or_with_one_block_nothing_is_said() {
        assert!(late_edges(&[], &[edge(&mut Seeded(1), ("a", "b"), 60..65, 60)]).is_empty());
        let good = [edge(&mut Seeded(1), ("a", "b"), 0..60, i64::MAX)];
        assert!(late_edges(&good, &[edge(&mut Seeded(2), ("a", "b"), 60..61, 60)]).is_empty());
        assert!(votes(&[]).is_empty());
    }
}
