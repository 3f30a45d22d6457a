//! `ExportLogsServiceRequest` to log records.
//!
//! A record needs no trace: ids of the wrong length are dropped and counted, all-zero ones mean none. Nothing is
//! rejected.

use std::sync::Arc;

use telemetry::{LogRecord, Resource, SpanId, TraceId, Value};

use super::context::{Context, each_item};
use super::{skipped, value};
use crate::schema;
use crate::wire::{Field, Reader, WireError};

pub(super) fn decode<'a>(bytes: &'a [u8], context: &mut Context<'a>) -> Result<Vec<LogRecord>, WireError> {
    let mut logs = Vec::new();
    let names = ["resource_logs", "scope_logs", "log_records"];
    each_item(bytes, names, context, |bytes, resource, context| {
        let sent = Sent::read(bytes, context)?;
        logs.push(sent.into_record(resource, context));
        Ok(())
    })?;
    Ok(logs)
}

/// A log record as it stands on the wire.
struct Sent<'a> {
    time: u64,
    observed: u64,
    severity: i32,
    body: Value,
    attributes: telemetry::signal::Attributes,
    trace_id: &'a [u8],
    span_id: &'a [u8],
}

impl<'a> Sent<'a> {
    fn read(bytes: &'a [u8], context: &mut Context<'a>) -> Result<Self, WireError> {
        let mut sent = Self {
            time: 0,
            observed: 0,
            severity: 0,
            body: Value::Empty,
            attributes: Vec::new(),
            trace_id: &[],
            span_id: &[],
        };
        let mut fields = Reader::new(bytes);
        while let Some((number, field)) = fields.next_field()? {
            let name = match number {
                1 => "time_unix_nano",
                2 => "severity_number",
                3 => "severity_text",
                5 => "body",
                6 => "attributes",
                9 => "trace_id",
                10 => "span_id",
                11 => "observed_time_unix_nano",
                12 => "event_name",
                _ => {
                    skipped::check(&schema::LOG_RECORD, number, field)?;
                    continue;
                }
            };
            sent.take(number, field, context).map_err(|error| error.within(name))?;
        }
        context.attributes = sent.attributes.len();
        Ok(sent)
    }

    fn take(&mut self, number: u32, field: Field<'a>, context: &mut Context<'a>) -> Result<(), WireError> {
        match number {
            1 => self.time = field.fixed64()?,
            2 => self.severity = field.varint()? as i32,
            3 | 12 => drop(field.text()?),
            5 => value::merge_value(field, &mut self.body, 0, context)?,
            6 => value::push_attribute(field, &mut self.attributes, context)?,
            9 => self.trace_id = field.bytes()?,
            10 => self.span_id = field.bytes()?,
            11 => self.observed = field.fixed64()?,
            _ => {}
        }
        Ok(())
    }

    fn into_record(self, resource: &Arc<Resource>, context: &mut Context<'a>) -> LogRecord {
        let received_at = context.received_at;
        let sent_at = if self.time == 0 { self.observed } else { self.time };
        if !matches!(self.trace_id.len(), 0 | 16) || !matches!(self.span_id.len(), 0 | 8) {
            context.repair("trace_context_dropped");
        }
        LogRecord {
            at: context.time(sent_at, received_at, "time_missing"),
            trace_id: TraceId::from_slice(self.trace_id),
            span_id: SpanId::from_slice(self.span_id),
            severity: self.severity,
            body: self.body,
            attributes: self.attributes,
            resource: Arc::clone(resource),
        }
    }
}
