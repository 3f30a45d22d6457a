//! The official suite against the fixture: all that a revision requires, and all that can be tried besides.
//!
//! What is left out stands in [`LEFT_OUT`] with the reason; a scenario that is in no list fails the test.
// covers: AG-01

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Fixture, node, node_folder};
use crate::clients::output;

/// Server scenarios that are run for no revision, and why.
const LEFT_OUT: [(&str, &str); 13] = [
    ("sep-2640-skills-directory", SKILLS),
    ("sep-2640-skills-enumeration", SKILLS),
    ("sep-2640-skills-manifest", SKILLS),
    ("tasks-capability-negotiation", TASKS),
    ("tasks-dispatch-and-envelope", TASKS),
    ("tasks-lifecycle", TASKS),
    ("tasks-mrtr-composition", TASKS),
    ("tasks-mrtr-input", TASKS),
    ("tasks-request-headers", TASKS),
    ("tasks-request-state-removal", TASKS),
    ("tasks-required-task-error", TASKS),
    ("tasks-status-notifications", TASKS),
    ("tasks-wire-fields", TASKS),
];
const SKILLS: &str = "an extension that no revision requires and the product does not offer";
const TASKS: &str = "an extension that no revision requires; an investigation is followed by its id instead";

/// Revision, scenarios that it requires, and checks that they make.
const REQUIRED: [(&str, usize, usize); 2] = [("2025-11-25", 30, 70), ("2026-07-28", 37, 117)];

struct Suite {
    folder: std::path::PathBuf,
    results: tempfile::TempDir,
}

impl Suite {
    fn new() -> Self {
        Self { folder: node_folder(), results: tempfile::tempdir().unwrap() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(node(&self.folder));
        command.arg(self.folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js"));
        command.env("NO_PROXY", "*").env("no_proxy", "*");
        command
    }

    /// Every server scenario that the suite knows.
    fn scenarios(&self) -> BTreeSet<String> {
        let listed = output(self.command().args(["list", "--server"]));
        listed
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- ")?.split(' ').next())
            .map(Into::into)
            .collect()
    }

    /// The scenarios that `revision` requires, as the package says it.
    fn required(&self, revision: &str) -> BTreeSet<String> {
        let file = format!("node_modules/@modelcontextprotocol/conformance/requirements/{revision}.yaml");
        let text = std::fs::read_to_string(self.folder.join(file)).unwrap();
        let from_server = text.lines().skip_while(|line| *line != "server:").skip(1);
        from_server.map_while(|line| line.strip_prefix("  - ")).map(Into::into).collect()
    }

    /// Runs the scenarios that `words` choose; gives for each its checks.
    fn run(&self, address: &str, words: &[&str]) -> Vec<(String, Vec<Value>)> {
        let results = self.results.path().join(words.join("_"));
        let mut command = self.command();
        command.args(["server", "--url", address, "-o"]).arg(&results).args(words);
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stdout));
        let mut folders: Vec<_> =
            std::fs::read_dir(&results).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders.iter().map(|folder| (scenario(folder), checks(folder))).collect()
    }
}

/// `server-NAME-2026-11-27T20-56-50-276Z` without its ends.
fn scenario(folder: &Path) -> String {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let name = name.strip_prefix("server-").unwrap();
    name.get(..name.len() - "-2026-11-27T20-56-50-276Z".len()).unwrap().to_owned()
}

fn checks(folder: &Path) -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(folder.join("checks.json")).unwrap()).unwrap()
}

/// How many checks a scenario passed; it fails the test when one was not passed.
fn check_passed(name: &str, checks: &[Value]) -> usize {
    let statuses = checks.iter().map(|check| check["status"].as_str().unwrap()).filter(|one| *one != "INFO");
    let statuses: Vec<&str> = statuses.collect();
    assert!(!statuses.is_empty() && statuses.iter().all(|one| *one == "SUCCESS"), "{name}: {checks:#?}");
    statuses.len()
}

#[test]
fn the_official_suite_passes_whole_for_the_two_newest_revisions() {
    let (suite, fixture) = (Suite::new(), Fixture::start());
    let left_out: BTreeSet<&str> = LEFT_OUT.iter().map(|(name, _)| *name).collect();
    let mut tried: BTreeSet<String> = BTreeSet::new();
    for (revision, scenarios, least) in REQUIRED {
        let required = suite.required(revision);
        assert_eq!(required.len(), scenarios, "{revision}");
        let mut passed = 0;
        let mut ran = BTreeSet::new();
        for (name, checks) in suite.run(&fixture.address, &["--requirements", revision]) {
            // The suite runs some that it does not score; of those, too, only the ones left out may fail.
            if !left_out.contains(name.as_str()) {
                let count = check_passed(&name, &checks);
                passed += if required.contains(&name) { count } else { 0 };
                ran.insert(name);
            }
        }
        assert!(ran.is_superset(&required), "{revision}: not run: {:?}", required.difference(&ran));
        assert!(passed >= least, "{revision}: {passed} checks");
        println!("{revision}: {} of {} required scenarios, {passed} checks", required.len(), required.len());
        tried.extend(ran);
    }
    let known = suite.scenarios();
    let untold: Vec<_> =
        known.iter().filter(|one| !tried.contains(*one) && !left_out.contains(one.as_str())).collect();
    assert!(untold.is_empty(), "neither run nor left out for a reason: {untold:?}");
}

#[test]
fn what_the_suite_knows_of_older_revisions_passes_too() {
    let (suite, fixture) = (Suite::new(), Fixture::start());
    for (revision, least) in [("2025-03-26", 1), ("2025-06-18", 27)] {
        let ran = suite.run(&fixture.address, &["--suite", "all", "--spec-version", revision]);
        assert!(ran.len() >= least, "{revision}: {} scenarios", ran.len());
        let passed: usize = ran.iter().map(|(name, checks)| check_passed(name, checks)).sum();
        println!("{revision}: {} scenarios, {passed} checks", ran.len());
    }
}
