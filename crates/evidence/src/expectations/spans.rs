//! Claims about spans: selection first, then each claim over all runs.

use std::collections::BTreeMap;

use telemetry::signal::attribute;
use telemetry::{Span, SpanKind};

use super::judge::{Runs, fail, judged, open, pass};
use super::{Claim, Judged, Selector, SpanItem, Verdict};
use crate::statistics::median::quantile;
use crate::trace_diff::graph::{Graph, Key, name, peer, retries};

/// Runs below which a median is not told: fewer order statistics than that bracket nothing.
const P50_RUNS_MIN: usize = 5;
/// Runs below which a 95th percentile is not told: below 1 / (1 - 0.95) it is the largest value, whatever that is.
const P95_RUNS_MIN: usize = 20;
/// Marks a span whose answer was played back and not computed.
const STUB: &str = "firstcause.stub";

/// The selected spans of each run, as places in its graph.
pub(super) type Selected = Vec<Vec<usize>>;

/// Selects in every run: spans of that service, or, when no run has one, calls to a peer of that name.
pub(super) fn select(selector: &Selector, runs: &Runs<'_>) -> Selected {
    let own = select_by(selector, runs, |span| Some(span.resource.service.to_string()));
    if own.iter().any(|places| !places.is_empty()) {
        return own;
    }
    select_by(selector, runs, |span| {
        let is_call = matches!(span.kind, SpanKind::Client | SpanKind::Producer);
        let told = attribute(&span.attributes, "peer.service").map(telemetry::Value::render);
        is_call.then(|| told.or_else(|| peer(span))).flatten()
    })
}

fn select_by(selector: &Selector, runs: &Runs<'_>, of: impl Fn(&Span) -> Option<String>) -> Selected {
    let fits = |span: &Span| {
        let Some(service) = of(span) else { return false };
        let is_named = match &selector.service {
            Some(wanted) => service == *wanted && *span.name == *selector.span,
            None => format!("{service} {}", span.name) == selector.span,
        };
        let has = |(key, value): &(String, String)| {
            attribute(&span.attributes, key).is_some_and(|found| found.render() == *value)
        };
        is_named && selector.attributes.iter().all(has)
    };
    let in_run = |graph: &Graph<'_>| {
        graph.nodes.iter().enumerate().filter(|(_, node)| fits(node.span)).map(|(place, _)| place).collect()
    };
    runs.graphs.iter().map(in_run).collect()
}

/// Judges one entry: a verdict for each claim, or one for the mere existence.
pub(super) fn judge(line: usize, item: &SpanItem, runs: &Runs<'_>) -> Vec<Judged> {
    let selected = select(&item.selector, runs);
    let matched = selected.iter().map(Vec::len).sum();
    let none_wanted =
        item.claims.iter().any(|(_, claim)| matches!(claim, Claim::Count(bound) if bound.demands_none()));
    let title = title(&item.selector);
    let judge = |line: usize, words: String, outcome: &dyn Fn() -> (Verdict, String)| {
        let outcome = match matched {
            0 if none_wanted => pass("no such span, as expected"),
            0 if item.is_optional => pass("no such span, which is optional"),
            0 => fail(format!("no span is called `{}`{}", item.selector.span, nearest(&item.selector, runs))),
            _ => stubbed(outcome(), &selected, runs),
        };
        let is_vacuous = matched == 0 && item.is_optional && !none_wanted;
        Judged { is_vacuous, ..judged(line, format!("{title}{words}"), matched, outcome) }
    };
    if item.claims.is_empty() {
        return vec![judge(line, String::new(), &|| pass(format!("{matched} found")))];
    }
    let claim = |(line, claim): &(usize, Claim)| {
        judge(*line, format!(" {}", words(*claim)), &|| check(*claim, &selected, runs))
    };
    item.claims.iter().map(claim).collect()
}

fn title(selector: &Selector) -> String {
    let service = selector.service.as_ref().map(|service| format!("{service} ")).unwrap_or_default();
    let attributes: Vec<String> =
        selector.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let attributes =
        if attributes.is_empty() { String::new() } else { format!(" {{{}}}", attributes.join(", ")) };
    format!("span {service}{}{attributes}:", selector.span)
}

fn words(claim: Claim) -> String {
    match claim {
        Claim::IsError(is_error) => format!("status {}", if is_error { "error" } else { "ok" }),
        Claim::MaxMs(ms) => format!("max_ms {ms}"),
        Claim::P50Ms(ms) => format!("p50_ms {ms}"),
        Claim::P95Ms(ms) => format!("p95_ms {ms}"),
        Claim::Retries(bound) => format!("retries {bound}"),
        Claim::Count(bound) => format!("count {bound}"),
    }
}

/// A green claim about something that a stub answered, itself or below, is not evidence (W-22).
fn stubbed(outcome: (Verdict, String), selected: &Selected, runs: &Runs<'_>) -> (Verdict, String) {
    let is_stub = |graph: &Graph<'_>, place: usize| {
        let below = graph.subtree(place).into_iter().filter_map(|place| graph.get(place));
        let told =
            |span: &Span| attribute(&span.attributes, STUB).is_some_and(|value| value.render() == "true");
        below.map(|node| node.span).find(|span| told(span)).map(name)
    };
    let mut places = runs
        .graphs
        .iter()
        .zip(selected)
        .flat_map(|(graph, places)| places.iter().filter_map(move |place| is_stub(graph, *place)));
    match places.next() {
        Some(stub) if outcome.0 == Verdict::Pass => {
            open(format!("{}, but `{stub}` was answered by a stub", outcome.1))
        }
        _ => outcome,
    }
}

/// A name that differs little, for whoever mistyped it.
fn nearest(selector: &Selector, runs: &Runs<'_>) -> String {
    let wanted = match &selector.service {
        Some(service) => format!("{service} {}", selector.span),
        None => selector.span.clone(),
    };
    let mut names: Vec<String> =
        runs.graphs.iter().flat_map(|graph| &graph.nodes).map(|node| name(node.span)).collect();
    names.sort();
    names.dedup();
    let shared = |name: &String| {
        let start = name.chars().zip(wanted.chars()).take_while(|(left, right)| left == right).count();
        let end =
            name.chars().rev().zip(wanted.chars().rev()).take_while(|(left, right)| left == right).count();
        (start + end).min(name.chars().count().max(wanted.chars().count()))
    };
    let best = names.into_iter().max_by_key(shared);
    best.filter(|name| shared(name) * 3 >= wanted.chars().count() * 2)
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

fn check(claim: Claim, selected: &Selected, runs: &Runs<'_>) -> (Verdict, String) {
    match claim {
        Claim::IsError(is_error) => status(is_error, &spans(selected, runs)),
        Claim::MaxMs(limit) => slowest(limit, &spans(selected, runs)),
        Claim::P50Ms(limit) => percentile((0.5, limit), P50_RUNS_MIN, selected, runs),
        Claim::P95Ms(limit) => percentile((0.95, limit), P95_RUNS_MIN, selected, runs),
        Claim::Retries(bound) => {
            let counted = runs.graphs.iter().zip(selected).map(|(graph, places)| most_retries(graph, places));
            let (least, most) = range(counted);
            let is_met = bound.admits(least as u64) && bound.admits(most as u64);
            let detail = format!("{} retries", between(least, most));
            if is_met { pass(detail) } else { fail(detail) }
        }
        Claim::Count(bound) => {
            let is_met = selected.iter().all(|places| bound.admits(places.len() as u64));
            let (least, most) = range(selected.iter().map(Vec::len));
            let detail = format!("{} in a run", between(least, most));
            if is_met { pass(detail) } else { fail(detail) }
        }
    }
}

fn range(counts: impl Iterator<Item = usize>) -> (usize, usize) {
    let (least, most) =
        counts.fold((usize::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
    (least.min(most), most)
}

fn between(least: usize, most: usize) -> String {
    if least == most { most.to_string() } else { format!("{least} to {most}") }
}

fn spans<'r>(selected: &Selected, runs: &Runs<'r>) -> Vec<&'r Span> {
    let each = runs.graphs.iter().zip(selected);
    each.flat_map(|(graph, places)| places.iter().filter_map(|place| graph.get(*place)).map(|node| node.span))
        .collect()
}

fn status(is_error: bool, spans: &[&Span]) -> (Verdict, String) {
    let failed = spans.iter().filter(|span| span.is_error()).count();
    let detail = format!("{failed} of {} failed", spans.len());
    let is_met = if is_error { failed == spans.len() } else { failed == 0 };
    if is_met { pass(detail) } else { fail(detail) }
}

fn slowest(limit_ms: f64, spans: &[&Span]) -> (Verdict, String) {
    let longest = spans.iter().map(|span| span.duration_ns()).max().unwrap_or(0);
    let ms = longest as f64 / 1e6;
    let detail = format!("the slowest of {} took {ms:.1} ms", spans.len());
    if ms <= limit_ms { pass(detail) } else { fail(detail) }
}

fn percentile(
    (share, limit_ms): (f64, f64),
    runs_min: usize,
    selected: &Selected,
    runs: &Runs<'_>,
) -> (Verdict, String) {
    let in_runs = selected.iter().filter(|places| !places.is_empty()).count();
    let values: Vec<f64> = spans(selected, runs).iter().map(|span| span.duration_ns() as f64 / 1e6).collect();
    let Some(found) = quantile(&values, share).filter(|_| in_runs >= runs_min) else {
        return open(format!("{in_runs} runs are too few: at least {runs_min} are needed"));
    };
    let detail = format!("{found:.1} ms over {in_runs} runs");
    if found <= limit_ms { pass(detail) } else { fail(detail) }
}

/// The most retries of any group of calls: the selected ones of one name to one peer below one span. The receiving
/// side of a call stands for the call.
pub(super) fn most_retries(graph: &Graph<'_>, places: &[usize]) -> usize {
    let mut groups: BTreeMap<(Option<usize>, Key<'_>, Option<String>), Vec<usize>> = BTreeMap::new();
    for place in places {
        let above = graph.get(*place).filter(|node| node.span.is_entry()).and_then(|node| node.parent);
        let is_call = |place: &usize| {
            graph
                .get(*place)
                .is_some_and(|node| matches!(node.span.kind, SpanKind::Client | SpanKind::Producer))
        };
        let call = above.filter(is_call).unwrap_or(*place);
        if let Some(node) = graph.get(call) {
            let group = groups.entry((node.parent, node.key(), peer(node.span))).or_default();
            if !group.contains(&call) {
                group.push(call);
            }
        }
    }
    groups.into_values().map(|group| retries(graph, &group)).max().unwrap_or(0)
}
