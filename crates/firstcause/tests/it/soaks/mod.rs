//! The long measurements of the demo, judged by the truth that its director wrote and its engine never read.
//!
//! Soaks: `cargo xtask soak demo-matrix`, `demo-placebo` and `demo-degraded`, each with `--parallel N`. They record
//! what they find whether or not it suffices: the thresholds stand beside the figures, and `passed` decides the exit
//! code. A push runs one fault of the matrix. What a single run must be like in detail is
//! [`crate::demo_seeds`]'s business.

mod canned;
mod degraded;
mod judge;
pub(crate) mod matrix;
mod placebo;
mod run;
mod tables;

pub(crate) use tables::{columns, median};

use serde_json::{Value, json};

use judge::Row;
use tables::Check;

/// The faults with a fix profile, sorted.
const PROFILES: [&str; 5] = ["blocking_io", "connection_reuse", "legacy", "pool_exhaustion", "slow_query"];
/// The faults without one, sorted.
const UNFIXABLE: [&str; 7] = [
    "bad_deploy",
    "cpu_contention",
    "poison_message",
    "retry_storm",
    "silent_drop",
    "slow_dependency",
    "two_faults",
];
/// Nothing is wrong, sorted.
const FAULTLESS: [&str; 3] = ["noisy_deploys", "none", "traffic_surge"];

/// How many demos run at once under a soak.
pub(crate) fn parallel() -> usize {
    let text = std::env::var("FIRSTCAUSE_SOAK_PARALLEL").ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(1).max(1)
}

/// How many of the rows are so.
fn count(rows: &[Row], is_so: impl Fn(&Row) -> bool) -> usize {
    rows.iter().filter(|row| is_so(row)).count()
}

/// What every soak of the demo records: its rows, thresholds and tables; `more` are figures of its own.
fn figures(rows: &[Row], checks: &[Check], mut table: Vec<String>, more: Value) -> Value {
    let unfinished = count(rows, |row| row.answer == judge::Answer::NoRun);
    let mut checks = checks.to_vec();
    checks.push(Check::exactly("runs that did not come about", unfinished, 0));
    table.extend(tables::checks(&checks));
    table.extend(tables::conspicuous(rows));
    let passed = checks.iter().all(|check| check.passed);
    table.push(String::new());
    table.push(format!("passed: {passed}"));
    let mut figures = json!({
        "runs": rows.len(),
        "repeated": count(rows, |row| row.repeated.is_some()),
        "parallel": parallel(),
        "healthy_for_s": run::HEALTHY_FOR,
        "rows": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
        "checks": checks.iter().map(Check::to_json).collect::<Vec<_>>(),
        "passed": passed,
        "seconds_are": "from the onset in the truth (the earliest cause: first instance of it ready) to the time \
                        of the journal's record: `verdict_s` the first `verification`, which is the canary's, \
                        `explained_s` the `conclusion`",
        "table": table,
    });
    if let (Some(figures), Value::Object(more)) = (figures.as_object_mut(), more) {
        figures.extend(more);
    }
    figures
}

#[test]
fn a_missed_threshold_and_a_run_that_did_not_come_about_fail_the_soak() {
    let rows = [canned::right("legacy")];
    let checks = [Check::exactly("right", 1, 1)];
    let good = figures(&rows, &checks, Vec::new(), json!({"medians": {}}));
    assert_eq!((&good["passed"], &good["runs"]), (&json!(true), &json!(1)));
    assert!(good["medians"].is_object());
    let missed = figures(&rows, &[Check::exactly("right", 1, 2)], Vec::new(), json!({}));
    assert_eq!(missed["passed"], false);
    let absent = [Row::no_run(&run::Order::new("two_faults", 1), "there is no fault `two_faults`")];
    assert_eq!(figures(&absent, &checks, Vec::new(), json!({}))["passed"], false);
}
