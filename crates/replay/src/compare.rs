//! Compares what two files hold: one run of each kind of request, by the name of its first span.
//!
//! Where a file holds several runs of the same request, the one of median duration stands for them, and how many there
//! were is told.

use std::collections::{BTreeMap, BTreeSet};

use evidence::expectations::Run;
use evidence::trace_diff::{Difference, Tolerance, diff};
use serde::Serialize;
use telemetry::{Span, SpanId};

/// What was compared, and what differs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Compared {
    /// The requests, by the name of their first span.
    pub requests: Vec<Request>,
    /// What differs, request by request.
    pub differences: Vec<Difference>,
}

/// One kind of request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// `<service> <operation>` of its first span.
    pub name: String,
    /// Runs before.
    pub base_runs: usize,
    /// Runs now.
    pub new_runs: usize,
}

/// Compares `base` with `new`.
#[must_use]
pub fn compare(base: &[Run], new: &[Run], tolerance: Tolerance) -> Compared {
    let (before, now) = (by_request(base), by_request(new));
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut compared = Compared::default();
    for name in names {
        let left = before.get(name).cloned().unwrap_or_default();
        let right = now.get(name).cloned().unwrap_or_default();
        compared.differences.extend(diff(median(&left), median(&right), tolerance));
        let (base_runs, new_runs) = (left.len(), right.len());
        compared.requests.push(Request { name: name.clone(), base_runs, new_runs });
    }
    compared
}

fn by_request(runs: &[Run]) -> BTreeMap<String, Vec<&Run>> {
    let mut all: BTreeMap<String, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        if let Some(first) = first(run) {
            all.entry(format!("{} {}", first.resource.service, first.name)).or_default().push(run);
        }
    }
    all
}

/// The earliest span without a parent in the run.
fn first(run: &Run) -> Option<&Span> {
    let ids: BTreeSet<SpanId> = run.spans.iter().map(|span| span.span_id).collect();
    let has_cause = |span: &Span| span.parent.is_some_and(|id| ids.contains(&id)) || !span.links.is_empty();
    run.spans.iter().min_by_key(|span| (has_cause(span), span.start, span.span_id))
}

fn median<'r>(runs: &[&'r Run]) -> &'r [Span] {
    let mut sorted: Vec<&&'r Run> = runs.iter().collect();
    sorted.sort_by_key(|run| first(run).map(Span::duration_ns));
    sorted.get(sorted.len().saturating_sub(1) / 2).map_or(&[], |run| &run.spans)
}
