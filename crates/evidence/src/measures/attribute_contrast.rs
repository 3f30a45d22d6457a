//! Measure 6: what the bad requests of the bad window have in common that the good ones of the same minutes do not:
//! a version, a host, a region, a customer, a flag.
//!
//! Traces are counted, not spans, and compared within blocks of time, so that what comes and goes for all alike (a rollout,
//! a burst) is no difference. A value is claimed when three things hold: the exact stratified test over all values of
//! all attributes at a false discovery rate of [`Q_MAX`] (Benjamini and Hochberg 1995); the family's largest statistic under sign flips of
//! whole blocks at [`FAMILY_P_MAX`] (see `statistics::max_statistic`), because one pause of one host is one event and
//! not the fifty requests that it held up; and an effect that a person would call one: at least half of the bad requests carry the
//! value, and requests with it are at least twice as often bad, by a fifth at least.
//!
//! Stated rate: at most 0.01 of windows without an effect raise any false claim; null data with and without bursts confirm it.
//! Idea: BubbleUp (Honeycomb 2018) and APM correlations (Elastic), which state no p-value. Where a window has too few blocks
//! with both kinds of requests nothing can be claimed; a fault that hits every request alike is found elsewhere.

use std::collections::BTreeSet;

use telemetry::answer::{Carrier, CompareAttribute, CompareTable, CompareValue, Split};

use super::Measure;
use crate::statistics::stratified::{self, Stratum};
use crate::statistics::{false_discovery, max_statistic};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "attribute_contrast",
    finds: "attribute values that bad requests carry and good ones of the same minutes do not",
    questions: &["compare"],
};

/// False discovery rate up to which a value is claimed.
pub const Q_MAX: f64 = 0.01;
/// Chance of the family's largest statistic up to which a value is claimed.
pub const FAMILY_P_MAX: f64 = 0.05;
/// Traces with a value, and bad ones among them, below which it is an anecdote.
const TRACES_MIN: u64 = 5;
const BAD_MIN: u64 = 3;
/// Share of the bad requests that carry a claimed value.
const COVERAGE_MIN: f64 = 0.5;
/// How many times more often requests with it are bad, and by how much at least.
const LIFT_MIN: f64 = 2.0;
const UPLIFT_MIN: f64 = 0.2;

/// One value of one attribute, among the requests of the bad window whose traces carry the attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeContrast {
    /// The attribute's key.
    pub key: String,
    /// The value.
    pub value: String,
    /// Whose spans carry it; empty when those of all services are looked at together.
    pub service: String,
    /// What carries it.
    pub carrier: Carrier,
    /// Requests with this value.
    pub with: Split,
    /// Requests with another value.
    pub without: Split,
    /// Requests of the good window with this value, and with any.
    pub before: (u64, u64),
    /// Probability by the exact stratified test.
    pub p_value: f64,
    /// False discovery rate at which it is claimed.
    pub q_value: f64,
    /// Probability of the family's largest statistic; 1 where no value passes the exact test.
    pub family_p_value: f64,
    /// Blocks of time that hold requests of both kinds.
    pub blocks: usize,
}

impl AttributeContrast {
    /// Share of requests with the value that went badly, minus that of those without, -1 to 1.
    #[must_use]
    pub fn uplift(&self) -> f64 {
        share(self.with) - share(self.without)
    }

    /// Share of the bad requests that carry the value, 0 to 1.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        let bad = self.with.bad + self.without.bad;
        self.with.bad as f64 / bad.max(1) as f64
    }

    /// Whether it is claimed that bad requests have this value in common.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.q_value <= Q_MAX && self.family_p_value <= FAMILY_P_MAX && self.is_large()
    }

    /// Whether the difference is large enough to speak of, whatever its chance.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.coverage() >= COVERAGE_MIN
            && self.uplift() >= UPLIFT_MIN
            && share(self.with) >= LIFT_MIN * share(self.without)
    }

    /// Whether no request without the value went badly.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.without.bad == 0 && self.without.fine > 0
    }

    /// `key=value`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}={}", self.key, self.value)
    }
}

fn share(split: Split) -> f64 {
    split.bad as f64 / split.all().max(1) as f64
}

/// A value while it is tested.
struct Tested<'a> {
    attribute: &'a CompareAttribute,
    value: &'a CompareValue,
    strata: Vec<Stratum>,
}

/// Every value with enough requests, the surest first. Of values that the same requests carry the first one stands: one of
/// all services before one of a single service, then by key.
#[must_use]
pub fn contrasts(table: &CompareTable) -> Vec<AttributeContrast> {
    let mut tested: Vec<Tested<'_>> = Vec::new();
    let mut known: BTreeSet<Vec<(u64, u64, u64, u64)>> = BTreeSet::new();
    let mut order: Vec<&CompareAttribute> = table.attributes.iter().collect();
    order.sort_by(|a, b| {
        (!a.service.is_empty(), &a.key, &a.service, a.carrier).cmp(&(
            !b.service.is_empty(),
            &b.key,
            &b.service,
            b.carrier,
        ))
    });
    for attribute in order {
        for value in attribute.values.iter().filter(|value| is_enough(value)) {
            let strata: Vec<Stratum> =
                attribute.blocks.iter().zip(&value.blocks).map(|(of, with)| stratum(*of, *with)).collect();
            let counts = strata.iter().map(|one| (one.all, one.marked, one.failed, one.marked_failed));
            if known.insert(counts.collect()) {
                tested.push(Tested { attribute, value, strata });
            }
        }
    }
    let p_values: Vec<f64> = tested.iter().map(|one| stratified::p_raised(&one.strata)).collect();
    let q_values = false_discovery::q_values(&p_values);
    let family = family(&tested, &q_values);
    let mut found: Vec<AttributeContrast> = tested
        .iter()
        .zip(p_values.iter().zip(q_values).zip(family))
        .map(|(one, ((p_value, q_value), family))| one.contrast((*p_value, q_value, family)))
        .collect();
    // Stable: what was listed first stays first among equals.
    found.sort_by(|a, b| a.p_value.total_cmp(&b.p_value).then(b.coverage().total_cmp(&a.coverage())));
    found
}

/// The adjusted p-values; ones where no value could be claimed anyway.
fn family(tested: &[Tested<'_>], q_values: &[f64]) -> Vec<f64> {
    if q_values.iter().all(|q_value| *q_value > Q_MAX) {
        return vec![1.0; tested.len()];
    }
    let scores: Vec<Vec<f64>> =
        tested.iter().map(|one| one.strata.iter().map(Stratum::excess).collect()).collect();
    max_statistic::adjusted(&scores)
}

fn is_enough(value: &CompareValue) -> bool {
    let whole = sum(&value.blocks);
    whole.all() >= TRACES_MIN && whole.bad >= BAD_MIN
}

fn sum(blocks: &[Split]) -> Split {
    blocks
        .iter()
        .fold(Split::default(), |sum, block| Split { fine: sum.fine + block.fine, bad: sum.bad + block.bad })
}

fn stratum(of: Split, with: Split) -> Stratum {
    Stratum { all: of.all(), marked: with.all(), failed: of.bad, marked_failed: with.bad }
}

impl Tested<'_> {
    fn contrast(&self, (p_value, q_value, family_p_value): (f64, f64, f64)) -> AttributeContrast {
        let (of, with) = (sum(&self.attribute.blocks), sum(&self.value.blocks));
        AttributeContrast {
            key: self.attribute.key.clone(),
            value: self.value.value.clone(),
            service: self.attribute.service.clone(),
            carrier: self.attribute.carrier,
            with,
            without: Split { fine: of.fine.saturating_sub(with.fine), bad: of.bad.saturating_sub(with.bad) },
            before: (self.value.good.all(), self.attribute.good.all()),
            p_value,
            q_value,
            family_p_value,
            blocks: self.strata.iter().filter(|stratum| stratum.is_informative()).count(),
        }
    }
}

#[cfg(test)]
mod tests;
