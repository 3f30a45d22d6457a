//! Each statement of the language, green and red, at its boundary.

mod build;
mod gating;
mod structure;

use build::{Plain, child, exception, item, log, run, span, with};
use telemetry::SpanKind::{Client, Internal, Server};

use super::Operator::{AtLeast, AtMost};
use super::{
    Bound, Claim, Expectations, Level, LogPattern, Run, Selector, SpanItem, Statement, Verdict, judge,
};

fn verdict(statement: Statement, runs: &[Run]) -> Verdict {
    let judged = judge(&Expectations { items: vec![item(statement)] }, runs, None, &Plain);
    assert_eq!(judged.len(), 1);
    judged[0].verdict
}

fn claim(span: &str, claim: Claim) -> Statement {
    build::claim(span, vec![claim])
}

// covers: PB-20
#[test]
fn a_selector_that_selects_nothing_is_red_unless_it_is_optional() {
    let runs = [run(vec![span("pay", "POST /pay", Server, 0, 10)])];
    assert_eq!(verdict(claim("pay POST /pay", Claim::IsError(false)), &runs), Verdict::Pass);
    assert_eq!(verdict(claim("pay POST /pya", Claim::IsError(false)), &runs), Verdict::Fail);
    assert_eq!(verdict(build::claim("pay POST /pya", vec![]), &runs), Verdict::Fail);
    let at_most = Bound { operator: AtMost, number: 3 };
    assert_eq!(verdict(claim("pay POST /pya", Claim::Count(at_most)), &runs), Verdict::Fail);
    let none = Bound { operator: AtMost, number: 0 };
    assert_eq!(verdict(claim("pay tls.connect", Claim::Count(none)), &runs), Verdict::Pass);
    let Statement::Span(mut optional) = claim("pay POST /pya", Claim::IsError(false)) else { unreachable!() };
    optional.is_optional = true;
    assert_eq!(verdict(Statement::Span(optional), &runs), Verdict::Pass);
    let judged = judge(
        &Expectations { items: vec![item(claim("pay POST /pya", Claim::IsError(false)))] },
        &runs,
        None,
        &Plain,
    );
    assert!(judged[0].detail.contains("did you mean `pay POST /pay`?"), "{}", judged[0].detail);
}

// covers: PB-20
#[test]
fn service_and_attributes_narrow_the_selection() {
    let runs = [run(vec![
        with(span("pay", "POST /pay", Server, 0, 10), "region", "eu"),
        build::failed(with(span("pay", "POST /pay", Server, 0, 10), "region", "us")),
    ])];
    let of = |region: &str| {
        let selector = Selector {
            span: "POST /pay".to_owned(),
            service: Some("pay".to_owned()),
            attributes: vec![("region".to_owned(), region.to_owned())],
        };
        Statement::Span(SpanItem { selector, is_optional: false, claims: vec![(1, Claim::IsError(false))] })
    };
    assert_eq!(verdict(of("eu"), &runs), Verdict::Pass);
    assert_eq!(verdict(of("us"), &runs), Verdict::Fail);
    assert_eq!(verdict(of("asia"), &runs), Verdict::Fail);
}

#[test]
fn a_database_without_spans_of_its_own_is_selected_by_the_calls_to_it() {
    let call = with(span("payments-api", "SELECT charge", Client, 0, 10), "peer.service", "payments-db");
    let runs = [run(vec![call])];
    assert_eq!(verdict(claim("payments-db SELECT charge", Claim::IsError(false)), &runs), Verdict::Pass);
    assert_eq!(verdict(claim("orders-db SELECT charge", Claim::IsError(false)), &runs), Verdict::Fail);
}

// covers: PB-21
#[test]
fn an_unset_status_is_ok_and_one_error_among_many_is_red() {
    let fine = span("pay", "work", Internal, 0, 10);
    let failed = build::failed(fine.clone());
    let ok = || claim("pay work", Claim::IsError(false));
    assert_eq!(verdict(ok(), &[run(vec![fine.clone(), fine.clone()])]), Verdict::Pass);
    assert_eq!(verdict(ok(), &[run(vec![fine.clone(); 9]), run(vec![failed.clone()])]), Verdict::Fail);
    let error = || claim("pay work", Claim::IsError(true));
    assert_eq!(verdict(error(), &[run(vec![failed.clone()])]), Verdict::Pass);
    assert_eq!(verdict(error(), &[run(vec![failed, span("pay", "work", Internal, 20, 30)])]), Verdict::Fail);
}

// covers: PB-22
#[test]
fn a_limit_admits_itself_and_nothing_more() {
    let of = |ms: i64| [run(vec![span("pay", "work", Internal, 5, 5 + ms)])];
    let limit = || claim("pay work", Claim::MaxMs(120.0));
    assert_eq!(verdict(limit(), &of(120)), Verdict::Pass);
    assert_eq!(verdict(limit(), &of(121)), Verdict::Fail);
}

// covers: PB-23
#[test]
fn a_percentile_of_too_few_runs_is_inconclusive() {
    let runs = |count: i64, slow: i64| -> Vec<Run> {
        (0..count)
            .map(|at| run(vec![span("pay", "work", Internal, 0, if at < slow { 900 } else { 50 })]))
            .collect()
    };
    let p95 = || claim("pay work", Claim::P95Ms(100.0));
    assert_eq!(verdict(p95(), &runs(19, 0)), Verdict::Inconclusive);
    assert_eq!(verdict(p95(), &runs(20, 0)), Verdict::Pass);
    assert_eq!(verdict(p95(), &runs(40, 1)), Verdict::Pass);
    assert_eq!(verdict(p95(), &runs(40, 4)), Verdict::Fail);
    let p50 = || claim("pay work", Claim::P50Ms(100.0));
    assert_eq!(verdict(p50(), &runs(4, 0)), Verdict::Inconclusive);
    assert_eq!(verdict(p50(), &runs(5, 2)), Verdict::Pass);
    assert_eq!(verdict(p50(), &runs(5, 3)), Verdict::Fail);
}

// covers: PB-24
#[test]
fn repeated_calls_after_a_failure_are_retries_and_a_fan_out_is_none() {
    let root = span("pay", "POST /pay", Server, 0, 100);
    let call = |from, to| child(&root, span("pay", "charge", Client, from, to));
    let bad = |from, to| build::failed(call(from, to));
    let at_most = |number| claim("pay charge", Claim::Retries(Bound { operator: AtMost, number }));
    let two = [run(vec![root.clone(), bad(0, 10), bad(20, 30), call(40, 50)])];
    assert_eq!(verdict(at_most(1), &two), Verdict::Fail);
    assert_eq!(verdict(at_most(2), &two), Verdict::Pass);
    let fan_out = [run(vec![root.clone(), bad(0, 30), bad(1, 30), call(2, 30)])];
    assert_eq!(verdict(at_most(0), &fan_out), Verdict::Pass);
    let loop_over_items = [run(vec![root.clone(), bad(0, 10), call(20, 30), call(40, 50), call(60, 70)])];
    assert_eq!(verdict(at_most(1), &loop_over_items), Verdict::Pass);
    let told = [run(vec![root.clone(), with(call(0, 10), "http.request.resend_count", "2")])];
    assert_eq!(verdict(at_most(1), &told), Verdict::Fail);
    let at_least = claim("pay charge", Claim::Retries(Bound { operator: AtLeast, number: 2 }));
    assert_eq!(verdict(at_least, &two), Verdict::Pass);
}

// covers: PB-24
#[test]
fn retries_are_counted_for_the_receiving_side_as_well() {
    let root = span("pay", "POST /pay", Server, 0, 100);
    let mut spans = vec![root.clone()];
    for (from, to) in [(0, 10), (20, 30), (40, 50)] {
        let call = build::failed(child(&root, span("pay", "POST", Client, from, to)));
        spans.push(build::failed(child(&call, span("billing", "POST /charge", Server, from, to))));
        spans.push(call);
    }
    let limit = Claim::Retries(Bound { operator: AtMost, number: 1 });
    assert_eq!(verdict(claim("billing POST /charge", limit), &[run(spans)]), Verdict::Fail);
}

// covers: PB-25
#[test]
fn a_log_record_of_that_level_and_text_is_red_and_of_another_level_is_not() {
    let absent = || {
        Statement::LogAbsent(LogPattern {
            level: Some(Level::Error),
            message: Some("deadlock detected".to_owned()),
            is_optional: false,
        })
    };
    let with_log = |severity, text: &str| {
        let root = span("pay", "POST /pay", Server, 0, 10);
        let logs = vec![log(&root, severity, text)];
        vec![Run { logs, ..run(vec![root]) }]
    };
    assert_eq!(verdict(absent(), &with_log(17, "ERROR: deadlock detected in charge")), Verdict::Fail);
    assert_eq!(verdict(absent(), &with_log(13, "deadlock detected, retrying")), Verdict::Pass);
    assert_eq!(verdict(absent(), &with_log(17, "timeout")), Verdict::Pass);
    let thrown = exception(span("pay", "POST /pay", Server, 0, 10), "deadlock detected");
    assert_eq!(verdict(absent(), &[run(vec![thrown])]), Verdict::Fail);
}

#[test]
fn without_any_log_record_their_absence_is_inconclusive() {
    let runs = [run(vec![span("pay", "POST /pay", Server, 0, 10)])];
    assert_eq!(verdict(Statement::LogAbsent(LogPattern::default()), &runs), Verdict::Inconclusive);
    let optional = LogPattern { is_optional: true, ..LogPattern::default() };
    assert_eq!(verdict(Statement::LogAbsent(optional), &runs), Verdict::Pass);
}

// covers: PB-26
#[test]
fn a_record_must_be_there_and_in_this_trace() {
    let root = span("pay", "POST /pay", Server, 0, 10);
    let record = log(&root, 9, "refund issued");
    let present = || {
        Statement::LogPresent(LogPattern {
            message: Some("refund issued".to_owned()),
            ..LogPattern::default()
        })
    };
    let runs = super::split(vec![root.clone()], vec![record.clone()]);
    assert_eq!(verdict(present(), &runs), Verdict::Pass);
    assert_eq!(verdict(present(), &super::split(vec![root.clone()], vec![])), Verdict::Fail);
    let elsewhere = telemetry::LogRecord { trace_id: Some(telemetry::TraceId([9; 16])), ..record };
    assert_eq!(verdict(present(), &super::split(vec![root], vec![elsewhere])), Verdict::Fail);
}

// covers: W-22
#[test]
fn what_a_stub_answered_proves_nothing_and_a_failure_behind_it_still_counts() {
    let root = span("pay", "POST /pay", Server, 0, 100);
    let stub = with(child(&root, span("dns", "resolve", Client, 0, 10)), "firstcause.stub", "true");
    let runs = [run(vec![root.clone(), stub.clone()])];
    assert_eq!(verdict(claim("pay POST /pay", Claim::IsError(false)), &runs), Verdict::Inconclusive);
    assert_eq!(verdict(claim("pay POST /pay", Claim::MaxMs(50.0)), &runs), Verdict::Fail);
    assert_eq!(verdict(claim("pay POST /pay", Claim::IsError(false)), &[run(vec![root])]), Verdict::Pass);
}
