//! Requests as the rows that OpenTelemetry's ClickHouse exporter would insert, one JSON object a line.
//!
//! The columns and their text forms are the exporter's; how they are kept is the peer's.

use std::fmt::Write as _;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Map, Value, json};

use crate::generate::Made;

/// The rows of all requests of this kind, `spans` or `logs`.
pub(crate) fn json_lines(kind: &str, requests: &[Made]) -> anyhow::Result<String> {
    let mut lines = String::new();
    for made in requests {
        match kind {
            "logs" => {
                let request = ExportLogsServiceRequest::decode(made.bytes.clone())?;
                for group in &request.resource_logs {
                    for scope in &group.scope_logs {
                        let around = around(group.resource.as_ref(), scope.scope.as_ref());
                        for record in &scope.log_records {
                            line(&mut lines, &around, log(record))?;
                        }
                    }
                }
            }
            _ => {
                let request = ExportTraceServiceRequest::decode(made.bytes.clone())?;
                for group in &request.resource_spans {
                    for scope in &group.scope_spans {
                        let around = around(group.resource.as_ref(), scope.scope.as_ref());
                        for sent in &scope.spans {
                            line(&mut lines, &around, span(sent))?;
                        }
                    }
                }
            }
        }
    }
    Ok(lines)
}

fn line(lines: &mut String, around: &Map<String, Value>, row: Value) -> anyhow::Result<()> {
    let Value::Object(mut row) = row else { return Ok(()) };
    row.extend(around.clone());
    writeln!(lines, "{}", Value::Object(row))?;
    Ok(())
}

fn around(resource: Option<&Resource>, scope: Option<&InstrumentationScope>) -> Map<String, Value> {
    let attributes = resource.map(|resource| map(&resource.attributes)).unwrap_or_default();
    let service = attributes.get("service.name").cloned().unwrap_or(json!(""));
    let of_scope = |pick: fn(&InstrumentationScope) -> &str| json!(scope.map_or("", pick));
    Map::from_iter([
        ("ServiceName".to_owned(), service),
        ("ResourceAttributes".to_owned(), Value::Object(attributes)),
        ("ScopeName".to_owned(), of_scope(|scope| &scope.name)),
        ("ScopeVersion".to_owned(), of_scope(|scope| &scope.version)),
    ])
}

fn span(span: &Span) -> Value {
    let status = span.status.as_ref();
    let events = &span.events;
    json!({
        "Timestamp": time(span.start_time_unix_nano),
        "TraceId": hex(&span.trace_id),
        "SpanId": hex(&span.span_id),
        "ParentSpanId": hex(&span.parent_span_id),
        "TraceState": span.trace_state,
        "SpanName": span.name,
        "SpanKind": match span.kind { 2 => "Server", 3 => "Client", 4 => "Producer", 5 => "Consumer", _ => "Internal" },
        "SpanAttributes": map(&span.attributes),
        "Duration": span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano),
        "StatusCode": match status.map_or(0, |status| status.code) { 2 => "Error", 1 => "Ok", _ => "Unset" },
        "StatusMessage": status.map_or("", |status| &status.message),
        "Events.Timestamp": events.iter().map(|event| time(event.time_unix_nano)).collect::<Vec<_>>(),
        "Events.Name": events.iter().map(|event| event.name.clone()).collect::<Vec<_>>(),
        "Events.Attributes": events.iter().map(|event| map(&event.attributes)).collect::<Vec<_>>(),
        "Links.TraceId": [], "Links.SpanId": [], "Links.TraceState": [], "Links.Attributes": [],
    })
}

fn log(record: &LogRecord) -> Value {
    json!({
        "Timestamp": time(record.time_unix_nano),
        "TraceId": hex(&record.trace_id),
        "SpanId": hex(&record.span_id),
        "TraceFlags": record.flags & 0xff,
        "SeverityText": record.severity_text,
        "SeverityNumber": record.severity_number,
        "Body": record.body.as_ref().map(text).unwrap_or_default(),
        "LogAttributes": map(&record.attributes),
    })
}

fn map(attributes: &[KeyValue]) -> Map<String, Value> {
    let value = |attribute: &KeyValue| json!(attribute.value.as_ref().map(text).unwrap_or_default());
    attributes.iter().map(|attribute| (attribute.key.clone(), value(attribute))).collect()
}

fn text(value: &AnyValue) -> String {
    match &value.value {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        // Nothing else is generated.
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds with nine decimals, as a `DateTime64(9)` is read.
fn time(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Stream as _;
    use crate::generate::logs::Logs;
    use crate::generate::spans::Spans;

    #[test]
    fn every_item_becomes_one_row_with_its_resource() {
        let spans = Spans::of_batches(1, 1_700_000_000_000_000_000, 20).take_requests(2);
        let lines = json_lines("spans", &spans).unwrap();
        assert_eq!(lines.lines().count(), 40);
        let row: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(row["ServiceName"], row["ResourceAttributes"]["service.name"]);
        assert_eq!(row["SpanAttributes"].as_object().unwrap().len(), 11);
        assert_eq!((row["TraceId"].as_str().unwrap().len(), row["SpanId"].as_str().unwrap().len()), (32, 16));
        let logs = json_lines("logs", &Logs::new(1, 0).take_requests(1)).unwrap();
        assert!(logs.lines().count() == 512 && logs.contains("\"SeverityText\":\"INFO\""));
    }
}
