//! What there is in a trace request, found in four ways: by our wire reader, by our decoder, by `prost`, and by
//! [`crate::tight`]. That they find the same is the proof that none of them was measured doing less.
//!
//! Of the wire format it knows what the generator sends; other fields count as read when their bytes are skipped.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use otlp::Decoded;
use otlp::wire::{Field, Reader, WireError};

/// What somebody found in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Spans.
    pub spans: u64,
    /// Attributes of spans and events.
    pub attributes: u64,
    /// Bytes of span names and of the texts of attributes, keys not counted.
    pub text_bytes: u64,
    /// The durations of all spans, added up: the times were read.
    pub nanoseconds: u64,
}

impl Found {
    /// Adds what another one found.
    pub fn add(&mut self, other: Self) {
        self.spans += other.spans;
        self.attributes += other.attributes;
        self.text_bytes += other.text_bytes;
        self.nanoseconds = self.nanoseconds.wrapping_add(other.nanoseconds);
    }
}

/// The messages of a trace request.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Request,
    PerResource,
    PerScope,
    /// Resources and scopes: texts that are not counted.
    Around,
    /// A scope, whose name and version are texts.
    Scope,
    Span,
    Event,
    Status,
    KeyValue,
    /// A pair of a resource or scope.
    PairAround,
    Any,
    AnyAround,
}

/// What a field of a message is.
pub(crate) enum Part {
    Message(Shape),
    Text,
    /// A text whose bytes count.
    Counted,
    Plain,
}

impl Shape {
    #[inline]
    pub(crate) fn part(self, field: u32) -> Part {
        match (self, field) {
            (Self::Request, 1) => Part::Message(Self::PerResource),
            (Self::PerResource, 2) => Part::Message(Self::PerScope),
            (Self::PerResource, 1) => Part::Message(Self::Around),
            (Self::PerScope, 1) => Part::Message(Self::Scope),
            (Self::Scope, 1 | 2) => Part::Text,
            (Self::Scope, 3) => Part::Message(Self::PairAround),
            (Self::PerScope, 2) => Part::Message(Self::Span),
            (Self::Around, 1) => Part::Message(Self::PairAround),
            (Self::Span, 9) | (Self::Event, 3) => Part::Message(Self::KeyValue),
            (Self::Span, 11) => Part::Message(Self::Event),
            (Self::Span, 15) => Part::Message(Self::Status),
            (Self::KeyValue, 2) => Part::Message(Self::Any),
            (Self::PairAround, 2) => Part::Message(Self::AnyAround),
            (Self::Span, 5) | (Self::Any, 1) => Part::Counted,
            (Self::Span, 3) | (Self::Status | Self::Event, 2) => Part::Text,
            (Self::PerResource | Self::PerScope, 3) | (Self::KeyValue | Self::PairAround, 1) => Part::Text,
            (Self::AnyAround, 1) => Part::Text,
            _ => Part::Plain,
        }
    }
}

impl Found {
    #[inline]
    pub(crate) fn enter(&mut self, shape: Shape) {
        self.spans += u64::from(shape == Shape::Span);
        self.attributes += u64::from(shape == Shape::KeyValue);
    }

    #[inline]
    pub(crate) fn time(&mut self, shape: Shape, field: u32, time: u64) {
        if shape == Shape::Span {
            self.nanoseconds = match field {
                7 => self.nanoseconds.wrapping_sub(time),
                _ => self.nanoseconds.wrapping_add(time),
            };
        }
    }
}

/// Reads the whole request with the reader that our decoder is made of.
///
/// # Errors
/// When it is no such request.
pub fn walk(bytes: &[u8]) -> Result<Found, WireError> {
    let mut found = Found::default();
    visit(Shape::Request, bytes, &mut found)?;
    Ok(found)
}

fn visit(shape: Shape, bytes: &[u8], found: &mut Found) -> Result<(), WireError> {
    found.enter(shape);
    let mut reader = Reader::new(bytes);
    while let Some((number, field)) = reader.next_field()? {
        match (shape.part(number), field) {
            (Part::Message(child), Field::Bytes(inner)) => visit(child, inner, found)?,
            (Part::Text, _) => drop(field.text()?),
            (Part::Counted, _) => found.text_bytes += field.text()?.len() as u64,
            (Part::Plain, Field::Fixed64(time)) => found.time(shape, number, time),
            _ => {}
        }
    }
    Ok(())
}

/// The same of what our decoder gives.
#[must_use]
pub fn of_ours(decoded: &Decoded) -> Found {
    let mut found = Found::default();
    for span in &decoded.spans {
        found.spans += 1;
        found.text_bytes += span.name.len() as u64;
        found.nanoseconds = found.nanoseconds.wrapping_add(span.end.since(span.start).cast_unsigned());
        let events = span.events.iter().flat_map(|event| &event.attributes);
        for (_, value) in span.attributes.iter().chain(events) {
            found.attributes += 1;
            if let telemetry::Value::Text(text) = value {
                found.text_bytes += text.len() as u64;
            }
        }
    }
    found
}

/// The same of what `prost` gives.
#[must_use]
pub fn of_prost(request: &ExportTraceServiceRequest) -> Found {
    let mut found = Found::default();
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    for span in scopes.flat_map(|scope| &scope.spans) {
        found.spans += 1;
        found.text_bytes += span.name.len() as u64;
        let lasted = span.end_time_unix_nano.wrapping_sub(span.start_time_unix_nano);
        found.nanoseconds = found.nanoseconds.wrapping_add(lasted);
        let events = span.events.iter().flat_map(|event| &event.attributes);
        for attribute in span.attributes.iter().chain(events) {
            found.attributes += 1;
            found.text_bytes += text_len(attribute);
        }
    }
    found
}

fn text_len(attribute: &KeyValue) -> u64 {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.len() as u64,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use telemetry::UnixNanos;

    use super::*;
    use crate::generate::Stream as _;
    use crate::generate::spans::Spans;

    const FROM_NS: u64 = 1_700_000_000_000_000_000;

    #[test]
    fn both_walks_and_both_decoders_find_the_same() {
        let made = Spans::new(9, FROM_NS).next_request();
        let found = walk(&made.bytes).unwrap();
        assert_eq!(found.spans, made.items);
        assert_eq!(crate::tight::walk(&made.bytes), Some(found));
        assert!(found.attributes >= made.items * 11 && found.text_bytes > made.items * 100);
        let ours = otlp::decode(otlp::Signal::Traces, &made.bytes, UnixNanos(FROM_NS.cast_signed())).unwrap();
        assert_eq!(of_ours(&ours), found);
        assert_eq!(of_prost(&ExportTraceServiceRequest::decode(made.bytes).unwrap()), found);
    }

    #[test]
    fn a_text_that_is_no_utf_8_is_seen_by_both_walks() {
        let made = Spans::new(9, FROM_NS).next_request();
        let mut bytes = made.bytes.to_vec();
        let at = bytes.windows(9).position(|window| window == b"things-00").unwrap();
        bytes[at] = 0xff;
        assert!(walk(&bytes).is_err() && crate::tight::walk(&bytes).is_none());
    }
}
