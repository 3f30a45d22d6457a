//! Measure 5: events that no longer follow, conditional on the path.
//!
//! A fault in the code makes log lines and child spans *disappear*: the request leaves the usual path. How often an
//! event occurs does not show it, because the mix of requests moves; how often it follows what always came right
//! before it, within one span, on one way through the services, does. So the support of "B follows A" is compared
//! between the windows by Fisher's exact test, one-sided. Only pairs that held nearly always are tested; for the others
//! the mix decides. Likewise for the other direction: an error line in a span that had none.
//!
//! When it began is not known beforehand: the test is made for every block of the bad window as the beginning, the
//! spans before it count as good ones, and the smallest p-value is multiplied by the number of beginnings (Bonferroni).
//! The false discovery rate is controlled over all pairs. Stated rate: 0.05 for one false claim in a null window.
//!
//! Which loss is a symptom of another one is weighed in `investigation`.

mod view;

use std::collections::BTreeMap;

use telemetry::UnixNanos;
use telemetry::answer::{PathEventKind, PathRow, PathTable};

use self::view::{Beat, View};
use super::Measure;
use crate::Thresholds;
use crate::statistics::{false_discovery, fisher};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "lost_events",
    finds: "log lines and child spans that no longer follow what they always followed, and errors in their place",
    questions: &["paths"],
};

/// Spans that a rule must have held in: of fewer, even all of them say nothing (0.9 to the second power is 0.81).
const SEEN_MIN: u64 = 3;
/// OpenTelemetry severity number from which a line is an error.
pub(super) const ERROR_SEVERITY: u8 = 17;
/// Chance at which as many spans in order at the end of the window are no chance any more: it is over.
const OVER_MAX: f64 = 0.05;

/// How a rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreakKind {
    /// The event no longer follows.
    Lost,
    /// An error is logged that was not there before.
    NewError,
}

/// A rule of one path that held before and is broken now.
#[derive(Debug, Clone, PartialEq)]
pub struct Break {
    /// `service.name`.
    pub service: String,
    /// Name of the spans.
    pub operation: String,
    /// The services that the requests came through, the nearest first.
    pub callers: Vec<String>,
    /// How it is broken.
    pub kind: BreakKind,
    /// The last log statement before the place; empty for the beginning of the span.
    pub after: String,
    /// The first log statement (or child span) behind the place, as it used to be; empty for the end of the span.
    pub before: String,
    /// What is lost, or the new error.
    pub event: String,
    /// Whether what is lost is a child span.
    pub is_call: bool,
    /// How many events came before the lost one: smaller is earlier on the path.
    pub depth: usize,
    /// Spans in which the rule held, and spans, in the good window.
    pub good: (u64, u64),
    /// The same in the bad window, from the beginning of the break.
    pub bad: (u64, u64),
    /// The block in which it began.
    pub began: UnixNanos,
    /// Probability of such a break by chance, corrected for the beginnings tried.
    pub p_value: f64,
    /// False discovery rate at which it is claimed.
    pub q_value: f64,
    /// Whether the last spans of the window keep the rule again.
    pub is_over: bool,
    is_claimed: bool,
}

impl Break {
    /// Whether the break is claimed: q <= 0.05, and it lasts until the end of the window.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.is_claimed && !self.is_over
    }

    /// What decides between equally sure breaks: what is lost before what is new, the earlier place, the names.
    fn order(&self) -> (BreakKind, usize, Path<'_>, &str) {
        (self.kind, self.depth, (&self.service, &self.operation, &self.callers), &self.event)
    }

    /// The place in the code: between two statements. The beginning of a span is named after the operation.
    #[must_use]
    pub fn place(&self) -> String {
        let after =
            if self.after.is_empty() { format!("{} start", self.operation) } else { self.after.clone() };
        let before =
            if self.before.is_empty() { format!("{} end", self.operation) } else { self.before.clone() };
        format!("{after} -> {before}")
    }
}

/// Every rule of the good window that could be tested in the bad one, the surest break first.
#[must_use]
pub fn breaks(good: &PathTable, bad: &PathTable, thresholds: &Thresholds) -> Vec<Break> {
    let mut found: Vec<Break> = Vec::new();
    let now: BTreeMap<Path<'_>, &PathRow> = bad.rows.iter().map(|row| (path(row), row)).collect();
    for row in &good.rows {
        let Some(now) = now.get(&path(row)) else { continue };
        let law_min = thresholds.law_min;
        let (before, now) = (View::new(row, law_min), View::new(now, law_min));
        found.extend(lost(&before, &now));
        found.extend(new_errors(&before, &now));
    }
    let p_values: Vec<f64> = found.iter().map(|one| one.p_value).collect();
    for (one, q_value) in found.iter_mut().zip(false_discovery::q_values(&p_values)) {
        one.q_value = q_value;
        one.is_claimed = q_value <= thresholds.claim_q_max;
    }
    found.sort_by(|a, b| a.p_value.total_cmp(&b.p_value).then_with(|| a.order().cmp(&b.order())));
    found
}

type Path<'a> = (&'a str, &'a str, &'a [String]);

fn path(row: &PathRow) -> Path<'_> {
    (&row.service, &row.operation, &row.callers)
}

/// Events that used to follow the statement right before them.
fn lost(before: &View<'_>, now: &View<'_>) -> Vec<Break> {
    let mut found = Vec::new();
    for event in before.events() {
        if before.is_error(event) || before.errors().any(|error| before.is_law(error, event)) {
            continue;
        }
        let followed =
            |place: usize| before.precedes(place, event) && before.share(place, event) >= before.law_min();
        let candidates =
            before.statements().filter(|place| before.count(*place) >= SEEN_MIN && followed(*place));
        let Some(after) = candidates.max_by_key(|place| (before.depth(*place), *place)) else { continue };
        let good = (before.both(after, event), before.count(after));
        let Some(scan) = scan(good, &now.beats(before, after, event)) else { continue };
        let mut one = broken(before, before.name(event), good, &scan);
        one.is_call = before.kind(event) == PathEventKind::Call;
        (one.after, one.before) = (before.name(after).to_owned(), before.name(event).to_owned());
        one.depth = before.depth(event);
        found.push(one);
    }
    found
}

/// Errors that next to no span had.
fn new_errors(before: &View<'_>, now: &View<'_>) -> Vec<Break> {
    let mut found = Vec::new();
    let whole = before.count(view::BEGIN);
    if whole < SEEN_MIN {
        return found;
    }
    for error in now.errors() {
        let usual = before.find(now, error).map_or(0, |known| before.count(known));
        if usual as f64 > whole as f64 * (1.0 - before.law_min()) {
            continue;
        }
        let good = (whole - usual, whole);
        let Some(scan) = scan(good, &now.without(error)) else { continue };
        let known = before
            .statements()
            .filter(|place| now.find(before, *place).is_some_and(|place| now.precedes(place, error)));
        let after = known.max_by_key(|place| (before.depth(*place), *place)).unwrap_or(view::BEGIN);
        let behind = before.statements().filter(|place| before.precedes(after, *place));
        let next = behind.min_by_key(|place| (before.depth(*place), *place));
        let mut one = broken(before, now.name(error), good, &scan);
        one.kind = BreakKind::NewError;
        (one.after, one.before) =
            (before.name(after).to_owned(), next.map_or("", |next| before.name(next)).to_owned());
        one.depth = before.depth(after) + 1;
        found.push(one);
    }
    found
}

/// A break of an event on the path of `view`; where on it, the caller adds.
fn broken(view: &View<'_>, event: &str, good: (u64, u64), scan: &Scan) -> Break {
    let row = view.row();
    Break {
        service: row.service.clone(),
        operation: row.operation.clone(),
        callers: row.callers.clone(),
        kind: BreakKind::Lost,
        after: String::new(),
        before: String::new(),
        event: event.to_owned(),
        is_call: false,
        depth: 0,
        good,
        bad: scan.bad,
        began: scan.began,
        p_value: scan.p_value,
        q_value: 1.0,
        is_over: scan.is_over,
        is_claimed: false,
    }
}

/// The beginning that explains a break best.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scan {
    p_value: f64,
    began: UnixNanos,
    bad: (u64, u64),
    is_over: bool,
}

/// Tries every block as the beginning. Nothing when no span of the bad window reached the place.
fn scan(good: (u64, u64), beats: &[Beat]) -> Option<Scan> {
    let total = beats.iter().fold((0, 0), |(kept, seen), beat| (kept + beat.kept, seen + beat.seen));
    let mut earlier = (0, 0);
    let (mut best, mut tried) = (None::<Scan>, 0_u32);
    for (at, beat) in beats.iter().enumerate() {
        tried += 1;
        let bad = (total.0 - earlier.0, total.1 - earlier.1);
        let usual = (good.0 + earlier.0, good.1 + earlier.1);
        let p_value = fisher::p_raised(usual.1 - usual.0, usual.1, bad.1 - bad.0, bad.1);
        if best.as_ref().is_none_or(|best| p_value < best.p_value) {
            let is_over = is_over(beats.get(at..).unwrap_or_default(), bad);
            best = Some(Scan { p_value, began: beat.at, bad, is_over });
        }
        earlier = (earlier.0 + beat.kept, earlier.1 + beat.seen);
    }
    best.map(|best| Scan { p_value: (best.p_value * f64::from(tried)).min(1.0), ..best })
}

/// Whether so many spans at the end keep the rule that a break that lasts would hardly leave them alone.
fn is_over(beats: &[Beat], (kept, seen): (u64, u64)) -> bool {
    if kept == seen {
        return false;
    }
    let at_end: u64 =
        beats.iter().rev().take_while(|beat| beat.kept == beat.seen).map(|beat| beat.seen).sum();
    libm::pow(kept as f64 / seen as f64, at_end as f64) < OVER_MAX
}

#[cfg(test)]
mod tests;
