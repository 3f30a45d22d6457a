//! The arguments of the hidden commands that the demo is made of.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use demo::fault::Fault;

use super::{fault_names, strength};

#[derive(Debug, Args)]
pub(crate) struct DemoSystem {
    /// Where; what was there is replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Where its telemetry goes
    #[arg(long, default_value = "127.0.0.1:4318", value_name = "ADDR")]
    pub(crate) otlp_http: SocketAddr,
    /// Seed of the data
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct DemoLoad {
    #[arg(long, value_name = "FILE")]
    pub(crate) system: PathBuf,
    #[arg(long)]
    pub(crate) rate: f64,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long, value_name = "FILE")]
    pub(crate) summary: PathBuf,
    #[arg(long, value_name = "FILE")]
    pub(crate) control: PathBuf,
    #[arg(long, value_name = "FILE")]
    pub(crate) live: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DemoDirector {
    #[arg(long, value_name = "FILE")]
    pub(crate) system: PathBuf,
    #[arg(long, value_name = "SOCKET")]
    pub(crate) socket: PathBuf,
    #[arg(long, value_parser = fault_names())]
    pub(crate) fault: Fault,
    #[arg(long, value_parser = strength)]
    pub(crate) strength: f64,
    #[arg(long, value_name = "FILE")]
    pub(crate) load_control: PathBuf,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long)]
    pub(crate) fault_after: u64,
    #[arg(long)]
    pub(crate) heal_at: Option<u64>,
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DemoStage {
    #[arg(long, value_name = "FILE")]
    pub(crate) system: PathBuf,
    #[arg(long, value_name = "SOCKET")]
    pub(crate) socket: PathBuf,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long, value_name = "SECONDS")]
    pub(crate) healthy_for: u64,
    #[arg(long, value_name = "FILE")]
    pub(crate) load_control: PathBuf,
    #[arg(long, value_name = "FILE")]
    pub(crate) live: PathBuf,
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct DemoTailSampler {
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    #[arg(long, value_name = "ADDR")]
    pub(crate) forward: SocketAddr,
}
