//! The arguments of `ask`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::config::seconds;

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// Which question
    #[arg(value_name = "QUESTION")]
    pub(crate) question: String,
    /// How far back from now (for example 5m)
    #[arg(long, default_value = "5m", value_parser = seconds, value_name = "DURATION")]
    pub(crate) since: u64,
    /// Only this service
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// Only this operation
    #[arg(long)]
    pub(crate) operation: Option<String>,
    /// Only this instance
    #[arg(long)]
    pub(crate) instance: Option<String>,
    /// For `compare` and `series_change`: how long the stretch right before `--since` is that it is compared with; as long as
    /// `--since` when not given
    #[arg(long, value_parser = seconds, value_name = "DURATION")]
    pub(crate) before: Option<u64>,
    /// For `series_change`: only the metric of this exact name; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Vec<String>,
    /// The trace, for the question `trace`
    #[arg(long, value_name = "TRACE_ID")]
    pub(crate) trace: Option<String>,
    /// Part of a line, of an attribute, or a trace id, for the question `log_search`; all lines when not given.
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// The message, for the question `message`: where did it stop?
    #[arg(long, value_name = "MESSAGE_ID")]
    pub(crate) message: Option<String>,
    /// The space
    #[arg(long, default_value = "default")]
    pub(crate) space: String,
    /// The running Firstcause to ask
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub(crate) at: SocketAddr,
    /// Ask this back end instead: KIND=URL, or the name of a source of the configuration. `firstcause config sources` lists the kinds
    #[arg(long, value_name = "SOURCE", conflicts_with = "at")]
    pub(crate) source: Option<String>,
    /// Settings in TOML, with `[sources.NAME]` [default: ./firstcause.toml, when it is there] [env: FIRSTCAUSE_CONFIG]
    #[arg(long, value_name = "FILE", requires = "source")]
    pub(crate) config: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
