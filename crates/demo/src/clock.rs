//! The demo's own clock: wall time for what it reports, monotonic time for what it measures.
//! It deliberately offers no simulated time: the demo is a system under investigation and lives in real time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the demo is a system under investigation: it lives in real time"
)]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// The monotonic clock, for durations.
#[expect(
    clippy::disallowed_methods,
    reason = "the demo is a system under investigation: it lives in real time"
)]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// Nanoseconds since the Unix epoch, saturating: the year 2262 is not this program's problem.
pub(crate) fn unix_nanos() -> i64 {
    let elapsed = wall().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
}

/// `time` in RFC 3339 with milliseconds, in UTC. The civil date follows Howard Hinnant's `civil_from_days`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = elapsed.as_secs();
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        second_of_day / 3_600,
        second_of_day / 60 % 60,
        second_of_day % 60,
        elapsed.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_day_is_written_as_such() {
        let time = UNIX_EPOCH + Duration::from_millis(1_709_208_000_250);
        assert_eq!(rfc3339(time), "2024-02-29T12:00:00.250Z");
    }

    #[test]
    fn the_epoch_is_the_first_of_january() {
        assert_eq!(rfc3339(UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }
}
