//! What a backtest says of the example, and of what goes wrong.

use investigation::Settings;
use platform::SystemClock;

use super::*;
use crate::conclusion_line::Line;
use crate::predict::{Predicting, predict};
use crate::score::{Scoring, score};
use crate::stage::{Staging, stage};
use telemetry::recorded::Kind;

fn backtest(without: &[Kind]) -> Backtest {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    crate::example::write(&path("incidents")).unwrap();
    let (root, cases, answers, lines) = (path("incidents"), path("cases"), path("answers"), path("lines"));
    stage(&Staging { root: &root, dataset: None, cases: &cases, answers: &answers, seed: 1 }).unwrap();
    let predicting =
        Predicting { cases: &cases, out: &lines, shift_seconds: 0, without, settings: &Settings::default() };
    predict(&predicting, &SystemClock::new(), |_: &Line| {}).unwrap();
    let report = score(&Scoring { conclusions: &lines, answers: &answers, baseline: None }).unwrap();
    tell(&report, &cases).unwrap()
}

#[test]
fn the_example_is_explained_and_its_false_alarm_blames_nobody() {
    let told = backtest(&[]);
    assert_eq!((told.incidents, told.explained), (3, 3), "{}", told.render());
    let orders = &told.cases[0];
    assert_eq!((orders.incident.as_str(), orders.rank), ("2026-03-02-orders-slow", Some(1)));
    assert_eq!(orders.is_change_named, Some(true), "{}", told.render());
    assert!(told.cases.iter().all(|one| one.why.is_empty()));
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["schema"], SCHEMA);
    assert_eq!(json["cases"][0]["outcome"], "explained");
}

#[test]
fn what_is_lost_without_traces_says_why() {
    let told = backtest(&[Kind::Traces]);
    assert!(told.explained < 3, "{}", told.render());
    let lost = told.cases.iter().find(|one| one.outcome != Outcome::Explained).unwrap();
    assert!(!lost.why.is_empty());
    assert!(told.render().contains("why"), "{}", told.render());
}

#[test]
fn missing_telemetry_is_named_by_service_and_kind() {
    let mut tables = Tables::default();
    let label = Label { roots: vec!["payment".to_owned()], ..Label::default() };
    let at = telemetry::UnixNanos(0).plus_seconds(1_000);
    tables.changes.push(telemetry::recorded::Change::default());
    let file = crate::case::CaseFile::new(at, at.plus_seconds(-200));
    let missing = missing(&label, &Case { file, tables });
    let all = missing.join("\n");
    for words in ["no traces at all", "no logs at all", "no metrics at all", "`payment`", "20 s of history"] {
        assert!(all.contains(words), "{words}: {all}");
    }
    assert!(!all.contains("no changes"), "{all}");
}
