//! The arguments of `follow`.

use clap::Args;

use super::asked::Backends;
use crate::config::seconds;

#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// A message's id, a trace id, an order's number: whatever lines, messages or traces hold
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// How far back from now it is looked for
    #[arg(long, default_value = "1h", value_parser = seconds, value_name = "DURATION")]
    pub(crate) since: u64,
    #[command(flatten)]
    pub(crate) asked: Backends,
    /// Print it as JSON (firstcause.followed/1)
    #[arg(long)]
    pub(crate) json: bool,
}
