//! Cases from files in other orders, and in another build, give the same bytes (I1).
//!
//! A push takes made-up incidents. `FIRSTCAUSE_DATASETS=FOLDER cargo xtask soak eval-order` takes the public ones, three
//! orders of each, and holds the release build against a debug build of the same commit; the folder holds `rca_data`
//! and `construct_data` (Nezha), `petshop`, `rootcausebench` and `opensre`, and the labels beside them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use eval::predict::diagnose;
use eval::stage::{Staging, stage};
use eval::{example, files, folder};
use platform::SystemClock;
use serde_json::json;
use telemetry::recorded::TableSource;
use testkit::dice::Dice;
use testkit::shuffle;

use crate::soak;

/// A dataset and where it lies below the folder of all.
const DATASETS: [(&str, &str); 4] =
    [("nezha", "."), ("opensre", "opensre"), ("petshop", "petshop"), ("rootcausebench", "rootcausebench")];
/// Orders of each case.
const ORDERS: u64 = 3;
/// The file that the other build writes into; who has it is that build.
const OTHER_BUILD: &str = "FIRSTCAUSE_CONCLUSIONS";

/// What was seen of one dataset.
struct Seen {
    name: &'static str,
    cases: usize,
    /// Cases that another order gave other bytes.
    moved: Vec<String>,
    /// A line for each case: its conclusion as it stands in the record.
    conclusions: String,
}

/// Every case of a dataset, plain and in `orders` orders.
fn seen(name: &'static str, root: &Path, orders: u64) -> Seen {
    let kept = tempfile::tempdir().unwrap();
    let (cases, answers) = (kept.path().join("cases"), kept.path().join("answers"));
    stage(&Staging { root, dataset: Some(name), cases: &cases, answers: &answers, seed: 1 }).unwrap();
    let mut seen = Seen { name, cases: 0, moved: Vec::new(), conclusions: String::new() };
    for (case, seed) in files::list(&cases).unwrap().iter().zip(1..) {
        let read = folder::read(&cases.join(case)).unwrap();
        let alert = read.alert();
        let source = TableSource::new(read.tables.clone());
        let plain = serde_json::to_string(&diagnose(alert.clone(), &source, &SystemClock::new()).0).unwrap();
        let is_moved = (1..=orders).any(|order| {
            let mut dice = Dice::part(seed, 300 + order);
            let mut tables = read.tables.clone();
            shuffle::tables(&mut dice, &mut tables);
            tables.sort();
            let shuffled = shuffle::diagnose(&mut dice, &alert, &TableSource::new(tables)).unwrap();
            serde_json::to_string(&shuffled).unwrap() != plain
        });
        seen.cases += 1;
        seen.moved.extend(is_moved.then(|| case.clone()));
        writeln!(seen.conclusions, "{name} {case} {plain}").unwrap();
    }
    seen
}

/// The conclusions of a debug build of the same sources.
fn debug_build(folder: &Path) -> String {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("conclusions");
    let cargo = std::env::var_os("CARGO").expect("cargo runs this test");
    let arguments = ["test", "-p", "testkit", "--test", "it", "builds::", "--", "--nocapture"];
    let status = Command::new(cargo)
        .args(arguments)
        .env(OTHER_BUILD, &file)
        .env("FIRSTCAUSE_DATASETS", folder)
        .env_remove("FIRSTCAUSE_SOAK")
        .status()
        .unwrap();
    assert!(status.success(), "the debug build ran");
    std::fs::read_to_string(file).unwrap()
}

fn datasets() -> PathBuf {
    let named = std::env::var_os("FIRSTCAUSE_DATASETS").expect("a folder of datasets is named");
    let folder = PathBuf::from(named);
    for (name, below) in DATASETS {
        assert!(folder.join(below).is_dir(), "{name} is missing");
    }
    folder
}

fn all(folder: &Path, orders: u64) -> Vec<Seen> {
    DATASETS.into_iter().map(|(name, below)| seen(name, &folder.join(below), orders)).collect()
}

fn record(seen: &[Seen], here: &str, there: &str) {
    let differing = here.lines().zip(there.lines()).filter(|(here, there)| here != there).count()
        + here.lines().count().abs_diff(there.lines().count());
    let moved: usize = seen.iter().map(|one| one.moved.len()).sum();
    let mut table = vec![format!("{:<16} {:>6} {:>8} {:>16}", "dataset", "cases", "orders", "other bytes")];
    table.extend(
        seen.iter()
            .map(|one| format!("{:<16} {:>6} {:>8} {:>16}", one.name, one.cases, ORDERS, one.moved.len())),
    );
    table.push(String::new());
    table.push(format!("release against debug, of {} conclusions: {differing} differ", here.lines().count()));
    let is_passed = moved == 0 && differing == 0;
    soak::report(&json!({
        "cases": seen.iter().map(|one| (one.name, one.cases)).collect::<std::collections::BTreeMap<_, _>>(),
        "orders": ORDERS,
        "moved": seen.iter().flat_map(|one| &one.moved).collect::<Vec<_>>(),
        "builds_differ": differing,
        "passed": is_passed,
        "table": table,
    }));
}

#[test]
fn cases_from_files_give_the_same_bytes_in_every_order_and_build() {
    if std::env::var_os(OTHER_BUILD).is_some() && std::env::var_os("FIRSTCAUSE_DATASETS").is_some() {
        let told: String = all(&datasets(), 0).into_iter().map(|one| one.conclusions).collect();
        soak::conclusions(&told);
        return;
    }
    if soak::is_long() {
        let folder = datasets();
        let seen = all(&folder, ORDERS);
        let here: String = seen.iter().map(|one| one.conclusions.as_str()).collect();
        record(&seen, &here, &debug_build(&folder));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    example::write(folder.path()).unwrap();
    let seen = seen("incidents", folder.path(), ORDERS);
    assert_eq!((seen.cases, seen.moved), (3, Vec::new()));
}
