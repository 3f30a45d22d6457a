//! Long measurements: run by hand, at most an hour each, recorded in `docs/results/NAME.json`.
//!
//! A soak is a test harness that runs longer when told so. It prints its figures as lines
//! `FIGURES {json object}`; the keys of several lines are merged. Without figures, or when the harness fails,
//! nothing is recorded. Two keys mean something here: `table` holds lines of text, which go into `NAME.md` beside
//! the record, and `"passed": false` is recorded like anything else and then decides the exit code.

use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::stopwatch::Stopwatch;
use crate::{process, workspace};

pub(crate) mod child;
pub(crate) mod machine;

/// One long measurement.
pub(crate) struct Soak {
    /// Also the name of the record.
    pub(crate) name: &'static str,
    /// One line for help.
    pub(crate) what: &'static str,
    /// The package whose tests hold its harness.
    package: &'static str,
    /// Which of the package's test programs.
    target: &'static [&'static str],
    /// Which of them are it.
    filter: &'static str,
    /// Folders whose change makes the record old.
    pub(crate) inputs: &'static [&'static str],
}

/// The one binary of integration tests.
const IT: &[&str] = &["--test", "it"];
/// The unit tests: for harnesses that look inside.
const UNIT: &[&str] = &["--lib"];

/// How many repetitions a harness does under a soak.
const CYCLES: &str = "200";
const SEED_DEFAULT: u64 = 1;
/// Where the public datasets are, which are not in the repository; soaks named `eval-` read them.
const DATASETS: &str = "FIRSTCAUSE_DATASETS";

/// What the engine's answers hang on.
const ENGINE: &[&str] = &["crates/evidence", "crates/investigation", "crates/testkit"];

/// What takes a request from the wire to the disk.
const WIRE: &[&str] = &["crates/otlp", "crates/ingest", "crates/store", "crates/telemetry"];

/// What keeps what was received.
const STORE: &[&str] = &["crates/platform", "crates/otlp", "crates/store"];

/// Every soak, sorted.
const ALL: &[Soak] = &[
    Soak {
        name: "bombs",
        what: "200 bodies that are small on the wire, 64 at a time: memory, processor time, and what neighbours see",
        package: "ingest",
        target: IT,
        filter: "bombs::",
        inputs: WIRE,
    },
    Soak {
        name: "collected",
        what: "the demo's faults, seen through a collector and the back ends that people run",
        package: "firstcause",
        target: IT,
        filter: "sources::collected::",
        inputs: &["crates/sources", "crates/investigation", "crates/demo"],
    },
    Soak {
        name: "corruption",
        what: "20,000 damages to files of the store: no panic, no wrong answer, and what is missing is told",
        package: "store",
        target: UNIT,
        filter: "tests::corruption::",
        inputs: STORE,
    },
    Soak {
        name: "crash-states",
        what: "power cuts at 100,000 moments: nothing acknowledged is lost, and nothing appears that was not sent",
        package: "store",
        target: UNIT,
        filter: "tests::crash::",
        inputs: STORE,
    },
    Soak {
        name: "demo",
        what: "the demo's faults over many seeds: how often the cause is named",
        package: "firstcause",
        target: IT,
        filter: "demo_seeds::",
        inputs: &["crates"],
    },
    Soak {
        name: "demo-degraded",
        what: "each fault with a fix under spoilt telemetry: what is still found",
        package: "firstcause",
        target: IT,
        filter: "soaks::degraded::",
        inputs: &["crates"],
    },
    Soak {
        name: "demo-matrix",
        what: "every fault of the demo: cause, fix, no false alarm, and the time to the verdict",
        package: "firstcause",
        target: IT,
        filter: "soaks::matrix::",
        inputs: &["crates"],
    },
    Soak {
        name: "demo-placebo",
        what: "fixes that do nothing, for every profile: never called effective",
        package: "firstcause",
        target: IT,
        filter: "soaks::placebo::",
        inputs: &["crates"],
    },
    Soak {
        name: "disk-faults",
        what: "every call of the disk fails once in every way: nothing acknowledged is lost by it",
        package: "store",
        target: UNIT,
        filter: "tests::faults::",
        inputs: STORE,
    },
    Soak {
        name: "engine-300",
        what: "generated systems of 300 services with one fault: the right component, and the engine's own time",
        package: "testkit",
        target: IT,
        filter: "engine::",
        inputs: ENGINE,
    },
    Soak {
        name: "eval-order",
        what: "the public cases in other orders, and in a debug build: the same bytes",
        package: "testkit",
        target: IT,
        filter: "builds::",
        inputs: &["crates/eval", "crates/evidence", "crates/investigation", "crates/testkit"],
    },
    Soak {
        name: "eval-peers",
        what: "published methods and the engine on the same public cases, scored by the same scorer",
        package: "firstcause",
        target: IT,
        filter: "peers::measured::",
        inputs: &["crates/eval", "crates/evidence", "crates/investigation", "crates/firstcause/tests/peers"],
    },
    Soak {
        name: "fuzz",
        what: "2e8 seeded mutants over every parser of the wire: no panic, nothing slow",
        package: "ingest",
        target: UNIT,
        filter: "fuzz::",
        inputs: WIRE,
    },
    Soak {
        name: "hints",
        what: "a client that only follows the tools' hints, on the five faults with a profile: the cause in three calls",
        package: "firstcause",
        target: IT,
        filter: "hints::",
        inputs: &["crates/tools", "crates/investigation", "crates/server", "crates/demo"],
    },
    Soak {
        name: "kept",
        what: "100,000 generated items: read back from the log and from answers as they were sent",
        package: "ingest",
        target: IT,
        filter: "kept::",
        inputs: WIRE,
    },
    Soak {
        name: "kill",
        what: "kill -9 at random moments: what was acknowledged is still there",
        package: "firstcause",
        target: IT,
        filter: "kill::",
        inputs: &["crates/platform", "crates/otlp", "crates/store", "crates/ingest", "crates/firstcause"],
    },
    Soak {
        name: "malformed",
        what: "25,000 malformed requests over three transports: the status, the content type and the body that an oracle says",
        package: "ingest",
        target: IT,
        filter: "malformed::",
        inputs: WIRE,
    },
    Soak {
        name: "overload",
        what: "three and ten times more than can be taken in, in a memory limit: refusals are retryable, nothing is lost",
        package: "firstcause",
        target: IT,
        filter: "overload::",
        inputs: WIRE,
    },
    Soak {
        name: "pushdown",
        what: "an investigation over 10 and 100 million spans in ClickHouse: bytes on the wire, seconds, growth",
        package: "firstcause",
        target: IT,
        filter: "sources::pushed_down::",
        inputs: &["crates/sources", "crates/investigation", "crates/telemetry"],
    },
    Soak {
        name: "quiet-hours",
        what: "2,000 service-hours without a fault: no incident; and planted faults, raised soon",
        package: "testkit",
        target: IT,
        filter: "quiet_hours::",
        inputs: ENGINE,
    },
    Soak {
        name: "resume",
        what: "kill -9 in every stage of an incident: it ends all the same, and nothing is done twice",
        package: "firstcause",
        target: IT,
        filter: "resume::",
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
    Soak {
        name: "second-system",
        what: "every fault of a system that was not written for us: the right component and kind",
        package: "firstcause",
        target: IT,
        filter: "second_system::",
        inputs: &["systems", "crates/investigation", "crates/evidence", "crates/store"],
    },
    Soak {
        name: "slow",
        what: "slow senders and floods of HTTP/2 beside a neighbour: cut, bounded, and the neighbour served",
        package: "ingest",
        target: IT,
        filter: "slow::",
        inputs: WIRE,
    },
];

/// Every soak, sorted.
pub(crate) fn all() -> &'static [Soak] {
    ALL
}

/// What was asked for.
struct Wanted {
    soak: &'static Soak,
    seed: u64,
    /// How many runs a harness that starts several may have at once.
    parallel: u64,
}

/// `cargo xtask soak NAME [--seed N] [--parallel N]`.
pub(crate) fn run(root: &Path, words: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    let Wanted { soak, seed, parallel } = chosen(words)?;
    needs_datasets(soak, std::env::var_os(DATASETS).is_some())?;
    let commit =
        process::answer(root, "git", &["rev-parse", "HEAD"]).context("failed to ask git for the commit")?;
    let changes =
        process::answer(root, "git", &["status", "--porcelain"]).context("failed to ask git for changes")?;
    let tests = ["test", "--release", "-p", soak.package];
    let asked = [soak.filter, "--", "--nocapture"];
    let arguments: Vec<&str> = tests.iter().chain(soak.target).chain(&asked).copied().collect();
    let mut command = process::cargo(root, &arguments);
    command
        .env("FIRSTCAUSE_SOAK", "1")
        .env("FIRSTCAUSE_SOAK_CYCLES", CYCLES)
        .env("FIRSTCAUSE_SOAK_SEED", seed.to_string())
        .env("FIRSTCAUSE_SOAK_PARALLEL", parallel.to_string());
    let stopwatch = Stopwatch::start();
    let lines = child::run(&mut command, out)?;
    let seconds = stopwatch.elapsed().as_secs();
    let mut figures = figures(&lines)?;
    let table = table(&mut figures);
    let has_missed = figures.get("passed") == Some(&json!(false));
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
    let results = root.join("docs/results");
    workspace::write(&results.join(format!("{}.json", soak.name)), &format!("{record:#}\n"))?;
    if !table.is_empty() {
        let text = page(soak.name, &commit, &table);
        workspace::write(&results.join(format!("{}.md", soak.name)), &text)?;
        writeln!(out, "{}", table.join("\n"))?;
    }
    writeln!(out, "soak {}: {seconds} s, recorded in docs/results/{}.json", soak.name, soak.name)?;
    if has_missed {
        return Err(Failure::negative(
            format!("the soak {} missed a threshold", soak.name),
            "it is recorded all the same; the lines with FAIL above say which",
        ));
    }
    Ok(())
}

/// Takes the lines of text out of the figures: people read them elsewhere.
fn table(figures: &mut Map<String, Value>) -> Vec<String> {
    let Some(Value::Array(lines)) = figures.remove("table") else { return Vec::new() };
    lines.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The table as a page of Markdown.
fn page(name: &str, commit: &str, table: &[String]) -> String {
    format!(
        "# {name}\n\nWritten by `cargo xtask soak {name}` at commit {commit}.\nEvery run is in [{name}.json]({name}.json).\n\n```text\n{}\n```\n",
        table.join("\n")
    )
}

/// Says so at once, and not after a build, when a soak would find nothing to read.
fn needs_datasets(soak: &Soak, is_told: bool) -> anyhow::Result<()> {
    if is_told || !soak.name.starts_with("eval-") {
        return Ok(());
    }
    let hint =
        format!("{DATASETS}=FOLDER cargo xtask soak {}; the harness names what belongs into it", soak.name);
    Err(Failure::usage(format!("the soak {} reads datasets that are not in the repository", soak.name), hint))
}

fn chosen(words: &[String]) -> anyhow::Result<Wanted> {
    let names: Vec<&str> = all().iter().map(|soak| soak.name).collect();
    let usage = |what: String| {
        let form = "cargo xtask soak NAME [--seed N] [--parallel N]";
        Failure::usage(what, format!("{form}, NAME one of {}", names.join(", ")))
    };
    let Some((name, options)) = words.split_first() else {
        return Err(usage("`soak` was not understood".to_owned()));
    };
    let Some(soak) = all().iter().find(|soak| soak.name == name) else {
        return Err(usage(format!("unknown soak `{name}`")));
    };
    let mut wanted = Wanted { soak, seed: SEED_DEFAULT, parallel: 1 };
    for option in options.chunks(2) {
        let (flag, number) = match option {
            [flag, number] => (flag.as_str(), number.parse().ok()),
            _ => return Err(usage("an option has no number".to_owned())),
        };
        match (flag, number) {
            ("--seed", Some(seed)) => wanted.seed = seed,
            ("--parallel", Some(parallel)) if parallel > 0 => wanted.parallel = parallel,
            _ => return Err(usage(format!("`{}` was not understood", option.join(" ")))),
        }
    }
    Ok(wanted)
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
        assert_eq!(
            names,
            [
                "bombs",
                "collected",
                "corruption",
                "crash-states",
                "demo",
                "demo-degraded",
                "demo-matrix",
                "demo-placebo",
                "disk-faults",
                "engine-300",
                "eval-order",
                "eval-peers",
                "fuzz",
                "hints",
                "kept",
                "kill",
                "malformed",
                "overload",
                "pushdown",
                "quiet-hours",
                "resume",
                "second-system",
                "slow"
            ]
        );
        let wanted = chosen(&words("kill --seed 7")).expect("a soak");
        assert_eq!((wanted.soak.name, wanted.seed, wanted.parallel), ("kill", 7, 1));
        let wanted = chosen(&words("demo --parallel 4 --seed 3")).expect("a soak");
        assert_eq!((wanted.soak.name, wanted.seed, wanted.parallel), ("demo", 3, 4));
        for wrong in ["", "kil", "kill --seed x", "kill 7", "kill --seed", "kill --parallel 0"] {
            let error = chosen(&words(wrong)).err().expect("a usage error");
            assert_eq!(crate::failure::exit_code(&error), 2, "{wrong}");
        }
    }

    #[test]
    fn a_soak_of_datasets_that_are_not_told_is_a_usage_error_with_a_hint() {
        let soak = |name: &str| all().iter().find(|soak| soak.name == name).expect("a soak");
        let error = needs_datasets(soak("eval-peers"), false).expect_err("no datasets");
        assert!(crate::failure::describe(&error).contains("hint: FIRSTCAUSE_DATASETS=FOLDER"));
        assert!(
            needs_datasets(soak("eval-peers"), true).is_ok() && needs_datasets(soak("kill"), false).is_ok()
        );
    }

    #[test]
    fn the_table_leaves_the_figures_and_becomes_a_page() {
        let mut figures = Map::new();
        figures.insert("table".to_owned(), json!(["a  1", "b  2"]));
        figures.insert("passed".to_owned(), json!(true));
        let lines = table(&mut figures);
        assert_eq!(Value::Object(figures), json!({"passed": true}));
        let page = page("kill", "abc", &lines);
        assert!(page.contains("a  1\nb  2\n```") && page.contains("[kill.json](kill.json)"), "{page}");
        assert!(table(&mut Map::new()).is_empty());
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
