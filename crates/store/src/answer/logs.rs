//! Answers `log_templates` and `log_search`: lines with their varying parts masked, and single lines.
//!
//! Every record of the head is looked at; there is no index yet. The head is locked while the requests are picked, not while
//! their lines are read. Of too many lines the newest are kept.

use std::sync::Arc;

use telemetry::{Answer, AskError, LogRecord, Scope, Table, Window, logs};

use super::Asking;
use crate::kept::Parts;

/// The log records of each request.
pub(super) type Requests = Vec<Arc<Vec<LogRecord>>>;

pub(super) fn requests(parts: &Parts<'_>) -> Requests {
    parts.logs().map(Arc::clone).collect()
}

pub(super) fn templates(
    requests: &Requests,
    window: Window,
    scope: &Scope,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let mut templates = logs::Templates::default();
    for logs in requests {
        asking.look_at(logs.len() as u64)?;
        logs.iter().for_each(|log| templates.take(log, window, scope));
    }
    Ok(asking.exact(templates.into_rows(), Table::LogTemplates))
}

pub(super) fn search(
    requests: &Requests,
    (window, scope): (Window, &Scope),
    text: &str,
    asking: &Asking<'_>,
) -> Result<Answer, AskError> {
    let mut search = logs::Search::new(text);
    for logs in requests {
        asking.look_at(logs.len() as u64)?;
        logs.iter().for_each(|log| search.take(log, window, scope));
    }
    Ok(search.into_answer(&asking.limits))
}
