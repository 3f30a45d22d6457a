//! `backtest`: one's own incidents in, what would have been explained out.
//!
//! Staging and predicting are processes of their own, as in `eval run`; the scoring is done here, where labels may be
//! read.

use std::path::Path;

use eval::datasets::INCIDENTS;
use eval::score::{Scoring, score};

use super::eval::{conditions, finish, own_process, usage};
use super::kept::Kept;
use crate::cli::backtest::Backtest;
use crate::failure::{Failure, Outcome};
use crate::terminal;

/// Runs the command.
pub(crate) fn run(args: &Backtest) -> anyhow::Result<Outcome> {
    if let Some(folder) = &args.example {
        return example(folder);
    }
    let Some(dir) = &args.dir else {
        return Err(Failure::usage("no folder is given", "`--example DIR` writes one to try"));
    };
    let kept = Kept::new(args.keep.as_deref())?;
    let outcome = scored(args, dir, kept.folder());
    kept.clear();
    outcome
}

fn example(folder: &Path) -> anyhow::Result<Outcome> {
    if folder.exists() {
        let what = format!("`{}` is there already", folder.display());
        return Err(Failure::usage(what, "give a new folder"));
    }
    let names = eval::example::write(folder).map_err(|error| usage(&error))?;
    for name in names {
        terminal::say(&format!("wrote {}", folder.join(name).display()))?;
    }
    terminal::say(&format!("hint: `firstcause backtest {}` scores them", folder.display()))?;
    Ok(Outcome::AsAsked)
}

fn scored(args: &Backtest, dir: &Path, kept: &Path) -> anyhow::Result<Outcome> {
    let (cases, answers, conclusions) =
        (kept.join("cases"), kept.join("answers"), kept.join("conclusions.jsonl"));
    let mut stage = own_process("stage", dir)?;
    stage.arg("--out").arg(&cases).arg("--answers").arg(&answers).args(["--dataset", INCIDENTS]);
    finish(stage)?;
    let mut predict = own_process("predict", &cases)?;
    predict.arg("--out").arg(&conclusions).args(conditions(&args.conditions));
    finish(predict)?;
    let scoring = Scoring { conclusions: &conclusions, answers: &answers, baseline: None };
    let report = score(&scoring).map_err(|error| usage(&error))?;
    let told = eval::backtest::tell(&report, &cases).map_err(|error| usage(&error))?;
    if args.json {
        terminal::say(&serde_json::to_string_pretty(&told)?)?;
    } else {
        terminal::say(told.render().trim_end())?;
        if let Some(folder) = &args.keep {
            let save = format!(
                "hint: `firstcause case save --case {} --out X.fcase` keeps one in a file",
                folder.join("cases").join("case-0001").display()
            );
            terminal::say_aside(&save);
        }
    }
    let share = told.explained as f64 / told.incidents.max(1) as f64;
    Ok(if args.at_least.is_some_and(|least| share < least) { Outcome::Negative } else { Outcome::AsAsked })
}
