//! Generated traces, mutated once: exactly one difference of the right kind; and none when nothing was mutated.

mod generate;
mod mutate;

use generate::{Chance, emit, system};
use mutate::mutate;
use telemetry::{Span, SpanId, TraceId};

use super::graph::Graph;
use super::{Kind, Tolerance, diff};

const MUTATIONS: u64 = 1000;

// covers: PB-30
#[test]
fn the_same_trace_with_other_ids_order_times_and_jitter_has_no_difference() {
    for seed in 1..=300 {
        let spec = system(&mut Chance(seed));
        let base = emit(&spec, &mut Chance(seed * 31), 1.0);
        let new = emit(&spec, &mut Chance(seed * 57), 1.3);
        let found = diff(&base, &new, Tolerance::default());
        assert!(found.is_empty(), "seed {seed}: {found:#?}");
    }
}

// covers: PB-30
#[test]
fn each_single_mutation_is_one_difference_of_the_right_kind() {
    let mut kinds = std::collections::BTreeMap::new();
    for seed in 1..=MUTATIONS {
        let mut chance = Chance(seed);
        let spec = system(&mut chance);
        let mutated = mutate(&spec, seed, &mut chance);
        let base = emit(&spec, &mut Chance(seed * 31), 1.0);
        let new = emit(&mutated.spec, &mut Chance(seed * 57), 1.3);
        let found = diff(&base, &new, Tolerance::default());
        let got: Vec<(Kind, usize)> = found.iter().map(|one| (one.kind, one.times)).collect();
        assert_eq!(got, [(mutated.kind, 1)], "seed {seed}, {}: {found:#?}", mutated.what);
        *kinds.entry(mutated.kind).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 11, "every kind occurs: {kinds:?}");
}

/// Negative control: a comparison by position, as ids and start times suggest it, is not robust.
#[test]
fn a_comparison_by_position_would_see_differences_in_the_same_trace() {
    let named = |spans: &[Span]| -> Vec<String> { spans.iter().map(|span| span.name.to_string()).collect() };
    let shuffled = (1..=50).filter(|seed| {
        let spec = system(&mut Chance(*seed));
        named(&emit(&spec, &mut Chance(seed * 31), 1.0)) != named(&emit(&spec, &mut Chance(seed * 57), 1.0))
    });
    assert!(shuffled.count() >= 45);
}

// covers: PB-02
#[test]
fn links_and_parents_make_the_edges_even_when_clocks_are_ten_seconds_apart() {
    for seed in 1..=50 {
        let spec = system(&mut Chance(seed));
        let base = emit(&spec, &mut Chance(seed), 1.0);
        let mut new = base.clone();
        let mut services: Vec<String> = base.iter().map(|span| span.resource.service.to_string()).collect();
        services.sort();
        services.dedup();
        for span in &mut new {
            let at = services.iter().position(|name| **name == *span.resource.service).unwrap_or(0);
            let skew = if at % 2 == 0 { 10 } else { -10 };
            span.start = span.start.plus_seconds(skew);
            span.end = span.end.plus_seconds(skew);
        }
        let (before, now) = (Graph::of(&base), Graph::of(&new));
        assert_eq!(before.edges(), now.edges(), "seed {seed}");
        assert!(before.edges().contains(&("orders".to_owned(), "mailer".to_owned())), "the link is an edge");
        assert_eq!(before.roots.len(), now.roots.len());
    }
}

#[test]
fn spans_that_cause_each_other_are_compared_and_end() {
    let mut spans = emit(&system(&mut Chance(1)), &mut Chance(1), 1.0);
    let ids: Vec<SpanId> = spans.iter().take(2).map(|span| span.span_id).collect();
    spans[0].parent = Some(ids[1]);
    spans[1].parent = Some(ids[0]);
    let one_trace = TraceId([7; 16]);
    spans.iter_mut().for_each(|span| span.trace_id = one_trace);
    assert!(diff(&spans, &spans, Tolerance::default()).is_empty());
}

#[test]
fn a_failure_that_travels_up_is_told_where_it_began() {
    let spec = system(&mut Chance(5));
    let base = emit(&spec, &mut Chance(1), 1.0);
    let mut failed = spec.clone();
    let leaf = mutate::deepest(&failed);
    mutate::fail_upwards(&mut failed, &leaf);
    let new = emit(&failed, &mut Chance(2), 1.0);
    let found = diff(&base, &new, Tolerance::default());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].also.len(), leaf.len(), "{found:#?}");
}
