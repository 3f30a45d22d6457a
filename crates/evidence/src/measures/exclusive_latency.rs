//! Measure 1: where the extra time is spent, by exclusive time per request.
//!
//! Exclusive time is compared per group (service, span, entry operation, resource) between a good and a bad
//! window: per request of the entry operation, never per minute, so that more traffic is no slowness and more calls
//! a request are. On blocks of one second with the one-sided rank-sum test and control of the false discovery rate
//! over all groups. A callee's time is never its caller's: traces subtract it first.
//!
//! Does not judge edges (client minus server): that is `edge_delay`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use telemetry::SpanKind;
use telemetry::answer::{Block, SelfTimeRow, SelfTimeTable};

use super::Measure;
use crate::Thresholds;
use crate::series::MS_NS;
use crate::statistics::{false_discovery, rank_sum};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "exclusive_latency",
    finds: "spans that themselves take more time of a request than before",
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
    /// Before.
    pub good: Level,
    /// Now.
    pub bad: Level,
    /// Extra milliseconds in the bad window, all requests together; below zero when it became faster.
    pub excess_ms: f64,
    /// False discovery rate at which the rise is significant.
    pub q_value: f64,
    /// Instances of the service that show the rise (time per call or calls above twice the good level).
    pub raised_instances: Vec<String>,
    is_raised: bool,
}

/// The figures of a group in one window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Level {
    /// Spans.
    pub count: u64,
    /// Requests of the entry operation; the spans themselves where no entry span is above them.
    pub requests: u64,
    /// Mean exclusive milliseconds a call.
    pub ms_per_call: f64,
    /// Mean exclusive milliseconds a request.
    pub ms_per_request: f64,
    /// Median exclusive milliseconds a call, count-weighted over instances and versions.
    pub p50_ms: f64,
    /// 95th percentile of exclusive milliseconds a call, count-weighted alike.
    pub p95_ms: f64,
    /// Idle milliseconds of the parents right before these spans, a request.
    pub lead_ms_per_request: f64,
}

impl Level {
    /// Calls a request.
    #[must_use]
    pub fn calls_per_request(&self) -> f64 {
        self.count as f64 / self.requests.max(1) as f64
    }
}

impl Contrast {
    /// Whether the rise is more than noise and more than trifling: q <= 0.01 and a quarter more, or five times that q and three times as much.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_raised
    }

    /// Whether the number of calls grew, at least by half, and explains more of the rise than their duration does.
    #[must_use]
    pub fn is_by_number(&self) -> bool {
        let (before, now) = (self.good.calls_per_request(), self.bad.calls_per_request());
        let more = (now - before) * self.bad.ms_per_call;
        now > 1.5 * before && more > 0.5 * (self.bad.ms_per_request - self.good.ms_per_request)
    }
}

/// Whether a rise is more than noise and more than trifling: q <= 0.01 and at least a quarter more, or, where a few bad
/// seconds can prove no more, five times that q and three times as much.
pub(super) fn is_raised(q_value: f64, growth: f64, thresholds: &Thresholds) -> bool {
    let q_max = thresholds.contrast_q_max;
    (q_value <= q_max && growth > thresholds.contrast_growth_min) || (q_value <= 5.0 * q_max && growth > 3.0)
}

/// What tells groups apart, while rows are sorted into them: texts are copied for the groups that are told.
pub(super) type GroupKey<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, SpanKind);

/// The rows of one group in both windows.
type Rows<'a> = [Vec<&'a SelfTimeRow>; 2];

/// Requests by second, sorted.
type Requests = Vec<(i64, u64)>;

/// The rows of one group in one window, added up.
#[derive(Default)]
struct Side {
    count: u64,
    sum_ns: i64,
    lead_ns: i64,
    /// Sums over rows of count times quantile.
    quantiles: (f64, f64),
    /// Nanoseconds by second, sorted.
    blocks: Vec<(i64, i64)>,
}

impl Side {
    fn of(rows: &[&SelfTimeRow]) -> Self {
        let mut side = Self::default();
        for row in rows {
            side.count += row.count;
            side.sum_ns = side.sum_ns.saturating_add(row.sum_ns);
            side.lead_ns = side.lead_ns.saturating_add(row.lead_ns);
            side.quantiles.0 += row.count as f64 * row.p50_ns as f64;
            side.quantiles.1 += row.count as f64 * row.p95_ns as f64;
        }
        side.blocks = by_second(rows, |block| block.sum_ns);
        side
    }

    fn level(&self, requests: &Requests) -> Level {
        let requests: u64 = requests.iter().map(|(_, count)| count).sum();
        let per = |sum_ns: i64, n: u64| sum_ns as f64 / n.max(1) as f64 / MS_NS;
        Level {
            count: self.count,
            requests,
            ms_per_call: per(self.sum_ns, self.count),
            ms_per_request: per(self.sum_ns, requests),
            p50_ms: self.quantiles.0 / self.count.max(1) as f64 / MS_NS,
            p95_ms: self.quantiles.1 / self.count.max(1) as f64 / MS_NS,
            lead_ms_per_request: per(self.lead_ns, requests),
        }
    }

    /// Milliseconds a request, second by second: nothing was spent in a second with requests and no span.
    fn block_means(&self, requests: &Requests) -> Vec<f64> {
        let mut blocks = self.blocks.iter().peekable();
        let counted = requests.iter().filter(|(_, count)| *count > 0);
        counted
            .map(|(second, count)| {
                while blocks.next_if(|(other, _)| other < second).is_some() {}
                let spent = blocks.next_if(|(other, _)| other == second).map_or(0, |(_, spent)| *spent);
                spent as f64 / *count as f64 / MS_NS
            })
            .collect()
    }
}

/// The sums over `rows` of what `value` says of each block, by second, sorted.
fn by_second<T: Copy + std::ops::AddAssign>(
    rows: &[&SelfTimeRow],
    value: impl Fn(&Block) -> T,
) -> Vec<(i64, T)> {
    let all = rows.iter().flat_map(|row| &row.blocks);
    let mut sums: Vec<(i64, T)> = all.map(|block| (block.second.0, value(block))).collect();
    // A stable sort: the blocks of a row are in order, so that runs are merged.
    sums.sort_by_key(|(second, _)| *second);
    sums.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1 += next.1;
        }
        is_same
    });
    sums
}

/// Requests of each entry operation of each service, by second.
fn requests(table: &SelfTimeTable) -> BTreeMap<(&str, &str), Requests> {
    let mut found: BTreeMap<(&str, &str), Vec<&SelfTimeRow>> = BTreeMap::new();
    let is_entry = |row: &&SelfTimeRow| {
        matches!(row.kind, SpanKind::Server | SpanKind::Consumer) && row.subject.operation == row.entry
    };
    for row in table.rows.iter().filter(is_entry) {
        found.entry((&row.subject.service, &row.entry)).or_default().push(row);
    }
    found.into_iter().map(|(key, rows)| (key, by_second(&rows, |block| block.count))).collect()
}

/// The requests that the figures of a group are held against: those of its entry operation, its own spans where there
/// are none.
fn requests_of<'a, 'k>(
    all: &'a BTreeMap<(&'k str, &'k str), Requests>,
    key: &GroupKey<'k>,
    rows: &[&SelfTimeRow],
) -> Cow<'a, Requests> {
    let of_entry = all.get(&(key.0, key.2));
    of_entry.map_or_else(|| Cow::Owned(by_second(rows, |block| block.count)), Cow::Borrowed)
}

/// Every group that appears in the bad window, largest excess first.
#[must_use]
pub fn contrast(good: &SelfTimeTable, bad: &SelfTimeTable, thresholds: &Thresholds) -> Vec<Contrast> {
    let mut groups: BTreeMap<GroupKey<'_>, Rows<'_>> = BTreeMap::new();
    for (side, table) in [good, bad].into_iter().enumerate() {
        for row in &table.rows {
            if let Some(rows) = groups.entry(key(row)).or_default().get_mut(side) {
                rows.push(row);
            }
        }
    }
    groups.retain(|_, [_, bad]| bad.iter().any(|row| row.count > 0));
    let (good_requests, bad_requests) = (requests(good), requests(bad));
    let (mut measured, mut p_values) = (Vec::new(), Vec::new());
    for (key, [good, bad]) in &groups {
        let before = requests_of(&good_requests, key, good);
        let now = requests_of(&bad_requests, key, bad);
        let (good, now_side) = (Side::of(good), Side::of(bad));
        p_values.push(rank_sum::p_raised(&good.block_means(&before), &now_side.block_means(&now)));
        measured.push((key, bad, good.level(&before), now_side.level(&now)));
    }
    let q_values = false_discovery::q_values(&p_values);
    let mut contrasts: Vec<Contrast> = measured
        .into_iter()
        .zip(q_values)
        .map(|((key, rows, good, bad), q)| {
            let mut contrast = of_group(key, rows, (good, bad), q);
            let growth = contrast.bad.ms_per_request / contrast.good.ms_per_request.max(1e-6);
            contrast.is_raised = is_raised(q, growth, thresholds);
            contrast
        })
        .collect();
    contrasts.sort_by(|a, b| {
        let is_raised = |contrast: &Contrast| contrast.is_raised();
        is_raised(b)
            .cmp(&is_raised(a))
            .then_with(|| b.excess_ms.total_cmp(&a.excess_ms))
            .then_with(|| a.group.cmp(&b.group))
    });
    contrasts
}

/// The group of a row.
pub(super) fn key(row: &SelfTimeRow) -> GroupKey<'_> {
    let subject = &row.subject;
    (&subject.service, &subject.operation, &row.entry, &row.resource, &row.database, row.kind)
}

fn group((service, span, entry, resource, database, kind): &GroupKey<'_>) -> Group {
    Group {
        service: (*service).to_owned(),
        span: (*span).to_owned(),
        entry: (*entry).to_owned(),
        resource: (*resource).to_owned(),
        database: (*database).to_owned(),
        kind: *kind,
    }
}

fn of_group(
    key: &GroupKey<'_>,
    rows: &[&SelfTimeRow],
    (good, bad): (Level, Level),
    q_value: f64,
) -> Contrast {
    let mut by_instance: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
    for row in rows {
        let instance = by_instance.entry(&row.subject.instance).or_default();
        instance.0 += row.count;
        instance.1 += row.sum_ns;
    }
    let mean = |(count, sum_ns): &(u64, i64)| *sum_ns as f64 / (*count).max(1) as f64 / MS_NS;
    // Where the calls are what grew, each of them is as fast as ever: all instances show it.
    let by_number = bad.ms_per_call <= 2.0 * good.ms_per_call;
    let raised =
        by_instance.iter().filter(|(_, figures)| by_number || mean(figures) > 2.0 * good.ms_per_call);
    Contrast {
        excess_ms: (bad.ms_per_request - good.ms_per_request) * bad.requests as f64,
        q_value,
        raised_instances: raised.map(|(instance, _)| (*instance).to_owned()).collect(),
        is_raised: false,
        group: group(key),
        good,
        bad,
    }
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;
    use telemetry::answer::Subject;

    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn contrast(good: &SelfTimeTable, bad: &SelfTimeTable) -> Vec<Contrast> {
        super::contrast(good, bad, &Thresholds::default())
    }

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
                lead_ns: 0,
                kind: if database.is_empty() { SpanKind::Server } else { SpanKind::Client },
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
        SelfTimeTable { traces: 5 * seconds as u64, rows, lanes: Vec::new() }
    }

    #[test]
    fn the_slow_query_takes_nearly_all_of_the_excess() {
        for seed in 1..=200 {
            let found = contrast(&table(seed, 0, 20, 0.5), &table(seed + 1000, 30, 6, 50.0));
            assert_eq!(found[0].group.span, "SELECT", "seed {seed}");
            let raised: f64 = found.iter().filter(|c| c.is_raised()).map(|c| c.excess_ms).sum();
            assert!(found[0].excess_ms > 0.9 * raised, "seed {seed}: {}", found[0].excess_ms);
            assert!(!found[0].is_by_number());
            assert_eq!(found[0].raised_instances, ["back-1"]);
        }
    }

    // covers: PB-46
    #[test]
    fn more_calls_a_request_are_found_by_their_number_and_more_requests_are_not() {
        let good = table(3, 0, 20, 0.5);
        let mut many = table(4, 30, 6, 0.5);
        for row in many.rows.iter_mut().filter(|row| !row.database.is_empty()) {
            row.count *= 12;
            row.sum_ns *= 12;
            row.blocks
                .iter_mut()
                .for_each(|block| (block.count, block.sum_ns) = (block.count * 12, block.sum_ns * 12));
        }
        let found = contrast(&good, &many);
        assert!(found[0].is_raised() && found[0].is_by_number() && found[0].group.span == "SELECT");
        assert!((found[0].bad.calls_per_request() - 12.0).abs() < 1e-9);
        let mut busy = table(5, 30, 6, 0.5);
        for row in &mut busy.rows {
            row.count *= 2;
            row.sum_ns *= 2;
            row.blocks
                .iter_mut()
                .for_each(|block| (block.count, block.sum_ns) = (block.count * 2, block.sum_ns * 2));
        }
        assert!(!contrast(&good, &busy).iter().any(Contrast::is_raised), "twice the load at equal cost");
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
        let empty = SelfTimeTable { traces: 0, rows: Vec::new(), lanes: Vec::new() };
        assert!(contrast(&table(1, 0, 20, 0.5), &empty).is_empty());
    }
}
