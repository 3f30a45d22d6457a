//! The arguments of `follow`.

use std::path::PathBuf;

use clap::Args;

use crate::config::seconds;

#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// A message's id, a trace id, an order's number: whatever lines, messages or traces hold
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// How far back from now it is looked for
    #[arg(long, default_value = "1h", value_parser = seconds, value_name = "DURATION")]
    pub(crate) since: u64,
    /// A back end to ask, besides those of the configuration; repeatable. `firstcause config sources` lists the kinds
    #[arg(long, value_name = "KIND=URL")]
    pub(crate) source: Vec<String>,
    /// How long an answer of a back end is waited for
    #[arg(long, default_value = "10s", value_parser = seconds, value_name = "DURATION")]
    pub(crate) patience: u64,
    /// Settings in TOML, with `[sources.NAME]` [default: ./firstcause.toml, when it is there] [env: FIRSTCAUSE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print it as JSON (firstcause.followed/1)
    #[arg(long)]
    pub(crate) json: bool,
}
