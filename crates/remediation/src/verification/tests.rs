//! The verification against two instances whose truth is known.

use telemetry::answer::{Answer, Subject};
use telemetry::{SourceName, Space, UnixNanos};

use super::*;

fn at(second: i64) -> UnixNanos {
    UnixNanos(0).plus_seconds(1000 + second)
}

fn trial() -> Trial {
    Trial {
        space: Space::default(),
        service: "orders".into(),
        operation: "GET /orders".into(),
        treated: "orders-1".into(),
        controls: vec!["orders-2".into()],
        before: Window::new(at(0), at(10)),
        ready_at: at(10),
        healthy_p50_ns: 2_000_000,
    }
}

/// Latency in ms of (instance, second); four requests a second with a deterministic jitter.
fn rows(window: Window, per_second: u64, level: &dyn Fn(&str, i64) -> f64) -> Vec<OnsetRow> {
    let seconds = (0..60).filter(|second| window.contains(at(*second)));
    let row = |instance: &str, second: i64| {
        let jitter = (second * 37 + instance.len() as i64 * 11).rem_euclid(17) as f64 / 100.0;
        let ns = (level(instance, second) * (1.0 + jitter) * 1e6) as i64;
        OnsetRow {
            is_message: false,
            subject: Subject {
                service: "orders".into(),
                operation: "GET /orders".into(),
                instance: instance.into(),
                version: "2".into(),
            },
            second: at(second),
            count: per_second,
            errors: 0,
            sum_ns: ns * per_second as i64,
            p50_ns: ns,
            p95_ns: ns,
        }
    };
    seconds.flat_map(|second| [row("orders-1", second), row("orders-2", second)]).collect()
}

fn run(per_second: u64, level: &dyn Fn(&str, i64) -> f64) -> VerificationRecord {
    let mut machine = Verification::new(trial(), 10);
    let mut answers = Vec::new();
    for _ in 0..10 {
        let questions = match machine.step(&answers).next {
            Next::Done(record) => return record,
            Next::Ask(questions) => questions,
        };
        let Ask::Onset { window, .. } = &questions[0].ask else { panic!("asks for the series") };
        assert!(questions[0].not_before >= window.to, "asks only when the window is over");
        answers = vec![Answered {
            question: questions[0].id.clone(),
            source: SourceName("test".into()),
            result: Ok(Answer::exact(Table::Onset(rows(*window, per_second, level)))),
        }];
    }
    panic!("the verification does not end");
}

#[test]
fn siblings_that_get_worse_prove_no_fix() {
    // The sibling takes over the load of the one that was restarted; the treated instance is as slow as before.
    let level = |instance: &str, second: i64| {
        if instance == "orders-2" && second >= 10 { 3200.0 } else { 500.0 }
    };
    let record = run(4, &level);
    assert!(record.difference_ms.unwrap().high.get() < -800.0);
    assert_eq!(record.verdict, Verdict::NotEffective, "{}", record.statement);
    assert!(record.statement.contains("its siblings got worse"), "{}", record.statement);
}

#[test]
fn what_may_be_worse_is_measured_longer_and_then_is() {
    // Some seconds after the action are eight times as slow: too few at first for an interval beyond no change.
    let level = |instance: &str, second: i64| {
        let is_slow = instance == "orders-1" && second >= 10 && (second % 7 == 0 || second >= 24);
        if is_slow { 4000.0 } else { 500.0 }
    };
    let record = run(4, &level);
    assert!(
        record.after.to.since(record.after.from) > MEASURE_SECONDS * 1_000_000_000,
        "{}",
        record.statement
    );
    assert_eq!(record.verdict, Verdict::Worse, "{}", record.statement);
}

// covers: AT-08
#[test]
fn a_thousand_to_a_hundred_ms_is_ninety_percent_and_effective() {
    let level = |instance: &str, second: i64| {
        if instance == "orders-1" && second >= 10 { 100.0 } else { 1000.0 }
    };
    let record = run(4, &level);
    assert_eq!(record.verdict, Verdict::Effective, "{}", record.statement);
    assert!((record.improvement_percent.get() - 90.0).abs() < 1.0, "{}", record.improvement_percent.get());
    assert!(record.difference_ms.unwrap().high.get() < -800.0);
}

// covers: W-09, AT-08
#[test]
fn a_placebo_is_not_effective() {
    assert_eq!(run(4, &|_, _| 60.0).verdict, Verdict::NotEffective);
}

// covers: W-09
#[test]
fn what_heals_by_itself_is_never_credited_whenever_it_heals() {
    for healed in 10..=28 {
        let record = run(4, &|_, second| if second < healed { 60.0 } else { 2.0 });
        assert_eq!(
            record.verdict,
            Verdict::RecoveredUnattributed,
            "healed at {healed}: {}",
            record.statement
        );
    }
}

// covers: W-09
#[test]
fn a_sibling_that_recovers_forbids_credit_even_when_the_treated_instance_is_faster_still() {
    let level = |instance: &str, second: i64| match (instance, second) {
        (_, ..10) => 60.0,
        ("orders-1", _) => 0.5,
        _ => 4.0,
    };
    let record = run(4, &level);
    assert_eq!(record.verdict, Verdict::RecoveredUnattributed, "{}", record.statement);
}

#[test]
fn an_action_that_doubles_the_latency_is_worse() {
    let level = |instance: &str, second: i64| {
        if instance == "orders-1" && second >= 10 { 120.0 } else { 60.0 }
    };
    assert_eq!(run(4, &level).verdict, Verdict::Worse);
}

// covers: AT-08
#[test]
fn warm_up_is_excluded() {
    let level = |instance: &str, second: i64| match (instance, second) {
        ("orders-1", 10..13) => 5000.0,
        ("orders-1", 13..) => 2.0,
        _ => 60.0,
    };
    let record = run(4, &level);
    assert_eq!(record.verdict, Verdict::Effective, "{}", record.statement);
    assert!(record.treated_after.mean_ms.get() < 5.0);
}

// covers: AT-08
#[test]
fn too_few_requests_are_inconclusive_and_not_success() {
    let record = run(0, &|_, _| 60.0);
    assert_eq!(record.verdict, Verdict::Inconclusive);
    assert!(record.statement.contains("too few requests"), "{}", record.statement);
}

#[test]
fn an_instance_that_no_longer_answers_is_worse_and_not_inconclusive() {
    let mut machine = Verification::new(trial(), 1);
    let mut answers = Vec::new();
    let record = loop {
        let questions = match machine.step(&answers).next {
            Next::Done(record) => break record,
            Next::Ask(questions) => questions,
        };
        let Ask::Onset { window, .. } = &questions[0].ask else { panic!("asks for the series") };
        let mut rows = rows(*window, 4, &|_, _| 60.0);
        rows.retain(|row| row.subject.instance != "orders-1" || row.second < at(10));
        answers = vec![Answered {
            question: questions[0].id.clone(),
            source: SourceName("test".into()),
            result: Ok(Answer::exact(Table::Onset(rows))),
        }];
    };
    assert_eq!(record.verdict, Verdict::Worse, "{}", record.statement);
    assert!(record.statement.contains("hardly answers"), "{}", record.statement);
}

#[test]
fn an_action_after_which_requests_fail_is_worse_even_when_it_is_faster() {
    let mut machine = Verification::new(trial(), 1);
    let Next::Ask(questions) = machine.step(&[]).next else { panic!("asks first") };
    let Ask::Onset { window, .. } = &questions[0].ask else { panic!("asks for the series") };
    let level = |instance: &str, second: i64| if instance == "orders-1" && second >= 10 { 1.0 } else { 60.0 };
    let mut rows = rows(*window, 4, &level);
    for row in rows.iter_mut().filter(|row| row.subject.instance == "orders-1" && row.second >= at(10)) {
        row.errors = 3;
    }
    let answer = Answered {
        question: questions[0].id.clone(),
        source: SourceName("test".into()),
        result: Ok(Answer::exact(Table::Onset(rows))),
    };
    let Next::Done(record) = machine.step(&[answer]).next else { panic!("ends") };
    assert_eq!(record.verdict, Verdict::Worse, "{}", record.statement);
}

#[test]
fn a_source_that_fails_is_inconclusive() {
    let mut machine = Verification::new(trial(), 1);
    let Next::Ask(questions) = machine.step(&[]).next else { panic!("asks first") };
    let failed = Answered {
        question: questions[0].id.clone(),
        source: SourceName("test".into()),
        result: Err(telemetry::AskError::TimedOut(10)),
    };
    let Next::Done(record) = machine.step(&[failed]).next else { panic!("ends") };
    assert_eq!(record.verdict, Verdict::Inconclusive);
}
