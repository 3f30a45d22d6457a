//! Runs demos, several at once when told so, and collects what they leave behind.
//!
//! It does not judge. A run that gives no answer at all (a port was taken, the machine stood still) is repeated once
//! and says so; a panic is the program's own failure and is not.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde_json::Value;

use super::judge::{self, Row};
use crate::BINARY;

/// Seconds before the fault: the watch needs twelve of history.
pub(super) const HEALTHY_FOR: u64 = 18;
/// A run takes about a minute; after this it is ended.
const RUN_SECONDS_MAX: u64 = 300;

/// A run that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub(super) fault: &'static str,
    pub(super) seed: u64,
    /// What the run is called beside its fault, and the arguments that make it so.
    pub(super) switch: &'static str,
    pub(super) more: &'static [&'static str],
}

impl Order {
    pub(super) fn new(fault: &'static str, seed: u64) -> Self {
        Self { fault, seed, switch: "", more: &[] }
    }

    /// Each fault with each seed; the seed changes slowest, so that equal faults do not run side by side.
    pub(super) fn all(faults: &[&'static str], seeds: std::ops::RangeInclusive<u64>) -> Vec<Self> {
        seeds.flat_map(|seed| faults.iter().map(move |fault| Self::new(fault, seed))).collect()
    }
}

/// What a run left behind.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) output: Value,
    pub(super) truth: Value,
    /// The records of the incident's journal; none without an incident.
    pub(super) journal: Vec<Value>,
    pub(super) code: Option<i32>,
}

/// Carries the orders out, `parallel` at a time, and shows each row as it comes; rows are in the order of orders.
pub(super) fn all(orders: &[Order], parallel: usize) -> Vec<Row> {
    let waiting: Mutex<VecDeque<(usize, &Order)>> = Mutex::new(orders.iter().enumerate().collect());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..parallel.min(orders.len()) {
            scope.spawn(|| {
                loop {
                    let Some((place, order)) = waiting.lock().unwrap().pop_front() else { break };
                    let row = one(order);
                    println!("{}", row.line());
                    done.lock().unwrap().push((place, row));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, row)| row).collect()
}

fn one(order: &Order) -> Row {
    match attempt(order) {
        Ok(row) => row,
        Err(why) if why.contains("panicked") => Row::no_run(order, &why),
        Err(why) => {
            let again = attempt(order).unwrap_or_else(|again| Row::no_run(order, &again));
            Row { repeated: Some(why), ..again }
        }
    }
}

fn attempt(order: &Order) -> Result<Row, String> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|error| error.to_string())?;
    let ran = demo(order, folder.path())?;
    let row = judge::judge(order, &ran);
    if !row.is_plain() {
        // Whoever asks why finds the whole run here until the target folder is cleaned.
        println!("kept: {}", folder.keep().display());
    }
    Ok(row)
}

fn demo(order: &Order, folder: &Path) -> Result<Ran, String> {
    let child = Command::new(BINARY)
        .args(["demo", "--json", "--fault", order.fault, "--seed", &order.seed.to_string()])
        .args(["--healthy-for", &HEALTHY_FOR.to_string(), "--data-dir"])
        .arg(folder)
        .args(order.more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (ended, over) = sync_channel::<()>(1);
    let id = child.id().to_string();
    let guard = std::thread::spawn(move || {
        if over.recv_timeout(Duration::from_secs(RUN_SECONDS_MAX)) == Err(RecvTimeoutError::Timeout) {
            // Its parts end with their pipes.
            Command::new("kill").args(["-KILL", &id]).status().ok();
        }
    });
    let output = child.wait_with_output().map_err(|error| error.to_string());
    ended.send(()).ok();
    guard.join().ok();
    let output = output?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said: Value =
        serde_json::from_slice(&output.stdout).map_err(|_| ending(output.status.code(), &stderr))?;
    let truth = read(&folder.join("truth.json"))?;
    let faulty = truth["causes"].as_array().is_some_and(|causes| !causes.is_empty());
    if faulty && judge::onset(&truth).is_none() {
        return Err("the fault was never brought in".to_owned());
    }
    let journal = match said["incident"].as_str() {
        Some(incident) => {
            records(&folder.join(format!("store/spaces/default/incidents/{incident}.journal")))?
        }
        None => Vec::new(),
    };
    Ok(Ran { output: said, truth, journal, code: output.status.code() })
}

/// Why a run gave no answer: its panic or its last words.
fn ending(code: Option<i32>, stderr: &str) -> String {
    let panic = stderr.lines().find(|line| line.contains("panicked"));
    let error = stderr.lines().find(|line| line.starts_with("error"));
    let words = panic.or(error).or(stderr.lines().last()).unwrap_or("no word");
    format!("exit code {code:?}: {words}")
}

fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read(path).map_err(|error| format!("no truth: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("no truth: {error}"))
}

fn records(path: &Path) -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("no journal: {error}"))?;
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("journal: {error}"))).collect()
}

#[test]
fn what_cannot_run_is_repeated_once_and_is_no_run() {
    let order = Order::new("no_such_fault", 1);
    let row = one(&order);
    assert_eq!(row.answer, judge::Answer::NoRun, "{}", row.line());
    assert!(row.repeated.is_some() && row.said.contains("no_such_fault"), "{}", row.line());
}

#[test]
fn rows_come_in_the_order_of_their_orders_and_a_panic_is_not_repeated() {
    let orders = Order::all(&["no_such_fault", "nor_this"], 1..=2);
    let rows = all(&orders, 3);
    let places: Vec<_> = rows.iter().map(|row| (row.fault.as_str(), row.seed)).collect();
    assert_eq!(places, [("no_such_fault", 1), ("nor_this", 1), ("no_such_fault", 2), ("nor_this", 2)]);
    let words = ending(Some(101), "starting\nthread 'main' panicked at x.rs:1\nnote: more");
    assert!(words.contains("panicked"), "{words}");
}
