//! `cargo xtask bench`: builds the benchmarks in release mode, runs them, and keeps what they say.
//!
//! The figures go to `docs/results/bench.json`, from which `docs/benchmarks.md` is made. A run of some benchmarks leaves
//! the rows of the others as they are, each with its own commit. Nothing is judged by the exit code but whether the
//! benchmarks could be run: a bound that is missed stands in the table.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::soak::{child, machine};
use crate::stopwatch::Stopwatch;
use crate::{process, workspace};

mod page;

const RECORD: &str = "docs/results/bench.json";
const PAGE: &str = "docs/benchmarks.md";
/// The benchmark that looks at the product's own binary.
const FOOTPRINT: [&str; 2] = ["B18", "footprint"];
/// A release build of the product that is there already; without it one is made.
const PRODUCT: &str = "--product";
/// Peers that come from PyPI, in the versions that the figures were made with.
const REQUIREMENTS: &str = "crates/bench/peers/requirements.txt";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// All of them when empty.
    names: Vec<String>,
    /// Handed on as they are.
    options: Vec<String>,
    is_cold_build_wanted: bool,
    are_peers_wanted: bool,
}

/// `cargo xtask bench [NAMES..] [--rounds N] [--requests N] [--seed N] [--peer NAME=URL] [--peers] [--cold-build]`.
pub(crate) fn run(root: &Path, words: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    let wanted = chosen(words)?;
    let target = target_dir(root)?;
    let commit =
        process::answer(root, "git", &["rev-parse", "HEAD"]).context("failed to ask git for the commit")?;
    let changes =
        process::answer(root, "git", &["status", "--porcelain"]).context("failed to ask git for changes")?;
    let options = prepared(root, &target, &wanted, out)?;
    let mut command = process::cargo(root, &["run", "--release", "--locked", "-p", "bench", "--", "run"]);
    command.args(&wanted.names).args(&wanted.options).args(&options);
    let stopwatch = Stopwatch::start();
    let lines = child::run(&mut command, out)?;
    let seconds = stopwatch.elapsed().as_secs();
    let mut figures = figures(&lines)?;
    let seed = figures.get("seed").cloned().unwrap_or(Value::Null);
    let run = json!({
        "commit": commit,
        "dirty": !changes.is_empty(),
        "seed": seed,
        "command": command_line(words),
    });
    let rows = figures.get_mut("rows").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let has_failed = rows.iter().any(|row| row.get("failed") == Some(&json!(true)));
    let earlier = std::fs::read_to_string(root.join(RECORD)).unwrap_or_default();
    let record = json!({
        "schema": "firstcause.bench/1",
        "name": "bench",
        "commit": commit,
        "dirty": !changes.is_empty(),
        "seed": seed,
        "machine": machine::describe(),
        "seconds": seconds,
        "figures": { "rows": merged(rows_of(&earlier), rows, &run) },
    });
    workspace::write(&root.join(RECORD), &format!("{record:#}\n"))?;
    workspace::write(&root.join(PAGE), &page::render(&record))?;
    writeln!(out, "bench: {seconds} s, recorded in {RECORD}, table in {PAGE}")?;
    if has_failed {
        return Err(Failure::negative(
            "a benchmark failed",
            "its row says how; it counts wrong or did not start",
        ));
    }
    Ok(())
}

/// The command as others can give it, without folders of this machine.
fn command_line(words: &[String]) -> String {
    let mut shown = vec!["cargo xtask bench"];
    let is_path = |place: usize| {
        place.checked_sub(1).and_then(|before| words.get(before)).is_some_and(|word| word == PRODUCT)
    };
    shown.extend(
        words.iter().enumerate().map(|(place, word)| if is_path(place) { "FILE" } else { word.as_str() }),
    );
    shown.join(" ")
}

/// What must be there before the benchmarks run, as options for them.
fn prepared(root: &Path, target: &Path, wanted: &Wanted, out: &mut dyn Write) -> anyhow::Result<Vec<String>> {
    let work = target.join("tmp");
    std::fs::create_dir_all(&work).with_context(|| format!("failed to create `{}`", work.display()))?;
    let mut options = vec!["--work-dir".to_owned(), work.display().to_string()];
    let mut option = |flag: &str, value: String| options.extend([flag.to_owned(), value]);
    let is_footprint_wanted =
        wanted.names.is_empty() || wanted.names.iter().any(|name| FOOTPRINT.contains(&name.as_str()));
    if wanted.is_cold_build_wanted {
        let seconds = cold_build(root, &work, out)?;
        option("--cold-build-seconds", format!("{seconds:.1}"));
    }
    let is_product_given = wanted.options.iter().any(|word| word == PRODUCT);
    if is_footprint_wanted && !is_product_given {
        let mut build = process::cargo(root, &["build", "--release", "--locked", "-p", "firstcause"]);
        process::run(&mut build, "mend the build")?;
        option(PRODUCT, target.join("release/firstcause").display().to_string());
    }
    if wanted.are_peers_wanted {
        option("--python", peers(root, target)?.display().to_string());
    }
    Ok(options)
}

/// Seconds that the product takes to build into an empty folder, its downloads not counted.
fn cold_build(root: &Path, work: &Path, out: &mut dyn Write) -> anyhow::Result<f64> {
    let folder = work.join("cold-build");
    drop(std::fs::remove_dir_all(&folder));
    process::run(&mut process::cargo(root, &["fetch", "--locked"]), "see above")?;
    writeln!(out, "cold build into an empty folder")?;
    let stopwatch = Stopwatch::start();
    let mut build = process::cargo(root, &["build", "--release", "--locked", "-p", "firstcause"]);
    process::run(build.env("CARGO_TARGET_DIR", &folder), "mend the build")?;
    let seconds = stopwatch.elapsed().as_secs_f64();
    drop(std::fs::remove_dir_all(&folder));
    Ok(seconds)
}

/// A Python below the target folder that has the peers.
fn peers(root: &Path, target: &Path) -> anyhow::Result<PathBuf> {
    let folder = target.join("bench-peers");
    let python = folder.join("bin/python3");
    if !python.exists() {
        let mut make = std::process::Command::new("python3");
        process::run(make.args(["-m", "venv"]).arg(&folder), "install python3-venv")?;
    }
    let mut install = std::process::Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--requirement"])
        .arg(root.join(REQUIREMENTS));
    process::run(&mut install, "PyPI must be in reach once; or leave out `--peers`")?;
    Ok(python)
}

/// Where cargo builds into.
fn target_dir(root: &Path) -> anyhow::Result<PathBuf> {
    let mut command = process::cargo(root, &["metadata", "--format-version", "1", "--no-deps", "--locked"]);
    let output = command.output().context("failed to ask cargo for its folders")?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("failed to read what cargo says of its folders")?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    target.map(PathBuf::from).context("cargo names no target folder")
}

fn chosen(words: &[String]) -> anyhow::Result<Wanted> {
    let form = "cargo xtask bench [NAMES..] [--rounds N] [--requests N] [--seed N] [--overload-seconds N] \
                [--peer NAME=URL] [--peers] [--product FILE] [--cold-build]";
    let mut wanted = Wanted::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--cold-build" => wanted.is_cold_build_wanted = true,
            "--peers" => wanted.are_peers_wanted = true,
            "--rounds" | "--requests" | "--seed" | "--overload-seconds" | "--peer" | PRODUCT => {
                let value = rest.next().filter(|value| is_fit(word, value));
                let value =
                    value.ok_or_else(|| Failure::usage(format!("`{word}` has no fitting value"), form))?;
                wanted.options.extend([word.clone(), value.clone()]);
            }
            name if !name.starts_with('-') => wanted.names.push(name.to_owned()),
            other => return Err(Failure::usage(format!("`{other}` was not understood"), form)),
        }
    }
    Ok(wanted)
}

fn is_fit(option: &str, value: &str) -> bool {
    match option {
        "--peer" => value.split_once('=').is_some_and(|(name, url)| !name.is_empty() && !url.is_empty()),
        PRODUCT => Path::new(value).is_file(),
        _ => value.parse::<u64>().is_ok(),
    }
}

/// The figures of the last line that carries some.
fn figures(lines: &[String]) -> anyhow::Result<Value> {
    let text = lines.iter().rev().find_map(|line| child::figures_in(line));
    let text = text.ok_or_else(|| {
        Failure::negative("the benchmarks printed no figures", "their words are above; nothing is recorded")
    })?;
    serde_json::from_str(text).with_context(|| format!("failed to read the figures `{text}`"))
}

/// The rows of a record; none where it cannot be read.
fn rows_of(record: &str) -> Vec<Value> {
    let record: Value = serde_json::from_str(record).unwrap_or(Value::Null);
    record.pointer("/figures/rows").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The new rows with what `run` says of their run, and the earlier ones of benchmarks that were left out, by number.
fn merged(earlier: Vec<Value>, rows: Vec<Value>, run: &Value) -> Vec<Value> {
    let id = |row: &Value| row.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_skipped = |row: &Value| row.get("skipped") == Some(&json!(true));
    let mut kept: Vec<Value> = Vec::new();
    for mut row in rows {
        let old = earlier.iter().find(|old| id(old) == id(&row));
        match (&mut row, old) {
            (row, Some(old)) if is_skipped(row) => kept.push(old.clone()),
            (row, None) if is_skipped(row) => kept.push(row.take()),
            (row, _) => {
                if let Value::Object(row) = row {
                    row.insert("run".to_owned(), run.clone());
                }
                kept.push(row.take());
            }
        }
    }
    for old in earlier {
        if kept.iter().all(|row| id(row) != id(&old)) {
            kept.push(old);
        }
    }
    kept.sort_by_key(|row| id(row).trim_start_matches('B').parse::<u64>().unwrap_or(u64::MAX));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn names_and_options_are_told_apart_and_wrong_ones_are_usage_errors() {
        let wanted =
            chosen(&words("B1 decode-share --rounds 5 --peer vt=http://127.0.0.1:10428 --cold-build"));
        let wanted = wanted.expect("understood");
        assert_eq!(wanted.names, ["B1", "decode-share"]);
        assert_eq!(wanted.options, ["--rounds", "5", "--peer", "vt=http://127.0.0.1:10428"]);
        assert!(wanted.is_cold_build_wanted && !wanted.are_peers_wanted);
        for wrong in ["--rounds", "--rounds x", "--product nowhere", "--peer vt", "--peer =u", "--fast"] {
            let error = chosen(&words(wrong)).expect_err("a usage error");
            assert_eq!(crate::failure::exit_code(&error), 2, "{wrong}");
        }
    }

    #[test]
    fn rows_of_other_benchmarks_stay_with_their_own_commit_and_stand_by_number() {
        let earlier =
            vec![json!({"id": "B10", "run": {"commit": "a"}}), json!({"id": "B2", "run": {"commit": "a"}})];
        let new = vec![
            json!({"id": "B2", "new": true}),
            json!({"id": "B10", "skipped": true}),
            json!({"id": "B3", "skipped": true}),
        ];
        let rows = merged(earlier, new, &json!({"commit": "b"}));
        assert_eq!(
            rows,
            [
                json!({"id": "B2", "new": true, "run": {"commit": "b"}}),
                json!({"id": "B3", "skipped": true}),
                json!({"id": "B10", "run": {"commit": "a"}})
            ]
        );
    }

    #[test]
    fn figures_are_read_from_the_last_line_and_none_is_an_error() {
        let lines = ["FIGURES {\"rows\": [1]}", "FIGURES {\"rows\": [2]}"].map(str::to_owned);
        assert_eq!(figures(&lines).expect("figures"), json!({"rows": [2]}));
        assert!(figures(&["rows".to_owned()]).is_err());
        assert!(rows_of("").is_empty() && rows_of("{}").is_empty());
        assert_eq!(rows_of("{\"figures\": {\"rows\": [3]}}"), [json!(3)]);
    }
}
