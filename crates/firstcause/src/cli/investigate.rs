//! The arguments of `investigate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::asked::Backends;
use crate::config::seconds;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignalName {
    /// Requests take long
    Latency,
    /// Requests fail
    Errors,
}

#[derive(Debug, Args)]
pub(crate) struct Investigate {
    /// The service that is slow or fails; without it everything is looked at
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Its operation, where the alert names one
    #[arg(long, value_name = "NAME", requires = "service")]
    pub(crate) operation: Option<String>,
    /// What is wrong with it
    #[arg(long, value_enum, default_value = "latency")]
    pub(crate) signal: SignalName,
    /// When it was seen: `now`, or a time such as 2026-03-02T09:14:00Z
    #[arg(long, default_value = "now", value_name = "TIME")]
    pub(crate) at: String,
    /// For how long it was wrong by then
    #[arg(long, default_value = "5m", value_parser = seconds, value_name = "DURATION")]
    pub(crate) since: u64,
    /// How much of what was before is looked at
    #[arg(long, default_value = "1h", value_parser = seconds, value_name = "DURATION")]
    pub(crate) history: u64,
    #[command(flatten)]
    pub(crate) asked: Backends,
    /// Where journal and report are kept [default: ./firstcause-data] [env: FIRSTCAUSE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print the report as JSON (firstcause.report/1)
    #[arg(long)]
    pub(crate) json: bool,
}
