//! A fix that does nothing, with and without a system that heals by itself: never called effective.
//!
//! Soak: `cargo xtask soak demo-placebo`. A push holds the same of one fault in [`crate::demo_seeds`].

use serde_json::json;

use super::judge::Row;
use super::run::{self, Order};
use super::tables::{Check, columns};
use super::{PROFILES, canned, count, figures, parallel};
use crate::{alone, print_figures, soak};

const SWITCHES: [(&str, &[&str]); 2] =
    [("placebo", &["--placebo"]), ("placebo, heals", &["--placebo", "--heal-at", "20s"])];
const VERDICTS: [&str; 6] =
    ["effective", "not_effective", "recovered_unattributed", "inconclusive", "worse", "none"];

fn orders() -> Vec<Order> {
    let all = Order::all(&PROFILES, 1..=3).into_iter();
    all.flat_map(|order| SWITCHES.map(|(switch, more)| Order { switch, more, ..order.clone() })).collect()
}

fn checks(rows: &[Row]) -> Vec<Check> {
    let is_tried = |fault: &&&str| rows.iter().any(|row| row.fault == **fault && row.verdict != "none");
    let effective = count(rows, |row| row.effective_trials > 0);
    vec![
        Check::exactly("runs with any trial called effective", effective, 0),
        // Without a trial nothing could have been called effective.
        Check::at_least(
            "profiles tried at all",
            PROFILES.iter().filter(is_tried).count(),
            (5, PROFILES.len()),
        ),
    ]
}

fn table(rows: &[Row]) -> Vec<String> {
    let line = |fault: &str, switch: &str| {
        let rows: Vec<Row> =
            rows.iter().filter(|row| row.fault == fault && row.switch == switch).cloned().collect();
        let numbers = VERDICTS.map(|verdict| count(&rows, |row| row.verdict == verdict).to_string());
        [format!("{fault}, {switch}"), rows.len().to_string()].into_iter().chain(numbers).collect::<Vec<_>>()
    };
    let lines: Vec<Vec<String>> =
        PROFILES.iter().flat_map(|fault| SWITCHES.map(|(switch, _)| line(fault, switch))).collect();
    let head: Vec<&str> = ["fault", "runs"].into_iter().chain(VERDICTS).collect();
    columns(&head, &lines)
}

// covers: W-09
#[test]
fn no_placebo_of_any_profile_is_called_effective() {
    let _turn = alone();
    let (is_soak, _, _) = soak();
    assert_eq!(orders().len(), 30);
    if is_soak {
        let rows = run::all(&orders(), parallel());
        let more = json!({"verdicts": VERDICTS.map(|verdict| (verdict, count(&rows, |row| row.verdict == verdict)))
            .into_iter().collect::<std::collections::BTreeMap<_, _>>()});
        print_figures(&figures(&rows, &checks(&rows), table(&rows), more));
    }
}

#[test]
fn one_effective_trial_and_one_profile_without_a_trial_are_missed_thresholds() {
    let placebo =
        |fault| Row { verdict: "not_effective".to_owned(), effective_trials: 0, ..canned::right(fault) };
    let mut rows: Vec<Row> = PROFILES.into_iter().map(placebo).collect();
    let missed = |rows: &[Row]| checks(rows).iter().map(|check| !check.passed).collect::<Vec<_>>();
    assert_eq!(missed(&rows), [false, false]);
    assert_eq!(table(&rows).len(), 11);
    rows[2].effective_trials = 1;
    assert_eq!(missed(&rows), [true, false]);
    rows[2] = Row { verdict: "none".to_owned(), effective_trials: 0, ..rows[2].clone() };
    assert_eq!(missed(&rows), [false, true]);
}
