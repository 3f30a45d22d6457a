//! Times as interfaces write them (RFC 3339 with a zone), and dates of HTTP, to the nanosecond.
//!
//! What names no zone is no time here: guessing one would move evidence by hours.

use telemetry::UnixNanos;
use telemetry::time::{SECOND_NS, days_from_civil};

/// In UTC, with all nine digits of the fraction.
pub(crate) fn text(at: UnixNanos) -> String {
    let text = at.rfc3339();
    let whole = text.split('.').next().unwrap_or_default();
    format!("{whole}.{:09}Z", at.0.rem_euclid(SECOND_NS))
}

/// `2026-01-02T03:04:05.123456789Z` or with `+02:00`.
pub(crate) fn parse(text: &str) -> Option<UnixNanos> {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let seconds = of_day(part(11..13)?, part(14..16)?, part(17..19)?)?;
    let days = days(part(0..4)?, part(5..7)?, part(8..10)?)?;
    let rest = text.get(19..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("", rest),
    };
    let digits: String = fraction.chars().take(9).collect();
    let nanos = format!("{digits:0<9}").parse::<i64>().ok()?;
    let offset = match zone {
        "Z" | "z" => 0,
        zone => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
            sign * of_day(hours.parse().ok()?, minutes.parse().ok()?, 0)?
        }
    };
    Some(UnixNanos((days * 86_400 + seconds - offset) * SECOND_NS + nanos))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, as the header `Date` has it (RFC 9110, 5.6.7); seconds since 1970.
pub(crate) fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.strip_suffix(" GMT")?.split_once(", ")?.1.split([' ', ':']);
    let day = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let mut next = || words.next()?.parse::<i64>().ok();
    let year = next()?;
    Some(days(year, month, day)? * 86_400 + of_day(next()?, next()?, next()?)?)
}

fn of_day(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    is_time.then_some(hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01 of a Gregorian date; none when its month or day is none.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    is_date.then(|| days_from_civil(year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_nanosecond_and_without_a_zone_are_none() {
        let at = UnixNanos(1_709_210_096_789_000_001);
        assert_eq!(parse("2024-02-29T12:34:56.789000001Z"), Some(at));
        assert_eq!(parse("2024-02-29T14:34:56.789000001+02:00"), Some(at));
        assert_eq!(parse("2024-02-29T11:04:56.789000001-01:30"), Some(at));
        assert_eq!(parse("1970-01-01T00:00:01Z"), Some(UnixNanos(SECOND_NS)));
        for wrong in ["2024-02-29T12:34:56", "2024-13-01T00:00:00Z", "tomorrow", "", "2024-02-29T12:34:56.5"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date("06 Nov 1994"), None);
    }

    #[test]
    fn times_go_there_and_back_to_the_nanosecond() {
        for nanos in [0, 1, 1_709_210_096_789_000_001, 1_795_800_426_000_000_002, -1, 951_782_400_000_000_000]
        {
            assert_eq!(parse(&text(UnixNanos(nanos))), Some(UnixNanos(nanos)), "{nanos}");
        }
        assert_eq!(text(UnixNanos(1_709_210_096_000_000_001)), "2024-02-29T12:34:56.000000001Z");
    }
}
