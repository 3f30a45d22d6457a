//! The flags of the settings. None of them has a default here: a flag that was not given must not hide the file.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tools::dialects::Dialect;

use super::values::{self, DurabilityName, List};

/// What the command line says about the settings.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Flags {
    /// Settings in TOML [default: ./firstcause.toml, when it is there] [env: FIRSTCAUSE_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept [default: ./firstcause-data] [env: FIRSTCAUSE_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// OTLP/HTTP listens here [default: 127.0.0.1:4318] [env: FIRSTCAUSE_OTLP__HTTP]
    #[arg(long, value_name = "ADDR")]
    pub(crate) otlp_http: Option<SocketAddr>,
    /// OTLP/gRPC listens here [default: 127.0.0.1:4317] [env: FIRSTCAUSE_OTLP__GRPC]
    #[arg(long, value_name = "ADDR")]
    pub(crate) otlp_grpc: Option<SocketAddr>,
    /// The page, questions and health are answered here [default: 127.0.0.1:8080] [env: FIRSTCAUSE_HTTP]
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Names under which it is asked besides addresses and `localhost`, a comma between them [env: FIRSTCAUSE_ALLOWED_HOSTS]
    #[arg(long, value_name = "NAMES", value_parser = values::hosts)]
    pub(crate) allowed_hosts: Option<List>,
    /// Origins whose pages may speak MCP here, a comma between them [env: FIRSTCAUSE_ALLOWED_ORIGINS]
    #[arg(long, value_name = "ORIGINS", value_parser = values::origins)]
    pub(crate) allowed_origins: Option<List>,
    /// How the world reaches it where a proxy stands before it, `https://name` [env: FIRSTCAUSE_PUBLIC_URL]
    #[arg(long, value_name = "URL", value_parser = values::public_url)]
    pub(crate) public_url: Option<String>,
    /// What may be acted on (TOML); without this, the policy and the actuator Firstcause only reports
    /// [env: FIRSTCAUSE_INVENTORY]
    #[arg(long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    /// When an action needs a person (TOML) [env: FIRSTCAUSE_POLICY]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where `firstcause actuate` listens [env: FIRSTCAUSE_ACTUATOR]
    #[arg(long, value_name = "SOCKET")]
    pub(crate) actuator: Option<PathBuf>,
    /// Which tools agents are shown; `firstcause tools` lists the dialects [default: default] [env: FIRSTCAUSE_DIALECT]
    #[arg(long, alias = "profile", value_name = "NAME", value_parser = values::dialect)]
    pub(crate) dialect: Option<&'static Dialect>,
    /// When a request is acknowledged [default: fsync] [env: FIRSTCAUSE_DURABILITY]
    #[arg(long, value_enum)]
    pub(crate) durability: Option<DurabilityName>,
    /// Memory for requests under way, in MiB, and twice as much for bodies that are being read; beyond it they are refused
    /// with 503 [default: 64] [env: FIRSTCAUSE_BUDGET_MIB]
    #[arg(long, value_name = "MIB", value_parser = values::budget_mib)]
    pub(crate) budget_mib: Option<u64>,
    /// Memory for recent signals, in MiB; beyond it the oldest become files on the disk [default: 256]
    /// [env: FIRSTCAUSE_HEAD_MIB]
    #[arg(long, value_name = "MIB", value_parser = values::head_mib)]
    pub(crate) head_mib: Option<u64>,
    /// Disk for signals that left the memory, in GiB; beyond it the oldest are removed and counted, 0 keeps none
    /// [default: 10] [env: FIRSTCAUSE_SEGMENTS_GIB]
    #[arg(long, value_name = "GIB", value_parser = values::segments_gib)]
    pub(crate) segments_gib: Option<u64>,
    /// How old signals on the disk may become, in days [default: 3] [env: FIRSTCAUSE_RETENTION_DAYS]
    #[arg(long, value_name = "DAYS", value_parser = values::retention_days)]
    pub(crate) retention_days: Option<u64>,
    /// How late spans may come: a second is looked at this long after it ended; shorter only when every exporter
    /// sends more often than the default of five seconds [default: 6s] [env: FIRSTCAUSE_ARRIVAL]
    #[arg(long, value_name = "DURATION", value_parser = values::arrival)]
    pub(crate) arrival: Option<i64>,
}
