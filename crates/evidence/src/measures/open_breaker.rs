//! Measure 7: a caller that no longer calls whoever failed.
//!
//! A circuit breaker (Nygard, Release It!, 2nd edition 2018, chapter 5) keeps a caller from calling while its callee
//! fails: requests then fail where the call would begin, and no failed callee stands behind them. Known by what it does,
//! whichever library does it: the calls a request fall to half or less, while most of those still made fail, or take
//! much longer than before. The failures that opened it lie where things turned, often in a single second, so calls are
//! counted from the last good moment on; who is still called, in the bad window.
//!
//! Does not see a breaker whose caller answers with something else: nobody fails then.

use std::collections::BTreeMap;

use telemetry::SpanKind;
use telemetry::answer::{EdgeRow, SelfTimeTable};

use super::Measure;
use crate::statistics::fisher;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "open_breaker",
    finds: "callers that fail at once instead of calling somebody who failed before",
    questions: &["edges", "self_time"],
};

/// Part of its calls a request that a caller still makes, at most.
const KEPT_MAX: f64 = 0.5;
/// Share of the calls made since it turned that fail, at least: good ones of the first seconds are among them.
const FAILED_MIN: f64 = 0.2;
/// Growth of the mean of those calls that is as good a reason.
const SLOWER_MIN: f64 = 3.0;
/// Milliseconds of it; below, nobody gives up.
const SLOWER_MS_MIN: f64 = 20.0;
/// Calls before, and calls or failures since, from which anything is said. Breakers of few failures open after five.
const CALLS_MIN: u64 = 5;
/// Failed calls of a callee, as a part of those of it, from which the failure lies behind it.
const BEHIND_MIN: f64 = 0.5;
/// Fisher's p at most, for the failures.
const P_MAX: f64 = 0.01;
/// New failures of a caller that its missing calls explain, a missing call: one request may make several.
const FAILURES_PER_MISSING_MAX: f64 = 1.5;

/// A caller and a callee that it calls less, since that fails or is slow.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenBreaker {
    /// Who no longer calls.
    pub caller: String,
    /// Who is no longer called.
    pub callee: String,
    /// Calls for each request of the caller, before and now.
    pub calls_per_request: (f64, f64),
    /// Failed calls and calls, before.
    pub good: (u64, u64),
    /// The same since it turned.
    pub turn: (u64, u64),
    /// Mean milliseconds of a call, before and since it turned.
    pub mean_ms: (f64, f64),
    /// Calls that would have been made.
    pub missing: f64,
    /// Fisher's p of the failures.
    pub p_value: f64,
    /// The callee, or the last of those behind it whose calls fail as well.
    pub fails_at: String,
    /// Whether that one's own spans are there.
    pub is_instrumented: bool,
}

impl OpenBreaker {
    /// Whether `failures` new ones of the caller are no more than the calls it did not make.
    #[must_use]
    pub fn explains(&self, failures: f64) -> bool {
        failures <= FAILURES_PER_MISSING_MAX * self.missing
    }

    /// What made the caller stop.
    #[must_use]
    pub fn reason(&self) -> String {
        if self.is_failing() {
            return format!("{} of {} calls failed when it turned", self.turn.0, self.turn.1);
        }
        format!("they took {:.1} ms instead of {:.1} ms", self.mean_ms.1, self.mean_ms.0)
    }

    /// Its figures, as evidence names them.
    #[must_use]
    pub fn numbers(&self) -> [(&'static str, f64); 8] {
        [
            ("calls_per_request_before", self.calls_per_request.0),
            ("calls_per_request_now", self.calls_per_request.1),
            ("failed_calls_since", self.turn.0 as f64),
            ("calls_since", self.turn.1 as f64),
            ("missing_calls", self.missing),
            ("p_value", self.p_value),
            ("mean_ms_before", self.mean_ms.0),
            ("mean_ms_since", self.mean_ms.1),
        ]
    }

    /// Whether the calls failed; else they took too long.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        let (failed, calls) = self.turn;
        failed >= CALLS_MIN && failed as f64 >= FAILED_MIN * calls as f64 && self.p_value <= P_MAX
    }

    fn is_open(&self) -> bool {
        let (before, now) = self.calls_per_request;
        let (was_ms, is_ms) = self.mean_ms;
        let is_slow =
            self.turn.1 >= CALLS_MIN && is_ms >= SLOWER_MIN * was_ms && is_ms - was_ms >= SLOWER_MS_MIN;
        now <= KEPT_MAX * before && (self.is_failing() || is_slow)
    }
}

/// The edges of three windows: good, bad, and from the last good moment to the end of the bad window.
#[derive(Debug, Clone, Copy)]
pub struct Ways<'a> {
    /// Before.
    pub good: &'a [EdgeRow],
    /// Now.
    pub bad: &'a [EdgeRow],
    /// Since it turned.
    pub turn: &'a [EdgeRow],
}

/// The open breakers, those with most missing calls first.
#[must_use]
pub fn open((good, bad): (&SelfTimeTable, &SelfTimeTable), ways: Ways<'_>) -> Vec<OpenBreaker> {
    let (requests_before, requests_now) = (requests(good), requests(bad));
    let (before, now, turn) = (calls(ways.good), calls(ways.bad), calls(ways.turn));
    let mut found: Vec<OpenBreaker> = before
        .iter()
        .filter(|(_, was)| was.count >= CALLS_MIN)
        .filter_map(|((caller, callee), was)| {
            let [is, since] = [&now, &turn].map(|at| at.get(&(caller, callee)).copied().unwrap_or_default());
            let (then, today) = (*requests_before.get(caller)?, *requests_now.get(caller)?);
            let rate = was.count as f64 / then as f64;
            let fails_at = deepest(callee, since.errors, (&before, &turn));
            Some(OpenBreaker {
                caller: (*caller).to_owned(),
                callee: (*callee).to_owned(),
                calls_per_request: (rate, is.count as f64 / today as f64),
                good: (was.errors, was.count),
                turn: (since.errors, since.count),
                mean_ms: (was.mean_ms(), since.mean_ms()),
                missing: rate * today as f64 - is.count as f64,
                p_value: fisher::p_raised(was.errors, was.count, since.errors, since.count),
                is_instrumented: ways.good.iter().any(|row| row.callee == fails_at && row.is_instrumented),
                fails_at: fails_at.to_owned(),
            })
        })
        .filter(OpenBreaker::is_open)
        .collect();
    found.sort_by(|a, b| {
        b.missing.total_cmp(&a.missing).then_with(|| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)))
    });
    found
}

/// The last in the chain of those whose calls fail: each one's failures must be as many as half of its caller's.
fn deepest<'a>(callee: &'a str, failed: u64, (before, turn): (&CallsOf<'a>, &CallsOf<'a>)) -> &'a str {
    let (mut current, mut failed, mut seen) = (callee, failed, vec![callee]);
    loop {
        let next = turn
            .range((current, "")..)
            .take_while(|((caller, _), _)| *caller == current)
            .filter(|((_, callee), since)| {
                let was = before.get(&(current, *callee)).copied().unwrap_or_default();
                let p = fisher::p_raised(was.errors, was.count, since.errors, since.count);
                !seen.contains(callee)
                    && failed > 0
                    && since.errors as f64 >= BEHIND_MIN * failed as f64
                    && p <= P_MAX
            })
            .max_by_key(|((_, callee), since)| (since.errors, std::cmp::Reverse(*callee)));
        let Some(((_, callee), since)) = next else { return current };
        (current, failed) = (callee, since.errors);
        seen.push(callee);
    }
}

/// The requests that each service was given, at least one.
fn requests(table: &SelfTimeTable) -> BTreeMap<&str, u64> {
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for row in table.rows.iter().filter(|row| matches!(row.kind, SpanKind::Server | SpanKind::Consumer)) {
        *found.entry(&row.subject.service).or_default() += row.count;
    }
    found.retain(|_, count| *count > 0);
    found
}

/// Calls of one way.
#[derive(Debug, Clone, Copy, Default)]
struct Calls {
    count: u64,
    errors: u64,
    client_ns: i64,
}

impl Calls {
    fn mean_ms(self) -> f64 {
        self.client_ns as f64 / self.count.max(1) as f64 / 1e6
    }
}

/// Calls by caller and callee.
type CallsOf<'a> = BTreeMap<(&'a str, &'a str), Calls>;

/// Calls of each caller and callee, those that no span of the callee answers among them.
fn calls(rows: &[EdgeRow]) -> CallsOf<'_> {
    let mut found = CallsOf::new();
    for row in rows.iter().filter(|row| row.queue.is_none()) {
        let entry = found.entry((&row.caller, &row.callee)).or_default();
        entry.count += row.count;
        entry.errors += row.errors;
        entry.client_ns = entry.client_ns.saturating_add(row.client_sum_ns);
    }
    found
}

#[cfg(test)]
mod tests;
