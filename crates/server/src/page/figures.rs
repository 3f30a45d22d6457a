//! Numbers, durations, times and foreign text as people read them.
//!
//! Rounds for the eye only: the report keeps every digit. Text from telemetry passes [`shown`] before it is
//! escaped; nothing here makes markup.

use incident::Interval;
use incident::report::Point;
use telemetry::UnixNanos;

/// The longest foreign text that the page shows in one place, in characters.
const TEXT_MAX: usize = 600;

/// A minus sign of the width of a plus sign.
const MINUS: char = '\u{2212}';

/// A space that keeps a number and its unit on one line.
const FIXED: char = '\u{A0}';

/// Foreign text with what could forge a line or turn the reading direction made visible, and cut at a limit.
pub(super) fn shown(text: &str) -> String {
    clipped(text, TEXT_MAX)
}

/// The same with a limit of its own, in characters.
pub(super) fn clipped(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).map(plain).collect();
    if text.chars().nth(limit).is_some() {
        shown.pop();
        shown.push('\u{2026}');
    }
    shown
}

/// The same, with a word for what was left empty.
pub(super) fn named(text: &str) -> String {
    if text.trim().is_empty() { "(not told)".to_owned() } else { shown(text) }
}

fn plain(found: char) -> char {
    match found {
        '\n' | '\t' => ' ',
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' => {
            '\u{FFFD}'
        }
        found if found.is_control() => '\u{FFFD}',
        found => found,
    }
}

/// Milliseconds, in seconds from ten thousand on.
pub(super) fn ms(value: f64) -> String {
    if value.abs() >= 10_000.0 {
        return format!("{}{FIXED}s", rounded(value / 1000.0));
    }
    format!("{}{FIXED}ms", rounded(value))
}

/// Nanoseconds as milliseconds.
pub(super) fn ns(value: i64) -> String {
    ms(value as f64 / 1e6)
}

/// About three significant digits, never more than two decimals.
pub(super) fn rounded(value: f64) -> String {
    let size = value.abs();
    let digits = if size >= 99.95 {
        0
    } else if size >= 9.995 {
        1
    } else {
        2
    };
    let text = format!("{size:.digits$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if value < 0.0 && !is_zero { format!("{MINUS}{text}") } else { text }
}

/// With the sign always there.
pub(super) fn signed(value: f64) -> String {
    let text = rounded(value);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// A number of a table of evidence: up to six significant digits, as plain as it can be.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return format!("{digits}e{power}").replace('-', &MINUS.to_string());
    }
    let digits = (5 - size.max(1e-4).log10().floor() as i64).clamp(0, 9) as usize;
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', &MINUS.to_string())
}

/// A share as percent.
pub(super) fn percent(share: f64) -> String {
    let text = rounded(share * 100.0);
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short}{FIXED}%")
}

/// An estimate in milliseconds with its interval.
pub(super) fn interval_ms(interval: &Interval) -> String {
    let (estimate, low, high) = (interval.estimate.get(), interval.low.get(), interval.high.get());
    format!("{}{FIXED}ms [{},{FIXED}{}]", signed(estimate), signed(low), signed(high))
}

/// A share with its interval, as percent.
pub(super) fn interval_percent(interval: &Interval) -> String {
    let [estimate, low, high] =
        [interval.estimate, interval.low, interval.high].map(|part| part.get() * 100.0);
    format!("{}{FIXED}% [{},{FIXED}{}]", signed(estimate), signed(low), signed(high))
}

/// A length of time in words that fit its size.
pub(super) fn duration(nanos: i64) -> String {
    let seconds = nanos.max(0) as f64 / 1e9;
    let whole = seconds.round() as i64;
    match whole {
        ..10 if seconds < 0.9995 => ms(seconds * 1000.0),
        ..10 => format!("{seconds:.1}{FIXED}s"),
        10..120 => format!("{whole}{FIXED}s"),
        120..7200 => format!("{}{FIXED}min {:02}{FIXED}s", whole / 60, whole % 60),
        _ => format!("{}{FIXED}h {:02}{FIXED}min", whole / 3600, whole / 60 % 60),
    }
}

/// The date, for beside a clock.
pub(super) fn date(at: UnixNanos) -> String {
    at.rfc3339().split('T').next().unwrap_or_default().to_owned()
}

/// The clock with tenths of a second.
pub(super) fn fine_clock(at: UnixNanos) -> String {
    at.rfc3339().split('T').nth(1).and_then(|time| time.get(..10)).unwrap_or_default().to_owned()
}

/// The median of what a point says, over the points that hold requests.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    values.get(middle.checked_sub(1)?).map(|lower| lower.midpoint(upper))
}

/// Whether a second says anything.
pub(super) fn has_data(point: &&Point) -> bool {
    point.count > 0 && point.p50_ms.get() >= 0.0
}

/// A coordinate of a drawing.
pub(super) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_their_size_allows() {
        assert_eq!(ms(812.4), "812\u{A0}ms");
        assert_eq!(ms(41.26), "41.3\u{A0}ms");
        assert_eq!(ms(0.5), "0.50\u{A0}ms");
        assert_eq!(ms(12_345.0), "12.3\u{A0}s");
        assert_eq!(signed(-0.001), "0.00");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(1234.5), "1234.5");
        assert_eq!(number(0.000_001), "1e\u{2212}6");
        assert_eq!(duration(75_400_000_000), "75\u{A0}s");
        assert_eq!(duration(185_000_000_000), "3\u{A0}min 05\u{A0}s");
    }

    #[test]
    fn foreign_text_cannot_turn_the_reading_direction_or_grow_without_limit() {
        assert_eq!(shown("a\u{202E}b\u{0}c\nd"), "a\u{FFFD}b\u{FFFD}c d");
        assert_eq!(shown(&"x".repeat(9000)).chars().count(), TEXT_MAX);
        assert_eq!(named("  "), "(not told)");
    }

    #[test]
    fn a_median_of_an_even_number_lies_between_the_two() {
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
    }
}
