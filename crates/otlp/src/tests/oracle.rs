//! What `prost` and the generated types make of a request, brought into our types.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource as SentResource;
use opentelemetry_proto::tonic::trace::v1::{Span as SentSpan, span};
use prost::{DecodeError, Message};
use telemetry::signal::{Attributes, MetricValue, SpanEvent, SpanLink};
use telemetry::{
    LogRecord, MetricPoint, Resource, Span, SpanId, SpanKind, StatusCode, Temporality, TraceId, UnixNanos,
    Value,
};

use crate::{Decoded, Signal};

fn value(sent: Option<AnyValue>) -> Value {
    match sent.and_then(|any| any.value) {
        None | Some(any_value::Value::StringValueStrindex(_)) => Value::Empty,
        Some(any_value::Value::StringValue(text)) => Value::Text(text.into()),
        Some(any_value::Value::BoolValue(value)) => Value::Bool(value),
        Some(any_value::Value::IntValue(value)) => Value::Int(value),
        Some(any_value::Value::DoubleValue(value)) => Value::Double(value),
        Some(any_value::Value::BytesValue(value)) => Value::Bytes(value),
        Some(any_value::Value::ArrayValue(list)) => {
            Value::List(list.values.into_iter().map(|any| value(Some(any))).collect())
        }
        Some(any_value::Value::KvlistValue(map)) => Value::Map(entries(map.values)),
    }
}

fn entries(sent: Vec<KeyValue>) -> Attributes {
    sent.into_iter().map(|entry| (Arc::from(entry.key), value(entry.value))).collect()
}

fn attributes(sent: Vec<KeyValue>) -> Attributes {
    let mut attributes = entries(sent);
    attributes.truncate(128);
    attributes
}

fn resource(sent: Option<SentResource>) -> Arc<Resource> {
    Arc::new(Resource::of(attributes(sent.unwrap_or_default().attributes)))
}

fn at(sent: u64, otherwise: UnixNanos) -> UnixNanos {
    if sent == 0 { otherwise } else { UnixNanos(i64::try_from(sent).unwrap_or(i64::MAX)) }
}

fn span(sent: SentSpan, resource: &Arc<Resource>, received_at: UnixNanos) -> Option<Span> {
    let parent = match sent.parent_span_id.as_slice() {
        [] | [0, 0, 0, 0, 0, 0, 0, 0] => None,
        bytes => Some(SpanId::from_slice(bytes)?),
    };
    let start = at(sent.start_time_unix_nano, received_at);
    let status = sent.status.unwrap_or_default();
    Some(Span {
        trace_id: TraceId::from_slice(&sent.trace_id)?,
        span_id: SpanId::from_slice(&sent.span_id)?,
        parent,
        name: sent.name.into(),
        kind: match span::SpanKind::try_from(sent.kind) {
            Ok(span::SpanKind::Internal) => SpanKind::Internal,
            Ok(span::SpanKind::Server) => SpanKind::Server,
            Ok(span::SpanKind::Client) => SpanKind::Client,
            Ok(span::SpanKind::Producer) => SpanKind::Producer,
            Ok(span::SpanKind::Consumer) => SpanKind::Consumer,
            _ => SpanKind::Unspecified,
        },
        start,
        end: at(sent.end_time_unix_nano, start),
        status: match status.code {
            1 => StatusCode::Ok,
            2 => StatusCode::Error,
            _ => StatusCode::Unset,
        },
        message: status.message.into(),
        attributes: attributes(sent.attributes),
        events: sent.events.into_iter().take(128).map(event).collect(),
        links: sent.links.into_iter().filter_map(link).take(128).collect(),
        resource: Arc::clone(resource),
    })
}

fn event(sent: span::Event) -> SpanEvent {
    SpanEvent {
        at: at(sent.time_unix_nano, UnixNanos(0)),
        name: sent.name.into(),
        attributes: attributes(sent.attributes),
    }
}

fn link(sent: span::Link) -> Option<SpanLink> {
    Some(SpanLink {
        trace_id: TraceId::from_slice(&sent.trace_id)?,
        span_id: SpanId::from_slice(&sent.span_id)?,
        attributes: attributes(sent.attributes),
    })
}

struct Point {
    times: [u64; 2],
    value: MetricValue,
    attributes: Vec<KeyValue>,
}

fn points(data: metric::Data) -> (Temporality, bool, Vec<Point>) {
    let number = |point: opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| {
        let value = match point.value {
            None => f64::NAN,
            Some(number_data_point::Value::AsDouble(value)) => value,
            Some(number_data_point::Value::AsInt(value)) => value as f64,
        };
        let times = [point.start_time_unix_nano, point.time_unix_nano];
        Point { times, value: MetricValue::Number(value), attributes: point.attributes }
    };
    let distribution = |count, sum| MetricValue::Distribution { count, sum };
    let temporality = |number: i32| match number {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Instant,
    };
    macro_rules! all {
        ($data:expr, $sum:expr) => {
            $data
                .data_points
                .into_iter()
                .map(|point| Point {
                    times: [point.start_time_unix_nano, point.time_unix_nano],
                    value: distribution(point.count, $sum(point.sum)),
                    attributes: point.attributes,
                })
                .collect()
        };
    }
    match data {
        metric::Data::Gauge(data) => {
            (Temporality::Instant, false, data.data_points.into_iter().map(number).collect())
        }
        metric::Data::Sum(data) => (
            temporality(data.aggregation_temporality),
            data.is_monotonic,
            data.data_points.into_iter().map(number).collect(),
        ),
        metric::Data::Histogram(data) => {
            (temporality(data.aggregation_temporality), false, all!(data, std::convert::identity))
        }
        metric::Data::ExponentialHistogram(data) => {
            (temporality(data.aggregation_temporality), false, all!(data, std::convert::identity))
        }
        metric::Data::Summary(data) => (Temporality::Cumulative, false, all!(data, Some)),
    }
}

/// What the oracle makes of `bytes`; of the receipt only the sums.
pub(super) fn decode(signal: Signal, bytes: &[u8], received_at: UnixNanos) -> Result<Decoded, DecodeError> {
    let mut decoded = Decoded::default();
    let mut rejected = 0;
    match signal {
        Signal::Traces => {
            for group in ExportTraceServiceRequest::decode(bytes)?.resource_spans {
                let resource = resource(group.resource);
                for sent in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                    match span(sent, &resource, received_at) {
                        Some(span) => decoded.spans.push(span),
                        None => rejected += 1,
                    }
                }
            }
        }
        Signal::Logs => {
            for group in ExportLogsServiceRequest::decode(bytes)?.resource_logs {
                let resource = resource(group.resource);
                for sent in group.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
                    let observed = at(sent.observed_time_unix_nano, received_at);
                    decoded.logs.push(LogRecord {
                        at: at(sent.time_unix_nano, observed),
                        trace_id: TraceId::from_slice(&sent.trace_id),
                        span_id: SpanId::from_slice(&sent.span_id),
                        severity: sent.severity_number,
                        body: value(sent.body),
                        attributes: attributes(sent.attributes),
                        resource: Arc::clone(&resource),
                    });
                }
            }
        }
        Signal::Metrics => {
            for group in ExportMetricsServiceRequest::decode(bytes)?.resource_metrics {
                let resource = resource(group.resource);
                for sent in group.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                    let Some((temporality, is_monotonic, read)) = sent.data.map(points) else { continue };
                    decoded.points.extend(read.into_iter().map(|point| MetricPoint {
                        name: sent.name.as_str().into(),
                        unit: sent.unit.as_str().into(),
                        start: UnixNanos(i64::try_from(point.times[0]).unwrap_or(i64::MAX)),
                        at: at(point.times[1], received_at),
                        temporality,
                        is_monotonic,
                        value: point.value,
                        attributes: attributes(point.attributes),
                        resource: Arc::clone(&resource),
                    }));
                }
            }
        }
    }
    decoded.receipt.accepted = (decoded.spans.len() + decoded.logs.len() + decoded.points.len()) as u64;
    if rejected > 0 {
        decoded.receipt.rejected.insert("rejected".to_owned(), rejected);
    }
    Ok(decoded)
}
