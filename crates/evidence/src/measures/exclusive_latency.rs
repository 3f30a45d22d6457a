//! Measure 1: where the extra time is spent, by exclusive time per call.
//!
//! Exclusive time is compared per group (service, span, entry operation, resource) between a good and a bad
//! window, per call and never per minute, on blocks of one second with the one-sided rank-sum test and control of
//! the false discovery rate over all groups. A callee's time is never its caller's: traces subtract it first.
//!
//! Does not judge edges (client minus server): that is `edge_delay`.

use std::collections::BTreeMap;

use telemetry::SpanKind;
use telemetry::answer::{Block, SelfTimeRow, SelfTimeTable};

use super::Measure;
use crate::series::MS_NS;
use crate::statistics::{false_discovery, rank_sum};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "exclusive_latency",
    finds: "spans that themselves take longer per call than before",
    questions: &["self_time"],
};

/// A group of spans that do the same work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// `service.name`.
    pub service: String,
    /// The span's name.
    pub span: String,
    /// The entry operation under which the work is done.
    pub entry: String,
    /// What the span calls that emits no spans itself, empty when nothing.
    pub resource: String,
    /// `db.system.name`, empty when not a database.
    pub database: String,
    /// Role of the spans.
    pub kind: SpanKind,
}

/// A group in both windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// Which spans.
    pub group: Group,
    /// Spans in the good window.
    pub good_count: u64,
    /// Spans in the bad window.
    pub bad_count: u64,
    /// Mean exclusive milliseconds per call before.
    pub good_mean_ms: f64,
    /// Mean exclusive milliseconds per call now.
    pub bad_mean_ms: f64,
    /// Extra milliseconds in the bad window, all calls together; below zero when it became faster.
    pub excess_ms: f64,
    /// Share of the sum of all significant positive excesses, 0 when not significant.
    pub share: f64,
    /// False discovery rate at which the rise is significant.
    pub q_value: f64,
    /// Instances of the service that show the rise (mean above twice the good mean of the group).
    pub raised_instances: Vec<String>,
}

impl Contrast {
    /// Whether the rise is more than noise and more than trifling: q <= 0.01 and at least a quarter more.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.q_value <= 0.01 && self.bad_mean_ms > 1.25 * self.good_mean_ms
    }
}

#[derive(Default)]
struct Sides {
    good: Side,
    bad: Side,
    bad_by_instance: BTreeMap<String, (u64, i64)>,
}

#[derive(Default)]
struct Side {
    count: u64,
    sum_ns: i64,
    blocks: BTreeMap<i64, (u64, i64)>,
}

impl Side {
    fn add(&mut self, row: &SelfTimeRow) {
        self.count += row.count;
        self.sum_ns = self.sum_ns.saturating_add(row.sum_ns);
        for Block { second, count, sum_ns } in &row.blocks {
            let block = self.blocks.entry(second.0).or_default();
            block.0 += count;
            block.1 += sum_ns;
        }
    }

    fn mean_ms(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum_ns as f64 / self.count as f64 / MS_NS }
    }

    fn block_means(&self) -> Vec<f64> {
        let counted = self.blocks.values().filter(|(count, _)| *count > 0);
        counted.map(|(count, sum_ns)| *sum_ns as f64 / *count as f64 / MS_NS).collect()
    }
}

/// Every group that appears in the bad window, largest significant excess first.
#[must_use]
pub fn contrast(good: &SelfTimeTable, bad: &SelfTimeTable) -> Vec<Contrast> {
    let mut groups: BTreeMap<Group, Sides> = BTreeMap::new();
    for row in &good.rows {
        groups.entry(group(row)).or_default().good.add(row);
    }
    for row in &bad.rows {
        let sides = groups.entry(group(row)).or_default();
        sides.bad.add(row);
        let instance = sides.bad_by_instance.entry(row.subject.instance.clone()).or_default();
        instance.0 += row.count;
        instance.1 += row.sum_ns;
    }
    groups.retain(|_, sides| sides.bad.count > 0);
    let p_values: Vec<f64> = groups
        .values()
        .map(|sides| rank_sum::p_raised(&sides.good.block_means(), &sides.bad.block_means()))
        .collect();
    let q_values = false_discovery::q_values(&p_values);
    let mut contrasts: Vec<Contrast> =
        groups.into_iter().zip(q_values).map(|((group, sides), q)| of_group(group, &sides, q)).collect();
    let raised: f64 = contrasts.iter().filter(|c| c.is_raised()).map(|c| c.excess_ms).sum();
    for found in contrasts.iter_mut().filter(|found| found.is_raised()) {
        found.share = found.excess_ms / raised;
    }
    contrasts.sort_by(|a, b| {
        b.share
            .total_cmp(&a.share)
            .then_with(|| b.excess_ms.total_cmp(&a.excess_ms))
            .then_with(|| a.group.cmp(&b.group))
    });
    contrasts
}

fn group(row: &SelfTimeRow) -> Group {
    Group {
        service: row.subject.service.clone(),
        span: row.subject.operation.clone(),
        entry: row.entry.clone(),
        resource: row.resource.clone(),
        database: row.database.clone(),
        kind: row.kind,
    }
}

fn of_group(group: Group, sides: &Sides, q_value: f64) -> Contrast {
    let (good_mean_ms, bad_mean_ms) = (sides.good.mean_ms(), sides.bad.mean_ms());
    let mean = |(count, sum_ns): &(u64, i64)| *sum_ns as f64 / (*count).max(1) as f64 / MS_NS;
    let raised = sides.bad_by_instance.iter().filter(|(_, figures)| mean(figures) > 2.0 * good_mean_ms);
    Contrast {
        good_count: sides.good.count,
        bad_count: sides.bad.count,
        good_mean_ms,
        bad_mean_ms,
        excess_ms: (bad_mean_ms - good_mean_ms) * sides.bad.count as f64,
        share: 0.0,
        q_value,
        raised_instances: raised.map(|(instance, _)| instance.clone()).collect(),
        group,
    }
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;
    use telemetry::answer::Subject;

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn table(seed: u64, from: i64, seconds: i64, query_ms: f64) -> SelfTimeTable {
        let mut noise = Seeded(seed);
        let mut row = |service: &str, span: &str, database: &str, level: f64| {
            let blocks: Vec<Block> = (0..seconds)
                .map(|second| Block {
                    second: UnixNanos(0).plus_seconds(from + second),
                    count: 5,
                    sum_ns: (noise.latency(level, 0.3) * 5e6) as i64,
                })
                .collect();
            let subject = Subject {
                service: service.into(),
                operation: span.into(),
                instance: format!("{service}-1"),
                version: "1".into(),
            };
            SelfTimeRow {
                subject,
                entry: "GET /".into(),
                kind: SpanKind::Server,
                resource: String::new(),
                database: database.into(),
                count: 5 * seconds as u64,
                error_origins: 0,
                errors: 0,
                sum_ns: blocks.iter().map(|block| block.sum_ns).sum(),
                p50_ns: 0,
                p95_ns: 0,
                blocks,
            }
        };
        let rows = vec![
            row("front", "GET /", "", 2.0),
            row("back", "GET /", "", 1.0),
            row("back", "SELECT", "sqlite", query_ms),
        ];
        SelfTimeTable { traces: 5 * seconds as u64, rows }
    }

    #[test]
    fn the_slow_query_takes_nearly_all_of_the_excess() {
        for seed in 1..=200 {
            let found = contrast(&table(seed, 0, 20, 0.5), &table(seed + 1000, 30, 6, 50.0));
            assert_eq!(found[0].group.span, "SELECT", "seed {seed}");
            assert!(found[0].share > 0.9, "seed {seed}: {}", found[0].share);
            assert_eq!(found[0].raised_instances, ["back-1"]);
        }
    }

    #[test]
    fn null_windows_raise_nothing() {
        let rate = false_alarm_rate(500, |seed| {
            let found = contrast(&table(seed, 0, 20, 0.5), &table(seed + 1000, 30, 6, 0.5));
            found.iter().any(Contrast::is_raised)
        });
        assert!(rate <= 0.01, "stated 0.01, measured {rate}");
    }

    #[test]
    fn an_empty_bad_window_has_no_contrast() {
        let empty = SelfTimeTable { traces: 0, rows: Vec::new() };
        assert!(contrast(&table(1, 0, 20, 0.5), &empty).is_empty());
    }
}
