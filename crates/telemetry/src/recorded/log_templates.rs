//! Answers `log_templates`: masked lines with counts, by service and severity.

use std::collections::BTreeMap;

use crate::answer::LogTemplateRow;
use crate::{LogRecord, Scope, Window, template};

/// Characters of an example shown.
const EXAMPLE_CHARS_MAX: usize = 400;
/// Characters of an attribute shown.
const VALUE_CHARS_MAX: usize = 200;
/// Which line dates a template.
const DATING: usize = 3;

pub(super) fn rows(logs: &[LogRecord], window: Window, scope: &Scope) -> Vec<LogTemplateRow> {
    let operation = scope.operation.as_deref().unwrap_or_default();
    let is_asked = |log: &&LogRecord| {
        window.contains(log.at) && scope.admits(&log.resource.service, operation, &log.resource.instance)
    };
    let mut groups: BTreeMap<(String, u8, String), Vec<&LogRecord>> = BTreeMap::new();
    for log in logs.iter().filter(is_asked) {
        let severity = u8::try_from(log.severity.clamp(0, 24)).unwrap_or(0);
        let key = (log.resource.service.to_string(), severity, template::of(&log.body.render()));
        groups.entry(key).or_default().push(log);
    }
    groups.into_iter().filter_map(|(key, logs)| row(key, logs)).collect()
}

fn row(
    (service, severity, template): (String, u8, String),
    mut logs: Vec<&LogRecord>,
) -> Option<LogTemplateRow> {
    logs.sort_by_key(|log| log.at);
    let first = logs.first()?;
    let cut = |text: String, max: usize| text.chars().take(max).collect::<String>();
    let mut attributes: Vec<(String, String)> = first
        .attributes
        .iter()
        .map(|(key, value)| (key.to_string(), cut(value.render(), VALUE_CHARS_MAX)))
        .collect();
    attributes.sort();
    Some(LogTemplateRow {
        service,
        severity,
        template,
        count: logs.len() as u64,
        first: first.at,
        third: logs.get(DATING - 1).or(logs.last())?.at,
        example: cut(first.body.render(), EXAMPLE_CHARS_MAX),
        attributes,
    })
}
