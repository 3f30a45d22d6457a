//! Times as text with nanoseconds: RFC 3339, as back ends of logs take and give them.
//!
//! Knows the calendar of [`UnixNanos::rfc3339`] and no other; leap seconds are none.

use telemetry::UnixNanos;
use telemetry::time::SECOND_NS;

/// RFC 3339 in UTC with all nine digits of the fraction.
pub(crate) fn rfc3339(at: UnixNanos) -> String {
    let text = at.rfc3339();
    let whole = text.split('.').next().unwrap_or_default();
    format!("{whole}.{:09}Z", at.0.rem_euclid(SECOND_NS))
}

/// The time of an RFC 3339 text, with `Z` or an offset.
pub(crate) fn parse(text: &str) -> Option<UnixNanos> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let separated = text.get(4..5)? == "-" && matches!(text.get(10..11)?, "T" | "t" | " ");
    let days = days_from_civil(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = days * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix('.').map_or("", |rest| {
        rest.get(..rest.bytes().take_while(u8::is_ascii_digit).count()).unwrap_or_default()
    });
    let zone = rest.get(if digits.is_empty() { 0 } else { digits.len() + 1 }..)?;
    let nanos: i64 = if digits.is_empty() { 0 } else { format!("{digits:0<9}").get(..9)?.parse().ok()? };
    let offset = match zone.as_bytes().first()? {
        b'Z' | b'z' => 0,
        sign @ (b'+' | b'-') => {
            let part = |from: usize, to: usize| zone.get(from..to)?.parse::<i64>().ok();
            let seconds = part(1, 3)? * 3600 + part(4, 6)? * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    separated.then(|| UnixNanos(nanos).plus_seconds(seconds - offset))
}

/// Days since 1970-01-01 of a Gregorian date.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back_to_the_nanosecond() {
        for nanos in [0, 1, 1_709_210_096_789_000_001, 1_795_800_426_000_000_002, -1, 951_782_400_000_000_000]
        {
            assert_eq!(parse(&rfc3339(UnixNanos(nanos))), Some(UnixNanos(nanos)), "{nanos}");
        }
        assert_eq!(rfc3339(UnixNanos(1_709_210_096_000_000_001)), "2024-02-29T12:34:56.000000001Z");
    }

    #[test]
    fn offsets_and_short_fractions_are_read_and_what_is_no_time_is_none() {
        let base = parse("2024-02-29T12:34:56Z").unwrap();
        assert_eq!(parse("2024-02-29T14:34:56+02:00"), Some(base));
        assert_eq!(parse("2024-02-29T07:04:56.5-05:30"), Some(UnixNanos(base.0 + 500_000_000)));
        for wrong in
            ["", "now", "2024-02-29", "2024-02-29T12:34:56", "2024-02-29T12:34:56X", "1709210096000000001"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
