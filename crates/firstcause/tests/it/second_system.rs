//! `serve` explains faults of a system that nobody wrote for it: `systems/shop-python` and `systems/shop-node`.
//!
//! Python and Node services with nobody's instrumentation but the official distributions', a real PostgreSQL, a real
//! Redis. Each fault meets a fresh server with an empty data directory; the server is told nothing but telemetry.
//! What is missing on the machine fails the test: `cargo xtask test` installs it.
//!
//! A push takes two of the faults, chosen by the commit, because the short forms together may take twelve minutes;
//! `cargo xtask soak second-system` takes all.

pub(crate) mod shop;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::soaks::matrix::commit_seed;
use crate::{BINARY, alone, print_figures, soak};
use shop::{Server, Shop};

/// Healthy traffic before each fault: the watch wants twelve seconds with data, the first of them are warm-up.
const HEALTHY: Duration = Duration::from_secs(24);
/// From the fault to the explanation.
const EXPLAINED: Duration = Duration::from_secs(75);

/// A fault and the answers that are right: component, its name, kind.
struct Case {
    fault: &'static str,
    component: &'static str,
    name: &'static str,
    kinds: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case { fault: "n_plus_one", component: "service", name: "accounts", kinds: &["more_calls"] },
    Case { fault: "blocking_client", component: "service", name: "web", kinds: &["blocked_executor"] },
    Case { fault: "pool_of_one", component: "service", name: "accounts", kinds: &["pool_wait"] },
    // The caller's breaker opens: nearly all errors then begin in the caller, which is not to blame.
    Case { fault: "failing_callee", component: "service", name: "pricing", kinds: &["error_origin"] },
    // Nobody can tell from outside whether what never answers is slow or dead.
    Case {
        fault: "redis_hangs",
        component: "dependency",
        name: "redis",
        kinds: &["error_origin", "slow_dependency"],
    },
];

/// What is wrong with a report, if anything.
fn misjudged(case: &Case, report: &serde_json::Value) -> Option<String> {
    let cause = &report["root_cause"];
    let is_right = cause["component"] == case.component
        && cause["service"] == case.name
        && case.kinds.iter().any(|kind| cause["fault"] == *kind);
    (!is_right).then(|| format!("{}: `{}`, root cause {cause:#}", case.fault, report["headline"]))
}

/// The report of the first incident below `data_dir` whose cause was found.
fn explained(data_dir: &Path) -> Option<serde_json::Value> {
    let incidents = std::fs::read_dir(data_dir.join("spaces/default/incidents")).ok()?;
    let mut pages: Vec<_> = incidents
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "html"))
        .collect();
    pages.sort();
    pages.iter().find_map(|page| {
        let journal = page.with_extension("journal");
        let output =
            std::process::Command::new(BINARY).arg("report").arg(journal).arg("--json").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (report["conclusion"] == "root_cause").then_some(report)
    })
}

/// Runs one case in a running shop: its report, or what the server said instead.
fn run(case: &Case, shop: &mut Shop) -> Result<serde_json::Value, String> {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"), shop.otlp);
    std::thread::sleep(HEALTHY);
    shop.command(&format!("fault {}", case.fault));
    let deadline = Instant::now() + EXPLAINED;
    let report = loop {
        match explained(&folder.path().join("data")) {
            Some(report) => break Ok(report),
            None if Instant::now() > deadline => {
                break Err(format!("{}: no explanation; the server said\n{}", case.fault, server.said()));
            }
            None => std::thread::sleep(Duration::from_millis(300)),
        }
    };
    drop(server);
    shop.command("heal");
    report
}

/// Faults of a push.
const PUSHED: usize = 2;

/// Those that stand behind one another, beginning at a place that the commit chooses.
fn pushed(seed: u64) -> Vec<&'static Case> {
    let first = usize::try_from(seed % CASES.len() as u64).unwrap();
    CASES.iter().cycle().skip(first).take(PUSHED).collect()
}

// covers: AT-32, AT-33, PB-46
#[test]
fn faults_of_a_system_nobody_wrote_for_us_are_explained() {
    let _turn = alone();
    let (is_soak, _, _) = soak();
    let cases = if is_soak { CASES.iter().collect() } else { pushed(commit_seed()) };
    let mut shop = Shop::start();
    let mut wrong = Vec::new();
    for case in &cases {
        match run(case, &mut shop) {
            Ok(report) => {
                println!("{}: {}", case.fault, report["headline"]);
                wrong.extend(misjudged(case, &report));
            }
            Err(silence) => wrong.push(silence),
        }
    }
    drop(shop);
    if is_soak {
        let passed = wrong.is_empty();
        print_figures(&json!({ "faults": cases.len(), "wrong": wrong, "passed": passed }));
    }
    assert!(
        is_soak || wrong.is_empty(),
        "{} of {} misjudged:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_fault_is_pushed_by_some_commit() {
    let faults = |seed: u64| {
        pushed(seed).into_iter().map(|case| case.fault).collect::<std::collections::BTreeSet<_>>()
    };
    assert!((0..5).all(|seed| faults(seed).len() == PUSHED));
    assert_eq!((0..5).flat_map(faults).collect::<std::collections::BTreeSet<_>>().len(), CASES.len());
}

// The judging itself must be able to say no.
#[test]
fn a_caller_that_is_blamed_or_a_kind_that_does_not_fit_is_misjudged() {
    let report = |component: &str, service: &str, fault: &str| {
        serde_json::json!({
            "headline": "x", "root_cause": { "component": component, "service": service, "fault": fault },
        })
    };
    let redis = CASES.last().unwrap();
    assert_eq!(misjudged(redis, &report("dependency", "redis", "slow_dependency")), None);
    assert!(misjudged(redis, &report("service", "pricing", "slow_dependency")).is_some());
    assert!(misjudged(redis, &report("dependency", "redis", "pool_wait")).is_some());
    assert!(misjudged(redis, &serde_json::json!({ "headline": "x", "root_cause": null })).is_some());
}
