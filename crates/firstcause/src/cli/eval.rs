//! The arguments of `eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The three processes, and all of them in a row.
#[derive(Debug, Subcommand)]
pub(crate) enum EvalCommand {
    /// Read a dataset with its labels, and write opaque cases and, elsewhere, their answers
    Stage(EvalStage),
    /// Run the engine on staged cases, which hold no label
    Predict(EvalPredict),
    /// Hold conclusions against answers
    Score(EvalScore),
    /// Do the three, each in a process of its own
    Run(EvalRun),
    /// Switch every measure and every rule off in turn, and tell what each is worth
    Ablate(EvalOver),
    /// Choose the thresholds without each system in turn, and score it with them
    Holdout(EvalOver),
    /// Fit the confidence without each system in turn, and hold it against what is right there
    Calibrate(EvalCalibrate),
}

#[derive(Debug, Args)]
pub(crate) struct EvalStage {
    /// The folder of the dataset
    pub(crate) dir: PathBuf,
    /// Where the cases go: a new folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Where the answers go
    #[arg(long, value_name = "DIR")]
    pub(crate) answers: PathBuf,
    #[command(flatten)]
    pub(crate) choice: EvalChoice,
}

#[derive(Debug, Args)]
pub(crate) struct EvalChoice {
    /// Which dataset it is, when it is not to be guessed
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
    /// Seed of the order of the cases
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct EvalPredict {
    /// The folder of staged cases
    pub(crate) cases: PathBuf,
    /// Where the conclusions go, one JSON line a case
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) conditions: EvalConditions,
}

#[derive(Debug, Args)]
pub(crate) struct EvalConditions {
    /// Move the time of every alert by this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_hyphen_values = true)]
    pub(crate) shift: i64,
    /// Take a kind of data away: logs, traces, metrics, changes or states
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(crate) without: Vec<telemetry::recorded::Kind>,
    /// Switch a measure or rule off, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) off: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EvalScore {
    /// The conclusions
    pub(crate) conclusions: PathBuf,
    /// The folder of the answers
    #[arg(long, value_name = "DIR")]
    pub(crate) answers: PathBuf,
    #[command(flatten)]
    pub(crate) forms: EvalForms,
}

#[derive(Debug, Args)]
pub(crate) struct EvalForms {
    /// Conclusions of another run on the same cases, compared case by case
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Print the report as JSON (firstcause.eval/1), the headline first
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalRun {
    /// The folder of the dataset
    pub(crate) dir: PathBuf,
    /// Keep cases, answers and conclusions in this folder, which must be new; without it they are dropped
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: EvalChoice,
    #[command(flatten)]
    pub(crate) conditions: EvalConditions,
    #[command(flatten)]
    pub(crate) forms: EvalForms,
}

#[derive(Debug, Args)]
pub(crate) struct EvalOver {
    /// The folders of the datasets
    #[arg(required = true)]
    pub(crate) dirs: Vec<PathBuf>,
    /// Keep cases and answers in this folder; what was staged there before is used again
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: PathBuf,
    /// Which dataset they are, when it is not to be guessed
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalCalibrate {
    #[command(flatten)]
    pub(crate) over: EvalOver,
    /// Write calibration.json, calibration.md and calibration.svg into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write what was fitted to all systems, as the source text that the engine is built with
    #[arg(long, value_name = "FILE")]
    pub(crate) table: Option<PathBuf>,
}

fn kind(name: &str) -> Result<telemetry::recorded::Kind, String> {
    telemetry::recorded::Kind::named(name)
        .ok_or_else(|| "one of logs, traces, metrics, changes, states".to_owned())
}
