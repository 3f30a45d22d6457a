//! Which field of a line ties it to others, in a fixed order (EL-31), and the lines that it is tied to.

use telemetry::answer::LogRow;

/// The fields, the best first.
pub(crate) const ORDER: [&str; 18] = [
    "trace.id",
    "trace_id",
    "x-trace-id",
    "request.id",
    "request_id",
    "x_request_id",
    "transaction.id",
    "correlation.id",
    "correlation_id",
    "x-correlation-id",
    "http.request.id",
    "session.id",
    "session_id",
    "event.id",
    "cloud.trace_id",
    "parent.id",
    "span.id",
    "process.pid",
];

/// The value of one field of a line, by exactly this name; ids of trace and span also as the line itself tells them.
pub(crate) fn held(row: &LogRow, field: &str) -> Option<String> {
    let own = match field {
        "trace.id" => row.trace_id.map(|id| id.to_string()),
        "span.id" => row.span_id.map(|id| id.to_string()),
        _ => None,
    };
    let named = |key: &str| key == field || key.strip_prefix("labels.").is_some_and(|key| key == field);
    own.or_else(|| row.attributes.iter().find(|(key, _)| named(key)).map(|(_, value)| value.clone()))
        .filter(|value| !value.is_empty())
}

/// The first field of `order` that a line has, and its value.
pub(crate) fn key<'a>(row: &LogRow, order: &[&'a str]) -> Option<(&'a str, String)> {
    order.iter().find_map(|field| Some((*field, held(row, field)?)))
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;

    use super::*;

    // covers: EL-31
    #[test]
    fn the_fields_are_tried_in_their_order() {
        for (place, field) in ORDER.iter().enumerate() {
            let attributes = ORDER.iter().skip(place).map(|name| ((*name).to_owned(), format!("of {name}")));
            let row = LogRow {
                at: UnixNanos(0),
                service: String::new(),
                instance: String::new(),
                severity: 0,
                body: String::new(),
                trace_id: None,
                span_id: None,
                attributes: attributes.collect(),
            };
            assert_eq!(key(&row, &ORDER), Some((*field, format!("of {field}"))));
        }
    }
}
