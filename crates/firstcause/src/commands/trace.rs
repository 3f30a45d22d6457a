//! `trace diff`: what differs between two traces, and with expectations whether that is as it should be.

use std::slice::from_ref;

use anyhow::Context;
use evidence::expectations::{Verdict, gate};
use evidence::trace_diff::{Difference, Tolerance};
use replay::compare::{Compared, compare};
use replay::junit::Case;

use super::gate::{add_schema, cases, expectations, render, tell, traces};
use crate::cli::{TraceCommand, TraceDiff};
use crate::failure::{Failure, Outcome};
use crate::terminal;

/// Runs the command.
pub(crate) fn run(command: &TraceCommand) -> anyhow::Result<Outcome> {
    match command {
        TraceCommand::Diff(args) => diff(args),
    }
}

fn diff(args: &TraceDiff) -> anyhow::Result<Outcome> {
    let (base, new) = (traces(from_ref(&args.base))?, traces(from_ref(&args.new))?);
    if base.is_empty() || new.is_empty() {
        return Err(Failure::usage(
            "one of the files holds no span",
            "give files with at least one trace each",
        ));
    }
    let compared = compare(&base, &new, tolerance(args)?);
    let file = args.expectations.as_ref().map(|path| expectations(path)).transpose()?;
    let judged = file.map(|file| gate(&file.expectations, &new, Some(&base), &file.patterns));
    let is_green = judged.as_ref().map_or(compared.differences.is_empty(), |gate| gate.is_green);
    let mut lines = vec![told(&compared)];
    lines.extend(judged.as_ref().map(|gate| render(gate, new.len())));
    if args.forms.json {
        let mut document =
            serde_json::to_value(&compared).context("failed to write the differences as JSON")?;
        add_schema(&mut document, "firstcause.trace_diff/1");
        if let (Some(object), Some(gate)) = (document.as_object_mut(), &judged) {
            object.insert("gate".to_owned(), serde_json::to_value(gate)?);
        }
        terminal::say(&serde_json::to_string_pretty(&document)?)?;
    } else {
        terminal::say(&lines.join("\n"))?;
    }
    let (cases, about) = match &judged {
        Some(gate) => (cases(gate), args.expectations.as_ref().unwrap_or(&args.new)),
        None => (compared.differences.iter().map(case).collect(), &args.new),
    };
    tell(&args.forms, "firstcause trace diff", about, &cases)?;
    Ok(if is_green { Outcome::AsAsked } else { Outcome::Negative })
}

fn tolerance(args: &TraceDiff) -> anyhow::Result<Tolerance> {
    let is_sound = args.jitter_ratio >= 1.0 && args.jitter_ms >= 0.0 && args.jitter_ms.is_finite();
    if !is_sound {
        let hint = "a ratio of at least 1, and milliseconds of at least 0";
        return Err(Failure::usage("the jitter allowed makes no sense", hint));
    }
    Ok(Tolerance { ratio: args.jitter_ratio, floor_ns: (args.jitter_ms * 1e6) as i64 })
}

fn case(difference: &Difference) -> Case {
    Case {
        name: format!("{}: {}", difference.kind.word(), difference.path),
        line: 0,
        verdict: Verdict::Fail,
        detail: detail(difference),
    }
}

fn detail(difference: &Difference) -> String {
    let what = if difference.what.is_empty() { String::new() } else { format!("{}: ", difference.what) };
    let times = if difference.times > 1 { format!(", {} times", difference.times) } else { String::new() };
    let also = if difference.also.is_empty() {
        String::new()
    } else {
        format!("; also {}", difference.also.join(", "))
    };
    format!("{what}{} -> {}{times}{also}", difference.base, difference.new)
}

fn told(compared: &Compared) -> String {
    let mut text = String::new();
    for request in &compared.requests {
        let (name, base, new) = (terminal::plain(&request.name), request.base_runs, request.new_runs);
        text += &format!("compared {name}: the median one of {base} with that of {new}\n");
    }
    for difference in &compared.differences {
        let (path, detail) = (terminal::plain(&difference.path), terminal::plain(&detail(difference)));
        text += &format!("{:<15}  {path}\n{:<15}  {detail}\n", difference.kind.word(), "");
    }
    text + &format!("{} differences", compared.differences.len())
}
