//! Telemetry as bad as it is in real systems: what is still found, and what is said when it is not.
//!
//! Soak: `cargo xtask soak demo-degraded`. The table is printed as it is; only of a dark service something is
//! demanded: it is named as a party behind its callers, and no caller is named for it.

use serde_json::json;

use super::judge::{Answer, Row};
use super::run::{self, Order};
use super::tables::{Check, columns};
use super::{PROFILES, canned, count, figures, parallel};
use crate::{alone, print_figures, soak};

const SWITCHES: [(&str, &[&str]); 5] = [
    ("sample 0.1", &["--sample", "0.1"]),
    ("keep-errors-tail", &["--keep-errors-tail"]),
    ("no-traces", &["--no-traces"]),
    (DARK, &["--dark"]),
    ("skew 5s", &["--skew", "5s"]),
];
const DARK: &str = "dark";

/// Different faults stand beside each other: five slow queries at once overload the machine that they are judged on.
fn orders() -> Vec<Order> {
    let of = |(switch, more): (&'static str, _)| {
        Order::all(&PROFILES, 1..=2).into_iter().map(move |order| Order { switch, more, ..order })
    };
    SWITCHES.into_iter().flat_map(of).collect()
}

fn checks(rows: &[Row]) -> Vec<Check> {
    let dark: Vec<Row> = rows.iter().filter(|row| row.switch == DARK).cloned().collect();
    let found = count(&dark, |row| row.answer == Answer::Right);
    vec![
        Check::at_least("dark: at or behind the dark service", found, (10, dark.len())),
        Check::exactly("dark: its caller named", count(&dark, |row| row.is_caller_blamed), 0),
    ]
}

fn cells(rows: &[Row], is_dark: bool) -> Vec<String> {
    let number = |is_so: &dyn Fn(&Row) -> bool| count(rows, is_so).to_string();
    let answered = |answer: Answer| number(&|row| row.answer == answer);
    // Nothing that emits no telemetry can be restarted and proven better.
    let profile = if is_dark { "-".to_owned() } else { number(&|row| row.is_profile_right) };
    vec![
        rows.len().to_string(),
        answered(Answer::Right),
        profile,
        number(&|row| row.is_fixed),
        answered(Answer::Insufficient),
        answered(Answer::NoCause),
        answered(Answer::WrongComponent),
        answered(Answer::NoIncident),
        number(&|row| row.is_decoy_blamed),
        number(&|row| row.is_action_wrong),
        answered(Answer::NoRun),
    ]
}

fn table(rows: &[Row]) -> Vec<String> {
    let line = |name: String, switch: &str, fault: Option<&str>| {
        let is_of = |row: &&Row| row.switch == switch && fault.is_none_or(|fault| row.fault == fault);
        let rows: Vec<Row> = rows.iter().filter(is_of).cloned().collect();
        std::iter::once(name).chain(cells(&rows, switch == DARK)).collect::<Vec<_>>()
    };
    let mut lines: Vec<Vec<String>> = Vec::new();
    for (switch, _) in SWITCHES {
        lines.push(line(format!("{switch}: all"), switch, None));
        lines.extend(PROFILES.iter().map(|fault| line(format!("  {fault}"), switch, Some(fault))));
    }
    let head = [
        "switch and fault",
        "runs",
        "right",
        "profile right",
        "fixed",
        "insufficient",
        "no cause",
        "wrong component",
        "no incident",
        "decoy blamed",
        "wrong action",
        "no run",
    ];
    columns(&head, &lines)
}

#[test]
fn with_spoilt_telemetry_a_dark_service_is_named_and_never_its_caller() {
    let _turn = alone();
    let (is_soak, _, _) = soak();
    assert_eq!(orders().len(), 50);
    if is_soak {
        let rows = run::all(&orders(), parallel());
        print_figures(&figures(&rows, &checks(&rows), table(&rows), json!({})));
    }
}

#[test]
fn one_caller_named_for_a_dark_service_is_a_missed_threshold() {
    let row = |order: Order| Row {
        seed: order.seed,
        switch: order.switch.to_owned(),
        ..canned::right(order.fault)
    };
    let mut rows: Vec<Row> = orders().into_iter().map(row).collect();
    assert!(checks(&rows).iter().all(|check| check.passed));
    assert_eq!(table(&rows).len(), 31);
    let dark = rows.iter_mut().find(|row| row.switch == DARK).unwrap();
    (dark.is_caller_blamed, dark.answer) = (true, Answer::WrongComponent);
    assert!(checks(&rows).iter().all(|check| !check.passed));
}
