//! The gate: what must flip, what does not count as cleared; and what is derived from failing and healthy runs.

use telemetry::SpanKind::{Client, Internal, Server};

use super::super::{Claim, Expectations, Run, Statement, derive, gate, to_yaml};
use super::build::{Plain, child, claim, exception, failed, item, run, span, with};

fn one(statement: Statement) -> Expectations {
    Expectations { items: vec![item(statement)] }
}

fn pay(ms: i64) -> Run {
    run(vec![span("pay", "POST /pay", Server, 0, ms)])
}

// covers: PB-31
#[test]
fn a_test_that_is_green_on_the_failing_trace_is_no_regression_test() {
    let expectations = one(claim("pay POST /pay", vec![Claim::MaxMs(100.0)]));
    let found = gate(&expectations, &[pay(50)], Some(&[pay(900)]), &Plain);
    assert!(found.is_green, "{}", found.reason);
    assert_eq!(found.flipped, Some(1));
    let hollow = gate(&expectations, &[pay(50)], Some(&[pay(60)]), &Plain);
    assert!(!hollow.is_green);
    assert!(hollow.reason.starts_with("not a regression test"), "{}", hollow.reason);
    assert!(gate(&expectations, &[pay(50)], None, &Plain).is_green);
    assert!(!gate(&expectations, &[], None, &Plain).is_green);
    assert!(!gate(&Expectations::default(), &[pay(1)], None, &Plain).is_green);
}

// covers: PB-28
#[test]
fn a_span_that_is_gone_altogether_is_not_cleared() {
    let root = span("pay", "POST /pay", Server, 0, 100);
    let bad = run(vec![root.clone(), failed(child(&root, span("pay", "charge", Client, 0, 9)))]);
    let good = run(vec![root.clone(), child(&root, span("pay", "charge", Client, 0, 9))]);
    let gone = run(vec![root]);
    for expectations in [one(Statement::ErrorsCleared), one(claim("pay charge", vec![Claim::IsError(false)]))]
    {
        let bad = std::slice::from_ref(&bad);
        assert!(gate(&expectations, std::slice::from_ref(&good), Some(bad), &Plain).is_green);
        assert!(!gate(&expectations, std::slice::from_ref(&gone), Some(bad), &Plain).is_green);
        assert!(!gate(&expectations, bad, Some(bad), &Plain).is_green);
    }
    let Statement::Span(mut optional) = claim("pay charge", vec![Claim::IsError(false)]) else {
        unreachable!()
    };
    optional.is_optional = true;
    let found = gate(&one(Statement::Span(optional)), &[gone], Some(&[bad]), &Plain);
    assert!(!found.is_green, "an optional span that is gone flips nothing");
}

fn order(query_ms: i64, connections: i64) -> Run {
    let root = span("gateway", "GET /orders", Server, 0, 20 + query_ms);
    let call = child(&root, span("gateway", "GET", Client, 1, 19 + query_ms));
    let entry = child(&call, span("orders", "GET /orders", Server, 2, 18 + query_ms));
    let query =
        with(child(&entry, span("orders", "SELECT orders", Client, 3, 3 + query_ms)), "db.system", "sqlite");
    let mut spans = vec![root, call, entry, query];
    for at in 0..connections {
        spans.push(child(&spans[2], span("orders", "tls.connect", Internal, at, at + 1)));
    }
    run(spans)
}

fn runs(of: impl Fn(i64) -> Run) -> Vec<Run> {
    (0..5).map(of).collect()
}

fn derived(failing: &[Run], healthy: &[Run]) -> Expectations {
    let expectations = derive(failing, healthy, &Plain);
    let found = gate(&expectations, healthy, Some(failing), &Plain);
    assert!(found.is_green, "{}\n{}", found.reason, to_yaml(&expectations));
    assert!(!gate(&expectations, failing, None, &Plain).is_green);
    expectations
}

#[test]
fn the_span_that_grew_gets_a_limit_between_healthy_and_failing() {
    let expectations = derived(&runs(|at| order(50 + at, 0)), &runs(|at| order(at % 2, 0)));
    let limits: Vec<&Statement> = expectations.items.iter().map(|item| &item.states).collect();
    assert_eq!(*limits[0], {
        let Statement::Span(mut wanted) = claim("orders SELECT orders", vec![Claim::MaxMs(7.0)]) else {
            unreachable!()
        };
        wanted.claims[0].0 = 0;
        Statement::Span(wanted)
    });
    assert_eq!(limits.len(), 2, "only the query and the topology: its callers did not grow by themselves");
    assert!(expectations.items[0].because.contains("50.0 ms or more"), "{}", expectations.items[0].because);
}

#[test]
fn calls_that_only_failing_runs_make_are_counted() {
    let yaml = to_yaml(&derived(&runs(|_| order(1, 3)), &runs(|_| order(1, 0))));
    assert!(yaml.contains("span: \"orders tls.connect\"\n    count: \"== 0\""), "{yaml}");
    assert!(yaml.contains("- \"gateway -> orders\""), "{yaml}");
    let yaml = to_yaml(&derived(&runs(|at| order(1, 30 + at)), &runs(|_| order(1, 2))));
    assert!(yaml.contains("count: \"<= 2\""), "{yaml}");
}

#[test]
fn a_failing_span_is_expected_to_be_ok_and_its_message_absent() {
    let broken = |at: i64| {
        let mut run = order(1, 0);
        run.spans[3] = failed(exception(run.spans[3].clone(), &format!("row {at} is locked")));
        run
    };
    let yaml = to_yaml(&derived(&runs(broken), &runs(|_| order(1, 0))));
    assert!(yaml.contains("span: \"orders SELECT orders\"\n    status: ok"), "{yaml}");
    assert!(yaml.contains("message: \"row [0-9]+ is locked\""), "{yaml}");
}

#[test]
fn runs_that_do_not_differ_give_no_expectation() {
    let same = derive(&runs(|_| order(1, 0)), &runs(|_| order(1, 0)), &Plain);
    assert!(same.items.is_empty(), "{}", to_yaml(&same));
    // One failing run in five is like the healthy ones: what it does not show is not claimed.
    let mostly = derive(&runs(|at| order(if at == 0 { 1 } else { 50 }, 0)), &runs(|_| order(1, 0)), &Plain);
    assert!(mostly.items.is_empty(), "{}", to_yaml(&mostly));
    assert_eq!(gate(&mostly, &[order(1, 0)], None, &Plain).judged.len(), 0);
}

/// Five calls of 11 ms, each `step` after the one before.
fn calls(step: i64) -> Run {
    let root = span("gateway", "GET /products", Server, 0, 15 + 4 * step);
    let entry = child(&root, span("catalog", "GET /products", Server, 1, 13 + 4 * step));
    let mut spans = vec![root, entry];
    for at in 0..5 {
        spans.push(child(&spans[1], span("catalog", "GET /rates", Client, 2 + at * step, 13 + at * step)));
    }
    run(spans)
}

#[test]
fn calls_that_stand_in_a_row_limit_the_span_around_them_where_nothing_takes_longer_by_itself() {
    let expectations = derived(&runs(|_| calls(11)), &runs(|_| calls(0)));
    let text = to_yaml(&expectations);
    assert!(text.contains("catalog GET /products") && !text.contains("gateway GET /products:"), "{text}");
    let same = derive(&runs(|_| calls(0)), &runs(|_| calls(0)), &Plain);
    assert!(same.items.is_empty());
}
