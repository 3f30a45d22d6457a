//! `ExportTraceServiceRequest` to spans.
//!
//! A span without usable ids is rejected: nothing could ever refer to it. A link without usable ids is dropped
//! and counted. An end before its start is kept as sent.

use std::sync::Arc;

use telemetry::signal::{SpanEvent, SpanLink};
use telemetry::{Resource, Span, SpanId, SpanKind, StatusCode, TraceId};

use super::context::{Context, each_item};
use super::{skipped, value};
use crate::schema;
use crate::wire::{Field, Reader, WireError};

/// Events of one span, and links of one span: the default of the OpenTelemetry SDKs.
const PARTS_MAX: usize = 128;

pub(super) fn decode<'a>(bytes: &'a [u8], context: &mut Context<'a>) -> Result<Vec<Span>, WireError> {
    let mut spans = Vec::new();
    let names = ["resource_spans", "scope_spans", "spans"];
    each_item(bytes, names, context, |bytes, resource, context| {
        let sent = Sent::read(bytes, context)?;
        match sent.into_span(resource, context) {
            Ok(span) => spans.push(span),
            Err(reason) => context.reject(reason),
        }
        Ok(())
    })?;
    Ok(spans)
}

/// A span as it stands on the wire.
#[derive(Default)]
struct Sent<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_span_id: &'a [u8],
    name: &'a str,
    kind: u64,
    start: u64,
    end: u64,
    status: u64,
    message: &'a str,
    attributes: telemetry::signal::Attributes,
    events: Vec<SpanEvent>,
    links: Vec<SpanLink>,
}

impl<'a> Sent<'a> {
    fn read(bytes: &'a [u8], context: &mut Context<'a>) -> Result<Self, WireError> {
        let mut sent = Self::default();
        let mut fields = Reader::new(bytes);
        while let Some((number, field)) = fields.next_field()? {
            let name = match number {
                1 => "trace_id",
                2 => "span_id",
                3 => "trace_state",
                4 => "parent_span_id",
                5 => "name",
                6 => "kind",
                7 => "start_time_unix_nano",
                8 => "end_time_unix_nano",
                9 => "attributes",
                11 => "events",
                13 => "links",
                15 => "status",
                _ => {
                    skipped::check(&schema::SPAN, number, field)?;
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
            1 => self.trace_id = field.bytes()?,
            2 => self.span_id = field.bytes()?,
            3 => drop(field.text()?),
            4 => self.parent_span_id = field.bytes()?,
            5 => self.name = field.text()?,
            6 => self.kind = field.varint()?,
            7 => self.start = field.fixed64()?,
            8 => self.end = field.fixed64()?,
            9 => value::push_attribute(field, &mut self.attributes, context)?,
            11 => {
                let event = event(field, context)?;
                push_part(event, &mut self.events, "event_dropped", context);
            }
            13 => match link(field, context)? {
                Some(link) => push_part(link, &mut self.links, "link_dropped", context),
                None => context.repair("link_dropped"),
            },
            15 => self.take_status(field)?,
            _ => {}
        }
        Ok(())
    }

    fn take_status(&mut self, field: Field<'a>) -> Result<(), WireError> {
        let mut fields = Reader::new(field.bytes()?);
        while let Some((number, field)) = fields.next_field()? {
            match number {
                2 => self.message = field.text().map_err(|error| error.within("message"))?,
                3 => self.status = field.varint().map_err(|error| error.within("code"))?,
                _ => {}
            }
        }
        Ok(())
    }

    fn into_span(self, resource: &Arc<Resource>, context: &mut Context<'a>) -> Result<Span, &'static str> {
        let trace_id = TraceId::from_slice(self.trace_id).ok_or("invalid_trace_id")?;
        let span_id = SpanId::from_slice(self.span_id).ok_or("invalid_span_id")?;
        let parent = match self.parent_span_id {
            bytes if bytes.iter().all(|byte| *byte == 0) && matches!(bytes.len(), 0 | 8) => None,
            bytes => Some(SpanId::from_slice(bytes).ok_or("invalid_parent_span_id")?),
        };
        let received_at = context.received_at;
        let start = context.time(self.start, received_at, "start_time_missing");
        let end = context.time(self.end, start, "end_time_missing");
        Ok(Span {
            trace_id,
            span_id,
            parent,
            name: value::text(self.name, context),
            kind: kind(self.kind),
            start,
            end,
            status: status(self.status),
            message: value::text(self.message, context),
            attributes: self.attributes,
            events: self.events,
            links: self.links,
            resource: Arc::clone(resource),
        })
    }
}

fn push_part<T>(part: T, parts: &mut Vec<T>, dropped: &'static str, context: &mut Context<'_>) {
    if parts.len() < PARTS_MAX {
        parts.push(part);
    } else {
        context.repair(dropped);
    }
}

/// Enumerations are 32 bits wide whatever the varint says.
fn kind(number: u64) -> SpanKind {
    match number as u32 {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

fn status(number: u64) -> StatusCode {
    match number as u32 {
        1 => StatusCode::Ok,
        2 => StatusCode::Error,
        _ => StatusCode::Unset,
    }
}

fn event<'a>(field: Field<'a>, context: &mut Context<'a>) -> Result<SpanEvent, WireError> {
    let (mut at, mut name, mut attributes) = (0, "", Vec::new());
    let mut fields = Reader::new(field.bytes()?);
    while let Some((number, field)) = fields.next_field()? {
        match number {
            1 => at = field.fixed64().map_err(|error| error.within("time_unix_nano"))?,
            2 => name = field.text().map_err(|error| error.within("name"))?,
            3 => value::push_attribute(field, &mut attributes, context)
                .map_err(|error| error.within("attributes"))?,
            _ => skipped::check(&schema::EVENT, number, field)?,
        }
    }
    Ok(SpanEvent { at: context.told_time(at), name: value::text(name, context), attributes })
}

fn link<'a>(field: Field<'a>, context: &mut Context<'a>) -> Result<Option<SpanLink>, WireError> {
    let (mut trace_id, mut span_id, mut attributes) = (&[][..], &[][..], Vec::new());
    let mut fields = Reader::new(field.bytes()?);
    while let Some((number, field)) = fields.next_field()? {
        match number {
            1 => trace_id = field.bytes().map_err(|error| error.within("trace_id"))?,
            2 => span_id = field.bytes().map_err(|error| error.within("span_id"))?,
            3 => drop(field.text().map_err(|error| error.within("trace_state"))?),
            4 => value::push_attribute(field, &mut attributes, context)
                .map_err(|error| error.within("attributes"))?,
            _ => skipped::check(&schema::LINK, number, field)?,
        }
    }
    let ids = TraceId::from_slice(trace_id).zip(SpanId::from_slice(span_id));
    Ok(ids.map(|(trace_id, span_id)| SpanLink { trace_id, span_id, attributes }))
}
