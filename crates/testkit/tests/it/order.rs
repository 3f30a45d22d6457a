//! Nothing hangs on the order in which data come: equal answers give equal bytes (I1).
//!
//! With `FIRSTCAUSE_CONCLUSIONS` all conclusions are written into that file, for builds to be compared.

use eval::predict::diagnose;
use incident::Alert;
use platform::SystemClock;
use telemetry::recorded::TableSource;
use telemetry::{Answerer, Cancel, Limits};
use testkit::dice::Dice;
use testkit::shuffle;
use testkit::system::{Scene, Shape};

use crate::engine::scene;
use crate::soak;

fn watched(seed: u64) -> (Scene, TableSource, Alert) {
    let scene = scene(seed, &Shape::of(40));
    let source = TableSource::new(scene.tables.clone());
    let alert = scene.watch(&source).expect("the fault is seen");
    (scene, source, alert)
}

fn bytes(conclusion: &incident::Conclusion) -> String {
    serde_json::to_string(conclusion).unwrap()
}

#[test]
fn shuffled_answers_and_rows_give_the_same_bytes() {
    let mut all = String::new();
    for seed in 1..=4 {
        let (_, source, alert) = watched(seed);
        let plain = bytes(&diagnose(alert.clone(), &source, &SystemClock::new()).0);
        for run in 1..=2 {
            let shuffled = shuffle::diagnose(&mut Dice::part(seed, 100 + run), &alert, &source).unwrap();
            assert_eq!(bytes(&shuffled), plain, "seed {seed}, run {run}");
        }
        all += &plain;
    }
    soak::conclusions(&all);
}

#[test]
fn shuffled_tables_give_the_same_alert_and_the_same_bytes() {
    for seed in 5..=6 {
        let (scene, source, alert) = watched(seed);
        let plain = bytes(&diagnose(alert.clone(), &source, &SystemClock::new()).0);
        let mut tables = scene.tables.clone();
        shuffle::tables(&mut Dice::part(seed, 200), &mut tables);
        assert_ne!(tables.spans, scene.tables.spans, "they are in another order");
        tables.sort();
        let other = TableSource::new(tables);
        let again = scene.watch(&other).unwrap();
        assert_eq!(again, alert);
        assert_eq!(bytes(&diagnose(again, &other, &SystemClock::new()).0), plain, "seed {seed}");
    }
}

/// A source whose answers hang on the order of their rows: half of them are cut away.
#[derive(Debug)]
struct Short<'a>(&'a TableSource);

impl Answerer for Short<'_> {
    fn can(&self) -> telemetry::Capabilities {
        self.0.can()
    }

    fn answer(
        &self,
        question: &telemetry::Question,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<telemetry::Answer, telemetry::AskError> {
        let mut answer = self.0.answer(question, limits, cancel)?;
        if let telemetry::Table::SelfTime(table) = &mut answer.table {
            table.rows.truncate(table.rows.len() / 2);
        }
        Ok(answer)
    }
}

#[test]
fn answers_that_are_cut_by_their_order_give_other_bytes() {
    let (_, source, alert) = watched(8);
    let short = Short(&source);
    let plain = bytes(&diagnose(alert.clone(), &source, &SystemClock::new()).0);
    assert_ne!(bytes(&diagnose(alert, &short, &SystemClock::new()).0), plain);
}
