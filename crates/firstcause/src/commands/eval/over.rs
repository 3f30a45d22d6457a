//! What is done over several datasets at once: taking things away, choosing thresholds and fitting the confidence without
//! a system.
//!
//! Each dataset is staged once, in a process of its own; what predicts afterwards is given the cases only.

use std::path::{Path, PathBuf};

use anyhow::Context;
use eval::ablate::Staged;
use eval::files;
use platform::SystemClock;
use serde::Serialize;

use super::{finish, own_process, usage};
use crate::cli::eval::{EvalCalibrate, EvalOver};
use crate::failure::Outcome;
use crate::terminal;

pub(super) fn ablate(args: &EvalOver) -> anyhow::Result<Outcome> {
    let stagings = stage_all(args)?;
    let ablation = eval::ablate::ablate(&stagings, &SystemClock::new(), terminal::say_aside)
        .map_err(|error| usage(&error))?;
    tell(args, &ablation, &ablation.render())
}

pub(super) fn holdout(args: &EvalOver) -> anyhow::Result<Outcome> {
    let stagings = stage_all(args)?;
    let holdout = eval::holdout::holdout(&stagings, &SystemClock::new(), terminal::say_aside)
        .map_err(|error| usage(&error))?;
    tell(args, &holdout, &holdout.render())
}

pub(super) fn calibrate(args: &EvalCalibrate) -> anyhow::Result<Outcome> {
    let stagings = stage_all(&args.over)?;
    let calibration = eval::calibrate::calibrate(&stagings, &SystemClock::new(), terminal::say_aside)
        .map_err(|error| usage(&error))?;
    let page = calibration.render();
    keep(&args.over.keep.join("runs.jsonl"), &calibration.lines())?;
    if let Some(dir) = &args.out {
        files::create_dir(dir).map_err(|error| usage(&error))?;
        let json =
            serde_json::to_string_pretty(&calibration).context("failed to write the result as JSON")?;
        keep(&dir.join("calibration.json"), &(json + "\n"))?;
        keep(&dir.join("calibration.md"), &page)?;
        keep(&dir.join("calibration.svg"), &calibration.curve())?;
    }
    if let Some(table) = &args.table {
        keep(table, &calibration.table())?;
    }
    tell(&args.over, &calibration, &page)
}

fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    files::write_text(path, text).map_err(|error| usage(&error))
}

fn tell(args: &EvalOver, result: &impl Serialize, page: &str) -> anyhow::Result<Outcome> {
    if args.json {
        let text = serde_json::to_string_pretty(result).context("failed to write the result as JSON")?;
        terminal::say(&text)?;
    } else {
        terminal::say(page.trim_end())?;
    }
    Ok(Outcome::AsAsked)
}

/// Stages every dataset that is not staged yet.
fn stage_all(args: &EvalOver) -> anyhow::Result<Vec<Staged>> {
    let mut stagings = Vec::new();
    for (dir, number) in args.dirs.iter().zip(1..) {
        let name =
            dir.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned());
        let place: PathBuf = args.keep.join(format!("{number}-{name}"));
        let staged = Staged { cases: place.join("cases"), answers: place.join("answers") };
        if staged.answers.join(eval::label::FILE).is_file() {
            terminal::say_aside(&format!("`{}` is staged already", terminal::plain(&name)));
        } else {
            let mut stage = own_process("stage", dir)?;
            stage.arg("--out").arg(&staged.cases).arg("--answers").arg(&staged.answers);
            stage.args(args.dataset.iter().flat_map(|name| ["--dataset", name]));
            finish(stage)?;
        }
        stagings.push(staged);
    }
    Ok(stagings)
}
