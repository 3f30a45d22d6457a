//! What statements are made of: names that were checked, times, limits, and what errors mean.

use telemetry::{AskError, Limits, UnixNanos};

use crate::settings::Settings;

/// The tables that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) traces: String,
    pub(super) logs: String,
    /// What the names of the tables of metrics begin with: `_sum`, `_gauge` and `_histogram` follow.
    pub(super) metrics: String,
}

impl Names {
    /// The names of `settings`, or those that the exporter chooses. A name that is more than one is refused: it would
    /// stand in a statement.
    pub(super) fn of(settings: &Settings) -> Result<Self, String> {
        let name = |key: &str, default: &str| {
            let name = settings.tables.get(key).map_or(default, String::as_str).to_owned();
            let is_plain =
                |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if name.split('.').count() <= 2 && name.split('.').all(is_plain) {
                return Ok(name);
            }
            Err(format!(
                "`{name}` is no name of a table; hint: letters, digits and `_`, with `database.` before it"
            ))
        };
        if let Some(other) =
            settings.tables.keys().find(|key| !["traces", "logs", "metrics"].contains(&key.as_str()))
        {
            return Err(format!("no table `{other}` is known; hint: traces, logs, metrics"));
        }
        Ok(Self {
            traces: name("traces", "otel_traces")?,
            logs: name("logs", "otel_logs")?,
            metrics: name("metrics", "otel_metrics")?,
        })
    }
}

/// A moment as `DateTime64(9)`.
pub(super) fn at(at: UnixNanos) -> String {
    format!("fromUnixTimestamp64Nano(toInt64({}))", at.0)
}

/// Text as a literal.
pub(super) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The statement with its limits. Rows that are not returned were not paid for, rows that are read were.
pub(super) fn bounded(statement: &str, limits: Limits) -> String {
    format!(
        "{statement} SETTINGS max_execution_time = {}, max_rows_to_read = {}, max_memory_usage = {}, \
         output_format_json_quote_64bit_integers = 0 FORMAT JSONCompactEachRow",
        limits.seconds_max,
        limits.scanned_max,
        1_u64 << 30
    )
}

/// What ClickHouse refuses because of a limit is told as one; its codes stand in the text of the answer.
pub(super) fn error(error: AskError) -> AskError {
    const LIMITS: [&str; 5] = ["Code: 158.", "Code: 159.", "Code: 241.", "Code: 307.", "Code: 396."];
    match error {
        AskError::Unavailable(text) if LIMITS.iter().any(|code| text.contains(code)) => {
            AskError::LimitReached(text)
        }
        other => other,
    }
}

/// Whether the answer says that a table is not there, or is none of ours to read: who has no line of it does without.
pub(super) fn is_not_there(error: &AskError) -> bool {
    let is_so = |text: &str| text.contains("Code: 60.") || text.contains("Code: 497.");
    matches!(error, AskError::Unavailable(text) if is_so(text))
}

/// Whether the answer says that the server knows a function not that the statement needs: an old one.
pub(super) fn is_unknown_there(error: &AskError) -> bool {
    matches!(error, AskError::Unavailable(text) if text.contains("Code: 46."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_more_than_names_are_refused() {
        let named = |name: &str| {
            let tables = [("traces".to_owned(), name.to_owned())].into();
            Names::of(&Settings { tables, ..Settings::default() })
        };
        assert_eq!(named("otel.spans").unwrap().traces, "otel.spans");
        for wrong in ["", "a b", "a;drop", "a.b.c", "a'", "url('http://x')", ".a"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
        let other = Settings { tables: [("spans".to_owned(), "x".to_owned())].into(), ..Settings::default() };
        assert!(Names::of(&other).is_err());
    }

    #[test]
    fn text_cannot_end_its_literal_and_limits_are_told_apart() {
        assert_eq!(text("a'b\\c"), "'a\\'b\\\\c'");
        let said = |text: &str| error(AskError::Unavailable(text.to_owned()));
        assert!(matches!(
            said("answered 500: Code: 158. DB::Exception: Limit for rows"),
            AskError::LimitReached(_)
        ));
        assert!(matches!(said("answered 404: Code: 60. DB::Exception"), AskError::Unavailable(_)));
        assert!(is_not_there(&said("answered 404: Code: 60. DB::Exception: Unknown table")));
        assert!(is_not_there(&said("answered 403: Code: 497. DB::Exception: Not enough privileges")));
        assert!(!is_not_there(&said("answered 500: Code: 62. DB::Exception: Syntax error")));
    }
}
