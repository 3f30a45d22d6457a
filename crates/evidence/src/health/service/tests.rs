//! Each row of the table of health, alone and together.

use super::*;
use crate::health::planted::{edge, row, window};
use crate::health::slo::tests_support::with_budget;

fn health(rows: &[HealthRow], edges: &[EdgeRow], slos: &[SloState]) -> ServiceHealth {
    let declared = Declared::default();
    let window = window(0, 900);
    of(&Known { service: "a", window, rows, before: &[], edges, slos, declared: &declared })
}

// covers: AG-30, AG-10
#[test]
fn each_row_of_the_table_gives_its_status_and_its_bound_is_not_passed_by_reaching_it() {
    let by_errors = |count, errors| health(&[row("a", "GET /", count, errors, 5.0)], &[], &[]).status;
    assert_eq!([by_errors(1_000, 101), by_errors(1_000, 100)], [Status::Critical, Status::Degraded]);
    assert_eq!([by_errors(1_000, 11), by_errors(1_000, 10)], [Status::Degraded, Status::Healthy]);
    let fine = row("a", "GET /", 1_000, 0, 5.0);
    let by_calls = |count, errors| {
        health(std::slice::from_ref(&fine), &[edge("a", "db", count, errors, 1.0)], &[]).status
    };
    assert_eq!(
        [by_calls(10, 6), by_calls(10, 5), by_calls(9, 9)],
        [Status::Degraded, Status::Healthy, Status::Healthy]
    );
    let by_budget = |left| health(std::slice::from_ref(&fine), &[], &[with_budget("slo", Some(left))]).status;
    assert_eq!([by_budget(0.099), by_budget(0.10)], [Status::Critical, Status::Degraded]);
    assert_eq!([by_budget(0.499), by_budget(0.50)], [Status::Degraded, Status::Healthy]);
}

// covers: AG-30
#[test]
fn ninety_nine_requests_are_not_judged_and_a_hundred_are() {
    let of = |count| health(&[row("a", "GET /", count, count, 5.0)], &[], &[]);
    assert_eq!([of(99).status, of(100).status], [Status::Unknown, Status::Critical]);
    assert_eq!(of(99).operations[0].figures.errors, 99, "shown all the same");
    assert_eq!(health(&[], &[], &[]).status, Status::Unknown, "nothing is not healthy");
    assert_eq!(health(&[], &[], &[with_budget("slo", None)]).status, Status::Unknown);
}

// covers: AG-30, W-05
#[test]
fn the_worst_counts_in_whatever_order_it_comes_and_every_reason_is_told() {
    let rows = [
        row("a", "GET /ok", 5_000, 0, 5.0),
        row("a", "GET /bad", 200, 10, 5.0),
        row("a", "GET /awful", 150, 90, 5.0),
    ];
    let edges = [edge("a", "db", 20, 15, 1.0)];
    let slos = [with_budget("slo", Some(0.3))];
    let forth = health(&rows, &edges, &slos);
    let mut turned = rows.clone();
    turned.reverse();
    assert_eq!(forth, health(&turned, &edges, &slos));
    assert_eq!(forth.status, Status::Critical);
    let subjects: Vec<&str> = forth.reasons.iter().map(|reason| reason.subject.as_str()).collect();
    assert_eq!(subjects, ["GET /awful", "GET /bad", "db", "slo"]);
    assert_eq!(forth.operations[0].operation, "GET /ok", "the most requests first");
}

// covers: W-05
#[test]
fn a_service_that_failed_before_the_window_and_works_in_it_is_healthy() {
    let before = [row("a", "GET /", 100_000, 90_000, 5.0)];
    let parts: [Part<'_>; 1] = [(window(-900, 0), &before)];
    let rows = [row("a", "GET /", 150, 0, 5.0), row("b", "GET /", 150, 150, 5.0)];
    let declared = Declared::default();
    let known = Known {
        service: "a",
        window: window(0, 900),
        rows: &rows,
        before: &parts,
        edges: &[],
        slos: &[],
        declared: &declared,
    };
    let health = of(&known);
    assert_eq!((health.status, health.operations.len()), (Status::Healthy, 1));
    assert_eq!(health.operations[0].baseline.origin.name(), "rolling");
}
