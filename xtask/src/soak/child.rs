//! Runs one long program, shows its output as it comes, and ends it with its children at the deadline.

use std::io::{BufRead as _, BufReader, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::Context as _;

use crate::failure::Failure;
use crate::stopwatch::Stopwatch;

const DEADLINE: Duration = Duration::from_secs(60 * 60);
/// Lines waiting to be shown; a faster program waits.
const LINES_WAITING_MAX: usize = 1024;

/// The JSON of a line that carries figures; on one core the test harness prints its own words before them.
pub(crate) fn figures_in(line: &str) -> Option<&str> {
    let start = line.find("FIGURES {")?;
    line.get(start..)?.strip_prefix("FIGURES ").map(str::trim_end)
}

/// Runs a command and returns the lines that carry figures.
pub(crate) fn run(command: &mut Command, out: &mut dyn Write) -> anyhow::Result<Vec<String>> {
    run_until(command, DEADLINE, out)
}

fn run_until(command: &mut Command, deadline: Duration, out: &mut dyn Write) -> anyhow::Result<Vec<String>> {
    // A group of its own, so that the test binary below cargo ends with it.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("failed to start {command:?}"))?;
    let lines = lines_of(&mut child)?;
    let stopwatch = Stopwatch::start();
    let mut figures = Vec::new();
    loop {
        match lines.recv_timeout(deadline.saturating_sub(stopwatch.elapsed())) {
            Ok(line) => {
                writeln!(out, "{line}")?;
                if figures_in(&line).is_some() {
                    figures.push(line);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                end(&mut child)?;
                let what = format!("the soak did not end within {} s", deadline.as_secs());
                return Err(Failure::negative(what, "do less per cycle, or fewer cycles"));
            }
        }
    }
    let status = child.wait().context("failed to wait for the soak")?;
    if status.success() {
        return Ok(figures);
    }
    Err(Failure::negative(
        format!("the soak ended with {status}"),
        "nothing is recorded; its words are above",
    ))
}

fn lines_of(child: &mut Child) -> anyhow::Result<Receiver<String>> {
    let pipe = child.stdout.take().context("the soak has no output pipe")?;
    let (sender, receiver) = sync_channel(LINES_WAITING_MAX);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                break;
            }
            line.clear();
        }
    });
    Ok(receiver)
}

/// Ends the whole process group.
fn end(child: &mut Child) -> anyhow::Result<()> {
    let group = format!("-{}", child.id());
    let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
    if !killed.is_ok_and(|status| status.success()) {
        child.kill().context("failed to end the soak")?;
    }
    child.wait().context("failed to wait for the soak")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_is_shown_and_figures_are_kept() {
        let mut out = Vec::new();
        let figures =
            run(&mut shell("echo one; echo 'FIGURES {}'"), &mut out).expect("the program ends well");
        assert_eq!(figures, ["FIGURES {}"]);
        assert_eq!(String::from_utf8_lossy(&out), "one\nFIGURES {}\n");
    }

    #[test]
    fn a_failing_program_is_an_error() {
        let error = run(&mut shell("exit 3"), &mut Vec::new()).expect_err("the program fails");
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }

    #[test]
    fn the_deadline_ends_the_program_and_its_children() {
        let mut command = shell("sleep 600 & sleep 600");
        let error =
            run_until(&mut command, Duration::from_millis(100), &mut Vec::new()).expect_err("too long");
        assert!(error.to_string().contains("did not end"), "{error}");
    }
}
