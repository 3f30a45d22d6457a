//! The arguments of `mcp`.

use std::path::PathBuf;

use clap::Args;
use tools::dialects::Dialect;

use crate::config::{dialect, seconds};

#[derive(Debug, Args)]
pub(crate) struct Mcp {
    /// Which tools agents are shown; `firstcause tools` lists the dialects [default: default] [env: FIRSTCAUSE_DIALECT]
    #[arg(long, alias = "profile", value_name = "NAME", value_parser = dialect)]
    pub(crate) dialect: Option<&'static Dialect>,
    /// A back end to ask, besides those of the configuration; repeatable. `firstcause config sources` lists the kinds
    #[arg(long, value_name = "KIND=URL")]
    pub(crate) source: Vec<String>,
    /// How long an answer of a back end is waited for
    #[arg(long, default_value = "10s", value_parser = seconds, value_name = "DURATION")]
    pub(crate) patience: u64,
    /// Settings in TOML, with `[sources.NAME]` [default: ./firstcause.toml, when it is there] [env: FIRSTCAUSE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where signals, journals and reports are kept [default: ./firstcause-data] [env: FIRSTCAUSE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}
