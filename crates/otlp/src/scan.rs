//! Looks over a request before it is decoded: how many items, how deep, how much memory it would take.
//!
//! Two bytes on the wire can become a hundred in memory, so that the budget must be asked first. Walks only
//! messages whose shape is known; allocates nothing; does not look at the content of strings.

use crate::intake::Signal;
use crate::wire::{Field, Reader, WireError};

/// Items in one request: a batch of the usual exporters is below 10,000.
pub const ITEMS_MAX: u64 = 250_000;
/// Nesting of values; the OpenTelemetry data model needs a few levels.
pub const DEPTH_MAX: u32 = 32;

/// How large a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Spans, log records or metric points.
    pub items: u64,
    /// Estimated bytes after decoding.
    pub decoded_bytes: u64,
}

/// Why a request cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Not the protobuf it should be.
    #[error("bad protobuf")]
    Malformed(#[source] WireError),
    /// Values nest deeper than [`DEPTH_MAX`].
    #[error("values nest deeper than {DEPTH_MAX}")]
    TooDeep,
    /// More items than [`ITEMS_MAX`].
    #[error("more than {ITEMS_MAX} items")]
    TooManyItems,
}

/// The messages that hold others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Request,
    PerResource,
    PerScope,
    Resource,
    Span,
    LogRecord,
    Metric,
    /// The points of one metric, whose attributes stand in this field.
    MetricData(u32),
    /// A data point, whose attributes stand in this field.
    Point(u32),
    Event,
    Link,
    KeyValue,
    Any,
    List,
    Map,
}

impl Shape {
    /// The shape of the message in `field` of a message of this shape; `None` when it is no message that grows.
    fn child(self, signal: Signal, field: u32) -> Option<Self> {
        match (self, field) {
            (Self::Request, 1) => Some(Self::PerResource),
            (Self::PerResource, 1) => Some(Self::Resource),
            (Self::PerResource, 2) => Some(Self::PerScope),
            (Self::PerScope, 2) => Some(match signal {
                Signal::Traces => Self::Span,
                Signal::Logs => Self::LogRecord,
                Signal::Metrics => Self::Metric,
            }),
            (Self::Resource, 1)
            | (Self::Span, 9)
            | (Self::LogRecord, 6)
            | (Self::Event, 3)
            | (Self::Link, 4)
            | (Self::Map, 1) => Some(Self::KeyValue),
            (Self::Span, 11) => Some(Self::Event),
            (Self::Span, 13) => Some(Self::Link),
            (Self::LogRecord, 5) | (Self::KeyValue, 2) | (Self::List, 1) => Some(Self::Any),
            (Self::Any, 5) => Some(Self::List),
            (Self::Any, 6) => Some(Self::Map),
            (Self::Metric, 5 | 7 | 11) => Some(Self::MetricData(7)),
            (Self::Metric, 9) => Some(Self::MetricData(9)),
            (Self::Metric, 10) => Some(Self::MetricData(1)),
            (Self::MetricData(attributes), 1) => Some(Self::Point(attributes)),
            (Self::Point(at), _) if at == field => Some(Self::KeyValue),
            _ => None,
        }
    }

    /// Fixed cost of one such message after decoding, in bytes: the type, its vectors and its reference counts.
    fn cost(self) -> u64 {
        match self {
            Self::Span => 400,
            Self::LogRecord => 240,
            Self::Point(_) => 200,
            // Each group has a resource, whether or not one was sent.
            Self::PerResource => 200,
            Self::Resource => 100,
            Self::Metric => 60,
            Self::Event | Self::Link => 128,
            Self::KeyValue => 80,
            Self::Any => 40,
            _ => 0,
        }
    }

    fn is_item(self) -> bool {
        matches!(self, Self::Span | Self::LogRecord | Self::Point(_))
    }
}

/// Measures `bytes`, the protobuf form of an export request of `signal`.
///
/// # Errors
/// When it is no protobuf or passes the limits.
pub fn scan(signal: Signal, bytes: &[u8]) -> Result<Extent, ScanError> {
    let mut extent = Extent { items: 0, decoded_bytes: bytes.len() as u64 };
    walk(signal, Shape::Request, bytes, 0, &mut extent)?;
    Ok(extent)
}

fn walk(
    signal: Signal,
    shape: Shape,
    bytes: &[u8],
    depth: u32,
    extent: &mut Extent,
) -> Result<(), ScanError> {
    extent.decoded_bytes = extent.decoded_bytes.saturating_add(shape.cost());
    extent.items += u64::from(shape.is_item());
    if extent.items > ITEMS_MAX {
        return Err(ScanError::TooManyItems);
    }
    let depth = depth + u32::from(shape == Shape::Any);
    if depth > DEPTH_MAX {
        return Err(ScanError::TooDeep);
    }
    let mut reader = Reader::new(bytes);
    while let Some((field, value)) = reader.next_field().map_err(ScanError::Malformed)? {
        if let (Some(child), Field::Bytes(inner)) = (shape.child(signal, field), value) {
            walk(signal, child, inner, depth, extent)?;
        }
    }
    Ok(())
}
