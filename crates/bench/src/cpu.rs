//! How much processor time was used: by this thread, by this process, and by another one.
//!
//! Processor time and not time of day, because other programs share the machine. What the kernel does for a socket or a
//! disk on behalf of a process is counted as that process's where the kernel counts it so.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time of this thread since it began.
#[must_use]
pub fn of_this_thread() -> Duration {
    read(ClockId::ThreadCPUTime)
}

/// Processor time of this process since it began, ended threads included.
#[must_use]
pub fn of_this_process() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let (seconds, nanos) =
        (u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanos)
}

/// Processor time that `work` takes on this thread, and what it gives.
pub fn measure<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = of_this_thread();
    let given = work();
    ((of_this_thread().saturating_sub(before)).as_secs_f64(), given)
}

/// Processor seconds of another process, ended threads included, to a hundredth; `None` when it is gone.
#[must_use]
pub fn of_process(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name in brackets may hold spaces; user and system time are fields 14 and 15, counted from 1.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| -> Option<f64> { fields.get(at)?.parse::<f64>().ok() };
    Some((ticks(11)? + ticks(12)?) / rustix::param::clock_ticks_per_second() as f64)
}

/// A figure in bytes out of `/proc/PID/status`, such as `VmRSS` and `VmHWM`.
#[must_use]
pub fn memory_bytes(pid: u32, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Lets `time` pass.
pub fn pause(time: Duration) {
    let (keep, never) = mpsc::channel::<()>();
    // Nothing is ever sent, so that only the time ends it.
    let _outcome = never.recv_timeout(time);
    drop(keep);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_processor_time_and_waiting_takes_next_to_none() {
        let (worked, _) =
            measure(|| (0..3_000_000_u64).fold(0_u64, |sum, at| sum ^ std::hint::black_box(at)));
        let (waited, ()) = measure(|| pause(Duration::from_millis(30)));
        assert!(worked > 0.0 && waited < 0.015, "{worked} and {waited}");
    }

    #[test]
    fn this_process_is_found_by_its_number() {
        let pid = std::process::id();
        assert!(of_process(pid).is_some_and(|seconds| seconds >= 0.0));
        assert!(memory_bytes(pid, "VmRSS").is_some_and(|bytes| bytes > 1 << 20));
        assert!(memory_bytes(pid, "VmNothing").is_none());
    }
}
