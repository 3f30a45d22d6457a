//! Topology, lost traces, and what makes spans one run.

use telemetry::SpanKind::{Client, Consumer, Producer, Server};

use super::super::{Expectations, Judged, Run, Statement, Topology, Verdict, judge, split};
use super::build::{Plain, child, failed, item, linked, run, span, with};

fn judged(statement: Statement, runs: &[Run], baseline: Option<&[Run]>) -> Judged {
    judge(&Expectations { items: vec![item(statement)] }, runs, baseline, &Plain).remove(0)
}

fn topology(edges: &[&str], allow: &[&str]) -> Statement {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Statement::Topology(Topology { edges: own(edges), allow: own(allow) })
}

/// A request through `services`, each calling the next.
fn chain(services: &[&str]) -> Run {
    let mut spans = vec![span(services[0], "POST /pay", Server, 0, 100)];
    for pair in services.windows(2) {
        let call = child(spans.last().unwrap(), span(pair[0], "POST", Client, 1, 99));
        let entry = child(&call, span(pair[1], "POST /work", Server, 2, 98));
        spans.extend([call, entry]);
    }
    run(spans)
}

// covers: PB-27
#[test]
fn a_new_edge_is_red_unless_it_is_allowed() {
    let (base, new) = ([chain(&["a", "b"])], [chain(&["a", "b", "c"])]);
    assert_eq!(judged(topology(&[], &[]), &base, Some(&base)).verdict, Verdict::Pass);
    let found = judged(topology(&[], &[]), &new, Some(&base));
    assert_eq!(found.verdict, Verdict::Fail);
    assert!(found.detail.contains("new edge b -> c"), "{}", found.detail);
    assert_eq!(judged(topology(&[], &["b -> c"]), &new, Some(&base)).verdict, Verdict::Pass);
    assert_eq!(judged(topology(&[], &["c"]), &new, Some(&base)).verdict, Verdict::Pass);
    assert_eq!(judged(topology(&["a -> b", "b -> c"], &[]), &new, None).verdict, Verdict::Pass);
    assert_eq!(judged(topology(&["a -> b"], &[]), &new, None).verdict, Verdict::Fail);
    assert_eq!(judged(topology(&[], &[]), &new, None).verdict, Verdict::Inconclusive);
}

// covers: PB-27
#[test]
fn an_unexpected_retry_and_a_loop_are_red() {
    let base = [chain(&["a", "b"])];
    let root = span("a", "POST /pay", Server, 0, 100);
    let call = |from, to| child(&root, span("a", "POST", Client, from, to));
    let answered = |call: telemetry::Span| vec![child(&call, span("b", "POST /work", Server, 2, 8)), call];
    let mut spans = [answered(failed(call(0, 10))), answered(call(20, 30))].concat();
    spans.push(root);
    let retrying = [run(spans)];
    let found = judged(topology(&[], &[]), &retrying, Some(&base));
    assert!(found.detail.contains("1 retries of `a POST` instead of 0"), "{}", found.detail);
    assert_eq!(judged(topology(&[], &["a POST"]), &retrying, Some(&base)).verdict, Verdict::Pass);
    let looping = [chain(&["a", "b", "a", "b"])];
    let found = judged(topology(&["a -> b", "b -> a"], &[]), &looping, None);
    assert!(found.detail.contains("`b POST /work` calls itself"), "{}", found.detail);
}

/// `a` calls `b` calls `c`, and the header is dropped on the way to `c`.
fn dropped() -> Vec<Run> {
    let whole = chain(&["a", "b", "c"]);
    let mut spans = whole.spans;
    let mut lost = spans.pop().unwrap();
    lost.trace_id = telemetry::TraceId([7; 16]);
    lost.parent = None;
    spans.push(lost);
    split(spans, Vec::new())
}

// covers: PB-08
#[test]
fn the_hop_that_lost_the_trace_is_named() {
    let whole = [chain(&["a", "b", "c"])];
    let continuous = || Statement::Traceparent(Vec::new());
    assert_eq!(judged(continuous(), &whole, None).verdict, Verdict::Pass);
    for baseline in [None, Some(&whole[..])] {
        let found = judged(continuous(), &dropped(), baseline);
        assert_eq!(found.verdict, Verdict::Fail);
        assert!(found.detail.contains("b -> c: lost below `b POST`"), "{}", found.detail);
    }
    let allowed = Statement::Traceparent(vec!["b -> c".to_owned()]);
    assert_eq!(judged(allowed, &dropped(), None).verdict, Verdict::Pass);
    let mut silent = dropped();
    silent.pop();
    assert!(judged(continuous(), &silent, Some(&whole)).detail.contains("b -> c"));
    let alone = [run(vec![span("a", "POST /pay", Server, 0, 10)])];
    assert_eq!(judged(continuous(), &alone, None).verdict, Verdict::Inconclusive);
}

// covers: PB-08
#[test]
fn a_span_whose_parent_is_missing_is_named_and_a_call_outside_is_not() {
    let mut spans = chain(&["a", "b"]).spans;
    spans.remove(1);
    let found = judged(Statement::Traceparent(Vec::new()), &[run(spans)], None);
    assert!(
        found.detail.contains("`b POST /work` names a parent that is not in the trace"),
        "{}",
        found.detail
    );
    let mut spans = chain(&["a", "b"]).spans;
    spans.push(with(child(&spans[0], span("a", "SELECT", Client, 3, 9)), "db.system.name", "sqlite"));
    assert_eq!(judged(Statement::Traceparent(Vec::new()), &[run(spans)], None).verdict, Verdict::Pass);
}

// covers: PB-02
#[test]
fn traces_that_a_link_ties_together_are_one_run_whatever_their_clocks_say() {
    let root = span("shop", "POST /buy", Server, 0, 10);
    let publish = child(&root, span("shop", "publish", Producer, 1, 2));
    // Ten seconds early by its own clock.
    let work = linked(&publish, span("mailer", "process", Consumer, -10_000, -9_990));
    let other = span("shop", "POST /buy", Server, 50, 60);
    let runs = split(vec![work, other, root, publish], Vec::new());
    assert_eq!(runs.iter().map(|run| run.spans.len()).collect::<Vec<_>>(), [3, 1]);
    let found = judged(topology(&["shop -> mailer"], &[]), &runs, None);
    assert_eq!((found.verdict, found.matched), (Verdict::Pass, 1));
}
