//! Random requests, encoded by `prost`, and ways to damage them.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, metric,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use platform::Chance;
use prost::Message;

use super::{RECEIVED_AT, Signal};

type Dice<'a> = &'a mut dyn Chance;

fn several<T>(chance: Dice<'_>, most: u64, mut make: impl FnMut(Dice<'_>) -> T) -> Vec<T> {
    (0..chance.below(most + 1)).map(|_| make(chance)).collect()
}

fn text(chance: Dice<'_>) -> String {
    let texts = ["", "GET /", "checkout", "h\u{e4}user", "\u{1f980}", "a longer text with words in it"];
    texts[chance.below(6) as usize].to_owned()
}

fn time(chance: Dice<'_>) -> u64 {
    match chance.below(8) {
        0 => 0,
        1 => u64::MAX,
        _ => RECEIVED_AT.0 as u64 - chance.below(10_000_000_000),
    }
}

fn id(chance: Dice<'_>, len: usize) -> Vec<u8> {
    let len = if chance.below(16) == 0 { chance.below(20) as usize } else { len };
    let zero = chance.below(16) == 0;
    (0..len).map(|_| if zero { 0 } else { chance.next_u64() as u8 }).collect()
}

fn value(chance: Dice<'_>, depth: u32) -> Option<AnyValue> {
    let value = match chance.below(if depth > 3 { 7 } else { 9 }) {
        0 => None,
        1 | 2 => Some(Value::StringValue(text(chance))),
        3 => Some(Value::BoolValue(chance.below(2) == 0)),
        4 => Some(Value::IntValue(chance.next_u64() as i64)),
        5 => Some(Value::DoubleValue(f64::from_bits(chance.next_u64()))),
        6 => Some(Value::BytesValue(id(chance, 5))),
        7 => Some(Value::ArrayValue(ArrayValue {
            values: several(chance, 3, |chance| value(chance, depth + 1).unwrap_or_default()),
        })),
        _ => Some(Value::KvlistValue(KeyValueList {
            values: several(chance, 3, |chance| key_value(chance, depth + 1)),
        })),
    };
    (chance.below(12) > 0).then_some(AnyValue { value })
}

fn key_value(chance: Dice<'_>, depth: u32) -> KeyValue {
    KeyValue { key: text(chance), value: value(chance, depth), ..KeyValue::default() }
}

fn attributes(chance: Dice<'_>) -> Vec<KeyValue> {
    several(chance, 4, |chance| key_value(chance, 0))
}

fn resource(chance: Dice<'_>) -> Option<Resource> {
    let mut attributes = attributes(chance);
    for key in ["service.name", "service.instance.id", "service.version"] {
        if chance.below(4) > 0 {
            attributes.push(KeyValue { key: key.to_owned(), value: value(chance, 4), ..KeyValue::default() });
        }
    }
    (chance.below(8) > 0).then_some(Resource { attributes, ..Resource::default() })
}

fn scope(chance: Dice<'_>) -> Option<InstrumentationScope> {
    (chance.below(2) == 0).then(|| InstrumentationScope {
        name: text(chance),
        version: text(chance),
        ..InstrumentationScope::default()
    })
}

fn span(chance: Dice<'_>) -> Span {
    Span {
        trace_id: id(chance, 16),
        span_id: id(chance, 8),
        trace_state: text(chance),
        parent_span_id: if chance.below(2) == 0 { Vec::new() } else { id(chance, 8) },
        flags: chance.next_u64() as u32,
        name: text(chance),
        kind: chance.below(8) as i32 - 1,
        start_time_unix_nano: time(chance),
        end_time_unix_nano: time(chance),
        attributes: attributes(chance),
        events: several(chance, 2, |chance| span::Event {
            time_unix_nano: time(chance),
            name: text(chance),
            attributes: attributes(chance),
            dropped_attributes_count: 3,
        }),
        links: several(chance, 2, |chance| span::Link {
            trace_id: id(chance, 16),
            span_id: id(chance, 8),
            attributes: attributes(chance),
            ..span::Link::default()
        }),
        status: (chance.below(2) == 0)
            .then(|| Status { message: text(chance), code: chance.below(4) as i32 }),
        ..Span::default()
    }
}

fn log(chance: Dice<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: time(chance),
        observed_time_unix_nano: time(chance),
        severity_number: chance.below(26) as i32,
        severity_text: text(chance),
        body: value(chance, 0),
        attributes: attributes(chance),
        trace_id: id(chance, 16),
        span_id: id(chance, 8),
        event_name: text(chance),
        ..LogRecord::default()
    }
}

fn number_point(chance: Dice<'_>) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(chance),
        start_time_unix_nano: time(chance),
        time_unix_nano: time(chance),
        value: match chance.below(3) {
            0 => None,
            1 => Some(number_data_point::Value::AsDouble(f64::from_bits(chance.next_u64()))),
            _ => Some(number_data_point::Value::AsInt(chance.next_u64() as i64)),
        },
        ..NumberDataPoint::default()
    }
}

fn data(chance: Dice<'_>) -> metric::Data {
    match chance.below(5) {
        0 => metric::Data::Gauge(Gauge { data_points: several(chance, 3, |chance| number_point(chance)) }),
        1 => metric::Data::Sum(Sum {
            data_points: several(chance, 3, |chance| number_point(chance)),
            aggregation_temporality: chance.below(4) as i32,
            is_monotonic: chance.below(2) == 0,
        }),
        2 => metric::Data::Histogram(Histogram {
            data_points: several(chance, 3, |chance| HistogramDataPoint {
                attributes: attributes(chance),
                start_time_unix_nano: time(chance),
                time_unix_nano: time(chance),
                count: chance.below(99),
                sum: (chance.below(2) == 0).then_some(1.5),
                bucket_counts: vec![1, 2, 3],
                explicit_bounds: vec![0.5, 1.0],
                ..HistogramDataPoint::default()
            }),
            aggregation_temporality: chance.below(4) as i32,
        }),
        3 => metric::Data::ExponentialHistogram(ExponentialHistogram {
            data_points: several(chance, 3, |chance| ExponentialHistogramDataPoint {
                attributes: attributes(chance),
                start_time_unix_nano: time(chance),
                time_unix_nano: time(chance),
                count: chance.below(99),
                sum: (chance.below(2) == 0).then_some(2.5),
                positive: Some(Default::default()),
                negative: Some(Default::default()),
                ..ExponentialHistogramDataPoint::default()
            }),
            aggregation_temporality: chance.below(4) as i32,
        }),
        _ => metric::Data::Summary(Summary {
            data_points: several(chance, 3, |chance| SummaryDataPoint {
                attributes: attributes(chance),
                start_time_unix_nano: time(chance),
                time_unix_nano: time(chance),
                count: chance.below(99),
                sum: chance.below(9) as f64,
                ..SummaryDataPoint::default()
            }),
        }),
    }
}

fn metric(chance: Dice<'_>) -> Metric {
    Metric {
        name: text(chance),
        unit: text(chance),
        data: (chance.below(8) > 0).then(|| data(chance)),
        ..Metric::default()
    }
}

/// A request with one item that is two encoded one after the other: protobuf merges them.
pub(super) fn merged(signal: Signal, chance: Dice<'_>) -> Vec<u8> {
    let item = |chance: Dice<'_>| match signal {
        Signal::Traces => span(chance).encode_to_vec(),
        Signal::Logs => log(chance).encode_to_vec(),
        Signal::Metrics => metric(chance).encode_to_vec(),
    };
    let mut bytes = [item(chance), item(chance)].concat();
    for field in [2, 2, 1] {
        let mut outer = Vec::new();
        crate::wire::put_bytes(&mut outer, field, &bytes);
        bytes = outer;
    }
    bytes
}

/// A random request of `signal`.
pub(super) fn request(signal: Signal, chance: Dice<'_>) -> Vec<u8> {
    match signal {
        Signal::Traces => ExportTraceServiceRequest {
            resource_spans: several(chance, 3, |chance| ResourceSpans {
                resource: resource(chance),
                scope_spans: several(chance, 2, |chance| ScopeSpans {
                    scope: scope(chance),
                    spans: several(chance, 5, |chance| span(chance)),
                    schema_url: text(chance),
                }),
                schema_url: text(chance),
            }),
        }
        .encode_to_vec(),
        Signal::Logs => ExportLogsServiceRequest {
            resource_logs: several(chance, 3, |chance| ResourceLogs {
                resource: resource(chance),
                scope_logs: several(chance, 2, |chance| ScopeLogs {
                    scope: scope(chance),
                    log_records: several(chance, 5, |chance| log(chance)),
                    schema_url: text(chance),
                }),
                schema_url: text(chance),
            }),
        }
        .encode_to_vec(),
        Signal::Metrics => ExportMetricsServiceRequest {
            resource_metrics: several(chance, 3, |chance| ResourceMetrics {
                resource: resource(chance),
                scope_metrics: several(chance, 2, |chance| ScopeMetrics {
                    scope: scope(chance),
                    metrics: several(chance, 4, |chance| metric(chance)),
                    schema_url: text(chance),
                }),
                schema_url: text(chance),
            }),
        }
        .encode_to_vec(),
    }
}

/// Damages one place: flips a byte, cuts, repeats a part, or adds a field that nobody knows.
pub(super) fn mutate(bytes: &mut Vec<u8>, chance: Dice<'_>) {
    if bytes.is_empty() {
        return;
    }
    let at = chance.below(bytes.len() as u64) as usize;
    match chance.below(8) {
        0 => bytes.truncate(at),
        1 => {
            let copy = bytes[at..].to_vec();
            bytes.extend(copy);
        }
        2 => bytes.extend([0xF8, 0x07, 0x2A]),
        3 => {
            let whole = bytes.clone();
            bytes.extend(whole);
        }
        4 | 5 => bytes[at] ^= 1 << chance.below(8),
        _ => bytes[at] = chance.next_u64() as u8,
    }
}
