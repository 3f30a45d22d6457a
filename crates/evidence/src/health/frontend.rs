//! What users saw of an operation: the page they were on, how long it and its calls took, how far they came, who was hit
//! (AG-18, AG-65, W-12).
//!
//! Read from the spans that browsers sent, in the traces that hold the operation and in those of its page. Without such spans
//! there is no answer at all, rather than one that looks like it. Figures are of the traces looked at and of no others: those
//! are chosen for being the worst and the most typical ones, so that no share of them is one of all.

mod agenttel;
mod anomalies;
mod browser;

use std::collections::{BTreeMap, BTreeSet};

use telemetry::answer::TraceRow;
use telemetry::{SpanId, StatusCode};

use crate::series::MS_NS;
use crate::statistics::median;
use browser::{Journey, Visit};

/// Ratio to the usual from which a call of a user counts as hit.
const SLOW_RATIO: f64 = 2.0;

/// Which operation, and the traces to read.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    /// The service.
    pub service: &'a str,
    /// The operation.
    pub operation: &'a str,
    /// Traces of the window: of the operation, and of the pages that call it.
    pub traces: &'a [Vec<TraceRow>],
    /// The same from before, empty when there are none.
    pub before: &'a [Vec<TraceRow>],
}

/// What users saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Frontend {
    /// The page that most calls come from; empty when spans do not tell.
    pub route: String,
    /// Median time until the page is there, milliseconds, and what is usual.
    pub page_load_ms: Compared,
    /// Median time of the calls of the operation as the browser saw them, milliseconds, and what is usual.
    pub api_call_ms: Compared,
    /// The journey that most calls are a step of.
    pub journey: Option<JourneyFigures>,
    /// What is unusual, sorted.
    pub anomalies: Vec<&'static str>,
    /// Who was hit.
    pub users: Users,
    /// Traces in which a browser's call leads to the operation.
    pub linked_traces: usize,
}

/// A figure, and what is usual.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Compared {
    /// Now; nothing when there were none.
    pub now: Option<f64>,
    /// As declared by the page, else as before; nothing when neither is there.
    pub usual: Option<f64>,
}

impl Compared {
    /// Whether it is more than twice the usual.
    #[must_use]
    pub fn is_slow(self) -> bool {
        matches!((self.now, self.usual), (Some(now), Some(usual)) if usual > 0.0 && now > SLOW_RATIO * usual)
    }
}

/// A journey and how many come to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyFigures {
    /// Its name.
    pub name: String,
    /// The step that the operation belongs to, from 1.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Share of the journeys seen that came to the last step, and the same from before; nothing where no trace holds a step
    /// behind the operation's, because then nobody could be seen to go on.
    pub completion: Compared,
    /// Journeys seen.
    pub seen: usize,
}

/// Who was hit by failed or slow calls.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Users {
    /// Different users (or sessions) in the linked traces.
    pub seen: usize,
    /// Those with a failed or slow call.
    pub hit: usize,
    /// Linked traces with a failed or slow call.
    pub hit_traces: usize,
}

/// What users saw of the operation; nothing when no browser told.
#[must_use]
pub fn of(looked: &Looked<'_>) -> Option<Frontend> {
    let linked: Vec<Linked<'_>> = looked.traces.iter().flat_map(|trace| link(trace, looked)).collect();
    if linked.is_empty() {
        return None;
    }
    let earlier: Vec<Linked<'_>> = looked.before.iter().flat_map(|trace| link(trace, looked)).collect();
    let visits = browser::visits(looked.traces);
    let visits_before = browser::visits(looked.before);
    let route = most(linked.iter().map(|one| one.route.clone()).filter(|route| !route.is_empty()));
    let route = route.unwrap_or_default();
    let page_load_ms = Compared {
        now: median_ms(visits.iter().filter(|visit| visit.loads(&route)).map(|visit| visit.row.duration_ns)),
        usual: declared(visits.iter().filter(|visit| visit.loads(&route)).map(Visit::usual_page_load_ms))
            .or_else(|| {
                let before = visits_before.iter().filter(|visit| visit.loads(&route));
                median_ms(before.map(|visit| visit.row.duration_ns))
            }),
    };
    let api_call_ms = Compared {
        now: median_ms(linked.iter().map(|one| one.call.row.duration_ns)),
        usual: declared(visits.iter().map(Visit::usual_api_call_ms))
            .or_else(|| median_ms(earlier.iter().map(|one| one.call.row.duration_ns))),
    };
    let journey = journey(&linked, &visits, &visits_before);
    let is_dropping = journey.as_ref().is_some_and(|journey| anomalies::is_dropping(journey.completion));
    let anomalies = anomalies::of(&visits, page_load_ms.is_slow(), is_dropping);
    Some(Frontend {
        route,
        page_load_ms,
        users: users(&linked, api_call_ms.usual),
        api_call_ms,
        journey,
        anomalies,
        linked_traces: linked.len(),
    })
}

/// A browser's call that leads to the operation.
struct Linked<'a> {
    call: Visit<'a>,
    /// The page it was made on.
    route: String,
    journey: Option<Journey<'a>>,
    user: Option<&'a str>,
    is_failed: bool,
}

/// The browser's calls above the operation's entry spans in a trace.
fn link<'a>(trace: &'a [TraceRow], looked: &Looked<'_>) -> Vec<Linked<'a>> {
    let by_id: BTreeMap<SpanId, &TraceRow> = trace.iter().map(|row| (row.span_id, row)).collect();
    let of_trace: Vec<Visit<'_>> = trace.iter().filter_map(Visit::of).collect();
    let mut calls: BTreeSet<SpanId> = BTreeSet::new();
    let mut linked = Vec::new();
    let entries = trace
        .iter()
        .filter(|row| row.subject.service == looked.service && row.subject.operation == looked.operation);
    for entry in entries {
        let mut parent = entry.parent;
        // A chain of parents is at most as long as the trace.
        for _ in 0..trace.len() {
            let Some(row) = parent.and_then(|id| by_id.get(&id)) else { break };
            let Some(call) = Visit::of(row) else {
                parent = row.parent;
                continue;
            };
            if calls.insert(row.span_id) {
                // What the call itself does not say, the page that it was made on does.
                let first = |found: fn(&Visit<'a>) -> Option<&'a str>| {
                    found(&call).or_else(|| of_trace.iter().find_map(found))
                };
                linked.push(Linked {
                    route: first(|visit| visit.page_route()).unwrap_or_default().to_owned(),
                    journey: call.journey().or_else(|| of_trace.iter().find_map(Visit::journey)),
                    user: first(|visit| visit.user()),
                    is_failed: row.status == StatusCode::Error || entry.status == StatusCode::Error,
                    call,
                });
            }
            break;
        }
    }
    linked
}

fn users(linked: &[Linked<'_>], usual_ms: Option<f64>) -> Users {
    let is_hit = |one: &&Linked<'_>| {
        let now = Some(one.call.row.duration_ns as f64 / MS_NS);
        one.is_failed || Compared { now, usual: usual_ms }.is_slow()
    };
    let different = |users: Vec<&str>| users.into_iter().collect::<BTreeSet<_>>().len();
    let hit: Vec<&Linked<'_>> = linked.iter().filter(is_hit).collect();
    Users {
        seen: different(linked.iter().filter_map(|one| one.user).collect()),
        hit: different(hit.iter().filter_map(|one| one.user).collect()),
        hit_traces: hit.len(),
    }
}

fn journey(linked: &[Linked<'_>], now: &[Visit<'_>], before: &[Visit<'_>]) -> Option<JourneyFigures> {
    let (name, step, steps) = most(
        linked
            .iter()
            .filter_map(|one| one.journey)
            .map(|journey| (journey.name.to_owned(), journey.step, journey.steps)),
    )?;
    let goes_on = |visit: &Visit<'_>| {
        visit.journey().is_some_and(|journey| journey.name == name && journey.step > step)
    };
    let is_followed = now.iter().chain(before).any(goes_on);
    let (seen, share) = completion(now, &name);
    let completion = Compared {
        now: share.filter(|_| is_followed),
        usual: completion_share(before, &name).filter(|_| is_followed),
    };
    Some(JourneyFigures { name, step, steps, completion, seen })
}

fn completion_share(visits: &[Visit<'_>], name: &str) -> Option<f64> {
    completion(visits, name).1
}

/// How many journeys of this name were seen, and which share came to the last step.
fn completion(visits: &[Visit<'_>], name: &str) -> (usize, Option<f64>) {
    let mut furthest: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for visit in visits {
        let Some(journey) = visit.journey().filter(|journey| journey.name == name) else { continue };
        // Who does not say who it is cannot be followed from step to step.
        let who = (visit.user().unwrap_or_default(), journey.began);
        if who != ("", "") {
            let place = furthest.entry(who).or_default();
            *place = (place.0.max(journey.step), journey.steps);
        }
    }
    let ended = furthest.values().filter(|(step, steps)| step >= steps && *steps > 0).count();
    let seen = furthest.len();
    (seen, (seen > 0).then(|| ended as f64 / seen as f64))
}

fn median_ms(durations_ns: impl Iterator<Item = i64>) -> Option<f64> {
    median::median(&durations_ns.map(|ns| ns as f64 / MS_NS).collect::<Vec<f64>>())
}

/// The median of what pages declare.
fn declared(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    median::median(&values.flatten().collect::<Vec<f64>>())
}

/// The most frequent value; of equally frequent ones the first in order.
fn most<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}

#[cfg(test)]
mod tests;
