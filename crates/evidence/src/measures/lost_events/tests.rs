//! Planted losses are found at their place; healing, bursts that are over, and mixes that move are not.

use std::collections::BTreeMap;

use telemetry::answer::{PathEvent, PathPair, Tally};
use telemetry::time::SECOND_NS;

use super::*;
use crate::statistics::null::{Seeded, false_alarm_rate};

fn breaks(good: &PathTable, bad: &PathTable) -> Vec<Break> {
    super::breaks(good, bad, &Thresholds::default())
}

/// One span: the number of its block, and what happens in it.
type Seen = (i64, Vec<&'static str>);

/// Names that begin with `!` are errors, those that begin with `>` child spans.
fn row(service: &str, callers: &[&str], spans: &[Seen]) -> PathRow {
    let mut names: Vec<&str> = spans.iter().flat_map(|(_, events)| events.iter().copied()).collect();
    names.sort_unstable();
    names.dedup();
    let at = |block: &i64| UnixNanos(block * 10 * SECOND_NS);
    let tallies = |blocks: Vec<i64>| {
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for block in blocks {
            *counts.entry(block).or_default() += 1;
        }
        counts.iter().map(|(block, count)| Tally { at: at(block), count: *count }).collect::<Vec<_>>()
    };
    let with = |fits: &dyn Fn(&[&str]) -> bool| {
        tallies(spans.iter().filter(|(_, events)| fits(events)).map(|(block, _)| *block).collect())
    };
    let mut pairs = Vec::new();
    for (first, one) in names.iter().enumerate() {
        for (then, other) in names.iter().enumerate() {
            let place = |events: &[&str], name: &str| events.iter().position(|event| *event == name);
            let fits = |events: &[&str]| {
                place(events, one).is_some_and(|at| place(events, other).is_some_and(|behind| at < behind))
            };
            let spans = with(&fits);
            if !spans.is_empty() {
                pairs.push(PathPair { first: first as u32, then: then as u32, spans });
            }
        }
    }
    let event = |name: &&str| PathEvent {
        kind: if name.starts_with('>') { PathEventKind::Call } else { PathEventKind::Log },
        name: (*name).to_owned(),
        severity: if name.starts_with('!') { 17 } else { 9 },
        spans: with(&|events: &[&str]| events.contains(name)),
    };
    PathRow {
        service: service.to_owned(),
        operation: "work".to_owned(),
        callers: callers.iter().map(|caller| (*caller).to_owned()).collect(),
        spans: with(&|_: &[&str]| true),
        events: names.iter().map(event).collect(),
        pairs,
    }
}

fn table(rows: Vec<PathRow>) -> PathTable {
    PathTable { block_ns: 10 * SECOND_NS, rows }
}

fn spans(blocks: std::ops::Range<i64>, events: &[&'static str]) -> Vec<Seen> {
    blocks.map(|block| (block, events.to_vec())).collect()
}

const USUAL: [&str; 4] = ["A#1", ">SELECT", "B#2", "C#3"];

#[test]
fn a_lost_line_is_found_between_its_statements_with_the_error_in_its_place() {
    let good = table(vec![row("s", &["front"], &spans(0..8, &USUAL))]);
    let bad = [spans(10..13, &USUAL), spans(13..20, &["A#1", ">SELECT", "!E#9", "C#3"])].concat();
    let found = breaks(&good, &table(vec![row("s", &["front"], &bad)]));
    let claimed: Vec<_> = found.iter().filter(|one| one.is_broken()).collect();
    assert_eq!(claimed.len(), 2, "{found:?}");
    assert_eq!((claimed[0].kind, claimed[0].event.as_str()), (BreakKind::Lost, "B#2"));
    assert_eq!((claimed[1].kind, claimed[1].event.as_str()), (BreakKind::NewError, "!E#9"));
    for one in claimed {
        assert_eq!(one.place(), "A#1 -> B#2");
        assert_eq!((one.good, one.bad), ((8, 8), (0, 7)));
        assert_eq!(one.began, UnixNanos(130 * SECOND_NS));
        assert_eq!(one.callers, ["front"]);
    }
}

#[test]
fn what_follows_a_truncated_path_is_named_after_the_first_loss() {
    let good = table(vec![row("s", &[], &spans(0..10, &USUAL))]);
    let found = breaks(&good, &table(vec![row("s", &[], &spans(10..20, &[]))]));
    let place = found[0].place();
    assert_eq!(place, "work start -> A#1", "{found:?}");
    let found = breaks(&good, &table(vec![row("s", &[], &spans(10..20, &["A#1"]))]));
    assert_eq!(found[0].place(), "A#1 -> >SELECT");
    assert!(found[0].is_call && found[0].is_broken());
}

#[test]
fn another_way_through_the_services_is_another_rule() {
    let good =
        table(vec![row("s", &["one"], &spans(0..9, &USUAL)), row("s", &["two"], &spans(0..9, &["A#1"]))]);
    // All requests come the other way now: nothing is lost.
    let bad = table(vec![row("s", &["two"], &spans(10..30, &["A#1"]))]);
    assert!(breaks(&good, &bad).iter().all(|one| !one.is_broken()));
}

#[test]
fn an_error_that_goes_away_with_all_that_belongs_to_it_is_no_loss() {
    let good = table(vec![row("s", &[], &spans(0..9, &["A#1", "!E#5", ">error page"]))]);
    let found = breaks(&good, &table(vec![row("s", &[], &spans(10..20, &["A#1"]))]));
    assert!(found.iter().all(|one| !one.is_broken()), "{found:?}");
}

#[test]
fn a_burst_that_is_over_is_not_claimed() {
    let good = table(vec![row("s", &[], &[spans(0..9, &USUAL), spans(0..9, &USUAL)].concat())]);
    let bad = [spans(10..20, &["A#1"]), spans(10..20, &["A#1"]), spans(20..26, &USUAL)].concat();
    let found = breaks(&good, &table(vec![row("s", &[], &bad)]));
    assert!(found.iter().any(|one| one.q_value < 0.05 && one.is_over), "{found:?}");
    assert!(found.iter().all(|one| !one.is_broken()));
}

#[test]
fn too_few_spans_and_nothing_at_all_say_nothing() {
    let few = table(vec![row("s", &[], &spans(0..2, &USUAL))]);
    let now = table(vec![row("s", &[], &spans(10..30, &["A#1"]))]);
    assert!(breaks(&few, &now).is_empty());
    assert!(breaks(&PathTable::default(), &now).is_empty());
    assert!(breaks(&few, &PathTable::default()).is_empty());
    assert!(scan((5, 5), &[]).is_none());
}

/// A window of a system with certain, nearly certain and mixed events; how the requests mix differs by window.
fn window(noise: &mut Seeded, blocks: std::ops::Range<i64>) -> PathTable {
    let names = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"];
    let mix = 0.2 + 0.6 * noise.uniform();
    let rows = names.map(|service| {
        let mut seen: Vec<Seen> = Vec::new();
        for block in blocks.clone() {
            for _ in 0..(3.0 * noise.uniform()) as u32 {
                let mut events = vec!["A#1", "B#2"];
                events.push(if noise.uniform() < mix { "one#3" } else { "other#4" });
                if noise.uniform() < 0.97 {
                    events.push(">SELECT");
                }
                if noise.uniform() < 0.01 {
                    events.push("!E#6");
                }
                events.push("C#5");
                seen.push((block, events));
            }
        }
        row(service, &[], &seen)
    });
    table(rows.into())
}

#[test]
fn a_mix_that_moves_stays_below_the_stated_rate() {
    let rate = false_alarm_rate(400, |seed| {
        let mut noise = Seeded(seed);
        let good = window(&mut noise, 0..12);
        breaks(&good, &window(&mut noise, 20..40)).iter().any(Break::is_broken)
    });
    assert!(rate <= 0.05, "stated 0.05, measured {rate}");
}
