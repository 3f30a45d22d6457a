//! The machine: clock, open files, memory. Limits are read from `/proc` and the cgroup; elsewhere they are unknown.

use std::path::Path;
use std::time::UNIX_EPOCH;

use telemetry::UnixNanos;

use super::Finding;
use super::network::Running;
use crate::config::Settings;
use crate::wiring::Doors;

/// 2026-11-01T00:00:00Z: this version did not exist before.
const NOT_BEFORE_UNIX_SECONDS: i64 = 1_793_491_200;
/// A clock may be set back by this while the program is installed.
const TOLERANCE_SECONDS: i64 = 60;
/// What the program takes besides its budgets: code, runtime, and rows of segments that are or were asked for.
const BASE_MIB: u64 = 64 + 2 * 128;

/// Whether the time can be right.
pub(super) fn clock(doors: &Doors) -> Finding {
    let (now, unix_seconds) = {
        let now = UnixNanos(doors.clock.now_unix_nanos());
        (now.rfc3339(), now.0 / 1_000_000_000)
    };
    let installed = std::env::current_exe()
        .and_then(|path| path.metadata()?.modified())
        .ok()
        .and_then(|time| i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok());
    // A file that was copied with a time in the future says nothing.
    let floor = installed.unwrap_or(0).max(NOT_BEFORE_UNIX_SECONDS) - TOLERANCE_SECONDS;
    if unix_seconds < floor {
        let says = format!("{now} is before this program was made");
        return Finding::problem("clock", says, "set the clock: every onset and window depends on it");
    }
    let says = format!("{now}; its offset cannot be told from here, `chronyc tracking` or `timedatectl` can");
    Finding::ok("clock", says)
}

/// Whether full receivers fit into the limit on open files.
pub(super) fn open_files() -> Finding {
    let needed = 2 * ingest::Limits::default().connections_max as u64 + 256;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(limit) = soft_limit(&limits) else {
        return Finding::ok("open files", "the limit cannot be told from here; `ulimit -n` can");
    };
    let says = format!("up to {limit}; two full receivers take {needed}");
    match limit {
        limit if limit < 128 => {
            Finding::problem("open files", says, "raise it: `ulimit -n 4096`, or LimitNOFILE=")
        }
        limit if limit < needed => {
            Finding::warning("open files", says, "raise it: `ulimit -n 4096`, or LimitNOFILE= in the unit")
        }
        _ => Finding::ok("open files", says),
    }
}

/// The soft limit in the text of `/proc/self/limits`.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// Whether the budgets fit.
pub(super) fn memory(settings: &Settings, running: Option<&Running>) -> Finding {
    // A quarter more of the head while segments are written; bodies that are being read take two budgets more.
    let needed = settings.head_mib * 5 / 4 + settings.budget_mib * 3 + BASE_MIB;
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limit = group_limit_mib(&groups, Path::new("/sys/fs/cgroup"));
    let (total, available) = (meminfo_mib(&meminfo, "MemTotal:"), meminfo_mib(&meminfo, "MemAvailable:"));
    let ceiling = limit.into_iter().chain(total).min();
    let group =
        limit.map_or_else(|| "no limit of the cgroup".to_owned(), |mib| format!("cgroup limit {mib} MiB"));
    let (Some(ceiling), Some(available)) = (ceiling, available) else {
        return Finding::ok("memory", format!("up to {needed} MiB; what there is cannot be told from here"));
    };
    let says = format!("up to {needed} MiB; {available} MiB available, {group}");
    let hint = "lower `--head-mib` or `--budget-mib`, or give it more";
    match () {
        () if needed > ceiling => Finding::problem("memory", says, hint),
        // What a running one has taken is no longer available.
        () if running.is_none() && needed > available => Finding::warning("memory", says, hint),
        () if needed.saturating_mul(5) > ceiling.saturating_mul(4) => Finding::warning("memory", says, hint),
        () => Finding::ok("memory", says),
    }
}

fn meminfo_mib(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? >> 10)
}

/// The least limit of our cgroup and those above it, version 2 and 1. A number near 2^63 means "none" in version 1.
fn group_limit_mib(groups: &str, root: &Path) -> Option<u64> {
    let mut least: Option<u64> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (base, file) = match controllers {
            "" => (root.to_path_buf(), "memory.max"),
            names if names.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // In a container the path may be the host's; the root of the mount is ours then.
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            let text = std::fs::read_to_string(base.join(group).join(file)).unwrap_or_default();
            let bytes = text.trim().parse::<u64>().ok().filter(|bytes| *bytes < 1 << 60);
            least = least.into_iter().chain(bytes).min();
        }
    }
    least.map(|bytes| bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_the_groups_above_counts() {
        let root = tempfile::tempdir().unwrap();
        let (inner, old) = (root.path().join("a/b"), root.path().join("memory/c"));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir_all(&old).unwrap();
        let write = |path: &Path, text: &str| {
            let mut file =
                std::fs::OpenOptions::new().create(true).write(true).truncate(true).open(path).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        };
        write(&inner.join("memory.max"), "max\n");
        assert_eq!(group_limit_mib("0::/a/b\n", root.path()), None);
        write(&root.path().join("a/memory.max"), "536870912\n");
        assert_eq!(group_limit_mib("0::/a/b\n", root.path()), Some(512));
        write(&old.join("memory.limit_in_bytes"), "9223372036854771712\n");
        assert_eq!(group_limit_mib("4:memory:/c\n", root.path()), None);
        write(&root.path().join("memory/memory.limit_in_bytes"), "268435456\n");
        assert_eq!(group_limit_mib("4:memory:/c\n0::/a\n", root.path()), Some(256));
    }

    #[test]
    fn limits_are_read_from_their_tables() {
        assert_eq!(soft_limit("Max open files            1024                 4096    files\n"), Some(1024));
        assert_eq!(
            soft_limit("Max open files            unlimited            unlimited    files\n"),
            Some(u64::MAX)
        );
        assert_eq!(meminfo_mib("MemTotal: 4 kB\nMemAvailable:    2048 kB\n", "MemAvailable:"), Some(2));
    }
}
