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

/// The lines of `window` by service, severity and template, in that order.
pub fn templates<'a>(
    logs: impl IntoIterator<Item = &'a LogRecord>,
    window: Window,
    scope: &Scope,
) -> Vec<LogTemplateRow> {
    let mut groups: BTreeMap<(String, u8, String), Vec<&LogRecord>> = BTreeMap::new();
    for log in logs.into_iter().filter(|log| is_asked(log, window, scope)) {
        let key = (log.resource.service.to_string(), severity(log), template::of(&log.body.render()));
        groups.entry(key).or_default().push(log);
    }
    groups.into_iter().filter_map(|(key, logs)| row(key, logs)).collect()
}

/// The lines of `window` that hold `text`, whatever its case, in their body or in the value of an attribute; and those
/// of the trace whose id it is. In the order of time. An empty text is held by every line.
pub fn search<'a>(
    logs: impl IntoIterator<Item = &'a LogRecord>,
    window: Window,
    scope: &Scope,
    text: &str,
) -> Vec<LogRow> {
    let trace = text.parse::<TraceId>().ok();
    let text = text.to_lowercase();
    let holds = |log: &LogRecord| {
        let in_value = |value: &Value| value.render().to_lowercase().contains(&text);
        (trace.is_some() && log.trace_id == trace)
            || in_value(&log.body)
            || log.attributes.iter().any(|(_, value)| in_value(value))
    };
    let found = logs.into_iter().filter(|log| is_asked(log, window, scope) && holds(log));
    let mut rows: Vec<LogRow> = found.map(line).collect();
    rows.sort_by(|a, b| {
        (a.at, &a.service, &a.instance, &a.body).cmp(&(b.at, &b.service, &b.instance, &b.body))
    });
    rows
}

/// The answer of [`search`]'s rows: of too many the newest are kept.
#[must_use]
pub fn newest(mut rows: Vec<LogRow>, limits: &Limits) -> Answer {
    let over = rows.len().saturating_sub(limits.rows_max);
    rows.drain(..over);
    Answer { truncated: over > 0, ..Answer::exact(Table::LogSearch(rows)) }
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

    #[test]
    fn a_text_is_found_in_body_attribute_and_trace_whatever_its_case() {
        let logs = [log(2, "b", "Payment REFUSED"), log(1, "a", "all well"), log(9, "a", "refused")];
        let window = Window::new(crate::UnixNanos(0), crate::UnixNanos(0).plus_seconds(5));
        let bodies = |text: &str, scope: &Scope| -> Vec<String> {
            search(&logs, window, scope, text).into_iter().map(|row| row.body).collect()
        };
        assert_eq!(bodies("refused", &Scope::all()), ["Payment REFUSED"], "the later one is outside");
        assert_eq!(bodies("42", &Scope::all()), ["all well", "Payment REFUSED"], "in the order of time");
        assert_eq!(bodies(&"07".repeat(16), &Scope::service("a")), ["all well"]);
        assert!(bodies("timeout", &Scope::all()).is_empty());
    }

    #[test]
    fn of_too_many_lines_the_newest_are_kept_and_the_cut_is_said() {
        let logs = [log(1, "a", "one"), log(2, "a", "two"), log(3, "a", "three")];
        let window = Window::new(crate::UnixNanos(0), crate::UnixNanos(0).plus_seconds(5));
        let answer =
            newest(search(&logs, window, &Scope::all(), ""), &Limits { rows_max: 2, ..Limits::default() });
        let Table::LogSearch(rows) = &answer.table else { panic!("lines") };
        assert!(answer.truncated && rows.iter().map(|row| row.body.as_str()).eq(["two", "three"]));
    }
}
