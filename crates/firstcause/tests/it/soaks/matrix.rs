//! Every fault over several seeds: is the cause named, is it fixed, is nothing blamed when nothing is wrong?
//!
//! Soak: `cargo xtask soak demo-matrix`. A push runs one fault, chosen by the commit. Runs side by side are only
//! worth something when they give what runs alone give, so the soak begins with a control that runs alone.

use std::process::Command;

use serde_json::{Value, json};

use super::judge::Row;
use super::run::{self, Order};
use super::tables::{Check, columns, median, seconds};
use super::{FAULTLESS, PROFILES, UNFIXABLE, canned, count, figures, parallel};
use crate::{alone, print_figures, soak};

/// What runs alone too: one fault of each group, those that a busy machine disturbs most, two seeds each.
const CONTROL: [&str; 3] = ["cpu_contention", "none", "pool_exhaustion"];
/// How far the medians of control and parallel runs may differ: the watch and the trial work in whole seconds, and
/// two or three of them lie between onset and verdict.
const CONTROL_SECONDS_MAX: f64 = 3.0;
/// Shown by 1 of the first public demo.
const VERDICT_SECONDS_MAX: f64 = 30.0;

fn of<'a>(rows: &'a [Row], faults: &'a [&str]) -> impl Iterator<Item = &'a Row> + Clone {
    rows.iter().filter(move |row| faults.contains(&row.fault.as_str()))
}

fn picked(rows: &[Row], faults: &[&str]) -> Vec<Row> {
    of(rows, faults).cloned().collect()
}

fn medians(rows: &[Row]) -> (Option<f64>, Option<f64>) {
    (
        median(rows.iter().filter_map(|row| row.explained_s)),
        median(rows.iter().filter_map(|row| row.verdict_s)),
    )
}

fn orders() -> Vec<Order> {
    let mut orders = Order::all(&PROFILES, 1..=5);
    orders.extend(Order::all(&UNFIXABLE, 1..=3));
    orders.extend(Order::all(&FAULTLESS, 1..=5));
    orders
}

/// The thresholds of the matrix.
fn checks(rows: &[Row]) -> Vec<Check> {
    let (fixable, other, calm) =
        (picked(rows, &PROFILES), picked(rows, &UNFIXABLE), picked(rows, &FAULTLESS));
    let right = count(&fixable, Row::is_right_with_profile);
    let fixed = count(&fixable, |row| row.is_fixed);
    let explained = count(&other, Row::is_right_without_action);
    let silent = count(&calm, |row| row.said == "no incident");
    vec![
        Check::at_least("with a profile: service and profile right", right, (25, fixable.len())),
        Check::at_least("with a profile: effective on every instance", fixed, (25, fixable.len())),
        Check::seconds("with a profile: median onset to verdict", medians(&fixable).1, VERDICT_SECONDS_MAX),
        Check::at_least("without: all causes right, nothing proposed", explained, (19, other.len())),
        Check::exactly("without: actions proposed", count(&other, |row| !row.proposed.is_empty()), 0),
        Check::at_least("nothing wrong: no incident", silent, (15, calm.len())),
        Check::exactly("decoy blamed, all runs", count(rows, |row| row.is_decoy_blamed), 0),
    ]
}

/// Compares runs alone with the same runs among others.
fn control(alone: &[Row], rows: &[Row]) -> (Vec<Check>, Value) {
    let is_twin = |one: &Row, other: &Row| one.fault == other.fault && one.seed == other.seed;
    let twins: Vec<Row> =
        alone.iter().filter_map(|one| rows.iter().find(|row| is_twin(one, row))).cloned().collect();
    let same = alone.iter().zip(&twins).filter(|(one, twin)| one.judgement() == twin.judgement()).count();
    let mut checks =
        vec![Check::at_least("control: judged the same alone and in parallel", same, (6, alone.len()))];
    let (explained, verdict) = (medians(alone), medians(&twins));
    for (what, alone, among) in [
        ("control: median onset to explanation, difference", explained.0, verdict.0),
        ("control: median onset to verdict, difference", explained.1, verdict.1),
    ] {
        let difference = alone.zip(among).map(|(alone, among)| (alone - among).abs());
        checks.push(Check::seconds(what, difference, CONTROL_SECONDS_MAX));
    }
    let both = |(alone, among): (Option<f64>, Option<f64>)| json!({"alone": alone, "parallel": among});
    let figures = json!({
        "rows_alone": alone.iter().map(Row::to_json).collect::<Vec<_>>(),
        "same": same,
        "median_explained_s": both((explained.0, verdict.0)),
        "median_verdict_s": both((explained.1, verdict.1)),
    });
    (checks, figures)
}

fn table(rows: &[Row]) -> Vec<String> {
    let line = |fault: &&str| {
        let rows = picked(rows, &[fault]);
        let (explained, verdict) = medians(&rows);
        let number = |is_so: &dyn Fn(&Row) -> bool| count(&rows, is_so).to_string();
        vec![
            (*fault).to_owned(),
            rows.len().to_string(),
            number(&|row| row.answer.name() == "right"),
            number(&|row| row.said == "no incident"),
            number(&|row| row.is_profile_right),
            number(&|row| !row.proposed.is_empty()),
            number(&|row| row.is_fixed),
            number(&|row| row.is_decoy_blamed),
            seconds(explained),
            seconds(verdict),
        ]
    };
    let faults = PROFILES.iter().chain(&UNFIXABLE).chain(&FAULTLESS);
    let head = [
        "fault",
        "runs",
        "right",
        "no incident",
        "profile right",
        "action proposed",
        "fixed",
        "decoy blamed",
        "to explanation",
        "to verdict",
    ];
    columns(&head, &faults.map(line).collect::<Vec<_>>())
}

fn whole() {
    let alone = if parallel() > 1 { run::all(&Order::all(&CONTROL, 1..=2), 1) } else { Vec::new() };
    let rows = run::all(&orders(), parallel());
    let mut checks = checks(&rows);
    let mut more = json!({"control": "not needed: one run at a time"});
    if parallel() > 1 {
        let (compared, figures) = control(&alone, &rows);
        checks.extend(compared);
        more = json!({"control": figures});
    }
    let medians_of = |faults: &[&str]| {
        let (explained, verdict) = medians(&picked(&rows, faults));
        json!({"explained_s": explained, "verdict_s": verdict})
    };
    more["medians"] = json!({"with_a_profile": medians_of(&PROFILES), "without": medians_of(&UNFIXABLE)});
    print_figures(&figures(&rows, &checks, table(&rows), more));
}

/// Faults that are right in a debug build on a busy machine too, because what they cost is waiting or failing and not
/// computing; those of [`crate::demo_seeds`] are not
/// among them, because a push runs those anyway.
const SHORT: [&str; 3] = ["bad_deploy", "legacy", "slow_dependency"];

/// A number that only depends on the commit, so that a push that fails fails again; 1 without git.
pub(crate) fn commit_seed() -> u64 {
    let asked = Command::new("git").args(["rev-parse", "HEAD"]).output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(1)
}

/// One fault, with a seed that the matrix has too. One, because the short forms together may take twelve minutes.
fn short_order(seed: u64) -> Order {
    let place = usize::try_from(seed % SHORT.len() as u64).unwrap();
    Order::new(SHORT[place], 1 + (seed / 16) % 3)
}

// covers: AT-09
#[test]
fn the_cause_of_every_kind_of_fault_is_named() {
    let _turn = alone();
    let (is_soak, _, _) = soak();
    assert_eq!(orders().len(), 61);
    if is_soak {
        return whole();
    }
    for row in run::all(&[short_order(commit_seed())], 1) {
        assert!(!row.is_decoy_blamed && !row.is_action_wrong, "{}", row.line());
        match PROFILES.contains(&row.fault.as_str()) {
            true => assert!(row.is_right_with_profile() && row.is_fixed, "{}", row.line()),
            false => assert!(row.is_right_without_action(), "{}", row.line()),
        }
    }
}

#[test]
fn every_commit_chooses_a_fault_and_all_are_chosen() {
    let orders: Vec<Order> = (0..200).map(short_order).collect();
    assert!(orders.iter().all(|order| (1..=3).contains(&order.seed)));
    let chosen: std::collections::BTreeSet<&str> = orders.iter().map(|order| order.fault).collect();
    assert_eq!(chosen.len(), SHORT.len());
}

#[test]
fn the_control_sees_another_judgement_and_a_shifted_median() {
    let rows: Vec<Row> = CONTROL
        .into_iter()
        .flat_map(|fault| [1, 2].map(|seed| Row { seed, ..canned::right(fault) }))
        .collect();
    let passes = |alone: &[Row]| control(alone, &rows).0.iter().map(|check| check.passed).collect::<Vec<_>>();
    assert_eq!(passes(&rows), [true, true, true]);
    let mut blamed = rows.clone();
    blamed[3].is_decoy_blamed = true;
    assert_eq!(passes(&blamed), [false, true, true]);
    let later = rows.iter().map(|row| Row { verdict_s: Some(30.0), ..row.clone() }).collect::<Vec<_>>();
    assert_eq!(passes(&later), [true, true, false]);
    assert_eq!(passes(&rows[..5]), [false, true, true], "a run that is missing is no control");
}

#[test]
fn the_matrix_passes_when_all_is_right_and_fails_on_a_single_action_without_a_profile() {
    let run = |order: Order| {
        let row = Row { seed: order.seed, ..canned::right(order.fault) };
        match order.fault {
            calm if FAULTLESS.contains(&calm) => Row { said: "no incident".to_owned(), ..row },
            other if UNFIXABLE.contains(&other) => Row { proposed: Vec::new(), ..row },
            _ => row,
        }
    };
    let mut rows: Vec<Row> = orders().into_iter().map(run).collect();
    assert!(checks(&rows).iter().all(|check| check.passed));
    assert_eq!(table(&rows).len(), 16);
    let unfixable = rows.iter_mut().find(|row| row.fault == "retry_storm").unwrap();
    unfixable.proposed.push("legacy on checkout".to_owned());
    assert_eq!(checks(&rows).iter().filter(|check| !check.passed).count(), 1);
}
