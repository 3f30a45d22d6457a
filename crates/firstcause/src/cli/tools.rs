//! The arguments of `tools`, `call` and `handover`.

use std::net::SocketAddr;

use ::tools::dialects::Dialect;
use clap::Args;

use crate::config::{dialect, seconds};

#[derive(Debug, Args)]
pub(crate) struct Tools {
    /// The tools of this dialect; without it the dialects, each with what its list costs
    #[arg(long, alias = "profile", value_name = "NAME", value_parser = dialect)]
    pub(crate) dialect: Option<&'static Dialect>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Which tool; `firstcause tools --dialect NAME` lists them
    #[arg(value_name = "TOOL")]
    pub(crate) tool: String,
    /// Its arguments: NAME=TEXT, or NAME:=JSON for numbers and lists
    #[arg(value_name = "NAME=TEXT")]
    pub(crate) arguments: Vec<String>,
    /// The running Firstcause to ask
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) at: SocketAddr,
    /// Print the answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Handover {
    /// How far back the shift began
    #[arg(long, default_value = "12h", value_parser = seconds, value_name = "DURATION")]
    pub(crate) since: u64,
    /// The running Firstcause to ask
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) at: SocketAddr,
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
