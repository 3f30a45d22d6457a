//! The settings of `serve`: what they are after flags, environment, file and defaults were laid over each other.
//!
//! A flag beats the environment, which beats the file, which beats the default. Every value keeps its origin. This is
//! the only place where they are resolved: `serve`, `doctor` and `config print` see the same. What the values do is
//! said where they are used, and whether they fit this machine is `doctor`'s question.

mod environment;
mod file;
mod flags;
mod layers;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use platform::disk::Disk;
use tools::dialects::Dialect;

use crate::failure::Failure;

pub(crate) use environment::KEY;
pub(crate) use file::Asked;
pub(crate) use flags::Flags;
pub(crate) use layers::{Origin, Row};
pub(crate) use values::{DurabilityName, List, dialect, seconds};

use layers::Layers;

/// The file that is read when it is there and no other is named.
const FILE: &str = "firstcause.toml";

/// The keys, sorted. A flag is its key with `-` for `.` and `_`; a variable is `FIRSTCAUSE_` and the key in capitals,
/// with `__` for `.`.
pub(crate) const KEYS: &[&str] = &[
    "actuator",
    "allowed_hosts",
    "allowed_origins",
    "arrival",
    "budget_mib",
    "data_dir",
    "dialect",
    "durability",
    "head_mib",
    "http",
    "inventory",
    "otlp.grpc",
    "otlp.http",
    "policy",
    "public_url",
    "retention_days",
    "segments_gib",
];

/// What `serve` runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    /// OTLP/HTTP listens here.
    pub(crate) otlp_http: SocketAddr,
    /// OTLP/gRPC listens here.
    pub(crate) otlp_grpc: SocketAddr,
    /// Page and questions listen here.
    pub(crate) http: SocketAddr,
    /// Under which names page, questions and agents' protocol are answered besides addresses.
    pub(crate) names: Names,
    /// When a request is acknowledged.
    pub(crate) durability: DurabilityName,
    /// Memory for requests under way.
    pub(crate) budget_mib: u64,
    /// Memory for recent signals.
    pub(crate) head_mib: u64,
    /// How old signals on the disk may become.
    pub(crate) retention_days: u64,
    /// Disk for signals that left the memory.
    pub(crate) segments_gib: u64,
    /// Which tools agents are shown.
    pub(crate) dialect: &'static Dialect,
    /// How late spans may come, in seconds.
    pub(crate) arrival: i64,
    /// What may be acted on; these three are given together or not at all.
    pub(crate) inventory: Option<PathBuf>,
    /// When an action needs a person.
    pub(crate) policy: Option<PathBuf>,
    /// Where the actuator listens.
    pub(crate) actuator: Option<PathBuf>,
}

/// Under which names this instance is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Names, without a port, besides addresses and `localhost`.
    pub(crate) hosts: List,
    /// Origins of pages that may speak the agents' protocol here.
    pub(crate) origins: List,
    /// How the world reaches this instance, where a proxy stands before it.
    pub(crate) public_url: Option<String>,
}

/// Settings, and where each came from.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The values.
    pub(crate) settings: Settings,
    /// One for each key, sorted by key.
    pub(crate) rows: Vec<Row>,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
    /// Variables that look like settings and are none, each with a hint. Their values are not kept: they may be
    /// somebody's secret.
    pub(crate) ignored: Vec<String>,
    /// The back ends that are asked.
    pub(crate) asked: Asked,
}

/// Resolves the settings from the flags, this process' environment and the file.
///
/// # Errors
/// Usage: a file that is named and missing, is not TOML, or holds an unknown key; a value that cannot be read. The
/// text names the origin.
pub(crate) fn resolve(flags: &Flags, disk: &dyn Disk) -> anyhow::Result<Resolved> {
    resolve_in(flags, std::env::vars_os(), disk)
}

fn resolve_in(
    flags: &Flags,
    variables: impl Iterator<Item = (OsString, OsString)>,
    disk: &dyn Disk,
) -> anyhow::Result<Resolved> {
    let environment = environment::read(variables)?;
    let named = flags.config.clone().or(environment.config);
    let read = file::read(named, disk)?;
    let (file, from_file, asked) =
        read.map_or_else(Default::default, |read| (Some(read.path), read.given, read.asked));
    let mut layers = Layers::new(environment.given, from_file);
    let settings = Settings {
        actuator: layers.pick("actuator", flags.actuator.clone().map(Some), values::FILE)?,
        arrival: layers.pick("arrival", flags.arrival, values::ARRIVAL)?,
        budget_mib: layers.pick("budget_mib", flags.budget_mib, values::BUDGET_MIB)?,
        data_dir: layers.pick("data_dir", flags.data_dir.clone(), values::DATA_DIR)?,
        dialect: layers.pick("dialect", flags.dialect, values::DIALECT)?,
        durability: layers.pick("durability", flags.durability, values::DURABILITY)?,
        head_mib: layers.pick("head_mib", flags.head_mib, values::HEAD_MIB)?,
        http: layers.pick("http", flags.http, values::HTTP)?,
        inventory: layers.pick("inventory", flags.inventory.clone().map(Some), values::FILE)?,
        otlp_grpc: layers.pick("otlp.grpc", flags.otlp_grpc, values::OTLP_GRPC)?,
        otlp_http: layers.pick("otlp.http", flags.otlp_http, values::OTLP_HTTP)?,
        names: Names {
            hosts: layers.pick("allowed_hosts", flags.allowed_hosts.clone(), values::ALLOWED_HOSTS)?,
            origins: layers.pick(
                "allowed_origins",
                flags.allowed_origins.clone(),
                values::ALLOWED_ORIGINS,
            )?,
            public_url: layers.pick("public_url", flags.public_url.clone().map(Some), values::PUBLIC_URL)?,
        },
        policy: layers.pick("policy", flags.policy.clone().map(Some), values::FILE)?,
        retention_days: layers.pick("retention_days", flags.retention_days, values::RETENTION_DAYS)?,
        segments_gib: layers.pick("segments_gib", flags.segments_gib, values::SEGMENTS_GIB)?,
    };
    all_or_none(&settings)?;
    let mut rows = layers.rows();
    rows.sort_by_key(|row| row.key);
    Ok(Resolved { settings, rows, file, ignored: environment.ignored, asked })
}

/// An inventory without a policy acts without rules, and without an actuator nobody acts.
fn all_or_none(settings: &Settings) -> anyhow::Result<()> {
    let given =
        [("actuator", &settings.actuator), ("inventory", &settings.inventory), ("policy", &settings.policy)];
    let missing: Vec<_> = given.iter().filter(|(_, path)| path.is_none()).map(|(key, _)| *key).collect();
    if missing.is_empty() || missing.len() == given.len() {
        return Ok(());
    }
    Err(Failure::usage(
        format!("acting needs inventory, policy and actuator; not set: {}", missing.join(", ")),
        "set all three, or none: without them Firstcause only reports",
    ))
}

/// The flag of a key.
pub(crate) fn flag_of(key: &str) -> String {
    format!("--{}", key.replace(['.', '_'], "-"))
}

/// The known name that is most like `word`, or all of them.
pub(crate) fn nearest(word: &str, known: &[String]) -> String {
    // Three letters wrong in a name of eight is a typing error; more is another word.
    let alike = known.iter().map(|name| (strsim::levenshtein(word, name), name)).min();
    match alike.filter(|(distance, _)| *distance <= 3) {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("one of {}", known.join(", ")),
    }
}

/// An error about a value, with its origin.
fn wrong(key: &str, origin: &Origin, why: &str) -> anyhow::Error {
    let (what, hint) =
        why.split_once("; hint: ").unwrap_or((why, "`firstcause config print` shows the values in use"));
    Failure::usage(format!("the setting `{key}` ({origin}) cannot be used: {what}"), hint)
}

#[cfg(test)]
mod tests;
