//! The arguments of `case`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use eval::fcase::Without;

/// What is done with a case file.
#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// Put everything about an incident into one file
    Save(CaseSave),
    /// Show what a case file holds; needs nothing but the file
    Open(CaseOpen),
    /// Run the engine again on what a case file holds: byte for byte, or without a kind of data
    Replay(CaseReplay),
}

#[derive(Debug, Args)]
pub(crate) struct CaseSave {
    /// The journal of an incident
    #[arg(value_name = "JOURNAL", required_unless_present = "case")]
    pub(crate) journal: Option<PathBuf>,
    /// A staged case of `eval` or `backtest --keep`, with its signals
    #[arg(long, value_name = "DIR", conflicts_with = "journal")]
    pub(crate) case: Option<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CaseOpen {
    /// The case file
    pub(crate) file: PathBuf,
    /// Print what it is, its sections and its conclusion as JSON
    #[arg(long, conflicts_with = "html")]
    pub(crate) json: bool,
    /// Write its report as a page to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CaseReplay {
    /// The case file
    pub(crate) file: PathBuf,
    /// Take a kind of data away and show how the conclusion moves: changes, deploys, logs, metrics or traces; repeatable
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(crate) without: Vec<Without>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn kind(name: &str) -> Result<Without, String> {
    Without::named(name).ok_or_else(|| "one of changes, deploys, logs, metrics, traces".to_owned())
}
