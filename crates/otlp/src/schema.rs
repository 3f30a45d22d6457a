//! The messages of OTLP 1.x as tables: JSON name, field number and kind of every field. `json` writes by them, and
//! `decode` checks what it does not keep.
//!
//! Taken from `opentelemetry/proto/**/*.proto` of opentelemetry-proto 1.9. Fields of profiles are not here, and so
//! are ignored like any other unknown field.

use crate::intake::Signal;

/// One message.
#[derive(Debug)]
pub(crate) struct Message {
    /// As its definition says it.
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
}

/// One field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    /// In `lowerCamelCase`.
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) count: Count,
}

/// How often a field may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    One,
    Many,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Message(&'static Message),
    Text,
    /// Bytes.
    Base64,
    /// The bytes of trace and span ids.
    Hex,
    Bool,
    Double,
    Int(Int),
    /// A place in the dictionary of profiles, an int32: the JSON of the other signals does not know it.
    Index,
    /// Names and values.
    Enum(&'static [(&'static str, u32)]),
}

/// The integer types of protobuf that OTLP uses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Int {
    Fixed32,
    Fixed64,
    I64,
    /// sint32
    S32,
    SFixed64,
    U32,
    U64,
}

impl Message {
    /// The fields of which a message has one at most (a `oneof`).
    pub(crate) fn choices(&self) -> &'static [u32] {
        match self.name {
            "AnyValue" => &[1, 2, 3, 4, 5, 6, 7],
            "Metric" => &[5, 7, 9, 10, 11],
            "NumberDataPoint" => &[4, 6],
            "Exemplar" => &[3, 6],
            _ => &[],
        }
    }
}

impl Kind {
    /// The wire type of one value.
    pub(crate) fn wire_type(self) -> u64 {
        match self {
            Self::Message(_) | Self::Text | Self::Base64 | Self::Hex => 2,
            Self::Bool
            | Self::Index
            | Self::Enum(_)
            | Self::Int(Int::I64 | Int::S32 | Int::U32 | Int::U64) => 0,
            Self::Double | Self::Int(Int::Fixed64 | Int::SFixed64) => 1,
            Self::Int(Int::Fixed32) => 5,
        }
    }
}

impl Field {
    /// Whether `name` is this field's, in `lowerCamelCase` or `snake_case`.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        if name == self.name {
            return true;
        }
        let mut given = name.bytes();
        for own in self.name.bytes() {
            let is_same = if own.is_ascii_uppercase() {
                given.next() == Some(b'_') && given.next() == Some(own.to_ascii_lowercase())
            } else {
                given.next() == Some(own)
            };
            if !is_same {
                return false;
            }
        }
        given.next().is_none()
    }
}

/// The request that carries `signal`.
pub(crate) fn request(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
    }
}

const fn one(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, count: Count::One }
}

const fn many(name: &'static str, number: u32, message: &'static Message) -> Field {
    Field { name, number, kind: Kind::Message(message), count: Count::Many }
}

const fn list(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, count: Count::Many }
}

const fn message(name: &'static str, number: u32, message: &'static Message) -> Field {
    one(name, number, Kind::Message(message))
}

const TIME: Kind = Kind::Int(Int::Fixed64);
const COUNT: Kind = Kind::Int(Int::Fixed64);
const U32: Kind = Kind::Int(Int::U32);

static TRACES: Message =
    Message { name: "ExportTraceServiceRequest", fields: &[many("resourceSpans", 1, &RESOURCE_SPANS)] };
static LOGS: Message =
    Message { name: "ExportLogsServiceRequest", fields: &[many("resourceLogs", 1, &RESOURCE_LOGS)] };
static METRICS: Message =
    Message { name: "ExportMetricsServiceRequest", fields: &[many("resourceMetrics", 1, &RESOURCE_METRICS)] };

static RESOURCE_SPANS: Message = Message {
    name: "ResourceSpans",
    fields: &[
        message("resource", 1, &RESOURCE),
        many("scopeSpans", 2, &SCOPE_SPANS),
        one("schemaUrl", 3, Kind::Text),
    ],
};
static RESOURCE_LOGS: Message = Message {
    name: "ResourceLogs",
    fields: &[
        message("resource", 1, &RESOURCE),
        many("scopeLogs", 2, &SCOPE_LOGS),
        one("schemaUrl", 3, Kind::Text),
    ],
};
static RESOURCE_METRICS: Message = Message {
    name: "ResourceMetrics",
    fields: &[
        message("resource", 1, &RESOURCE),
        many("scopeMetrics", 2, &SCOPE_METRICS),
        one("schemaUrl", 3, Kind::Text),
    ],
};
static SCOPE_SPANS: Message = Message {
    name: "ScopeSpans",
    fields: &[message("scope", 1, &SCOPE), many("spans", 2, &SPAN), one("schemaUrl", 3, Kind::Text)],
};
static SCOPE_LOGS: Message = Message {
    name: "ScopeLogs",
    fields: &[
        message("scope", 1, &SCOPE),
        many("logRecords", 2, &LOG_RECORD),
        one("schemaUrl", 3, Kind::Text),
    ],
};
static SCOPE_METRICS: Message = Message {
    name: "ScopeMetrics",
    fields: &[message("scope", 1, &SCOPE), many("metrics", 2, &METRIC), one("schemaUrl", 3, Kind::Text)],
};
pub(crate) static RESOURCE: Message = Message {
    name: "Resource",
    fields: &[
        many("attributes", 1, &KEY_VALUE),
        one("droppedAttributesCount", 2, U32),
        many("entityRefs", 3, &ENTITY_REF),
    ],
};
static ENTITY_REF: Message = Message {
    name: "EntityRef",
    fields: &[
        one("schemaUrl", 1, Kind::Text),
        one("type", 2, Kind::Text),
        list("idKeys", 3, Kind::Text),
        list("descriptionKeys", 4, Kind::Text),
    ],
};
pub(crate) static SCOPE: Message = Message {
    name: "InstrumentationScope",
    fields: &[
        one("name", 1, Kind::Text),
        one("version", 2, Kind::Text),
        many("attributes", 3, &KEY_VALUE),
        one("droppedAttributesCount", 4, U32),
    ],
};
static KEY_VALUE: Message = Message {
    name: "KeyValue",
    fields: &[one("key", 1, Kind::Text), message("value", 2, &ANY_VALUE), one("keyStrindex", 3, Kind::Index)],
};
static ANY_VALUE: Message = Message {
    name: "AnyValue",
    fields: &[
        one("stringValue", 1, Kind::Text),
        one("boolValue", 2, Kind::Bool),
        one("intValue", 3, Kind::Int(Int::I64)),
        one("doubleValue", 4, Kind::Double),
        message("arrayValue", 5, &ARRAY_VALUE),
        message("kvlistValue", 6, &KV_LIST),
        one("bytesValue", 7, Kind::Base64),
        one("stringValueStrindex", 8, Kind::Index),
    ],
};
static ARRAY_VALUE: Message = Message { name: "ArrayValue", fields: &[many("values", 1, &ANY_VALUE)] };
static KV_LIST: Message = Message { name: "KeyValueList", fields: &[many("values", 1, &KEY_VALUE)] };

const SPAN_KINDS: Kind = Kind::Enum(&[
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
]);
const STATUS_CODES: Kind =
    Kind::Enum(&[("STATUS_CODE_UNSET", 0), ("STATUS_CODE_OK", 1), ("STATUS_CODE_ERROR", 2)]);

pub(crate) static SPAN: Message = Message {
    name: "Span",
    fields: &[
        one("traceId", 1, Kind::Hex),
        one("spanId", 2, Kind::Hex),
        one("traceState", 3, Kind::Text),
        one("parentSpanId", 4, Kind::Hex),
        one("name", 5, Kind::Text),
        one("kind", 6, SPAN_KINDS),
        one("startTimeUnixNano", 7, TIME),
        one("endTimeUnixNano", 8, TIME),
        many("attributes", 9, &KEY_VALUE),
        one("droppedAttributesCount", 10, U32),
        many("events", 11, &EVENT),
        one("droppedEventsCount", 12, U32),
        many("links", 13, &LINK),
        one("droppedLinksCount", 14, U32),
        message("status", 15, &STATUS),
        one("flags", 16, Kind::Int(Int::Fixed32)),
    ],
};
pub(crate) static EVENT: Message = Message {
    name: "Event",
    fields: &[
        one("timeUnixNano", 1, TIME),
        one("name", 2, Kind::Text),
        many("attributes", 3, &KEY_VALUE),
        one("droppedAttributesCount", 4, U32),
    ],
};
pub(crate) static LINK: Message = Message {
    name: "Link",
    fields: &[
        one("traceId", 1, Kind::Hex),
        one("spanId", 2, Kind::Hex),
        one("traceState", 3, Kind::Text),
        many("attributes", 4, &KEY_VALUE),
        one("droppedAttributesCount", 5, U32),
        one("flags", 6, Kind::Int(Int::Fixed32)),
    ],
};
static STATUS: Message =
    Message { name: "Status", fields: &[one("message", 2, Kind::Text), one("code", 3, STATUS_CODES)] };

const SEVERITIES: Kind = Kind::Enum(&[
    ("SEVERITY_NUMBER_UNSPECIFIED", 0),
    ("SEVERITY_NUMBER_TRACE", 1),
    ("SEVERITY_NUMBER_TRACE2", 2),
    ("SEVERITY_NUMBER_TRACE3", 3),
    ("SEVERITY_NUMBER_TRACE4", 4),
    ("SEVERITY_NUMBER_DEBUG", 5),
    ("SEVERITY_NUMBER_DEBUG2", 6),
    ("SEVERITY_NUMBER_DEBUG3", 7),
    ("SEVERITY_NUMBER_DEBUG4", 8),
    ("SEVERITY_NUMBER_INFO", 9),
    ("SEVERITY_NUMBER_INFO2", 10),
    ("SEVERITY_NUMBER_INFO3", 11),
    ("SEVERITY_NUMBER_INFO4", 12),
    ("SEVERITY_NUMBER_WARN", 13),
    ("SEVERITY_NUMBER_WARN2", 14),
    ("SEVERITY_NUMBER_WARN3", 15),
    ("SEVERITY_NUMBER_WARN4", 16),
    ("SEVERITY_NUMBER_ERROR", 17),
    ("SEVERITY_NUMBER_ERROR2", 18),
    ("SEVERITY_NUMBER_ERROR3", 19),
    ("SEVERITY_NUMBER_ERROR4", 20),
    ("SEVERITY_NUMBER_FATAL", 21),
    ("SEVERITY_NUMBER_FATAL2", 22),
    ("SEVERITY_NUMBER_FATAL3", 23),
    ("SEVERITY_NUMBER_FATAL4", 24),
]);

pub(crate) static LOG_RECORD: Message = Message {
    name: "LogRecord",
    fields: &[
        one("timeUnixNano", 1, TIME),
        one("observedTimeUnixNano", 11, TIME),
        one("severityNumber", 2, SEVERITIES),
        one("severityText", 3, Kind::Text),
        message("body", 5, &ANY_VALUE),
        many("attributes", 6, &KEY_VALUE),
        one("droppedAttributesCount", 7, U32),
        one("flags", 8, Kind::Int(Int::Fixed32)),
        one("traceId", 9, Kind::Hex),
        one("spanId", 10, Kind::Hex),
        one("eventName", 12, Kind::Text),
    ],
};

const TEMPORALITIES: Kind = Kind::Enum(&[
    ("AGGREGATION_TEMPORALITY_UNSPECIFIED", 0),
    ("AGGREGATION_TEMPORALITY_DELTA", 1),
    ("AGGREGATION_TEMPORALITY_CUMULATIVE", 2),
]);

pub(crate) static METRIC: Message = Message {
    name: "Metric",
    fields: &[
        one("name", 1, Kind::Text),
        one("description", 2, Kind::Text),
        one("unit", 3, Kind::Text),
        message("gauge", 5, &GAUGE),
        message("sum", 7, &SUM),
        message("histogram", 9, &HISTOGRAM),
        message("exponentialHistogram", 10, &EXPONENTIAL_HISTOGRAM),
        message("summary", 11, &SUMMARY),
        many("metadata", 12, &KEY_VALUE),
    ],
};
static GAUGE: Message = Message { name: "Gauge", fields: &[many("dataPoints", 1, &NUMBER_POINT)] };
static SUM: Message = Message {
    name: "Sum",
    fields: &[
        many("dataPoints", 1, &NUMBER_POINT),
        one("aggregationTemporality", 2, TEMPORALITIES),
        one("isMonotonic", 3, Kind::Bool),
    ],
};
static HISTOGRAM: Message = Message {
    name: "Histogram",
    fields: &[many("dataPoints", 1, &HISTOGRAM_POINT), one("aggregationTemporality", 2, TEMPORALITIES)],
};
static EXPONENTIAL_HISTOGRAM: Message = Message {
    name: "ExponentialHistogram",
    fields: &[many("dataPoints", 1, &EXPONENTIAL_POINT), one("aggregationTemporality", 2, TEMPORALITIES)],
};
static SUMMARY: Message = Message { name: "Summary", fields: &[many("dataPoints", 1, &SUMMARY_POINT)] };

pub(crate) static NUMBER_POINT: Message = Message {
    name: "NumberDataPoint",
    fields: &[
        one("startTimeUnixNano", 2, TIME),
        one("timeUnixNano", 3, TIME),
        one("asDouble", 4, Kind::Double),
        many("exemplars", 5, &EXEMPLAR),
        one("asInt", 6, Kind::Int(Int::SFixed64)),
        many("attributes", 7, &KEY_VALUE),
        one("flags", 8, U32),
    ],
};
pub(crate) static HISTOGRAM_POINT: Message = Message {
    name: "HistogramDataPoint",
    fields: &[
        one("startTimeUnixNano", 2, TIME),
        one("timeUnixNano", 3, TIME),
        one("count", 4, COUNT),
        one("sum", 5, Kind::Double),
        list("bucketCounts", 6, COUNT),
        list("explicitBounds", 7, Kind::Double),
        many("exemplars", 8, &EXEMPLAR),
        many("attributes", 9, &KEY_VALUE),
        one("flags", 10, U32),
        one("min", 11, Kind::Double),
        one("max", 12, Kind::Double),
    ],
};
pub(crate) static EXPONENTIAL_POINT: Message = Message {
    name: "ExponentialHistogramDataPoint",
    fields: &[
        many("attributes", 1, &KEY_VALUE),
        one("startTimeUnixNano", 2, TIME),
        one("timeUnixNano", 3, TIME),
        one("count", 4, COUNT),
        one("sum", 5, Kind::Double),
        one("scale", 6, Kind::Int(Int::S32)),
        one("zeroCount", 7, COUNT),
        message("positive", 8, &BUCKETS),
        message("negative", 9, &BUCKETS),
        one("flags", 10, U32),
        many("exemplars", 11, &EXEMPLAR),
        one("min", 12, Kind::Double),
        one("max", 13, Kind::Double),
        one("zeroThreshold", 14, Kind::Double),
    ],
};
static BUCKETS: Message = Message {
    name: "Buckets",
    fields: &[one("offset", 1, Kind::Int(Int::S32)), list("bucketCounts", 2, Kind::Int(Int::U64))],
};
pub(crate) static SUMMARY_POINT: Message = Message {
    name: "SummaryDataPoint",
    fields: &[
        one("startTimeUnixNano", 2, TIME),
        one("timeUnixNano", 3, TIME),
        one("count", 4, COUNT),
        one("sum", 5, Kind::Double),
        many("quantileValues", 6, &QUANTILE),
        many("attributes", 7, &KEY_VALUE),
        one("flags", 8, U32),
    ],
};
static QUANTILE: Message = Message {
    name: "ValueAtQuantile",
    fields: &[one("quantile", 1, Kind::Double), one("value", 2, Kind::Double)],
};
static EXEMPLAR: Message = Message {
    name: "Exemplar",
    fields: &[
        one("timeUnixNano", 2, TIME),
        one("asDouble", 3, Kind::Double),
        one("spanId", 4, Kind::Hex),
        one("traceId", 5, Kind::Hex),
        one("asInt", 6, Kind::Int(Int::SFixed64)),
        many("filteredAttributes", 7, &KEY_VALUE),
    ],
};
