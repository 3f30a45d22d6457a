//! Measure: services that log errors which they did not log before, or far more of them.
//!
//! Lines are told apart by their template and held against all lines of the service, not against time: more requests log more
//! of everything, and a history with gaps has no rate. Of each template the share now is held against the largest share that
//! any part of the history had (with one line more than were seen, Laplace's rule of succession), because lines come in
//! bursts: by the binomial tail, with the false discovery rate controlled over all templates, by at least a fivefold
//! growth and by ten lines, because one failure writes several of them.
//!
//! An error is a line of that severity; where none is told, one whose text says so. Which lines belong to one request is not
//! known here: `lost_events` tells more where log lines carry their trace. Without a part of the history in which the
//! service wrote something, nothing is new. Stated rate: 0.05 for one false claim in a null window.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::UnixNanos;
use telemetry::answer::LogTemplateRow;

use super::Measure;
use super::lost_events::ERROR_SEVERITY;
use crate::Thresholds;
use crate::statistics::{binomial, false_discovery};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "error_lines",
    finds: "services that log errors which they did not log before, or far more of them",
    questions: &["log_templates"],
};

/// Words of errors, where no severity is told.
const WORDS: [&str; 5] = ["error", "exception", "fail", "fatal", "panic"];
/// Lines of a service that make a part of the history.
const HISTORY_LINES_MIN: u64 = 50;
/// Growth beyond the largest share: bursts whose size varies by half exceed the largest of four so far once in thousands.
const GROWTH_MIN: f64 = 5.0;
/// Error lines that are more than a single failure writes.
const LINES_MIN: u64 = 10;

/// An error that a service logs more often.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// `service.name`.
    pub service: String,
    /// The line with its varying parts masked.
    pub template: String,
    /// Lines of it, and all lines of the service, in the part of the history that held the largest share of it.
    pub before: (u64, u64),
    /// The same in the bad window.
    pub now: (u64, u64),
    /// When it was first seen in the bad window: its third line, or the last of fewer.
    pub began: UnixNanos,
    /// Probability by chance.
    pub p_value: f64,
    /// False discovery rate over all errors of all services.
    pub q_value: f64,
    is_claimed: bool,
    is_alone: bool,
}

impl Lines {
    /// Whether it is claimed that there are more of them: q <= 0.05, fivefold, ten lines.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_claimed
    }

    /// Whether no other service logs more errors, too: where several do, nothing here tells who only tells of another one.
    #[must_use]
    pub fn is_cause(&self) -> bool {
        self.is_claimed && self.is_alone
    }
}

/// Every error template of the bad window that is more frequent than in each part of the history, the surest first.
#[must_use]
pub fn lines(parts: &[&[LogTemplateRow]], bad: &[LogTemplateRow], thresholds: &Thresholds) -> Vec<Lines> {
    let before: Vec<BTreeMap<&str, u64>> = parts.iter().map(|rows| totals(rows)).collect();
    let now = totals(bad);
    let mut found = Vec::new();
    for row in bad.iter().filter(|row| is_error(row)) {
        let all = now.get(row.service.as_str()).copied().unwrap_or_default();
        let Some(before) = most(parts, &before, row) else { continue };
        let usual = share((before.0 + 1, before.1 + 1));
        let is_more = share((row.count, all)) >= GROWTH_MIN * usual;
        found.push(Lines {
            service: row.service.clone(),
            template: row.template.clone(),
            before,
            now: (row.count, all),
            began: row.third,
            p_value: binomial::upper_tail(row.count, all, usual),
            q_value: 1.0,
            is_claimed: is_more && row.count >= LINES_MIN,
            is_alone: true,
        });
    }
    let p_values: Vec<f64> = found.iter().map(|one| one.p_value).collect();
    for (one, q_value) in found.iter_mut().zip(false_discovery::q_values(&p_values)) {
        one.q_value = q_value;
        one.is_claimed &= q_value <= thresholds.claim_q_max;
    }
    let raised: BTreeSet<String> =
        found.iter().filter(|one| one.is_claimed).map(|one| one.service.clone()).collect();
    found.iter_mut().for_each(|one| one.is_alone = raised.iter().all(|service| *service == one.service));
    let order = |one: &Lines| (one.service.clone(), one.template.clone());
    found.sort_by(|a, b| a.p_value.total_cmp(&b.p_value).then_with(|| order(a).cmp(&order(b))));
    found
}

fn share((lines, all): (u64, u64)) -> f64 {
    lines as f64 / all.max(1) as f64
}

/// All lines of each service.
fn totals(rows: &[LogTemplateRow]) -> BTreeMap<&str, u64> {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *all.entry(&row.service).or_default() += row.count;
    }
    all
}

/// The part of the history with the largest share of a template; nothing when the service wrote too little in each.
fn most(
    parts: &[&[LogTemplateRow]],
    totals: &[BTreeMap<&str, u64>],
    bad: &LogTemplateRow,
) -> Option<(u64, u64)> {
    let of_part = |(rows, totals): (&&[LogTemplateRow], &BTreeMap<&str, u64>)| {
        let all = totals.get(bad.service.as_str()).copied().filter(|all| *all >= HISTORY_LINES_MIN)?;
        let is_same = |row: &&LogTemplateRow| row.service == bad.service && row.template == bad.template;
        Some((rows.iter().filter(is_same).map(|row| row.count).sum(), all))
    };
    let held = parts.iter().zip(totals).filter_map(of_part);
    held.max_by(|a, b| share((a.0 + 1, a.1 + 1)).total_cmp(&share((b.0 + 1, b.1 + 1))))
}

fn is_error(row: &LogTemplateRow) -> bool {
    let says_so = || {
        let text = row.template.to_ascii_lowercase();
        WORDS.iter().any(|word| text.contains(word))
    };
    row.severity >= ERROR_SEVERITY || (row.severity == 0 && says_so())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::null::{Seeded, false_alarm_rate};

    fn row(service: &str, severity: u8, template: &str, count: u64) -> LogTemplateRow {
        LogTemplateRow {
            service: service.into(),
            severity,
            template: template.into(),
            count,
            first: UnixNanos(1),
            third: UnixNanos(3),
            example: template.into(),
            attributes: Vec::new(),
        }
    }

    fn of(parts: &[&[LogTemplateRow]], bad: &[LogTemplateRow]) -> Vec<Lines> {
        lines(parts, bad, &Thresholds::default())
    }

    #[test]
    fn an_error_that_was_never_logged_is_claimed_and_a_frequent_one_is_not() {
        let good = [row("a", 9, "served", 900), row("a", 17, "retry failed", 40), row("b", 9, "served", 900)];
        let bad = [
            row("a", 9, "served", 900),
            row("a", 17, "retry failed", 45),
            row("a", 17, "no such column", 60),
            row("b", 9, "served", 900),
            row("b", 17, "bad request", 3),
        ];
        let found = of(&[&good, &good], &bad);
        let claimed: Vec<_> = found.iter().filter(|one| one.is_raised()).collect();
        assert!(claimed.len() == 1 && claimed[0].template == "no such column", "{found:?}");
        assert_eq!((claimed[0].before, claimed[0].now), ((0, 940), (60, 1005)));
        assert_eq!(claimed[0].began, UnixNanos(3));
        assert!(claimed[0].is_cause());
        let both = [&bad[..], &[row("b", 17, "no answer from a", 90)]].concat();
        let found = of(&[&good, &good], &both);
        assert_eq!(found.iter().filter(|one| one.is_raised()).count(), 2);
        assert!(found.iter().all(|one| !one.is_cause()), "who of them tells of the other one is not known");
    }

    #[test]
    fn a_burst_that_one_part_of_the_history_had_is_known() {
        let quiet = [row("a", 9, "served", 900)];
        let burst = [row("a", 9, "served", 900), row("a", 17, "reset by peer", 80)];
        assert!(of(&[&quiet, &quiet, &burst], &burst).iter().all(|one| !one.is_raised()));
        assert!(of(&[&quiet, &quiet], &burst)[0].is_raised());
    }

    #[test]
    fn without_a_history_or_without_errors_nothing_is_said() {
        let bad = [row("a", 17, "boom", 90), row("a", 9, "served", 900)];
        assert!(of(&[], &bad).is_empty());
        assert!(of(&[&[row("a", 9, "served", 20)]], &bad).is_empty(), "twenty lines are no history");
        assert!(of(&[&[row("b", 9, "served", 900)]], &bad).is_empty(), "another service's history");
        let quiet = [row("a", 9, "served", 900)];
        assert!(of(&[&quiet], &[row("a", 9, "an error is told calmly", 90)]).is_empty());
        assert_eq!(of(&[&quiet], &[row("a", 0, "an Error is told", 90)]).len(), 1, "the text says so");
    }

    #[test]
    fn errors_that_come_by_chance_stay_below_the_stated_rate() {
        let rate = false_alarm_rate(500, |seed| {
            let mut noise = Seeded(seed);
            let mut part = || -> Vec<LogTemplateRow> {
                let mut rows = Vec::new();
                for at in 0..30 {
                    let service = format!("s{at}");
                    let busy = libm::exp(0.5 * noise.normal());
                    let errors = (0..400).filter(|_| noise.uniform() < 0.02 * busy).count() as u64;
                    rows.push(row(&service, 9, "served", 400));
                    rows.push(row(&service, 17, "failed", errors));
                }
                rows
            };
            let (parts, bad) = ([part(), part(), part(), part()], part());
            let parts: Vec<&[LogTemplateRow]> = parts.iter().map(Vec::as_slice).collect();
            of(&parts, &bad).iter().any(Lines::is_raised)
        });
        assert!(rate <= 0.05, "stated 0.05, measured {rate}");
    }
}
