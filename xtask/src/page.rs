//! `cargo xtask page`: the live page in a headless Chromium, at 1440 and 390 pixels, in light and dark.
//!
//! A told investigation runs in an example of `server`; with `--demo` it is the real demo, with a person asked; with
//! `--stage` the demo is broken on the stage's page. What must hold stands in `xtask/browser`: no console error, no
//! request to elsewhere, nothing serious found by axe-core, an approval and a choice by keyboard. A part that is missing
//! is a failure, never a pass.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::failure::Failure;
use crate::process;

/// Where the script and its two pinned libraries are named.
const BROWSER: &str = "xtask/browser";
/// Where Debian puts it; another one is named by the variable `CHROMIUM`.
const CHROMIUM: &str = "/usr/bin/chromium";
/// Lines looked at to find the address; the demo says it within its first five.
const LINES_MAX: usize = 100;

/// Which page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Story,
    Demo,
    Stage,
}

impl Shown {
    /// The script that says what must hold.
    fn script(self) -> &'static str {
        if self == Self::Stage { "stage.mjs" } else { "check.mjs" }
    }
}

/// `cargo xtask page [--demo | --stage] [--pictures FOLDER]`.
pub(crate) fn run(root: &Path, words: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    let (shown, pictures) = understood(words)?;
    let work = target(root)?.join("page");
    install(root, &work)?;
    let folder = pictures.clone().unwrap_or_else(|| work.join("pictures"));
    let mut told = match shown {
        Shown::Story => story(root)?,
        Shown::Demo => demo(root, &work)?,
        Shown::Stage => stage(root, &work)?,
    };
    let result = check(&mut told, shown.script(), &work, &folder, pictures.is_some());
    // The end of its input ends the story; the demo ends with Enter. Where a decision was not made, both wait.
    if let Some(mut input) = told.input.take() {
        input.write_all(b"\n").ok();
    }
    if result.is_err() {
        told.child.kill().context("failed to end the served page")?;
    }
    let ended = told.child.wait().context("failed to wait for the served page")?;
    writeln!(out, "the served page ended with {ended}")?;
    result
}

/// The check of the story as a step of the lane; `--stage` takes a whole demo and is run by hand.
pub(crate) fn step(root: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    run(root, &[], out)
}

fn understood(words: &[String]) -> anyhow::Result<(Shown, Option<PathBuf>)> {
    let (mut shown, mut pictures) = (Shown::Story, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), words.as_slice().first()) {
            ("--demo", _) => shown = Shown::Demo,
            ("--stage", _) => shown = Shown::Stage,
            ("--pictures", Some(folder)) => {
                pictures = Some(std::path::absolute(folder).context("failed to resolve the folder")?);
                words.next();
            }
            _ => {
                return Err(Failure::usage(
                    format!("`page {word}` was not understood"),
                    "cargo xtask page [--demo | --stage] [--pictures FOLDER]",
                ));
            }
        }
    }
    Ok((shown, pictures))
}

fn target(root: &Path) -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    std::path::absolute(named.unwrap_or_else(|| root.join("target")))
        .context("failed to resolve the target folder")
}

/// Installs the libraries below the target folder, once for each lock file.
fn install(root: &Path, work: &Path) -> anyhow::Result<()> {
    let hint =
        "the check needs node, npm and the registry they are set up for; by hand: npm ci in xtask/browser";
    let wanted =
        std::fs::read(root.join(BROWSER).join("package-lock.json")).context("failed to read the lock")?;
    let is_there = std::fs::read(work.join("installed.json")).is_ok_and(|found| found == wanted);
    std::fs::create_dir_all(work).context("failed to make the folder of the check")?;
    for name in ["check.mjs", "page.mjs", "stage.mjs"] {
        copy(root, work, name)?;
    }
    if is_there {
        return Ok(());
    }
    for name in ["package.json", "package-lock.json"] {
        copy(root, work, name)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).current_dir(work);
    process::run(&mut npm, hint)?;
    put(&work.join("installed.json"), &wanted)
}

fn copy(root: &Path, work: &Path, name: &str) -> anyhow::Result<()> {
    let bytes =
        std::fs::read(root.join(BROWSER).join(name)).with_context(|| format!("failed to read {name}"))?;
    put(&work.join(name), &bytes)
}

#[expect(clippy::disallowed_methods, reason = "below the target folder nothing has to be durable")]
fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("failed to write {}", path.display()))
}

/// A program that serves the page, and where.
struct Told {
    child: Child,
    input: Option<std::process::ChildStdin>,
    address: String,
    /// Whether it waits for a byte before it begins.
    waits: bool,
}

fn story(root: &Path) -> anyhow::Result<Told> {
    let build = ["build", "-q", "--locked", "-p", "server", "--example", "live_page"];
    process::run(&mut process::cargo(root, &build), "mend the example")?;
    let program = target(root)?.join("debug/examples/live_page");
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let lines = child.stdout.take().context("its output is piped")?;
    let address = address(lines, is_with_token, |_| ())?;
    Ok(Told { input: child.stdin.take(), child, address, waits: true })
}

/// The built program, and an empty folder for its data.
fn program(root: &Path, work: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    process::run(
        &mut process::cargo(root, &["build", "-q", "--locked", "-p", "firstcause"]),
        "mend the build",
    )?;
    let folder = work.join("demo");
    drop(std::fs::remove_dir_all(&folder));
    Ok((target(root)?.join("debug/firstcause"), folder))
}

fn stage(root: &Path, work: &Path) -> anyhow::Result<Told> {
    let (program, folder) = program(root, work)?;
    let mut child = Command::new(&program)
        .args(["demo", "--you-break-it", "--seed", "4", "--healthy-for", "20", "--data-dir"])
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", program.display()))?;
    let lines = child.stderr.take().context("its output is piped")?;
    let is_stage =
        |line: &str, word: &str| line.contains("choose what breaks") && word.starts_with("http://");
    let address = address(lines, is_stage, |line| drop(writeln!(std::io::stderr(), "{line}")))?;
    Ok(Told { input: child.stdin.take(), child, address, waits: false })
}

fn demo(root: &Path, work: &Path) -> anyhow::Result<Told> {
    let (program, folder) = program(root, work)?;
    // At a terminal the demo leaves its page open after the verdict, until Enter; `script` is one.
    let line = format!("'{}' demo --ask --seed 1 --data-dir '{}'", program.display(), folder.display());
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("failed to start `script`, which gives the demo a terminal")?;
    let lines = child.stdout.take().context("its output is piped")?;
    let address = address(lines, is_with_token, |line| drop(writeln!(std::io::stderr(), "{line}")))?;
    Ok(Told { input: child.stdin.take(), child, address, waits: false })
}

fn is_with_token(_line: &str, word: &str) -> bool {
    word.contains("/#token=")
}

/// The first word that `is_it` says is the address, with its line; what is said later goes to `rest`, so that the program never waits for us.
fn address(
    lines: impl Read + Send + 'static,
    is_it: impl Fn(&str, &str) -> bool,
    rest: impl Fn(&str) + Send + 'static,
) -> anyhow::Result<String> {
    let mut lines = BufReader::new(lines).lines();
    for line in lines.by_ref().take(LINES_MAX) {
        let line = line.context("failed to read what the served page says")?;
        if let Some(word) = line.split_whitespace().find(|word| is_it(&line, word)) {
            let address = word.to_owned();
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| rest(&line)));
            return Ok(address);
        }
    }
    Err(Failure::negative("the served page names no address", "start it by hand and look"))
}

fn check(told: &mut Told, script: &str, work: &Path, folder: &Path, is_pictured: bool) -> anyhow::Result<()> {
    let hint = "each line above names what did not hold; `cargo xtask page --pictures FOLDER` shows it";
    let chromium = std::env::var_os("CHROMIUM").unwrap_or_else(|| CHROMIUM.into());
    let mut node = Command::new("node");
    node.arg(script).arg(&told.address).arg(folder).args(is_pictured.then_some("--pictures"));
    node.current_dir(work).env("CHROMIUM", chromium).stdout(Stdio::piped());
    let mut node = node.spawn().context("failed to start node")?;
    let said = node.stdout.take().context("its output is piped")?;
    for line in BufReader::new(said).lines() {
        let line = line.context("failed to read what the check says")?;
        if line == "GO"
            && told.waits
            && let Some(input) = &mut told.input
        {
            input.write_all(b"g").and_then(|()| input.flush()).context("failed to begin the story")?;
        }
        writeln!(std::io::stderr(), "page: {line}").ok();
    }
    let status = node.wait().context("failed to wait for node")?;
    if status.success() { Ok(()) } else { Err(Failure::negative("the page does not hold", hint)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_word_with_the_token() {
        let text = "  0.1s five services\n  0.2s  watch it at http://127.0.0.1:1/#token=ab and\nmore\n";
        assert_eq!(
            address(text.as_bytes(), is_with_token, |_| ()).expect("it is there"),
            "http://127.0.0.1:1/#token=ab"
        );
        assert!(address("nothing\n".as_bytes(), is_with_token, |_| ()).is_err());
    }

    #[test]
    fn words_are_understood_or_refused() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(understood(&words("--demo --pictures /x")).expect("known").0, Shown::Demo);
        assert_eq!(understood(&words("--stage")).expect("known"), (Shown::Stage, None));
        assert!(understood(&words("--pictures")).is_err());
        assert!(understood(&words("--fast")).is_err());
    }
}
