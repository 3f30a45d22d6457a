//! Answers about log records, for whoever holds them: masked lines with counts, and single lines that hold a text.
//!
//! Does not hold records, and knows no index: every record of the window is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::answer::{LogRow, LogTemplateRow};
use crate::{Answer, Limits, LogRecord, Scope, Table, TraceId, Value, Window, template};

/// Characters of an example shown.
const EXAMPLE_CHARS_MAX: usize = 400;
/// Characters of an attribute shown.
const VALUE_CHARS_MAX: usize = 200;
/// Which line dates a template.
const DATING: usize = 3;

/// Lines by service, severity and template.
#[derive(Debug, Default)]
pub struct Templates<'a>(BTreeMap<(String, u8, String), Vec<&'a LogRecord>>);

impl<'a> Templates<'a> {
    /// Takes a line in, when it lies in `window` and `scope`.
    pub fn take(&mut self, log: &'a LogRecord, window: Window, scope: &Scope) {
        if is_asked(log, window, scope) {
            let key = (log.resource.service.to_string(), severity(log), template::of(&log.body.render()));
            self.0.entry(key).or_default().push(log);
        }
    }

    /// The rows, in the order of their keys.
    #[must_use]
    pub fn into_rows(self) -> Vec<LogTemplateRow> {
        self.0.into_iter().filter_map(|(key, logs)| row(key, logs)).collect()
    }
}

/// Looks for lines that hold a text, whatever its case, in their body or in the value of an attribute, and for those of the
/// trace whose id it is. An empty text is held by every line.
#[derive(Debug)]
pub struct Search<'a> {
    trace: Option<TraceId>,
    text: String,
    found: Vec<&'a LogRecord>,
}

impl<'a> Search<'a> {
    /// A search for `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { trace: text.parse().ok(), text: text.to_lowercase(), found: Vec::new() }
    }

    /// Takes a line in, when it lies in `window` and `scope` and holds the text.
    pub fn take(&mut self, log: &'a LogRecord, window: Window, scope: &Scope) {
        if is_asked(log, window, scope) && self.is_held(log) {
            self.found.push(log);
        }
    }

    fn is_held(&self, log: &LogRecord) -> bool {
        let in_value = |value: &Value| value.render().to_lowercase().contains(&self.text);
        (self.trace.is_some() && log.trace_id == self.trace)
            || in_value(&log.body)
            || log.attributes.iter().any(|(_, value)| in_value(value))
    }

    /// The answer in the order of time; of too many lines the newest are kept.
    #[must_use]
    pub fn into_answer(mut self, limits: &Limits) -> Answer {
        self.found.sort_by(|a, b| {
            let key = |log: &LogRecord| {
                (log.at, Arc::clone(&log.resource.service), Arc::clone(&log.resource.instance))
            };
            key(a).cmp(&key(b)).then_with(|| a.body.render().cmp(&b.body.render()))
        });
        let over = self.found.len().saturating_sub(limits.rows_max);
        let rows = self.found.into_iter().skip(over).map(line).collect();
        Answer { truncated: over > 0, ..Answer::exact(Table::LogSearch(rows)) }
    }
}

/// The level of a severity number of OpenTelemetry; empty when not told.
#[must_use]
pub fn level(severity: u8) -> &'static str {
    match severity {
        0 => "",
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        _ => "fatal",
    }
}

fn is_asked(log: &LogRecord, window: Window, scope: &Scope) -> bool {
    let operation = scope.operation.as_deref().unwrap_or_default();
    window.contains(log.at) && scope.admits(&log.resource.service, operation, &log.resource.instance)
}

fn severity(log: &LogRecord) -> u8 {
    u8::try_from(log.severity.clamp(0, 24)).unwrap_or(0)
}

fn cut(text: String, max: usize) -> String {
    text.chars().take(max).collect()
}

fn attributes(log: &LogRecord) -> Vec<(String, String)> {
    let shown = |(key, value): &(Arc<str>, Value)| (key.to_string(), cut(value.render(), VALUE_CHARS_MAX));
    let mut attributes: Vec<(String, String)> = log.attributes.iter().map(shown).collect();
    attributes.sort();
    attributes
}

fn line(log: &LogRecord) -> LogRow {
    LogRow {
        at: log.at,
        service: log.resource.service.to_string(),
        instance: log.resource.instance.to_string(),
        severity: severity(log),
        body: cut(log.body.render(), EXAMPLE_CHARS_MAX),
        trace_id: log.trace_id,
        span_id: log.span_id,
        attributes: attributes(log),
    }
}

fn row(
    (service, severity, template): (String, u8, String),
    mut logs: Vec<&LogRecord>,
) -> Option<LogTemplateRow> {
    logs.sort_by_key(|log| log.at);
    let first = logs.first()?;
    Some(LogTemplateRow {
        service,
        severity,
        template,
        count: logs.len() as u64,
        first: first.at,
        third: logs.get(DATING - 1).or(logs.last())?.at,
        example: cut(first.body.render(), EXAMPLE_CHARS_MAX),
        attributes: attributes(first),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Resource, SpanId};

    fn log(second: i64, service: &str, body: &str) -> LogRecord {
        LogRecord {
            at: crate::UnixNanos(0).plus_seconds(second),
            trace_id: TraceId::from_slice(&[7; 16]),
            span_id: SpanId::from_slice(&[7; 8]),
            severity: 17,
            body: Value::Text(Arc::from(body)),
            attributes: vec![(Arc::from("code"), Value::Int(42))],
            resource: Arc::new(Resource::of(vec![(
                Arc::from("service.name"),
                Value::Text(Arc::from(service)),
            )])),
        }
    }

    fn found<'a>(logs: &'a [LogRecord], text: &str, scope: &Scope, limits: &Limits) -> (Vec<String>, bool) {
        let window = Window::new(crate::UnixNanos(0), crate::UnixNanos(0).plus_seconds(5));
        let mut search = Search::new(text);
        logs.iter().for_each(|log: &'a LogRecord| search.take(log, window, scope));
        let answer = search.into_answer(limits);
        let Table::LogSearch(rows) = answer.table else { panic!("lines") };
        (rows.into_iter().map(|row| row.body).collect(), answer.truncated)
    }

    #[test]
    fn a_text_is_found_in_body_attribute_and_trace_whatever_its_case() {
        let logs = [log(2, "b", "Payment REFUSED"), log(1, "a", "all well"), log(9, "a", "refused")];
        let bodies = |text: &str, scope: &Scope| found(&logs, text, scope, &Limits::default()).0;
        assert_eq!(bodies("refused", &Scope::all()), ["Payment REFUSED"], "the later one is outside");
        assert_eq!(bodies("42", &Scope::all()), ["all well", "Payment REFUSED"], "in the order of time");
        assert_eq!(bodies(&"07".repeat(16), &Scope::service("a")), ["all well"]);
        assert!(bodies("timeout", &Scope::all()).is_empty());
    }

    #[test]
    fn of_too_many_lines_the_newest_are_kept_and_the_cut_is_said() {
        let logs = [log(1, "a", "one"), log(2, "a", "two"), log(3, "a", "three")];
        let limits = Limits { rows_max: 2, ..Limits::default() };
        assert_eq!(
            found(&logs, "", &Scope::all(), &limits),
            (vec!["two".to_owned(), "three".to_owned()], true)
        );
    }
}
