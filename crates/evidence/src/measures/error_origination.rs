//! Measure 3: where errors begin.
//!
//! A failed span with no failed callee is an origin; an error above a failed callee is a symptom. The count of
//! origins per group is compared with Fisher's exact test and control of the false discovery rate.
//!
//! Does not read messages: what an error says is another measure's business.

use std::collections::BTreeMap;

use telemetry::answer::SelfTimeTable;

use super::Measure;
use crate::statistics::{false_discovery, fisher};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "error_origination",
    finds: "spans in which errors begin that did not begin there before",
    questions: &["self_time"],
};

/// Error origins of one group in both windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// `service.name`.
    pub service: String,
    /// The span's name.
    pub span: String,
    /// The entry operation under which it fails.
    pub entry: String,
    /// Origins and spans in the good window.
    pub good: (u64, u64),
    /// Origins and spans in the bad window.
    pub bad: (u64, u64),
    /// Share of all new origins.
    pub share: f64,
    /// False discovery rate at which the rise is significant.
    pub q_value: f64,
}

impl Origin {
    /// Whether errors begin here more than before: q <= 0.01 and at least five of them.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.q_value <= 0.01 && self.bad.0 >= 5
    }

    fn new_origins(&self) -> f64 {
        let usual = self.good.0 as f64 / self.good.1.max(1) as f64 * self.bad.1 as f64;
        (self.bad.0 as f64 - usual).max(0.0)
    }
}

/// Every group with failures in the bad window, most new origins first.
#[must_use]
pub fn origins(good: &SelfTimeTable, bad: &SelfTimeTable) -> Vec<Origin> {
    let mut groups: BTreeMap<(String, String, String), [(u64, u64); 2]> = BTreeMap::new();
    for (side, table) in [good, bad].into_iter().enumerate() {
        for row in &table.rows {
            let key = (row.subject.service.clone(), row.subject.operation.clone(), row.entry.clone());
            if let Some(figures) = groups.entry(key).or_default().get_mut(side) {
                figures.0 += row.error_origins;
                figures.1 += row.count;
            }
        }
    }
    let p_values: Vec<f64> =
        groups.values().map(|[good, bad]| fisher::p_raised(good.0, good.1, bad.0, bad.1)).collect();
    let mut found: Vec<Origin> = groups
        .into_iter()
        .zip(false_discovery::q_values(&p_values))
        .filter(|((_, [_, bad]), _)| bad.0 > 0)
        .map(|(((service, span, entry), [good, bad]), q_value)| Origin {
            service,
            span,
            entry,
            good,
            bad,
            share: 0.0,
            q_value,
        })
        .collect();
    let all: f64 = found.iter().filter(|origin| origin.is_raised()).map(Origin::new_origins).sum();
    for origin in found.iter_mut().filter(|origin| origin.is_raised()) {
        origin.share = origin.new_origins() / all;
    }
    found.sort_by(|a, b| {
        b.share
            .total_cmp(&a.share)
            .then_with(|| (&a.service, &a.span, &a.entry).cmp(&(&b.service, &b.span, &b.entry)))
    });
    found
}

#[cfg(test)]
mod tests {
    use telemetry::SpanKind;
    use telemetry::answer::{SelfTimeRow, Subject};

    use super::*;

    fn table(rows: &[(&str, u64, u64)]) -> SelfTimeTable {
        let row = |(service, origins, errors): &(&str, u64, u64)| SelfTimeRow {
            subject: Subject {
                service: (*service).into(),
                operation: "GET /".into(),
                instance: String::new(),
                version: String::new(),
            },
            entry: "GET /".into(),
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
        SelfTimeTable { traces: 100, rows: rows.iter().map(row).collect() }
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
