//! `setup`, `teardown` and `verify`: what Kibana's Agent Builder gets of us, its removal, and whether all of it works.

use serde_json::json;
use sources::Settings;
use sources::elastic::kibana::{Check, Elastic, Step, check};

use crate::cli::elastic_kibana::{At, Installed, Verify};
use crate::failure::{Failure, Outcome};
use crate::terminal;

/// Runs `setup`.
pub(crate) async fn setup(installed: Installed) -> anyhow::Result<Outcome> {
    let Installed::Elastic { at, dry_run } = installed;
    let mut lines = Vec::new();
    let done = open(&at)?.setup(dry_run, |step| lines.push(line(step, dry_run))).await;
    end(&lines, done)
}

/// Runs `teardown`.
pub(crate) async fn teardown(installed: Installed) -> anyhow::Result<Outcome> {
    let Installed::Elastic { at, dry_run } = installed;
    let mut lines = Vec::new();
    let done = open(&at)?.teardown(dry_run, |step| lines.push(line(step, dry_run))).await;
    end(&lines, done)
}

/// Runs `verify`. The outcome is negative when a check fails.
pub(crate) async fn verify(args: Verify) -> anyhow::Result<Outcome> {
    let checks = check(&open(&args.at)?, &args.containers).await;
    let good = checks.iter().filter(|check| check.found.is_ok()).count();
    if args.json {
        let told: Vec<_> = checks.iter().map(to_json).collect();
        terminal::say(
            &json!({"schema": "firstcause.verify/1", "ok": good, "of": checks.len(), "checks": told})
                .to_string(),
        )?;
    } else {
        for check in &checks {
            terminal::say(&to_text(check))?;
        }
        terminal::say(&format!("{good}/{}", checks.len()))?;
    }
    Ok(if good == checks.len() { Outcome::AsAsked } else { Outcome::Negative })
}

fn open(at: &At) -> anyhow::Result<Elastic> {
    let settings = |url: &str| {
        let key =
            at.api_key_file.as_ref().map(|file| ("Authorization".to_owned(), file.display().to_string()));
        Settings { url: url.to_owned(), header_files: key.into_iter().collect(), ..Settings::default() }
    };
    let (kibana, elasticsearch) = (settings(&at.kibana), settings(&at.elasticsearch));
    Elastic::new((&kibana, &elasticsearch), &at.prefix, &at.traces)
        .map_err(|error| failure(&error.to_string()))
}

/// An error of the library, whose text brings its hint.
fn failure(text: &str) -> anyhow::Error {
    let (says, hint) = text.split_once("; hint: ").unwrap_or((text, "see --help"));
    Failure::usage(says.to_owned(), hint)
}

fn line(step: &Step, is_dry: bool) -> String {
    let body =
        if is_dry && !step.body.is_empty() { format!("\n{:10} {}", "", step.body) } else { String::new() };
    format!("{:10} {}{body}", step.done, step.request)
}

/// Says what was done; then whether it came to its end.
fn end(lines: &[String], done: Result<(), String>) -> anyhow::Result<Outcome> {
    for line in lines {
        terminal::say(&terminal::plain(line))?;
    }
    done.map(|()| Outcome::AsAsked).map_err(|error| {
        let (says, hint) =
            error.split_once("; hint: ").unwrap_or((&error, "what was done stays done; run it again"));
        Failure::unreachable(says.to_owned(), hint)
    })
}

fn to_text(check: &Check) -> String {
    match &check.found {
        Ok(says) => format!("ok       {:26} {}", check.name, terminal::plain(says)),
        Err(why) => {
            let (says, hint) = why.split_once("; hint: ").unwrap_or((why, ""));
            let hint = if hint.is_empty() { String::new() } else { format!("\n{:35} hint: {hint}", "") };
            format!("FAILED   {:26} {}{hint}", check.name, terminal::plain(says))
        }
    }
}

fn to_json(check: &Check) -> serde_json::Value {
    let (is_ok, says) = match &check.found {
        Ok(says) => (true, says),
        Err(why) => (false, why),
    };
    json!({"check": check.name, "ok": is_ok, "says": says})
}
