//! The signals a system emits, as OpenTelemetry defines them: spans, log records, metric points.
//!
//! Strings that repeat are shared (`Arc<str>`). No wire form here: `otlp` decodes into these.

use std::sync::Arc;

use crate::ids::{SpanId, TraceId};
use crate::time::UnixNanos;

/// An attribute value (OpenTelemetry `AnyValue`).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value was given.
    Empty,
    /// Text.
    Text(Arc<str>),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number, bit-exact as sent.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list of values.
    List(Vec<Value>),
    /// Keys with values.
    Map(Attributes),
}

impl Value {
    /// The text, when it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A plain rendering for people and tables; nested values in JSON-like form.
    #[must_use]
    pub fn render(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::List(values) => {
                format!("[{}]", values.iter().map(Self::render).collect::<Vec<_>>().join(", "))
            }
            Self::Map(entries) => {
                let entry = |(key, value): &(Arc<str>, Self)| format!("{key}: {}", value.render());
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Keys with values, in the order sent.
pub type Attributes = Vec<(Arc<str>, Value)>;

/// The value of `key` among `attributes`.
#[must_use]
pub fn attribute<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a Value> {
    attributes.iter().find(|(name, _)| &**name == key).map(|(_, value)| value)
}

/// What emitted a signal: one running instance of a service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// `service.name`; `unknown_service` when absent, as the specification says.
    pub service: Arc<str>,
    /// `service.instance.id`, empty when absent.
    pub instance: Arc<str>,
    /// `service.version`, empty when absent.
    pub version: Arc<str>,
    /// All attributes, those three included.
    pub attributes: Attributes,
}

impl Resource {
    /// A resource of `attributes`, with the service's three names read from them.
    #[must_use]
    pub fn of(attributes: Attributes) -> Self {
        let text = |key: &str| match attribute(&attributes, key) {
            Some(Value::Text(text)) => Arc::clone(text),
            Some(other) => Arc::from(other.render()),
            None => Arc::from(""),
        };
        let (service, instance, version) =
            (text("service.name"), text("service.instance.id"), text("service.version"));
        let service = if service.is_empty() { Arc::from("unknown_service") } else { service };
        Self { service, instance, version, attributes }
    }
}

/// The role of a span in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// Not told, treated as internal.
    Unspecified,
    /// Work inside one service.
    Internal,
    /// The receiving side of a call.
    Server,
    /// The calling side of a call.
    Client,
    /// Puts a message on a queue.
    Producer,
    /// Takes a message from a queue.
    Consumer,
}

impl SpanKind {
    /// The name in interfaces; empty when not told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StatusCode {
    /// Not told.
    Unset,
    /// Told to be well.
    Ok,
    /// Failed.
    Error,
}

/// Something that happened at a point within a span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEvent {
    /// When.
    pub at: UnixNanos,
    /// What.
    pub name: Arc<str>,
    /// Details.
    pub attributes: Attributes,
}

/// A reference to another span that is not the parent.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanLink {
    /// The other trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// Details.
    pub attributes: Attributes,
}

/// One unit of work of one service within a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The span that caused it, in this or another service.
    pub parent: Option<SpanId>,
    /// The span name: low-cardinality by convention.
    pub name: Arc<str>,
    /// Its role.
    pub kind: SpanKind,
    /// When it began.
    pub start: UnixNanos,
    /// When it ended; kept as sent even when before `start`.
    pub end: UnixNanos,
    /// How it ended.
    pub status: StatusCode,
    /// The status message, empty when none.
    pub message: Arc<str>,
    /// Details.
    pub attributes: Attributes,
    /// Points within.
    pub events: Vec<SpanEvent>,
    /// References to other spans.
    pub links: Vec<SpanLink>,
    /// Who did the work.
    pub resource: Arc<Resource>,
}

impl Span {
    /// Duration in nanoseconds, zero when the end lies before the start.
    #[must_use]
    pub fn duration_ns(&self) -> i64 {
        self.end.since(self.start).max(0)
    }

    /// Whether it failed.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.status == StatusCode::Error
    }

    /// Whether it is the entry of a service: the receiving side of a call or of a message.
    #[must_use]
    pub fn is_entry(&self) -> bool {
        matches!(self.kind, SpanKind::Server | SpanKind::Consumer)
    }
}

/// One log record.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    /// When it happened; the observed time when the event time is not told.
    pub at: UnixNanos,
    /// The trace it was written in.
    pub trace_id: Option<TraceId>,
    /// The span it was written in.
    pub span_id: Option<SpanId>,
    /// OpenTelemetry severity number, 0 when not told.
    pub severity: i32,
    /// The body.
    pub body: Value,
    /// Details.
    pub attributes: Attributes,
    /// Who wrote it.
    pub resource: Arc<Resource>,
}

/// One point of a metric series, reduced to what the questions need.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    /// The metric's name.
    pub name: Arc<str>,
    /// The metric's unit, UCUM.
    pub unit: Arc<str>,
    /// Since when a sum or distribution counts; the epoch when not told.
    pub start: UnixNanos,
    /// When it was measured.
    pub at: UnixNanos,
    /// How its value goes together with that of the points before it.
    pub temporality: Temporality,
    /// Whether it is a sum that only grows; false for what is no sum.
    pub is_monotonic: bool,
    /// What was measured.
    pub value: MetricValue,
    /// The point's attributes.
    pub attributes: Attributes,
    /// Who measured.
    pub resource: Arc<Resource>,
}

/// How the values of the points of one series go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Temporality {
    /// Each stands for itself: a gauge, or a sum that does not tell.
    #[default]
    Instant,
    /// Each counts since its start.
    Cumulative,
    /// Each counts since the point before it.
    Delta,
}

/// The value of a metric point.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    /// A gauge or a sum.
    Number(f64),
    /// A histogram, exponential histogram or summary: how many, and their sum.
    Distribution {
        /// Number of observations.
        count: u64,
        /// Their sum, when told.
        sum: Option<f64>,
    },
}
