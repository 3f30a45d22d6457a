//! What time it is, and how much has passed.
//!
//! Wall time may step back; monotonic time never does. Nothing here waits: waiting belongs to a channel or to
//! the runtime.

use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of time.
pub trait Clock: Send + Sync + Debug {
    /// Nanoseconds since the Unix epoch, UTC; it may step back.
    fn now_unix_nanos(&self) -> i64;

    /// Time since some fixed moment of this clock; it never steps back.
    fn monotonic(&self) -> Duration;
}

/// The time of this machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the door behind which time is read")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the door behind which time is read")]
    fn now_unix_nanos(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
        }
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct SimClock {
    time: Mutex<SimTime>,
}

#[derive(Debug, Default, Clone, Copy)]
struct SimTime {
    wall_unix_nanos: i64,
    monotonic: Duration,
}

impl SimClock {
    /// A clock that shows `unix_nanos`, with a monotonic time of zero.
    #[must_use]
    pub fn at(unix_nanos: i64) -> Self {
        let time = SimTime { wall_unix_nanos: unix_nanos, monotonic: Duration::ZERO };
        Self { time: Mutex::new(time) }
    }

    /// Lets `passed` go by on both times.
    pub fn advance(&self, passed: Duration) {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        let nanos = i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX);
        time.wall_unix_nanos = time.wall_unix_nanos.saturating_add(nanos);
        time.monotonic = time.monotonic.saturating_add(passed);
    }

    /// Sets the wall time, forwards or backwards, as an administrator or NTP would; monotonic time stands.
    pub fn set_unix_nanos(&self, unix_nanos: i64) {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).wall_unix_nanos = unix_nanos;
    }

    fn time(&self) -> SimTime {
        *self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SimClock {
    fn now_unix_nanos(&self) -> i64 {
        self.time().wall_unix_nanos
    }

    fn monotonic(&self) -> Duration {
        self.time().monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_2020_and_its_monotonic_time_does_not_step_back() {
        let clock = SystemClock::new();
        assert!(clock.now_unix_nanos() > 1_577_836_800_000_000_000);
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
    }

    #[test]
    fn a_simulated_clock_moves_only_when_told_and_wall_time_may_step_back() {
        let clock = SimClock::at(1_000);
        clock.advance(Duration::from_nanos(5));
        assert_eq!((clock.now_unix_nanos(), clock.monotonic().as_nanos()), (1_005, 5));
        clock.set_unix_nanos(10);
        assert_eq!((clock.now_unix_nanos(), clock.monotonic().as_nanos()), (10, 5));
    }
}
