//! Whom a command asks that has no store of its own.

use std::path::PathBuf;

use clap::Args;

use crate::config::seconds;

/// The back ends, and how long they are waited for.
#[derive(Debug, Args)]
pub(crate) struct Backends {
    /// A back end to ask, besides those of the configuration; repeatable. `firstcause config sources` lists the kinds
    #[arg(long, value_name = "KIND=URL")]
    pub(crate) source: Vec<String>,
    /// How long an answer of a back end is waited for
    #[arg(long, default_value = "10s", value_parser = seconds, value_name = "DURATION")]
    pub(crate) patience: u64,
    /// Settings in TOML, with `[sources.NAME]` [default: ./firstcause.toml, when it is there] [env: FIRSTCAUSE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
