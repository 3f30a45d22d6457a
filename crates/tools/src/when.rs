//! Times as arguments say them: a time in UTC, or one counted from now.
//!
//! `2026-03-02T09:14:00Z`, `now`, `now-15m`, with the units `s`, `m`, `h`, `d`, `w`.

use telemetry::{UnixNanos, Window};

/// A time that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no time; hint: `now-15m`, or RFC 3339 like `2026-03-02T09:14:00Z`")]
pub struct NotATime {
    text: String,
}

/// The time that `text` says.
///
/// # Errors
/// When it says none.
pub fn parse(text: &str, now: UnixNanos) -> Result<UnixNanos, NotATime> {
    let wrong = || NotATime { text: text.chars().take(60).collect() };
    let text = text.trim();
    match text.strip_prefix("now") {
        Some("") => Ok(now),
        Some(rest) => relative(rest).map(|seconds| now.plus_seconds(seconds)).ok_or_else(wrong),
        None => absolute(text).ok_or_else(wrong),
    }
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
    let read = |text: &str| parse(text, now).map_err(|error| error.to_string());
    let to = end.map_or(Ok(now), read)?;
    let from = start.map_or(Ok(to.plus_seconds(-fallback_seconds)), read)?;
    if from >= to {
        return Err(format!("the window is empty: `{}` is not before `{}`", from.rfc3339(), to.rfc3339()));
    }
    Ok(Window::new(from, to))
}

fn relative(rest: &str) -> Option<i64> {
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    let (number, unit) = rest.get(1..)?.split_at_checked(rest.len().checked_sub(2)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let is_signed = rest.starts_with(['-', '+']);
    number.parse::<i64>().ok().filter(|count| is_signed && *count >= 0)?.checked_mul(seconds * sign)
}

fn absolute(text: &str) -> Option<UnixNanos> {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    let (hour, minute, second) = (part(11..13)?, part(14..16)?, part(17..19)?);
    let zone = text.get(19..)?;
    let (fraction, zone) = match zone.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())),
        None => ("", zone),
    };
    let is_date =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !is_date || !matches!(zone, "Z" | "" | "+00:00") {
        return None;
    }
    let nanos = format!("{:0<9}", fraction.get(..fraction.len().min(9))?).parse::<i64>().ok()?;
    let days = days_from_civil(year, month, day);
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UnixNanos(seconds.checked_mul(telemetry::time::SECOND_NS)?.checked_add(nanos)?))
}

/// Days since 1970-01-01 of a Gregorian date.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_from_now_and_from_a_calendar() {
        let now = UnixNanos(1_709_210_096_789_000_000);
        assert_eq!(parse("now", now), Ok(now));
        assert_eq!(parse("now-15m", now), Ok(now.plus_seconds(-900)));
        assert_eq!(parse("now+1d", now), Ok(now.plus_seconds(86_400)));
        assert_eq!(parse(&now.rfc3339(), UnixNanos(0)), Ok(now));
        for wrong in ["", "yesterday", "now-", "now-5", "now5m", "now--5m", "2026-13-01T00:00:00Z", "now-5y"]
        {
            assert!(parse(wrong, now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_window_ends_after_it_begins() {
        let now = UnixNanos(1_000_000_000_000_000_000);
        assert_eq!(window(None, None, now, 60), Ok(Window::new(now.plus_seconds(-60), now)));
        assert!(window(Some("now"), Some("now-1m"), now, 60).unwrap_err().contains("empty"));
    }
}
