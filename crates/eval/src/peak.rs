//! The most memory that this process held, as Linux counts it; nothing elsewhere.

/// Begins to count anew, where the system lets us (`man 5 proc`, `clear_refs`).
pub(crate) fn reset() {
    if let Ok(mut file) = std::fs::File::options().write(true).open("/proc/self/clear_refs") {
        // Where it is refused the figure is that of the whole run so far: an upper bound.
        std::io::Write::write_all(&mut file, b"5").unwrap_or_default();
    }
}

/// Bytes of resident memory at most since the last [`reset`]; 0 when the system does not tell.
pub(crate) fn bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")).and_then(|kib| kib.trim().parse().ok());
    kib.unwrap_or(0_u64) * 1024
}
