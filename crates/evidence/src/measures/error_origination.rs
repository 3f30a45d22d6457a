//! Measure 3: where errors begin.
//!
//! A failed span with no failed callee is an origin; an error above a failed callee is a symptom. The count of
//! origins per group is compared with Fisher's exact test and control of the false discovery rate.
//!
//! Does not read messages: what an error says is another measure's business.

use std::collections::BTreeMap;

use telemetry::SpanKind;
use telemetry::answer::{SelfTimeRow, SelfTimeTable};

use super::Measure;
use super::exclusive_latency::{self, GroupKey};
use crate::Thresholds;
use crate::statistics::{false_discovery, fisher};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "error_origination",
    finds: "spans in which errors begin that did not begin there before",
    questions: &["self_time"],
};

/// Failures that make an origin; fewer are anecdotes.
const ORIGINS_MIN: u64 = 5;

/// Error origins of one group in both windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// `service.name`.
    pub service: String,
    /// The span's name.
    pub span: String,
    /// The entry operation under which it fails.
    pub entry: String,
    /// What the span calls that emits no spans itself, empty when nothing.
    pub resource: String,
    /// `db.system.name`, empty when not a database.
    pub database: String,
    /// Role of the spans.
    pub kind: SpanKind,
    /// Whether no span of the group has succeeded in either window.
    pub never_succeeded: bool,
    /// Origins and spans in the good window.
    pub good: (u64, u64),
    /// Origins and spans in the bad window.
    pub bad: (u64, u64),
    /// Share of all new origins.
    pub share: f64,
    /// False discovery rate at which the rise is significant.
    pub q_value: f64,
    is_raised: bool,
}

impl Origin {
    /// Whether errors begin here more than before: q <= 0.01 and at least five of them.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_raised
    }

    /// Origins beyond those of the good window, as many as there were for each span.
    #[must_use]
    pub fn new_origins(&self) -> f64 {
        let usual = self.good.0 as f64 / self.good.1.max(1) as f64 * self.bad.1 as f64;
        (self.bad.0 as f64 - usual).max(0.0)
    }
}

/// Figures of a group in one window.
#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    origins: u64,
    errors: u64,
    count: u64,
}

impl Failures {
    fn add(&mut self, row: &SelfTimeRow) {
        self.origins += row.error_origins;
        self.errors += row.errors;
        self.count += row.count;
    }

    fn successes(&self) -> u64 {
        self.count.saturating_sub(self.errors)
    }
}

/// Every group with failures in the bad window, most new origins first. A group that was not there before is held
/// against all that its service did before: new work has no right to fail more.
#[must_use]
pub fn origins(good: &SelfTimeTable, bad: &SelfTimeTable, thresholds: &Thresholds) -> Vec<Origin> {
    let mut groups: BTreeMap<GroupKey<'_>, [Failures; 2]> = BTreeMap::new();
    let mut services: BTreeMap<&str, Failures> = BTreeMap::new();
    for (side, table) in [good, bad].into_iter().enumerate() {
        for row in &table.rows {
            if let Some(figures) = groups.entry(exclusive_latency::key(row)).or_default().get_mut(side) {
                figures.add(row);
            }
            if side == 0 {
                services.entry(&row.subject.service).or_default().add(row);
            }
        }
    }
    let cases: Vec<(GroupKey<'_>, Failures, Failures, bool)> = groups
        .into_iter()
        .map(|(group, [before, now])| {
            let never_succeeded = before.successes() + now.successes() == 0;
            let whole = services.get(group.0).copied().unwrap_or_default();
            let before = if before.count == 0 { whole } else { before };
            (group, before, now, never_succeeded)
        })
        .collect();
    let p_values: Vec<f64> = cases
        .iter()
        .map(|(_, before, now, _)| fisher::p_raised(before.origins, before.count, now.origins, now.count))
        .collect();
    let mut found: Vec<Origin> = cases
        .into_iter()
        .zip(false_discovery::q_values(&p_values))
        .filter(|((_, _, now, _), _)| now.origins > 0)
        .map(|((group, before, now, never_succeeded), q_value)| Origin {
            service: group.0.to_owned(),
            span: group.1.to_owned(),
            entry: group.2.to_owned(),
            resource: group.3.to_owned(),
            database: group.4.to_owned(),
            kind: group.5,
            never_succeeded,
            good: (before.origins, before.count),
            bad: (now.origins, now.count),
            is_raised: q_value <= thresholds.contrast_q_max && now.origins >= ORIGINS_MIN,
            share: 0.0,
            q_value,
        })
        .collect();
    rank(&mut found);
    found
}

/// The origins that are none of those `is_explained` says, with their shares of what is left.
#[must_use]
pub fn without(origins: &[Origin], is_explained: impl Fn(&Origin) -> bool) -> Vec<Origin> {
    let mut left: Vec<Origin> = origins.iter().filter(|origin| !is_explained(origin)).cloned().collect();
    rank(&mut left);
    left
}

/// Gives each its share, and brings the largest to the front.
fn rank(found: &mut [Origin]) {
    let all: f64 = found.iter().filter(|origin| origin.is_raised()).map(Origin::new_origins).sum();
    for origin in found.iter_mut().filter(|origin| origin.is_raised()) {
        origin.share = origin.new_origins() / all;
    }
    found.sort_by(|a, b| {
        b.share
            .total_cmp(&a.share)
            .then_with(|| (&a.service, &a.span, &a.entry).cmp(&(&b.service, &b.span, &b.entry)))
    });
}

#[cfg(test)]
mod tests {
    use telemetry::answer::Subject;

    use super::*;

    fn origins(good: &SelfTimeTable, bad: &SelfTimeTable) -> Vec<Origin> {
        super::origins(good, bad, &Thresholds::default())
    }

    fn table(rows: &[(&str, u64, u64)]) -> SelfTimeTable {
        let row = |(service, origins, errors): &(&str, u64, u64)| SelfTimeRow {
            subject: Subject {
                service: (*service).into(),
                operation: "GET /".into(),
                instance: String::new(),
                version: String::new(),
            },
            entry: "GET /".into(),
            lead_ns: 0,
            kind: SpanKind::Server,
            resource: String::new(),
            database: String::new(),
            count: 100,
            error_origins: *origins,
            errors: *errors,
            sum_ns: 0,
            p50_ns: 0,
            p95_ns: 0,
            blocks: Vec::new(),
        };
        SelfTimeTable { traces: 100, rows: rows.iter().map(row).collect(), lanes: Vec::new() }
    }

    #[test]
    fn the_callee_is_the_origin_and_the_failing_caller_is_not() {
        let found = origins(
            &table(&[("front", 0, 0), ("back", 0, 0)]),
            &table(&[("front", 0, 30), ("back", 30, 30)]),
        );
        assert_eq!((found.len(), found[0].service.as_str(), found[0].share), (1, "back", 1.0));
    }

    #[test]
    fn a_steady_error_rate_is_nothing_new() {
        let found = origins(&table(&[("back", 10, 10)]), &table(&[("back", 11, 11)]));
        assert!(!found[0].is_raised());
        assert!(origins(&table(&[]), &table(&[])).is_empty());
    }
}
