//! Answers `log_templates` and `log_search`: lines with their varying parts masked, and single lines.
//!
//! Every record of the head is looked at; there is no index yet. Of too many lines the newest are kept.

use telemetry::{Answer, AskError, LogRecord, Scope, Table, Window, logs};

use super::Asking;
use crate::head::Head;

pub(super) fn templates(
    head: &Head,
    window: Window,
    scope: &Scope,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let rows = logs::templates(within(head, window, asking)?, window, scope);
    Ok(asking.exact(rows, Table::LogTemplates))
}

pub(super) fn search(
    head: &Head,
    (window, scope): (Window, &Scope),
    text: &str,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let rows = logs::search(within(head, window, asking)?, window, scope, text);
    Ok(logs::newest(rows, &asking.limits))
}

fn within<'a>(head: &'a Head, window: Window, asking: &Asking<'_>) -> Result<Vec<&'a LogRecord>, AskError> {
    let mut found = Vec::new();
    for logs in head.logs() {
        asking.look_at(logs.len() as u64)?;
        found.extend(logs.iter().filter(|log| window.contains(log.at)));
    }
    Ok(found)
}
