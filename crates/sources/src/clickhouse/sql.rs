//! What statements are made of: names that were checked, times, limits, and what errors mean.

use telemetry::{AskError, Limits, UnixNanos};

use crate::settings::Settings;

/// What is read: tables, or what makes one of other tables look like the exporter's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) traces: String,
    /// The table that tells when a trace was.
    pub(super) times: Option<String>,
    pub(super) logs: String,
    /// What the names of the tables of metrics begin with: `_sum`, `_gauge` and `_histogram` follow.
    pub(super) metrics: Option<String>,
}

impl Names {
    /// The names of `settings`, or those that the exporter or SigNoz choose. A name that is more than one is refused: it
    /// would stand in a statement.
    pub(super) fn of(settings: &Settings) -> Result<Self, String> {
        let known = ["logs", "metrics", "schema", "traces"];
        if let Some(other) = settings.tables.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("no table `{other}` is known; hint: {}", known.join(", ")));
        }
        let name = |key: &str, default: &str| plain(settings.tables.get(key).map_or(default, String::as_str));
        match settings.tables.get("schema").map(String::as_str) {
            None | Some("otel") => {
                let traces = name("traces", "otel_traces")?;
                Ok(Self {
                    times: Some(format!("{traces}_trace_id_ts")),
                    traces,
                    logs: name("logs", "otel_logs")?,
                    metrics: Some(name("metrics", "otel_metrics")?),
                })
            }
            Some("signoz") => {
                let traces = name("traces", "signoz_traces.distributed_signoz_index_v3")?;
                let logs = name("logs", "signoz_logs.distributed_logs_v2")?;
                let seen = |statement: &str, table: &str| on_one_line(statement).replace("{table}", table);
                Ok(Self {
                    traces: seen(include_str!("sql/signoz_traces.sql"), &traces),
                    times: None,
                    logs: seen(include_str!("sql/signoz_logs.sql"), &logs),
                    metrics: None,
                })
            }
            Some(other) => Err(format!("no schema `{other}` is known; hint: otel, signoz")),
        }
    }
}

/// A name with at most a database before it.
fn plain(name: &str) -> Result<String, String> {
    let is_plain =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if name.split('.').count() <= 2 && name.split('.').all(is_plain) {
        return Ok(name.to_owned());
    }
    Err(format!("`{name}` is no name of a table; hint: letters, digits and `_`, with `database.` before it"))
}

/// Without comments and indentation: statements go in the address of a request, which servers bound.
pub(super) fn on_one_line(statement: &str) -> String {
    let lines = statement.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    lines.collect::<Vec<_>>().join(" ")
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
        let schema = |name: &str| {
            let tables = [("schema".to_owned(), name.to_owned())].into();
            Names::of(&Settings { tables, ..Settings::default() })
        };
        assert!(schema("zipkin").is_err());
        let other = schema("signoz").unwrap();
        assert!(other.traces.contains("FROM signoz_traces.distributed_signoz_index_v3)"), "{}", other.traces);
        assert!(other.times.is_none() && other.metrics.is_none() && !other.logs.contains("--"));
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
