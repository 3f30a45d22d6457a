//! The arguments of `mcp`.

use std::path::PathBuf;

use clap::Args;
use tools::dialects::Dialect;

use super::asked::Backends;
use crate::config::dialect;

#[derive(Debug, Args)]
pub(crate) struct Mcp {
    /// Which tools agents are shown; `firstcause tools` lists the dialects [default: default] [env: FIRSTCAUSE_DIALECT]
    #[arg(long, alias = "profile", value_name = "NAME", value_parser = dialect)]
    pub(crate) dialect: Option<&'static Dialect>,
    #[command(flatten)]
    pub(crate) asked: Backends,
    /// Where signals, journals and reports are kept [default: ./firstcause-data] [env: FIRSTCAUSE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}
