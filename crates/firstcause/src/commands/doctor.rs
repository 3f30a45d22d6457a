//! `doctor`: what somebody should know before relying on `serve` here. It repairs nothing.
//!
//! It writes one small file beside the data and removes it, and takes the lock for a moment; a span is sent only when
//! asked for. What cannot be told from here is said so and is no finding.

mod acting;
mod data;
mod ground;
mod journals;
mod keys;
mod machine;
mod network;
mod selftest;
mod sources;

use serde_json::json;

use crate::cli::Doctor;
use crate::config::{self, Resolved};
use crate::failure::Outcome;
use crate::terminal;
use crate::wiring::Doors;

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Problem,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What one check found.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    state: State,
    says: String,
    hint: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, state: State::Ok, says: says.into(), hint: None }
    }

    fn warning(check: &'static str, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, state: State::Warning, says: says.into(), hint: Some(hint.into()) }
    }

    fn problem(check: &'static str, says: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check, state: State::Problem, says: says.into(), hint: Some(hint.into()) }
    }

    /// A problem from an error, whose text may bring its hint.
    fn failed(check: &'static str, error: &anyhow::Error, hint: &str) -> Self {
        let text = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        let split = text.split_once("\nhint: ").or_else(|| text.split_once("; hint: "));
        let (says, hint) = split.unwrap_or((&text, hint));
        Self::problem(check, says, hint)
    }
}

/// Runs the command.
pub(crate) async fn run(args: Doctor) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let findings = match config::resolve(&args.settings, &*doors.disk) {
        Ok(resolved) => examine(&resolved, &doors, &args).await,
        Err(error) => {
            let hint = "the other checks need the settings: mend them first";
            vec![Finding::failed("configuration", &error, hint)]
        }
    };
    terminal::say(&if args.json { to_json(&findings).to_string() } else { to_text(&findings) })?;
    let has_problem = findings.iter().any(|finding| finding.state == State::Problem);
    Ok(if has_problem { Outcome::Negative } else { Outcome::AsAsked })
}

async fn examine(resolved: &Resolved, doors: &Doors, args: &Doctor) -> Vec<Finding> {
    let settings = &resolved.settings;
    let (ports, running) = network::check(settings).await;
    let mut findings = vec![configuration(resolved)];
    findings.extend(resolved.ignored.iter().map(|ignored| {
        let (says, hint) = ignored.split_once("; hint: ").unwrap_or((ignored, "take it away"));
        Finding::warning("configuration", says, hint)
    }));
    findings.extend(data::check(settings, doors, running.as_ref()));
    findings.extend(journals::check(settings, doors, running.as_ref()));
    findings.push(keys::check(settings, doors));
    findings.extend(ports);
    findings.push(machine::clock(doors));
    findings.push(machine::open_files());
    findings.push(machine::memory(settings, running.as_ref()));
    findings.extend(acting::check(settings, doors).await);
    findings.extend(sources::check(&resolved.asked, doors).await);
    if args.send {
        findings.extend(selftest::check(settings, doors, running.as_ref()).await);
    }
    findings
}

fn configuration(resolved: &Resolved) -> Finding {
    let from = match &resolved.file {
        Some(path) => format!("{} settings resolve, with `{}`", resolved.rows.len(), path.display()),
        None => format!("{} settings resolve, without a file", resolved.rows.len()),
    };
    Finding::ok("configuration", from)
}

fn to_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let says = terminal::plain(&finding.says);
        text.push_str(&format!("{:<8} {:<15} {says}\n", finding.state.name(), finding.check));
        if let Some(hint) = &finding.hint {
            text.push_str(&format!("{:24} hint: {}\n", "", terminal::plain(hint)));
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (problems, warnings) = (count(State::Problem), count(State::Warning));
    text + &format!("findings: {}, problems: {problems}, warnings: {warnings}", findings.len())
}

fn to_json(findings: &[Finding]) -> serde_json::Value {
    let finding = |finding: &Finding| {
        json!({
            "check": finding.check, "state": finding.state.name(), "says": finding.says, "hint": finding.hint,
        })
    };
    json!({
        "schema": "firstcause.doctor/1",
        "has_problem": findings.iter().any(|finding| finding.state == State::Problem),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
