//! The arguments of `tools`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Tools {
    /// The tools of this dialect; without it the dialects, each with what its list costs
    #[arg(long, alias = "profile", value_name = "NAME")]
    pub(crate) dialect: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
