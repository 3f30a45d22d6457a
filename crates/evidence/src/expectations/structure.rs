//! Claims about the whole request: who calls whom, whether the trace is handed on, whether errors are cleared.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::SpanKind;
use telemetry::signal::attribute;

use super::judge::{Runs, fail, judged, open, pass};
use super::spans::most_retries;
use super::{Judged, Topology};
use crate::trace_diff::graph::{Graph, name};

/// Findings named in one verdict.
const NAMED_MAX: usize = 5;

fn list(mut found: Vec<String>) -> String {
    let more = found.len().saturating_sub(NAMED_MAX);
    found.truncate(NAMED_MAX);
    let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{tail}", found.join("; "))
}

fn all<T: Ord>(runs: &Runs<'_>, of: impl Fn(&Graph<'_>) -> BTreeSet<T>) -> BTreeSet<T> {
    runs.graphs.iter().flat_map(of).collect()
}

fn arrow((from, to): &(String, String)) -> String {
    format!("{from} -> {to}")
}

/// No service, edge, retry or loop but those known from the list or from the baseline.
pub(super) fn topology(
    line: usize,
    topology: &Topology,
    runs: &Runs<'_>,
    baseline: Option<&Runs<'_>>,
) -> Judged {
    let claim = "topology preserved".to_owned();
    let edges = all(runs, |graph| graph.edges());
    if topology.edges.is_empty() && baseline.is_none() {
        let why = "nothing says which edges are known: give `edges`, or run with --baseline";
        return judged(line, claim, edges.len(), open(why));
    }
    let is_listed = !topology.edges.is_empty();
    let known: BTreeSet<String> = match baseline {
        Some(baseline) if !is_listed => all(baseline, |graph| graph.edges()).iter().map(arrow).collect(),
        _ => {
            topology.edges.iter().map(|edge| edge.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        }
    };
    let is_allowed = |what: &str| topology.allow.iter().any(|allowed| allowed == what);
    let is_new = |edge: &&(String, String)| {
        !known.contains(&arrow(edge)) && !is_allowed(&arrow(edge)) && !is_allowed(&edge.1)
    };
    let mut found: Vec<String> =
        edges.iter().filter(is_new).map(|edge| format!("new edge {}", arrow(edge))).collect();
    if let Some(baseline) = baseline.filter(|_| !is_listed) {
        let before = all(baseline, |graph| graph.services());
        let named: BTreeSet<&String> = edges.iter().map(|(_, to)| to).collect();
        let services = all(runs, |graph| graph.services());
        let is_new = |service: &&String| {
            !before.contains(*service) && !named.contains(service) && !is_allowed(service)
        };
        found.extend(services.iter().filter(is_new).map(|service| format!("new service {service}")));
    }
    let before = baseline.map(retried).unwrap_or_default();
    for (call, times) in retried(runs) {
        let known = before.get(&call).copied().unwrap_or(0);
        if times > known && !is_allowed(&call) {
            found.push(format!("{times} retries of `{call}` instead of {known}"));
        }
    }
    let before = baseline.map(|baseline| all(baseline, loops)).unwrap_or_default();
    let now = all(runs, loops);
    found.extend(
        now.iter()
            .filter(|name| !before.contains(*name) && !is_allowed(name))
            .map(|name| format!("`{name}` calls itself")),
    );
    let outcome =
        if found.is_empty() { pass(format!("{} edges, all known", edges.len())) } else { fail(list(found)) };
    judged(line, claim, edges.len(), outcome)
}

/// The most retries of each call in any run.
pub(super) fn retried(runs: &Runs<'_>) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for graph in &runs.graphs {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, node) in graph.nodes.iter().enumerate() {
            if matches!(node.span.kind, SpanKind::Client | SpanKind::Producer) {
                groups.entry(name(node.span)).or_default().push(place);
            }
        }
        for (call, places) in groups {
            let times = most_retries(graph, &places);
            let most = found.entry(call).or_insert(0);
            *most = times.max(*most);
        }
    }
    found
}

/// Entry operations that occur among their own ancestors.
fn loops(graph: &Graph<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (place, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.span.is_entry()) {
        let mut above = graph.upwards(place).skip(1).filter_map(|place| graph.get(place));
        if above.any(|ancestor| ancestor.key() == node.key()) {
            found.insert(name(node.span));
        }
    }
    found
}

/// Every call between services hands the trace on: its other side hangs below it. A hop that lost it is named.
pub(super) fn traceparent(
    line: usize,
    allow: &[String],
    runs: &Runs<'_>,
    baseline: Option<&Runs<'_>>,
) -> Judged {
    let expected = baseline.map(answers).unwrap_or_default();
    let (mut hops, mut lost) = (0, BTreeSet::new());
    for (at, graph) in runs.graphs.iter().enumerate() {
        for (place, node) in graph.nodes.iter().enumerate() {
            let own = &node.span.resource.service;
            if node.is_orphan {
                lost.insert(format!(
                    "? -> {own}: `{}` names a parent that is not in the trace",
                    name(node.span)
                ));
            }
            if !matches!(node.span.kind, SpanKind::Client | SpanKind::Producer) {
                continue;
            }
            if graph.is_answered(place) {
                hops += 1;
                continue;
            }
            let callee = expected.get(&name(node.span)).cloned().or_else(|| begun_inside(runs, at, place));
            if let Some(callee) = callee {
                lost.insert(format!("{own} -> {callee}: lost below `{}`", name(node.span)));
            }
        }
    }
    lost.retain(|hop| !allow.iter().any(|allowed| hop.starts_with(&format!("{allowed}:"))));
    let outcome = match (lost.is_empty(), hops) {
        (false, _) => fail(list(lost.into_iter().collect())),
        (true, 0) => open("no call between services, so nothing was handed on"),
        (true, _) => pass(format!("{hops} hops")),
    };
    judged(line, "traceparent continuous".to_owned(), hops, outcome)
}

/// Which service answers each call, where its other side is in the trace.
fn answers(runs: &Runs<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for graph in &runs.graphs {
        for (place, node) in graph.nodes.iter().enumerate().filter(|(place, _)| graph.is_answered(*place)) {
            if let Some(callee) = graph.callee(place) {
                found.insert(name(node.span), callee);
            }
        }
    }
    found
}

/// Without a baseline: a trace that another service began inside the call is most likely its lost other side. A trace
/// that begins like the caller's own is a request of its own.
fn begun_inside(runs: &Runs<'_>, at: usize, place: usize) -> Option<String> {
    let graph = runs.graphs.get(at)?;
    let call = graph.get(place)?.span;
    if attribute(&call.attributes, "db.system.name").or(attribute(&call.attributes, "db.system")).is_some() {
        return None;
    }
    let own: BTreeSet<_> =
        graph.roots.iter().filter_map(|root| graph.get(*root)).map(|root| root.key()).collect();
    let others = runs.graphs.iter().enumerate().filter(|(other, _)| *other != at);
    let mut roots = others
        .flat_map(|(_, graph)| graph.roots.iter().filter_map(|root| graph.get(*root)))
        .filter(|root| root.span.is_entry() && !own.contains(&root.key()))
        .filter(|root| call.start <= root.span.start && root.span.end <= call.end)
        .filter(|root| root.span.resource.service != call.resource.service);
    roots.next().map(|root| root.span.resource.service.to_string())
}

/// What failed in the baseline is there and fails no more; what is gone altogether is not cleared.
pub(super) fn cleared(line: usize, runs: &Runs<'_>, baseline: Option<&Runs<'_>>) -> Judged {
    let claim = "errors cleared".to_owned();
    let Some(baseline) = baseline else {
        return judged(line, claim, 0, open("nothing says what failed: run with --baseline"));
    };
    let failing = |graph: &Graph<'_>| -> BTreeSet<String> {
        graph.nodes.iter().filter(|node| node.span.is_error()).map(|node| name(node.span)).collect()
    };
    let present =
        |graph: &Graph<'_>| -> BTreeSet<String> { graph.nodes.iter().map(|node| name(node.span)).collect() };
    let (before, now, there) = (all(baseline, failing), all(runs, failing), all(runs, present));
    let mut wrong = Vec::new();
    for span in &before {
        if now.contains(span) {
            wrong.push(format!("`{span}` still fails"));
        } else if !there.contains(span) {
            wrong.push(format!("`{span}` is gone, which is not cleared"));
        }
    }
    let outcome = match (wrong.is_empty(), before.is_empty()) {
        (_, true) => pass("nothing failed in the baseline"),
        (true, false) => pass(format!("{} failing spans are fine now", before.len())),
        (false, false) => fail(list(wrong)),
    };
    Judged { is_vacuous: before.is_empty(), ..judged(line, claim, before.len(), outcome) }
}
