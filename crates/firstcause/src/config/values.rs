//! How each setting is read, shown, and what it is when nobody says anything.
//!
//! Durations carry their unit: a bare number is refused, because half of its readers take it for milliseconds.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use tools::dialects::{self, Dialect};

/// How a value is read from text and shown as text.
pub(super) struct Reading<T> {
    pub(super) read: fn(&str) -> Result<T, String>,
    pub(super) show: fn(&T) -> String,
    pub(super) default: fn() -> T,
    /// Whether a bare number or truth value of the file is refused.
    pub(super) wants_text: bool,
}

/// The dialect of this name.
pub(crate) fn dialect(text: &str) -> Result<&'static Dialect, String> {
    dialects::named(text).ok_or_else(|| {
        let names: Vec<String> = dialects::all().iter().map(|dialect| dialect.name.to_owned()).collect();
        format!("no dialect `{text}`; hint: {}", super::nearest(text, &names))
    })
}

/// When a request is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DurabilityName {
    /// After it is synced to disk
    Fsync,
    /// Before: faster, and a power failure loses acknowledged data
    None,
}

impl DurabilityName {
    fn name(self) -> &'static str {
        match self {
            Self::Fsync => "fsync",
            Self::None => "none",
        }
    }
}

/// Several values in one text, a comma between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct List(pub(crate) Vec<String>);

impl List {
    fn read(text: &str, fits: fn(&str) -> bool, hint: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        match parts.iter().find(|part| !fits(part)) {
            Some(wrong) => Err(format!("`{wrong}` is none; hint: {hint}")),
            None => Ok(Self(parts.into_iter().map(str::to_owned).collect())),
        }
    }

    fn show(&self) -> String {
        self.0.join(", ")
    }
}

/// Names under which a request may come.
pub(super) fn hosts(text: &str) -> Result<List, String> {
    let fits = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    List::read(text, fits, "names without scheme and port, as `firstcause.internal, firstcause`")
}

/// Origins of pages.
pub(super) fn origins(text: &str) -> Result<List, String> {
    List::read(text, is_origin, "`https://name`, and `:port` where it has one, without a path")
}

/// An address for people and programs elsewhere.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let hint = "hint: `https://name`, without a path";
    if is_origin(url) { Ok(url.to_owned()) } else { Err(format!("`{text}` is no such address; {hint}")) }
}

fn is_origin(text: &str) -> bool {
    let name = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c))
    })
}

pub(super) const ALLOWED_HOSTS: Reading<List> =
    Reading { read: hosts, show: List::show, default: List::default, wants_text: true };
pub(super) const ALLOWED_ORIGINS: Reading<List> =
    Reading { read: origins, show: List::show, default: List::default, wants_text: true };
pub(super) const PUBLIC_URL: Reading<Option<String>> = Reading {
    read: |text| public_url(text).map(Some),
    show: |url| url.clone().unwrap_or_default(),
    default: || None,
    wants_text: true,
};
pub(super) const ARRIVAL: Reading<i64> = Reading {
    read: arrival,
    show: |seconds| format!("{seconds}s"),
    default: || orchestrator::watch::ARRIVAL_SECONDS,
    wants_text: false,
};
pub(super) const BUDGET_MIB: Reading<u64> =
    Reading { read: budget_mib, show: u64::to_string, default: || 64, wants_text: false };
pub(super) const HEAD_MIB: Reading<u64> =
    Reading { read: head_mib, show: u64::to_string, default: || 256, wants_text: false };
pub(super) const RETENTION_DAYS: Reading<u64> =
    Reading { read: retention_days, show: u64::to_string, default: || 3, wants_text: false };
pub(super) const SEGMENTS_GIB: Reading<u64> =
    Reading { read: segments_gib, show: u64::to_string, default: || 10, wants_text: false };
pub(super) const DATA_DIR: Reading<PathBuf> = Reading {
    read: |text| Ok(PathBuf::from(text)),
    show: |path| path.display().to_string(),
    default: || PathBuf::from("./firstcause-data"),
    wants_text: true,
};
pub(super) const DIALECT: Reading<&'static Dialect> = Reading {
    read: dialect,
    show: |dialect| dialect.name.to_owned(),
    default: dialects::default,
    wants_text: true,
};
/// A file that need not be given.
pub(super) const FILE: Reading<Option<PathBuf>> = Reading {
    read: |text| Ok(Some(PathBuf::from(text))),
    show: |path| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
    default: || None,
    wants_text: true,
};
pub(super) const DURABILITY: Reading<DurabilityName> = Reading {
    read: |text| {
        DurabilityName::from_str(text, false).map_err(|_| format!("`{text}` is none; hint: fsync or none"))
    },
    show: |durability| durability.name().to_owned(),
    default: || DurabilityName::Fsync,
    wants_text: true,
};
pub(super) const HTTP: Reading<SocketAddr> = on_port(|| local(8080));
pub(super) const OTLP_GRPC: Reading<SocketAddr> = on_port(|| local(4317));
pub(super) const OTLP_HTTP: Reading<SocketAddr> = on_port(|| local(4318));

const fn on_port(default: fn() -> SocketAddr) -> Reading<SocketAddr> {
    Reading { read: address, show: SocketAddr::to_string, default, wants_text: false }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is no address; hint: IP:PORT, for example 127.0.0.1:4318"))
}

/// Memory for requests under way.
pub(super) fn budget_mib(text: &str) -> Result<u64, String> {
    mib(text, 1)
}

/// Memory for recent signals.
pub(super) fn head_mib(text: &str) -> Result<u64, String> {
    mib(text, 16)
}

/// Disk for signals that left the memory.
pub(super) fn segments_gib(text: &str) -> Result<u64, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number <= 65_536);
    number.ok_or_else(|| format!("`{text}` is no such size; hint: whole GiB without a unit, 0 to 65536"))
}

/// How old signals on the disk may become.
pub(super) fn retention_days(text: &str) -> Result<u64, String> {
    let number = text.parse::<u64>().ok().filter(|number| (1..=400).contains(number));
    number.ok_or_else(|| format!("`{text}` is no such time; hint: whole days without a unit, 1 to 400"))
}

/// The unit stands in the name of the setting.
fn mib(text: &str, least: u64) -> Result<u64, String> {
    let number = text.parse::<u64>().ok().filter(|number| (least..=65_536).contains(number));
    number
        .ok_or_else(|| format!("`{text}` is no such size; hint: whole MiB without a unit, {least} to 65536"))
}

/// Seconds until the spans of a second have arrived; the watch looks back 90 s, so a minute leaves it a history.
pub(super) fn arrival(text: &str) -> Result<i64, String> {
    match seconds(text)? {
        found @ 1..=60 => Ok(found.cast_signed()),
        _ => Err(format!("`{text}` is out of bounds; hint: 1s to 60s")),
    }
}

/// Reads `20s`, `5m`, `2h` or, where it makes whole seconds, `3000ms`.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    const HINT: &str = "hint: 20s, 5m or 2h";
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is no duration; {HINT}"))?;
    let factor = match unit {
        "ms" if number.is_multiple_of(1000) => return Ok(number / 1000),
        "ms" => return Err(format!("`{text}` is not whole seconds; {HINT}")),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "" => {
            return Err(format!("`{text}` has no unit; hint: `{text}s` for seconds, `{text}m` for minutes"));
        }
        other => return Err(format!("no unit `{other}`; {HINT}")),
    };
    let seconds = number.checked_mul(factor).filter(|seconds| *seconds <= 31_536_000);
    seconds.ok_or_else(|| format!("`{text}` is longer than a year; {HINT}"))
}
