//! Log lines that share their resources, and the names of their levels.

use std::sync::Arc;

use telemetry::{LogRecord, UnixNanos, Value};

use crate::folder::Shared;

/// The first severity number of the range of a level (OpenTelemetry, logs data model).
const LEVELS: [(&str, i32); 9] = [
    ("trace", 1),
    ("debug", 5),
    ("info", 9),
    ("notice", 9),
    ("warn", 13),
    ("warning", 13),
    ("error", 17),
    ("fatal", 21),
    ("critical", 21),
];

/// Log lines that share their resources.
#[derive(Default)]
pub(super) struct Lines(Shared);

impl Lines {
    /// A line of a service's instance.
    pub(super) fn record(
        &mut self,
        at: UnixNanos,
        (service, instance): (&str, &str),
        level: &str,
        body: &str,
    ) -> LogRecord {
        let severity = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(level));
        LogRecord {
            at,
            trace_id: None,
            span_id: None,
            severity: severity.map_or(0, |(_, number)| *number),
            body: Value::Text(Arc::from(body)),
            attributes: Vec::new(),
            resource: self.0.resource(service, instance, ""),
        }
    }
}
