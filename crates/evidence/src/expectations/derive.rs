//! Derives expectations from failing and healthy runs of the same request.
//!
//! Each candidate names the figures it was drawn from, and stays only when judging it says red on every failing run and
//! green on all healthy ones: what the comparison suggests but the judge does not confirm is dropped. The topology of
//! the healthy runs is added without that condition.

use std::collections::{BTreeMap, BTreeSet};

use super::logs::errors;
use super::{
    Bound, Claim, Expectations, Item, Level, LogPattern, Operator, Run, Selector, SpanItem, Statement, Texts,
    Topology, Verdict, judge,
};
use crate::statistics::median::quantile;
use crate::trace_diff::Tolerance;
use crate::trace_diff::graph::{Graph, name};

/// Entries of one kind at most: the test is to be read by a person.
const ENTRIES_MAX: usize = 4;

/// The least factor between healthy and failing times that a limit between them can stand on.
const EXCESS_MIN: f64 = 1.5;

/// Spans that grew by less than this share of the most grown one suffered from it: a busy machine slows its neighbours.
const EXCESS_SHARE_MIN: f64 = 0.2;

/// What is known of the spans of one name.
#[derive(Default)]
struct Figures {
    /// Spans in each run.
    counts: Vec<usize>,
    failed: usize,
    /// Slowest span of each run that has one, in milliseconds.
    slowest_ms: Vec<f64>,
    all_ms: Vec<f64>,
    /// Largest exclusive time or edge delay of one span, in milliseconds, of each run.
    own_ms: Vec<f64>,
}

/// Expectations that are red on `failing` and green on `healthy`.
#[must_use]
pub fn derive(failing: &[Run], healthy: &[Run], texts: &dyn Texts) -> Expectations {
    let (bad, good) = (figures(failing), figures(healthy));
    let mut candidates = statuses(&bad, &good);
    candidates.extend(limits(&bad, &good));
    candidates.extend(counts(&bad, &good));
    candidates.extend(retries(failing, healthy));
    candidates.extend(logs(failing, healthy));
    let confirmed = |candidates: Vec<Item>| -> Vec<Item> {
        candidates.into_iter().filter(|item| is_confirmed(item, failing, healthy, texts)).collect()
    };
    let mut items = confirmed(candidates);
    if items.is_empty() {
        items = confirmed(in_a_row(&bad, &good).into_iter().collect());
    }
    if !items.is_empty() {
        items.extend(topology(healthy));
    }
    Expectations { items }
}

fn is_confirmed(item: &Item, failing: &[Run], healthy: &[Run], texts: &dyn Texts) -> bool {
    let alone = Expectations { items: vec![item.clone()] };
    let verdicts = |runs: &[Run]| judge(&alone, runs, None, texts);
    let is_red =
        |run: &Run| verdicts(std::slice::from_ref(run)).iter().any(|one| one.verdict == Verdict::Fail);
    !failing.is_empty()
        && !healthy.is_empty()
        && failing.iter().all(is_red)
        && verdicts(healthy).iter().all(|one| one.verdict == Verdict::Pass)
}

fn figures(runs: &[Run]) -> BTreeMap<String, Figures> {
    let mut all: BTreeMap<String, Figures> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        let graph = Graph::of(&run.spans);
        let mut slowest: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for node in &graph.nodes {
            let figures = all.entry(name(node.span)).or_default();
            figures.counts.resize(runs.len(), 0);
            if let Some(count) = figures.counts.get_mut(at) {
                *count += 1;
            }
            figures.failed += usize::from(node.span.is_error());
            let ms = node.span.duration_ns() as f64 / 1e6;
            figures.all_ms.push(ms);
            let own = node.exclusive_ns.max(node.edge_delay_ns) as f64 / 1e6;
            let most = slowest.entry(name(node.span)).or_insert((0.0, 0.0));
            *most = (most.0.max(ms), most.1.max(own));
        }
        for (span, (slowest, own)) in slowest {
            let figures = all.entry(span).or_default();
            figures.slowest_ms.push(slowest);
            figures.own_ms.push(own);
        }
    }
    all
}

fn item(because: String, states: Statement) -> Item {
    Item { line: 0, because, states }
}

fn claim(span: &str, claims: Vec<Claim>) -> Statement {
    Statement::Span(SpanItem {
        selector: Selector { span: span.to_owned(), ..Selector::default() },
        is_optional: false,
        claims: claims.into_iter().map(|claim| (0, claim)).collect(),
    })
}

fn statuses(bad: &BTreeMap<String, Figures>, good: &BTreeMap<String, Figures>) -> Vec<Item> {
    let failing = bad.iter().filter(|(_, figures)| figures.failed > 0);
    let cleared = failing.filter_map(|(span, figures)| {
        let healthy = good.get(span).filter(|healthy| healthy.failed == 0)?;
        let because = format!(
            "{} of {} failed while it was broken, 0 of {} after the fix",
            figures.failed,
            figures.all_ms.len(),
            healthy.all_ms.len()
        );
        Some(item(because, claim(span, vec![Claim::IsError(false)])))
    });
    cleared.take(ENTRIES_MAX).collect()
}

/// A limit for the spans whose own time grew, most excess first; when a name's own time did not grow, its callees'
/// did, and they have the limit.
fn limits(bad: &BTreeMap<String, Figures>, good: &BTreeMap<String, Figures>) -> Vec<Item> {
    let tolerance = Tolerance::default();
    let mut found: Vec<(f64, Item)> = Vec::new();
    for (span, failing) in bad {
        let Some(healthy) = good.get(span) else { continue };
        let middle = |values: &[f64]| quantile(values, 0.5).unwrap_or(0.0);
        let (before, after) = (middle(&failing.own_ms), middle(&healthy.own_ms));
        let is_grown = tolerance.is_exceeded((after * 1e6) as i64, (before * 1e6) as i64) && before > after;
        if !is_grown {
            continue;
        }
        let least = failing.slowest_ms.iter().copied().fold(f64::INFINITY, f64::min);
        let most = healthy.slowest_ms.iter().copied().fold(0.0, f64::max);
        let Some(limit) = between(most, least) else { continue };
        let p95 = quantile(&healthy.all_ms, 0.95).unwrap_or(0.0);
        let because = format!(
            "the slowest took {least:.1} ms or more in each of {} failing runs; healthy: p95 {p95:.1} ms, never above \
             {most:.1} ms in {} runs",
            failing.slowest_ms.len(),
            healthy.slowest_ms.len()
        );
        found.push((before - after, item(because, claim(span, vec![Claim::MaxMs(limit)]))));
    }
    found.sort_by(|left, right| right.0.total_cmp(&left.0));
    let largest = found.first().map_or(0.0, |(excess, _)| *excess);
    found.retain(|(excess, _)| *excess >= largest * EXCESS_SHARE_MIN);
    found.into_iter().take(ENTRIES_MAX).map(|(_, item)| item).collect()
}

/// A limit for the shortest span that takes longer in every failing run, where nothing takes longer by itself: calls that
/// ran side by side and now stand in a row.
fn in_a_row(bad: &BTreeMap<String, Figures>, good: &BTreeMap<String, Figures>) -> Option<Item> {
    let grown = bad.iter().filter_map(|(span, failing)| {
        let healthy = good.get(span)?;
        let least = failing.slowest_ms.iter().copied().fold(f64::INFINITY, f64::min);
        let most = healthy.slowest_ms.iter().copied().fold(0.0, f64::max);
        Some((least, most, between(most, least)?, span))
    });
    let (least, most, limit, span) = grown.min_by(|left, right| left.0.total_cmp(&right.0))?;
    let because = format!(
        "took {least:.1} ms or more in each failing run, at most {most:.1} ms in a healthy one, and nothing below it \
         takes longer by itself"
    );
    Some(item(because, claim(span, vec![Claim::MaxMs(limit)])))
}

/// A number as people write it, near the geometric middle of `low` and `high`; nothing when they are too close.
fn between(low: f64, high: f64) -> Option<f64> {
    // A tenth of a millisecond as the floor: the geometric middle with zero is zero.
    let low = low.max(0.1);
    if !high.is_finite() || high < low * EXCESS_MIN {
        return None;
    }
    let middle = libm::sqrt(low * high);
    let scale = libm::pow(10.0, libm::floor(libm::log10(middle)));
    let round = |steps: &[f64]| {
        let near = |step: &&f64| libm::fabs(**step * scale - middle);
        steps.iter().min_by(|left, right| near(left).total_cmp(&near(right))).map(|step| step * scale)
    };
    let fine: Vec<f64> = (10..100).map(|tenth| f64::from(tenth) / 10.0).collect();
    let inside = |number: &f64| *number > low && *number < high;
    let found = round(&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0])
        .filter(inside)
        .or_else(|| round(&fine).filter(inside))?;
    // Decimal rounding, so that no binary tail is printed.
    format!("{found:.3}").parse().ok()
}

/// More calls than in any healthy run: an N+1, a connection for each request.
fn counts(bad: &BTreeMap<String, Figures>, good: &BTreeMap<String, Figures>) -> Vec<Item> {
    let mut found: Vec<(usize, Item)> = Vec::new();
    for (span, failing) in bad {
        let most = good.get(span).and_then(|healthy| healthy.counts.iter().copied().max()).unwrap_or(0);
        let Some(least) = failing.counts.iter().copied().min().filter(|least| *least > most) else {
            continue;
        };
        let operator = if most == 0 { Operator::Equal } else { Operator::AtMost };
        let because = format!("{least} or more in each failing run, at most {most} in a healthy one");
        let bound = Bound { operator, number: most as u64 };
        found.push((least - most, item(because, claim(span, vec![Claim::Count(bound)]))));
    }
    found.sort_by_key(|(excess, _)| std::cmp::Reverse(*excess));
    found.into_iter().take(ENTRIES_MAX).map(|(_, item)| item).collect()
}

fn retries(failing: &[Run], healthy: &[Run]) -> Vec<Item> {
    let most = |runs: &[Run]| {
        let runs = super::judge::Runs::of(runs);
        super::structure::retried(&runs)
    };
    let (bad, good) = (most(failing), most(healthy));
    let more = bad.into_iter().filter_map(|(span, times)| {
        let healthy = good.get(&span).copied()?;
        let because = format!("{times} retries while it was broken, at most {healthy} after the fix");
        let bound = Bound { operator: Operator::AtMost, number: healthy as u64 };
        (times > healthy).then(|| item(because, claim(&span, vec![Claim::Retries(bound)])))
    });
    more.take(ENTRIES_MAX).collect()
}

/// Error messages that only failing runs have, with their numbers masked.
fn logs(failing: &[Run], healthy: &[Run]) -> Vec<Item> {
    let masked = |runs: &[Run]| -> BTreeSet<String> {
        runs.iter().flat_map(errors).map(|text| pattern(&text)).collect()
    };
    let (bad, good) = (masked(failing), masked(healthy));
    let only = bad.difference(&good).take(ENTRIES_MAX).map(|message| {
        let because = "written while it was broken, and by no healthy run".to_owned();
        let pattern =
            LogPattern { level: Some(Level::Error), message: Some(message.clone()), is_optional: true };
        item(because, Statement::LogAbsent(pattern))
    });
    only.collect()
}

/// A regular expression for `text` in which any number fits.
fn pattern(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().take(200).peekable();
    while let Some(c) = chars.next() {
        if c.is_ascii_digit() {
            while chars.peek().is_some_and(char::is_ascii_digit) {
                chars.next();
            }
            out.push_str("[0-9]+");
            continue;
        }
        if c.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn topology(healthy: &[Run]) -> Option<Item> {
    let edges: BTreeSet<(String, String)> =
        healthy.iter().flat_map(|run| Graph::of(&run.spans).edges()).collect();
    let edges: Vec<String> = edges.iter().map(|(from, to)| format!("{from} -> {to}")).collect();
    let because = format!("what called what in {} healthy runs", healthy.len());
    (!edges.is_empty()).then(|| item(because, Statement::Topology(Topology { edges, allow: Vec::new() })))
}
