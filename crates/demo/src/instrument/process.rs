//! What the process itself uses, read from `/proc` whenever metrics leave.
//! It deliberately observes nothing where there is no `/proc`: a missing series is honest, a zero is not.

use std::fs;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// Observes `process.cpu.time` and `process.memory.usage`.
pub(super) fn observe(meter: &Meter) {
    meter
        .f64_observable_counter("process.cpu.time")
        .with_unit("s")
        .with_description("Total CPU seconds broken down by different CPU modes.")
        .with_callback(|observer| {
            if let Some((user, system)) = cpu_seconds() {
                observer.observe(user, &[KeyValue::new("cpu.mode", "user")]);
                observer.observe(system, &[KeyValue::new("cpu.mode", "system")]);
            }
        })
        .build();
    meter
        .i64_observable_up_down_counter("process.memory.usage")
        .with_unit("By")
        .with_description("The amount of physical memory in use.")
        .with_callback(|observer| {
            if let Some(bytes) = resident_bytes() {
                observer.observe(bytes, &[]);
            }
        })
        .build();
}

/// Seconds in user and in system mode. Fields 14 and 15 of `proc_pid_stat(5)`, counted after the name of the
/// program, which may itself contain spaces.
fn cpu_seconds() -> Option<(f64, f64)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(|field| field.parse::<u64>().ok());
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Some((ticks.next()?? as f64 / per_second, ticks.next()?? as f64 / per_second))
}

/// The second field of `proc_pid_statm(5)`, which counts pages.
fn resident_bytes() -> Option<i64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: i64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(i64::try_from(rustix::param::page_size()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn work_shows_as_processor_time_and_memory_is_more_than_a_megabyte() {
        let (before, _) = cpu_seconds().unwrap();
        let started = clock::monotonic();
        let mut sum = 0_u64;
        while started.elapsed().as_millis() < 60 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let (after, _) = cpu_seconds().unwrap();
        assert!(after > before, "{before} {after}");
        assert!(resident_bytes().unwrap() > 1 << 20);
    }
}
