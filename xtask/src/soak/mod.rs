//! Long measurements: run by hand, at most an hour each, recorded in `docs/results/NAME.json`.
//!
//! A soak is a test harness that runs longer when told so. It prints its figures as lines
//! `FIGURES {json object}`; the keys of several lines are merged. Without figures, or when the harness fails,
//! nothing is recorded.

use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::stopwatch::Stopwatch;
use crate::{process, workspace};

mod child;
mod machine;

/// One long measurement.
pub(crate) struct Soak {
    /// Also the name of the record.
    pub(crate) name: &'static str,
    /// One line for help.
    pub(crate) what: &'static str,
    /// Arguments of cargo.
    arguments: &'static [&'static str],
    /// Folders whose change makes the record old.
    pub(crate) inputs: &'static [&'static str],
}

/// How many repetitions a harness does under a soak.
const CYCLES: &str = "200";
const SEED_DEFAULT: u64 = 1;

/// Every soak, sorted.
pub(crate) fn all() -> &'static [Soak] {
    &[
        Soak {
            name: "demo",
            what: "the demo's faults over many seeds: how often the cause is named",
            arguments: &[
                "test",
                "--release",
                "-p",
                "firstcause",
                "--test",
                "it",
                "demo_seeds::",
                "--",
                "--nocapture",
            ],
            inputs: &["crates"],
        },
        Soak {
            name: "kill",
            what: "kill -9 at random moments: what was acknowledged is still there",
            arguments: &[
                "test",
                "--release",
                "-p",
                "firstcause",
                "--test",
                "it",
                "kill::",
                "--",
                "--nocapture",
            ],
            inputs: &["crates/platform", "crates/otlp", "crates/store", "crates/ingest", "crates/firstcause"],
        },
        Soak {
            name: "resume",
            what: "kill -9 in every stage of an incident: it ends all the same, and nothing is done twice",
            arguments: &[
                "test",
                "--release",
                "-p",
                "firstcause",
                "--test",
                "it",
                "resume::",
                "--",
                "--nocapture",
            ],
            inputs: &[
                "crates/platform",
                "crates/store",
                "crates/investigation",
                "crates/remediation",
                "crates/journal",
                "crates/orchestrator",
                "crates/demo",
                "crates/firstcause",
            ],
        },
    ]
}

/// `cargo xtask soak NAME [--seed N]`.
pub(crate) fn run(root: &Path, words: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    let (soak, seed) = chosen(words)?;
    let commit =
        process::answer(root, "git", &["rev-parse", "HEAD"]).context("failed to ask git for the commit")?;
    let changes =
        process::answer(root, "git", &["status", "--porcelain"]).context("failed to ask git for changes")?;
    let mut command = process::cargo(root, soak.arguments);
    command
        .env("FIRSTCAUSE_SOAK", "1")
        .env("FIRSTCAUSE_SOAK_CYCLES", CYCLES)
        .env("FIRSTCAUSE_SOAK_SEED", seed.to_string());
    let stopwatch = Stopwatch::start();
    let lines = child::run(&mut command, out)?;
    let seconds = stopwatch.elapsed().as_secs();
    let figures = figures(&lines)?;
    let record = json!({
        "schema": "firstcause.soak/1",
        "name": soak.name,
        "commit": commit,
        "dirty": !changes.is_empty(),
        "seed": figures.get("seed").cloned().unwrap_or_else(|| json!(seed)),
        "machine": machine::describe(),
        "seconds": seconds,
        "figures": figures,
    });
    let path = root.join("docs/results").join(format!("{}.json", soak.name));
    workspace::write(&path, &format!("{record:#}\n"))?;
    writeln!(out, "soak {}: {seconds} s, recorded in docs/results/{}.json", soak.name, soak.name)?;
    Ok(())
}

fn chosen(words: &[String]) -> anyhow::Result<(&'static Soak, u64)> {
    let names: Vec<&str> = all().iter().map(|soak| soak.name).collect();
    let usage = |what: String| {
        Failure::usage(what, format!("cargo xtask soak NAME [--seed N], NAME one of {}", names.join(", ")))
    };
    let (name, seed) = match words {
        [name] => (name, SEED_DEFAULT),
        [name, flag, seed] if flag == "--seed" => {
            (name, seed.parse().map_err(|_| usage(format!("`{seed}` is not a seed")))?)
        }
        _ => return Err(usage("`soak` was not understood".to_owned())),
    };
    let soak = all().iter().find(|soak| soak.name == name);
    soak.map(|soak| (soak, seed)).ok_or_else(|| usage(format!("unknown soak `{name}`")))
}

/// The merged figures of all lines that carry some.
fn figures(lines: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut figures = Map::new();
    for text in lines.iter().filter_map(|line| child::figures_in(line)) {
        let part: Map<String, Value> =
            serde_json::from_str(text).with_context(|| format!("failed to read the figures `{text}`"))?;
        figures.extend(part);
    }
    if figures.is_empty() {
        return Err(Failure::negative(
            "the soak printed no figures, so nothing is recorded",
            "its harness prints a line `FIGURES {..}`; a filter that matches no test prints none",
        ));
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn soaks_are_sorted_and_chosen_by_name_and_seed() {
        let names: Vec<&str> = all().iter().map(|soak| soak.name).collect();
        assert_eq!(names, ["demo", "kill", "resume"]);
        let (soak, seed) = chosen(&words("kill --seed 7")).expect("a soak");
        assert_eq!((soak.name, seed), ("kill", 7));
        for wrong in ["", "kil", "kill --seed x", "kill 7"] {
            let error = chosen(&words(wrong)).err().expect("a usage error");
            assert_eq!(crate::failure::exit_code(&error), 2, "{wrong}");
        }
    }

    #[test]
    fn figures_of_several_lines_are_merged_and_none_is_an_error() {
        let lines = ["noise", "test kill::one ... FIGURES {\"lost\": 0}", "FIGURES {\"cycles\": 200}"]
            .map(str::to_owned);
        let merged = figures(&lines).expect("figures");
        assert_eq!(Value::Object(merged), json!({"lost": 0, "cycles": 200}));
        assert!(figures(&["test result: ok. 0 passed".to_owned()]).is_err());
        assert!(figures(&["FIGURES {lost=0}".to_owned()]).is_err());
    }
}
