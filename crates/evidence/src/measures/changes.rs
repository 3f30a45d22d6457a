//! Measure 9: what changed, and whether the spans of the new version differ from those of the old one.
//!
//! Recency alone is a trap: the latest deploy is the wrong one in most public incidents. The strongest evidence
//! there is compares new-version spans with old-version spans of the same service; here by exclusive time per
//! call of the service's entry, over both windows. A cause never follows the onset (beyond the clock error).
//!
//! Does not read diffs or settings: that is `mechanism`.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::answer::{ChangeKind, ChangeRow, SelfTimeRow, SelfTimeTable};
use telemetry::{SpanKind, UnixNanos};

use super::Measure;
pub use crate::change_match::deployed::CLOCK_ERROR_NS;
use crate::series::MS_NS;
use crate::statistics::{fisher, median, rank_sum};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "changes",
    finds: "deploys and restarts before the onset whose own spans got slower",
    questions: &["changes", "self_time"],
};

/// A rollout: the same service going to the same version, over its instances.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// The first row.
    pub first: ChangeRow,
    /// The instances touched, sorted.
    pub instances: Vec<String>,
}

/// The rollouts among `rows`, by time.
#[must_use]
pub fn rollouts(rows: &[ChangeRow]) -> Vec<Rollout> {
    let mut found: Vec<Rollout> = Vec::new();
    // What a commit or a flag does is not seen in versions: that is the business of `mechanism`.
    let is_rollout = |row: &&ChangeRow| !matches!(row.kind, ChangeKind::Commit | ChangeKind::Flag);
    let mut sorted: Vec<&ChangeRow> = rows.iter().filter(is_rollout).collect();
    sorted.sort_by(|a, b| (a.at, &a.service, &a.instance).cmp(&(b.at, &b.service, &b.instance)));
    for row in sorted {
        let same = |rollout: &&mut Rollout| {
            (rollout.first.kind, &rollout.first.service, &rollout.first.after)
                == (row.kind, &row.service, &row.after)
        };
        match found.iter_mut().find(same) {
            Some(rollout) => rollout.instances.push(row.instance.clone()),
            None => found.push(Rollout { first: row.clone(), instances: vec![row.instance.clone()] }),
        }
    }
    for rollout in &mut found {
        rollout.instances.sort();
        rollout.instances.dedup();
    }
    found
}

/// Whether the change took effect at or before the onset, within the clock error.
#[must_use]
pub fn precedes(change: &ChangeRow, onset: UnixNanos) -> bool {
    change.at.since(onset) <= CLOCK_ERROR_NS
}

/// Exclusive time per entry call of a service, or of one operation of it, new version against old.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionContrast {
    /// The entry operation compared; empty when all are.
    pub entry: String,
    /// Entry calls of the old version.
    pub old_calls: u64,
    /// Entry calls of the new version.
    pub new_calls: u64,
    /// Milliseconds of the service's own work per entry call, old version.
    pub old_ms: f64,
    /// The same, new version.
    pub new_ms: f64,
    /// Probability of such a rise of own work by chance.
    pub p_value: f64,
    /// Errors that began in spans of the old version.
    pub old_origins: u64,
    /// The same, new version.
    pub new_origins: u64,
    /// Probability of so many new ones by chance.
    pub origins_p_value: f64,
}

impl VersionContrast {
    /// What is compared, for a sentence.
    #[must_use]
    pub fn subject(&self) -> String {
        match self.entry.as_str() {
            "" => "own work per call".to_owned(),
            entry => format!("own work per call of `{entry}`"),
        }
    }

    /// Whether the new version itself does slower work: p <= 0.01 and at least half as much again.
    #[must_use]
    pub fn is_slower(&self) -> bool {
        self.p_value <= 0.01 && self.new_ms > 1.5 * self.old_ms
    }

    /// Whether errors begin in the new version that did not begin in the old one: p <= 0.01 and at least five.
    #[must_use]
    pub fn fails_more(&self) -> bool {
        self.origins_p_value <= 0.01 && self.new_origins >= 5
    }

    /// Whether the new version is slower or fails more.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_slower() || self.fails_more()
    }
}

/// Compares the spans of `rollout`'s new version with those of any other version of the service in both windows;
/// nothing when one of them has no calls.
///
/// First all entry operations together. When that shows nothing slower, the one operation that lost most time, if
/// it stands out among all of them (p times their number): a version that slows one operation must not hide
/// behind the others.
#[must_use]
pub fn version_contrast(
    good: &SelfTimeTable,
    bad: &SelfTimeTable,
    rollout: &Rollout,
) -> Option<VersionContrast> {
    let service = &rollout.first.service;
    let rows: Vec<&SelfTimeRow> =
        good.rows.iter().chain(&bad.rows).filter(|row| row.subject.service == *service).collect();
    let whole = contrast_of(&rows, rollout)?;
    if whole.is_slower() {
        return Some(whole);
    }
    let entries: BTreeSet<&str> =
        rows.iter().map(|row| row.entry.as_str()).filter(|entry| !entry.is_empty()).collect();
    let lost_ms =
        |contrast: &VersionContrast| (contrast.new_ms - contrast.old_ms) * contrast.new_calls as f64;
    let worst = entries
        .iter()
        .filter_map(|entry| {
            let of_entry: Vec<&SelfTimeRow> =
                rows.iter().copied().filter(|row| row.entry == **entry).collect();
            let mut contrast = contrast_of(&of_entry, rollout)?;
            contrast.p_value = (contrast.p_value * entries.len() as f64).min(1.0);
            contrast.entry = (*entry).to_owned();
            contrast.is_slower().then_some(contrast)
        })
        .max_by(|a, b| lost_ms(a).total_cmp(&lost_ms(b)));
    Some(match worst {
        // Where errors begin was asked of the whole service.
        Some(worst) => VersionContrast {
            old_origins: whole.old_origins,
            new_origins: whole.new_origins,
            origins_p_value: whole.origins_p_value,
            ..worst
        },
        None => whole,
    })
}

fn contrast_of(rows: &[&SelfTimeRow], rollout: &Rollout) -> Option<VersionContrast> {
    let is_new = |row: &&SelfTimeRow| row.subject.version == rollout.first.after;
    let rows = || rows.iter().copied();
    let (old, new) = (per_call(rows().filter(|row| !is_new(row))), per_call(rows().filter(is_new)));
    (old.calls > 0 && new.calls > 0).then(|| VersionContrast {
        entry: String::new(),
        old_calls: old.calls,
        new_calls: new.calls,
        old_ms: old.mean_ms,
        new_ms: new.mean_ms,
        p_value: rank_sum::p_raised(&old.blocks, &new.blocks),
        old_origins: old.origins,
        new_origins: new.origins,
        origins_p_value: fisher::p_raised(old.origins, old.calls, new.origins, new.calls),
    })
}

struct PerCall {
    calls: u64,
    origins: u64,
    mean_ms: f64,
    blocks: Vec<f64>,
}

/// Own work per entry call, by second. The mix of entry operations is assumed alike on both sides: versions of
/// one service sit behind one balancer.
fn per_call<'a>(rows: impl Iterator<Item = &'a SelfTimeRow>) -> PerCall {
    let mut seconds: BTreeMap<i64, (u64, i64)> = BTreeMap::new();
    let mut origins = 0;
    for row in rows {
        origins += row.error_origins;
        let is_entry = matches!(row.kind, SpanKind::Server | SpanKind::Consumer);
        for block in &row.blocks {
            let figures = seconds.entry(block.second.0).or_default();
            figures.0 += if is_entry { block.count } else { 0 };
            figures.1 += block.sum_ns;
        }
    }
    let blocks: Vec<f64> = seconds
        .values()
        .filter(|(calls, _)| *calls > 0)
        .map(|(calls, sum_ns)| *sum_ns as f64 / *calls as f64 / MS_NS)
        .collect();
    let calls: u64 = seconds.values().map(|(calls, _)| calls).sum();
    // A call may hold several failed spans; more origins than calls would be no share.
    PerCall { calls, origins: origins.min(calls), mean_ms: median::mean(&blocks), blocks }
}

#[cfg(test)]
mod tests {
    use telemetry::answer::{Block, Subject};

    use super::*;

    fn change(service: &str, instance: &str, second: i64) -> ChangeRow {
        ChangeRow {
            at: UnixNanos(0).plus_seconds(second),
            kind: ChangeKind::Deploy,
            service: service.into(),
            instance: instance.into(),
            before: "1.4.0".into(),
            after: "1.5.0".into(),
            detail: None,
        }
    }

    fn table(version: &str, from: i64, ms: i64) -> SelfTimeTable {
        let blocks: Vec<Block> = (0..10)
            .map(|second| Block {
                second: UnixNanos(0).plus_seconds(from + second),
                count: 5,
                sum_ns: ms * 5_000_000 + second * 100,
            })
            .collect();
        let subject = Subject {
            service: "orders".into(),
            operation: "GET /".into(),
            instance: "orders-1".into(),
            version: version.into(),
        };
        let row = SelfTimeRow {
            subject,
            entry: "GET /".into(),
            lead_ns: 0,
            kind: SpanKind::Server,
            resource: String::new(),
            database: String::new(),
            count: 50,
            error_origins: 0,
            errors: 0,
            sum_ns: 0,
            p50_ns: 0,
            p95_ns: 0,
            blocks,
        };
        SelfTimeTable { traces: 50, rows: vec![row], lanes: Vec::new() }
    }

    #[test]
    fn instances_that_go_to_one_version_are_one_rollout() {
        let found = rollouts(&[change("a", "a-2", 3), change("a", "a-1", 2), change("b", "b-1", 1)]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].first.service.as_str(), found[1].instances.len()), ("b", 2));
        assert_eq!(found[1].first.instance, "a-1");
    }

    // covers: AT-04, AW-31
    #[test]
    fn a_change_after_the_onset_does_not_precede_it() {
        let onset = UnixNanos(0).plus_seconds(100);
        assert!(precedes(&change("a", "1", 99), onset));
        assert!(precedes(&change("a", "1", 101), onset), "within the clock error");
        assert!(!precedes(&change("a", "1", 362), onset), "4 min 22 s after the alert");
    }

    // covers: W-04
    #[test]
    fn the_slower_version_stands_out_and_an_innocent_one_does_not() {
        let rollout = &rollouts(&[change("orders", "orders-1", 20)])[0];
        let guilty = version_contrast(&table("1.4.0", 0, 1), &table("1.5.0", 20, 50), rollout).unwrap();
        assert!(guilty.is_raised());
        let innocent = version_contrast(&table("1.4.0", 0, 1), &table("1.5.0", 20, 1), rollout).unwrap();
        assert!(!innocent.is_raised());
        assert!(version_contrast(&table("1.4.0", 0, 1), &table("1.4.0", 20, 1), rollout).is_none());
    }

    #[test]
    fn a_version_that_slows_one_operation_does_not_hide_behind_a_slow_one() {
        let rollout = &rollouts(&[change("orders", "orders-1", 20)])[0];
        let with_second = |version: &str, from: i64, ms: i64| {
            let (mut one, mut other) = (table(version, from, 60), table(version, from, ms));
            for row in &mut other.rows {
                row.entry = "GET /items".into();
                row.subject.operation = "GET /items".into();
            }
            one.rows.append(&mut other.rows);
            one
        };
        let good = with_second("1.4.0", 0, 3);
        let guilty = version_contrast(&good, &with_second("1.5.0", 20, 25), rollout).unwrap();
        assert!(guilty.is_slower(), "{guilty:?}");
        assert_eq!((guilty.old_ms.round(), guilty.new_ms.round()), (3.0, 25.0));
        let innocent = version_contrast(&good, &with_second("1.5.0", 20, 3), rollout).unwrap();
        assert!(!innocent.is_raised());
        assert_eq!(innocent.old_calls, 100, "nothing stands out, so the whole service is shown");
    }
}
