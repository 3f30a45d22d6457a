//! `eval`: labelled incidents in, scores out; three processes that share nothing but files.

mod over;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use eval::conclusion_line::Line;
use eval::predict::{Predicting, predict};
use eval::score::{Scoring, score};
use eval::stage::{Staging, stage_telling};
use investigation::Settings;
use platform::SystemClock;

use super::kept::Kept;
use crate::cli::eval::{EvalCommand, EvalConditions, EvalPredict, EvalRun, EvalScore, EvalStage};
use crate::failure::{Failure, Outcome};
use crate::terminal;

/// Runs the command.
pub(crate) fn run(command: &EvalCommand) -> anyhow::Result<Outcome> {
    match command {
        EvalCommand::Stage(args) => stage_cases(args),
        EvalCommand::Predict(args) => predict_cases(args),
        EvalCommand::Score(args) => score_conclusions(args),
        EvalCommand::Run(args) => run_all(args),
        EvalCommand::Ablate(args) => over::ablate(args),
        EvalCommand::Holdout(args) => over::holdout(args),
        EvalCommand::Calibrate(args) => over::calibrate(args),
    }
}

fn stage_cases(args: &EvalStage) -> anyhow::Result<Outcome> {
    let staging = Staging {
        root: &args.dir,
        dataset: args.choice.dataset.as_deref(),
        cases: &args.out,
        answers: &args.answers,
        seed: args.choice.seed,
    };
    let count = stage_telling(&staging, terminal::say_aside).map_err(|error| usage(&error))?;
    terminal::say_aside(&format!("staged {count} cases"));
    Ok(Outcome::AsAsked)
}

fn predict_cases(args: &EvalPredict) -> anyhow::Result<Outcome> {
    let settings =
        args.conditions.off.iter().try_fold(Settings::default(), |settings, id| settings.without(id));
    let settings = settings.map_err(|error| usage(&error))?;
    let predicting = Predicting {
        cases: &args.cases,
        out: &args.out,
        shift_seconds: args.conditions.shift,
        without: &args.conditions.without,
        settings: &settings,
    };
    let told = |line: &Line| {
        let blamed = line.root_cause.as_deref().unwrap_or("nobody");
        terminal::say_aside(&format!("{}: {} ({:.2} s)", line.case, terminal::plain(blamed), line.seconds));
    };
    let count = predict(&predicting, &SystemClock::new(), told).map_err(|error| usage(&error))?;
    terminal::say_aside(&format!("predicted {count} cases"));
    Ok(Outcome::AsAsked)
}

fn score_conclusions(args: &EvalScore) -> anyhow::Result<Outcome> {
    let scoring = Scoring {
        conclusions: &args.conclusions,
        answers: &args.answers,
        baseline: args.forms.baseline.as_deref(),
    };
    let report = score(&scoring).map_err(|error| usage(&error))?;
    if args.forms.json {
        terminal::say(&serde_json::to_string_pretty(&report).context("failed to write the report as JSON")?)?;
    } else {
        terminal::say(report.render().trim_end())?;
    }
    Ok(Outcome::AsAsked)
}

fn run_all(args: &EvalRun) -> anyhow::Result<Outcome> {
    let kept = Kept::new(args.keep.as_deref())?;
    let outcome = run_in(kept.folder(), args);
    kept.clear();
    outcome
}

fn run_in(folder: &Path, args: &EvalRun) -> anyhow::Result<Outcome> {
    let (cases, answers) = (folder.join("cases"), folder.join("answers"));
    let conclusions = folder.join("conclusions.jsonl");
    let mut stage = own_process("stage", &args.dir)?;
    stage.arg("--out").arg(&cases).arg("--answers").arg(&answers);
    stage.arg("--seed").arg(args.choice.seed.to_string());
    stage.args(args.choice.dataset.iter().flat_map(|name| ["--dataset", name]));
    finish(stage)?;
    let mut predict = own_process("predict", &cases)?;
    predict.arg("--out").arg(&conclusions).args(conditions(&args.conditions));
    finish(predict)?;
    let mut score = own_process("score", &conclusions)?;
    score.arg("--answers").arg(&answers);
    if let Some(baseline) = &args.forms.baseline {
        score.arg("--baseline").arg(baseline);
    }
    if args.forms.json {
        score.arg("--json");
    }
    finish(score)?;
    Ok(Outcome::AsAsked)
}

/// The conditions as arguments of `eval predict`.
pub(super) fn conditions(conditions: &EvalConditions) -> Vec<OsString> {
    let mut arguments = vec![OsString::from(format!("--shift={}", conditions.shift))];
    for kind in &conditions.without {
        arguments.push(OsString::from(format!("--without={}", kind.name())));
    }
    for id in &conditions.off {
        arguments.push(OsString::from(format!("--off={id}")));
    }
    arguments
}

/// A step of the evaluation in a process of its own.
pub(super) fn own_process(step: &str, subject: &Path) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("failed to find this program")?;
    let mut command = Command::new(program);
    command.arg("eval").arg(step).arg(subject);
    Ok(command)
}

/// Waits for a step; what it says of itself stands on standard error.
pub(super) fn finish(mut command: Command) -> anyhow::Result<()> {
    let status = command.status().context("failed to start a step of the evaluation")?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::usage("a step of the evaluation failed", "its own message stands above"))
}

/// What went wrong, with everything behind it.
pub(super) fn usage(error: &dyn std::error::Error) -> anyhow::Error {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(behind) = source {
        text += &format!(": {behind}");
        source = behind.source();
    }
    Failure::usage(text, "`firstcause eval --help` shows what each step is given")
}
