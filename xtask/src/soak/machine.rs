//! The machine a soak ran on, in words that do not identify it.

use serde_json::{Value, json};

/// Cores, memory and operating system; `null` where the system does not say.
pub(crate) fn describe() -> Value {
    json!({
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "memory_gib": memory_gib(&read("/proc/meminfo")),
        "os": os_name(&read("/etc/os-release")),
    })
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Total memory rounded to whole GiB.
fn memory_gib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some((kib + 512 * 1024) / (1024 * 1024))
}

fn os_name(release: &str) -> Option<String> {
    let line = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_system_are_read_from_what_linux_says() {
        assert_eq!(memory_gib("MemTotal:       16384000 kB\nMemFree: 1 kB\n"), Some(16));
        assert_eq!(memory_gib(""), None);
        assert_eq!(os_name("ID=debian\nPRETTY_NAME=\"Debian 13\"\n").as_deref(), Some("Debian 13"));
    }

    #[test]
    fn this_machine_has_a_core() {
        assert!(describe().get("cores").and_then(Value::as_u64).is_some_and(|cores| cores > 0));
    }
}
