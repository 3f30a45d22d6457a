//! The arguments of `setup`, `teardown` and `verify`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is set up or removed.
#[derive(Debug, Subcommand)]
pub(crate) enum Installed {
    /// Six ES|QL tools, an agent and three indices, through the API of Kibana's Agent Builder
    Elastic {
        #[command(flatten)]
        at: At,
        /// Print what would be sent, and send nothing that writes
        #[arg(long)]
        dry_run: bool,
    },
}

/// Where, as whom, and under which names.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Kibana, with its base path where it has one
    #[arg(long, value_name = "URL")]
    pub(crate) kibana: String,
    /// Elasticsearch
    #[arg(long, value_name = "URL")]
    pub(crate) elasticsearch: String,
    /// A file with `ApiKey ...`, as an Authorization header has it
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// What ids and indices begin with
    #[arg(long, default_value = "firstcause", value_name = "NAME")]
    pub(crate) prefix: String,
    /// The indices of traces
    #[arg(long, default_value = "traces-*", value_name = "PATTERN")]
    pub(crate) traces: String,
}

/// The eight checks.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) at: At,
    /// The socket of the container engine
    #[arg(long, default_value = "/var/run/docker.sock", value_name = "PATH")]
    pub(crate) containers: PathBuf,
    /// Print the checks as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
