//! Severities as OpenTelemetry numbers, from the words and numbers that logs use.
//!
//! Numbers of systems that contradict each other (syslog's 0 to 7) are not guessed at: they say nothing.

/// The OpenTelemetry number of a severity's text: a word, or a number of OpenTelemetry's or pino's scale; 0 when it is none.
pub(super) fn number(text: &str, is_otel: bool) -> i32 {
    let text = text.trim();
    if let Ok(number) = text.parse::<i32>() {
        return match number {
            1..=24 if is_otel => number,
            // pino and bunyan: hundreds of services write these.
            10 | 20 | 30 | 40 | 50 | 60 if !is_otel => (number / 10 - 1) * 4 + 1,
            _ => 0,
        };
    }
    let lower = text.to_ascii_lowercase();
    let word = lower.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let step = lower
        .get(word.len()..)
        .and_then(|digit| digit.parse::<i32>().ok())
        .filter(|step| (2..=4).contains(step));
    let base = match word {
        "trace" | "verbose" | "finest" => 1,
        "debug" | "dbug" | "fine" => 5,
        "info" | "information" | "informational" => 9,
        "notice" => 10,
        "warn" | "warning" => 13,
        "error" | "err" | "eror" | "severe" => 17,
        "critical" | "crit" => 18,
        "alert" => 19,
        "fatal" | "panic" | "dpanic" | "emergency" | "emerg" => 21,
        _ => return 0,
    };
    base + step.map_or(0, |step| step - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_of_known_scales_are_read_and_others_say_nothing() {
        for (text, told) in [
            ("INFO", 9),
            ("Info2", 10),
            ("warning", 13),
            ("ERROR", 17),
            ("Fatal4", 24),
            ("crit", 18),
            ("", 0),
            ("x", 0),
        ] {
            assert_eq!(number(text, false), told, "{text}");
        }
        assert_eq!((number("17", true), number("17", false)), (17, 0));
        assert_eq!((number("50", false), number("30", false), number("3", false)), (17, 9, 0));
    }
}
