//! The program behind `cargo xtask bench`: runs the benchmarks asked for and prints their rows as one line
//! `FIGURES {json}`. What becomes of the line is the caller's business.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use bench::child::{self, Wiring};
use bench::settings::{Peer, Settings};
use bench::table::{self, Benchmark, Run};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == "child" => {
            child::run(&Wiring::of(rest).context("`child` was not understood")?)
        }
        Some((first, rest)) if first == "run" => run(rest),
        _ => anyhow::bail!("this program is started by `cargo xtask bench`"),
    }
}

/// `run [NAMES..] [--rounds N] [--requests N] [--seed N] [--work-dir D] ...`, as `cargo xtask bench` calls it.
fn run(words: &[String]) -> anyhow::Result<()> {
    let (settings, names) = settings(words)?;
    let mut rows = Vec::new();
    for benchmark in table::all() {
        let row = match benchmark.run {
            // The table names it all the same, unless an earlier run has measured it.
            Run::By(_) if !is_wanted(benchmark, &names) => {
                rows.push(marked(benchmark.unmeasured("not run yet"), "skipped"));
                continue;
            }
            Run::NotYet(reason) => benchmark.unmeasured(reason),
            Run::By(run) => {
                say(&format!("{} {}: {}", benchmark.id, benchmark.name, benchmark.workload))?;
                // One that fails must not take the others with it; the row says what happened.
                run(&settings).map_or_else(
                    |error| marked(benchmark.unmeasured(&format!("failed: {error:#}")), "failed"),
                    |found| benchmark.row(&found),
                )
            }
        };
        say(&format!("{row:#}"))?;
        rows.push(row);
    }
    say(&format!("FIGURES {}", json!({ "seed": settings.seed, "rows": Value::Array(rows) })))
}

fn marked(mut row: Value, mark: &str) -> Value {
    if let Value::Object(row) = &mut row {
        row.insert(mark.to_owned(), json!(true));
    }
    row
}

fn is_wanted(benchmark: &Benchmark, names: &[String]) -> bool {
    names.is_empty() || names.iter().any(|name| name == benchmark.id || name == benchmark.name)
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("failed to print")
}

fn settings(words: &[String]) -> anyhow::Result<(Settings, Vec<String>)> {
    let mut settings = Settings {
        seed: 1,
        rounds: 7,
        requests: 240,
        overload_seconds: 60,
        work_dir: std::env::temp_dir(),
        program: std::env::current_exe().context("failed to find this program")?,
        product: None,
        cold_build_seconds: None,
        python: None,
        peers: Vec::new(),
    };
    let mut names = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("`{word}` has no value"));
        match word.as_str() {
            "--seed" => settings.seed = value()?.parse()?,
            "--rounds" => settings.rounds = value()?.parse()?,
            "--requests" => settings.requests = value()?.parse()?,
            "--overload-seconds" => settings.overload_seconds = value()?.parse()?,
            "--work-dir" => settings.work_dir = PathBuf::from(value()?),
            "--product" => settings.product = Some(PathBuf::from(value()?)),
            "--cold-build-seconds" => settings.cold_build_seconds = Some(value()?.parse()?),
            "--python" => settings.python = Some(PathBuf::from(value()?)),
            "--peer" => settings.peers.push(peer(value()?)?),
            name if table::all().iter().any(|one| name == one.id || name == one.name) => {
                names.push(name.to_owned());
            }
            other => anyhow::bail!("`{other}` was not understood"),
        }
    }
    anyhow::ensure!(settings.rounds > 0 && settings.requests > 0, "nothing would be measured");
    Ok((settings, names))
}

fn peer(text: &str) -> anyhow::Result<Peer> {
    let (name, url) = text.split_once('=').with_context(|| format!("`{text}` is not NAME=URL"))?;
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    Ok(Peer { name: name.to_owned(), address: address.to_owned() })
}
