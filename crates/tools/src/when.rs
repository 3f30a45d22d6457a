//! Times as arguments say them: a time in UTC, one counted from now, or either with date math behind it.
//!
//! `2026-03-02T09:14:00Z`, `now`, `now-15m`, `now-1h/d`, `2026-03-25||-5m+1M/w`: the date math of Elasticsearch, with the
//! units `s`, `m`, `h` or `H`, `d`, `w`, `M`, `y`. A rounding goes down to the start of its unit, and the same in an end
//! goes up to the start of the next one, since a window does not hold its end. Time zones but UTC are read as offsets;
//! names of zones and leap seconds are not known.

use std::str::Chars;

use telemetry::time::{SECOND_NS, civil_from_days, days_from_civil};
use telemetry::{UnixNanos, Window};

/// A time that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no time; hint: `now-15m`, `now-1d/d`, `2026-03-02||+1h`, or RFC 3339 like `2026-03-02T09:14:00Z`"
)]
pub struct NotATime {
    text: String,
}

/// Where a rounding goes, and what a date without a time of day means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the start of its unit.
    Down,
    /// To the start of the next unit.
    Up,
}

/// The time that `text` says; roundings go down.
///
/// # Errors
/// When it says none.
pub fn parse(text: &str, now: UnixNanos) -> Result<UnixNanos, NotATime> {
    rounded(text, now, Rounding::Down)
}

/// The time that `text` says as the end of a window: roundings go up, and a day is over at its end.
///
/// # Errors
/// When it says none.
pub fn parse_end(text: &str, now: UnixNanos) -> Result<UnixNanos, NotATime> {
    rounded(text, now, Rounding::Up)
}

/// The window from `start` to `end`; what is not said is `fallback_seconds` before `end`, and now.
///
/// # Errors
/// When one of them says no time, or the end is not after the start.
pub fn window(
    start: Option<&str>,
    end: Option<&str>,
    now: UnixNanos,
    fallback_seconds: i64,
) -> Result<Window, String> {
    let to = end.map_or(Ok(now), |text| parse_end(text, now)).map_err(|error| error.to_string())?;
    let from = start.map_or(Ok(to.plus_seconds(-fallback_seconds)), |text| parse(text, now));
    let from = from.map_err(|error| error.to_string())?;
    if from >= to {
        return Err(format!("the window is empty: `{}` is not before `{}`", from.rfc3339(), to.rfc3339()));
    }
    Ok(Window::new(from, to))
}

/// The time that `text` says.
///
/// # Errors
/// When it says none.
pub fn rounded(text: &str, now: UnixNanos, rounding: Rounding) -> Result<UnixNanos, NotATime> {
    let wrong = || NotATime { text: text.chars().take(60).collect() };
    let plain = text.trim();
    if !plain.is_ascii() {
        return Err(wrong());
    }
    let (anchor, math) = match (plain.strip_prefix("now"), plain.split_once("||")) {
        (Some(math), _) => (now, math),
        (None, Some((date, math))) => (date_time(date, Rounding::Down).ok_or_else(wrong)?, math),
        (None, None) => (date_time(plain, rounding).ok_or_else(wrong)?, ""),
    };
    calculated(anchor, math, rounding).ok_or_else(wrong)
}

/// A unit of date math.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            's' => Self::Second,
            'm' => Self::Minute,
            'h' | 'H' => Self::Hour,
            'd' => Self::Day,
            'w' => Self::Week,
            'M' => Self::Month,
            'y' => Self::Year,
            _ => return None,
        })
    }

    /// Its length, or how many months it has.
    fn size(self) -> Result<i64, i64> {
        match self {
            Self::Second => Ok(1),
            Self::Minute => Ok(60),
            Self::Hour => Ok(3600),
            Self::Day => Ok(86_400),
            Self::Week => Ok(7 * 86_400),
            Self::Month => Err(1),
            Self::Year => Err(12),
        }
    }
}

/// Applies `+1h`, `-2d`, `/w`, one after the other. A sign without a number means one.
fn calculated(anchor: UnixNanos, math: &str, rounding: Rounding) -> Option<UnixNanos> {
    let mut at = anchor;
    let mut rest = math.chars();
    while let Some(operator) = rest.next() {
        at = match operator {
            '/' => round(at, Unit::of(rest.next()?)?, rounding)?,
            '+' => add(at, count(&mut rest)?, Unit::of(rest.next()?)?)?,
            '-' => add(at, count(&mut rest)?.checked_neg()?, Unit::of(rest.next()?)?)?,
            _ => return None,
        };
    }
    Some(at)
}

fn count(rest: &mut Chars<'_>) -> Option<i64> {
    let text = rest.as_str();
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    *rest = text.get(digits.len()..)?.chars();
    if digits.is_empty() { Some(1) } else { digits.parse().ok() }
}

fn add(at: UnixNanos, count: i64, unit: Unit) -> Option<UnixNanos> {
    match unit.size() {
        Ok(seconds) => at.0.checked_add(count.checked_mul(seconds)?.checked_mul(SECOND_NS)?).map(UnixNanos),
        Err(months) => {
            let (days, of_day) = (at.0.div_euclid(DAY_NS), at.0.rem_euclid(DAY_NS));
            let (year, month, day) = civil_from_days(days);
            let months =
                year.checked_mul(12)?.checked_add(month - 1)?.checked_add(count.checked_mul(months)?)?;
            let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
            // What nanoseconds since 1970 can count lies within.
            if !(1600..=2300).contains(&year) {
                return None;
            }
            // The last day of a shorter month stands for a day that it does not have.
            let date = (year, month, day.min(days_in_month(year, month)));
            at_midnight(date)?.0.checked_add(of_day).map(UnixNanos)
        }
    }
}

/// Nanoseconds of a day.
const DAY_NS: i64 = 86_400 * SECOND_NS;
/// 1970-01-01 was a Thursday: three days after the Monday that its week began with.
const MONDAY_OFFSET_DAYS: i64 = 3;

fn round(at: UnixNanos, unit: Unit, rounding: Rounding) -> Option<UnixNanos> {
    let start = match unit {
        Unit::Week => {
            let days = at.0.div_euclid(DAY_NS);
            let monday = days - (days + MONDAY_OFFSET_DAYS).rem_euclid(7);
            UnixNanos(monday.checked_mul(DAY_NS)?)
        }
        Unit::Month | Unit::Year => {
            let (year, month, _) = civil_from_days(at.0.div_euclid(DAY_NS));
            at_midnight((year, if unit == Unit::Year { 1 } else { month }, 1))?
        }
        _ => {
            let length = unit.size().ok()?.checked_mul(SECOND_NS)?;
            UnixNanos(at.0.div_euclid(length).checked_mul(length)?)
        }
    };
    if rounding == Rounding::Down { Some(start) } else { add(start, 1, unit) }
}

/// A date with or without a time of day, or milliseconds since the epoch (five digits or more). What is not said of it
/// is its first moment, or, going up, the first moment after it.
fn date_time(text: &str, rounding: Rounding) -> Option<UnixNanos> {
    let is_number = text.len() > 4 && text.chars().all(|c| c.is_ascii_digit());
    if is_number {
        return text.parse::<i64>().ok()?.checked_mul(1_000_000).map(UnixNanos);
    }
    let (date, time) = text.split_once(['T', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4)?;
    let (month, day) = (parts.next(), parts.next());
    let is_date = parts.next().is_none() && (time.is_none() || day.is_some());
    let (m, d) =
        (month.map_or(Some(1), |text| number(text, 2))?, day.map_or(Some(1), |text| number(text, 2))?);
    if !is_date || !(1..=12).contains(&m) || d < 1 || d > days_in_month(year, m) {
        return None;
    }
    let start = at_midnight((year, m, d))?;
    match time {
        Some(time) => start.0.checked_add(time_of_day(time, rounding)?).map(UnixNanos),
        None if rounding == Rounding::Down => Some(start),
        None => add(
            start,
            1,
            if day.is_some() {
                Unit::Day
            } else if month.is_some() {
                Unit::Month
            } else {
                Unit::Year
            },
        ),
    }
}

/// `09`, `09:14`, `09:14:00`, `09:14:00.123`, each with `Z` or an offset behind it or without, as nanoseconds of the day.
fn time_of_day(text: &str, rounding: Rounding) -> Option<i64> {
    let (clock, zone) = text.split_at(text.find(['Z', '+', '-']).unwrap_or(text.len()));
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let (minute, second) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let (whole, fraction) = second.map_or((None, None), |second| {
        second.split_once('.').map_or((Some(second), None), |(s, f)| (Some(s), Some(f)))
    });
    let of =
        |text: Option<&str>, limit: i64| text.map_or(Some(0), |text| number(text, 2).filter(|n| *n < limit));
    let seconds = hour * 3600 + of(minute, 60)? * 60 + of(whole, 60)?;
    let nanos = fraction.map_or(Some(0), nanos)?;
    let rest = match (rounding, minute, whole) {
        (Rounding::Down, ..) | (_, _, Some(_)) => 0,
        (Rounding::Up, None, _) => 3600,
        (Rounding::Up, Some(_), None) => 60,
    };
    Some((seconds + rest - offset(zone)?) * SECOND_NS + nanos)
}

fn nanos(fraction: &str) -> Option<i64> {
    let is_fraction = (1..=9).contains(&fraction.len()) && fraction.chars().all(|c| c.is_ascii_digit());
    is_fraction.then(|| format!("{fraction:0<9}").parse().ok()).flatten()
}

/// `Z`, nothing, `+02:00`, `-0530` or `+02`, in seconds.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone.get(1..)?.chars().filter(|c| *c != ':').collect();
    let hours = number(digits.get(..2)?, 2).filter(|hours| *hours <= 18)?;
    let minutes = match digits.get(2..)? {
        "" => 0,
        text => number(text, 2).filter(|minutes| *minutes < 60)?,
    };
    Some(sign * (hours * 3600 + minutes * 60))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let is_number = text.len() == digits && text.chars().all(|c| c.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn at_midnight((year, month, day): (i64, i64, i64)) -> Option<UnixNanos> {
    days_from_civil(year, month, day).checked_mul(DAY_NS).map(UnixNanos)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_from_civil(next_year, next, 1) - days_from_civil(year, month, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixNanos {
        parse(text, UnixNanos(0)).unwrap()
    }

    #[test]
    fn times_are_read_from_now_and_from_a_calendar() {
        let now = UnixNanos(1_709_210_096_789_000_000);
        assert_eq!(parse("now", now), Ok(now));
        assert_eq!(parse("now-15m", now), Ok(now.plus_seconds(-900)));
        assert_eq!(parse("now+1d", now), Ok(now.plus_seconds(86_400)));
        assert_eq!(parse(&now.rfc3339(), UnixNanos(0)), Ok(now));
        for wrong in [
            "",
            "yesterday",
            "now-5",
            "now5m",
            "now--5m",
            "2026-13-01T00:00:00Z",
            "now-5q",
            "2026-02-29",
            "now/",
            "now-5ms",
        ] {
            assert!(parse(wrong, now).is_err(), "{wrong}");
        }
    }

    // covers: EL-32, C-07
    #[test]
    fn date_math_adds_and_rounds_in_every_unit_from_left_to_right() {
        let now = at("2026-03-18T13:45:30.5Z");
        for (text, down, up) in [
            ("now/s", "2026-03-18T13:45:30Z", "2026-03-18T13:45:31Z"),
            ("now/m", "2026-03-18T13:45:00Z", "2026-03-18T13:46:00Z"),
            ("now/h", "2026-03-18T13:00:00Z", "2026-03-18T14:00:00Z"),
            ("now/H", "2026-03-18T13:00:00Z", "2026-03-18T14:00:00Z"),
            ("now-1h/d", "2026-03-18T00:00:00Z", "2026-03-19T00:00:00Z"),
            ("now/w", "2026-03-16T00:00:00Z", "2026-03-23T00:00:00Z"),
            ("now/M", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            ("now/y", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("now/d-1y+d", "2025-03-19T00:00:00Z", "2025-03-20T00:00:00Z"),
            ("2026-03-25||-5m", "2026-03-24T23:55:00Z", "2026-03-24T23:55:00Z"),
            ("2026-03-25", "2026-03-25T00:00:00Z", "2026-03-26T00:00:00Z"),
            ("2026-03", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            ("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2026-03-25T10", "2026-03-25T10:00:00Z", "2026-03-25T11:00:00Z"),
            ("2026-03-25T10:30+02:00", "2026-03-25T08:30:00Z", "2026-03-25T08:31:00Z"),
            ("1774396800000", "2026-03-25T00:00:00Z", "2026-03-25T00:00:00Z"),
            ("2026-01-31||+1M", "2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z"),
            ("2024-02-29||+1y", "2025-02-28T00:00:00Z", "2025-02-28T00:00:00Z"),
            ("2026-03-31||-1M/M", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ] {
            assert_eq!(parse(text, now), Ok(at(down)), "{text}, down");
            assert_eq!(parse_end(text, now), Ok(at(up)), "{text}, up");
        }
    }

    #[test]
    fn every_day_of_two_centuries_is_its_own_start_and_the_end_of_the_one_before() {
        let mut day = at("1970-01-01");
        while day < at("2200-01-01") {
            let text = day.rfc3339();
            let text = text.get(..10).unwrap();
            assert_eq!(parse(text, UnixNanos(0)), Ok(day));
            assert_eq!(parse_end(text, UnixNanos(0)), Ok(day.plus_seconds(86_400)));
            assert_eq!(parse("now+13h/d", day), Ok(day));
            day = day.plus_seconds(86_400);
        }
    }

    #[test]
    fn a_window_ends_after_it_begins_and_holds_the_whole_of_its_last_day() {
        let now = at("2026-03-18T13:45:30Z");
        assert_eq!(window(None, None, now, 60), Ok(Window::new(now.plus_seconds(-60), now)));
        assert!(window(Some("now"), Some("now-1m"), now, 60).unwrap_err().contains("empty"));
        let day = window(Some("2026-03-17"), Some("2026-03-17"), now, 60);
        assert_eq!(day, Ok(Window::new(at("2026-03-17"), at("2026-03-18"))));
    }

    #[test]
    fn a_time_that_no_clock_can_hold_is_refused() {
        for text in [
            "now+9999999999y",
            "now+30000000000000000y",
            "now-99999999999999999999s",
            "9999-12-31",
            "99999999999999999",
        ] {
            assert!(parse(text, UnixNanos(0)).is_err(), "{text}");
        }
    }
}
