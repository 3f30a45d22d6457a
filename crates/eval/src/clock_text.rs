//! Times as datasets write them: `YYYY-MM-DD HH:MM:SS` and RFC 3339, as UTC.

use telemetry::UnixNanos;
use telemetry::time::{SECOND_NS, days_from_civil};

/// The time that `text` begins with: date, `T` or a blank, and the time of day, with an optional fraction. What
/// follows (a zone) is not looked at.
#[must_use]
pub fn parse(text: &str) -> Option<UnixNanos> {
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    let (hour, minute, second) = (part(11..13)?, part(14..16)?, part(17..19)?);
    let fraction = text.get(19..).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
    let digits: String = fraction.chars().take_while(char::is_ascii_digit).take(9).collect();
    let nanos = format!("{digits:0<9}").parse::<i64>().ok()?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UnixNanos(seconds * SECOND_NS + nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let at = UnixNanos(1_709_210_096_789_000_000);
        assert_eq!(parse("2024-02-29T12:34:56.789Z"), Some(at));
        assert_eq!(parse(&at.rfc3339()), Some(at));
        assert_eq!(parse("1970-01-01 00:00:01"), Some(UnixNanos(SECOND_NS)));
        assert_eq!(parse("tomorrow"), None);
    }
}
