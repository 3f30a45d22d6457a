//! Points in time and windows of time, in nanoseconds since the Unix epoch.
//!
//! Does not read a clock: that is `platform`. Durations are plain nanoseconds in `i64` inside tables and
//! `std::time::Duration` in signatures.

use serde::{Deserialize, Serialize};

/// Nanoseconds in one second.
pub const SECOND_NS: i64 = 1_000_000_000;

/// A point in time: nanoseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// The later point `seconds` after this one (before it when negative), saturating.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(SECOND_NS)))
    }

    /// The start of the second that holds this point.
    #[must_use]
    pub fn floor_second(self) -> Self {
        Self(self.0.div_euclid(SECOND_NS) * SECOND_NS)
    }

    /// Nanoseconds from `earlier` to this point; negative when this point is the earlier one.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with milliseconds, for people.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let seconds = self.0.div_euclid(SECOND_NS);
        let millis = self.0.rem_euclid(SECOND_NS) / 1_000_000;
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }

    /// `HH:MM:SS` in UTC, for time lines.
    #[must_use]
    pub fn clock(self) -> String {
        self.rfc3339().get(11..19).unwrap_or_default().to_owned()
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date; the caller sees to it that there is such a date.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
#[must_use]
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// Proleptic Gregorian date of a day count since 1970-01-01: year, month, day.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
#[must_use]
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

/// A half-open window of time: `from` is inside, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Window {
    /// The first instant inside.
    pub from: UnixNanos,
    /// The first instant after.
    pub to: UnixNanos,
}

impl Window {
    /// The window `[from, to)`; empty when `to` is not after `from`.
    #[must_use]
    pub fn new(from: UnixNanos, to: UnixNanos) -> Self {
        Self { from, to }
    }

    /// Whether `at` lies inside.
    #[must_use]
    pub fn contains(self, at: UnixNanos) -> bool {
        self.from <= at && at < self.to
    }

    /// Length in seconds, zero when empty.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.to.since(self.from).max(0) as f64 / SECOND_NS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_gregorian_and_utc() {
        assert_eq!(UnixNanos(0).rfc3339(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixNanos(1_709_210_096_789_000_000).rfc3339(), "2024-02-29T12:34:56.789Z");
        assert_eq!(UnixNanos(-1).rfc3339(), "1969-12-31T23:59:59.999Z");
        assert_eq!(UnixNanos(-1).floor_second(), UnixNanos(-SECOND_NS));
    }

    #[test]
    fn a_window_holds_its_start_and_not_its_end() {
        let window = Window::new(UnixNanos(10), UnixNanos(20));
        assert!(window.contains(UnixNanos(10)));
        assert!(!window.contains(UnixNanos(20)));
        assert_eq!(Window::new(UnixNanos(20), UnixNanos(10)).seconds(), 0.0);
    }
}
