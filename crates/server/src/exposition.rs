//! The text format of Prometheus, version 0.0.4: families of samples, each with its help and type once.
//!
//! Knows no metric of ours and reads no figure. Numbers are whole: nothing that is counted here has fractions.
//! Histograms, summaries and timestamps are left out, for nothing here has them.

use std::fmt::Write as _;

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises, until the process ends; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
}

impl Kind {
    /// The word of the format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// One value of a metric, with its label where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The label's name and value.
    pub label: Option<(&'static str, String)>,
    /// The value.
    pub value: u64,
}

/// Appends one metric with all its samples; nothing when there are none.
pub fn family(text: &mut String, (name, help): (&str, &str), kind: Kind, samples: &[Sample]) {
    if samples.is_empty() {
        return;
    }
    let help = escaped(help, false);
    // Writing to a text cannot fail.
    let _ok = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
    for Sample { label, value } in samples {
        let _ok = match label {
            Some((label, of)) => writeln!(text, "{name}{{{label}=\"{}\"}} {value}", escaped(of, true)),
            None => writeln!(text, "{name} {value}"),
        };
    }
}

/// A help text, or with `is_quoted` the value of a label: in the latter quotes are escaped as well.
fn escaped(text: &str, is_quoted: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if is_quoted => escaped.push_str("\\\""),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(value: &str) -> Sample {
        Sample { label: Some(("reason", value.to_owned())), value: 1 }
    }

    #[test]
    fn help_and_type_come_once_and_a_metric_without_samples_not_at_all() {
        let mut text = String::new();
        family(&mut text, ("a_total", "Counted."), Kind::Counter, &[labelled("x"), labelled("y")]);
        family(&mut text, ("b", "Not there."), Kind::Gauge, &[]);
        family(&mut text, ("c", "Now."), Kind::Gauge, &[Sample { label: None, value: u64::MAX }]);
        let expected = "# HELP a_total Counted.\n# TYPE a_total counter\na_total{reason=\"x\"} 1\n\
                        a_total{reason=\"y\"} 1\n# HELP c Now.\n# TYPE c gauge\nc 18446744073709551615\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_text_breaks_out_of_its_line_or_its_quotes() {
        let mut text = String::new();
        family(&mut text, ("a", "one \"two\"\n\\n"), Kind::Gauge, &[labelled("\"} 9\nb 1 \\ \u{e4}")]);
        let expected = "# HELP a one \"two\"\\n\\\\n\n# TYPE a gauge\na{reason=\"\\\"} 9\\nb 1 \\\\ \u{e4}\"} 1\n";
        assert_eq!(text, expected);
    }
}
