//! Spans as an OpenTelemetry exporter sends them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Sent, Status, span};
use prost::Message;
use telemetry::signal::Attributes;
use telemetry::{Span, SpanKind, StatusCode, Value};

use crate::serving::exchange;

/// Spans of one request.
const REQUEST: usize = 2_000;

/// Sends all of them to OTLP over HTTP on `port`.
pub(super) fn send(spans: &[Span], port: u16) {
    for part in spans.chunks(REQUEST) {
        let mut of: BTreeMap<(&str, &str, &str), Vec<&Span>> = BTreeMap::new();
        for one in part {
            let resource = &one.resource;
            of.entry((&resource.service, &resource.instance, &resource.version)).or_default().push(one);
        }
        let request = ExportTraceServiceRequest { resource_spans: of.into_values().map(resource).collect() };
        let bytes = request.encode_to_vec();
        let address = ([127, 0, 0, 1], port).into();
        let (status, body) = exchange(address, "POST /v1/traces", "application/x-protobuf", &bytes).unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }
}

fn resource(spans: Vec<&Span>) -> ResourceSpans {
    let attributes = spans.first().map(|one| attributes(&one.resource.attributes)).unwrap_or_default();
    let spans = spans.into_iter().map(sent).collect();
    ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

fn sent(one: &Span) -> Sent {
    let kind = match one.kind {
        SpanKind::Unspecified => span::SpanKind::Unspecified,
        SpanKind::Internal => span::SpanKind::Internal,
        SpanKind::Server => span::SpanKind::Server,
        SpanKind::Client => span::SpanKind::Client,
        SpanKind::Producer => span::SpanKind::Producer,
        SpanKind::Consumer => span::SpanKind::Consumer,
    };
    let code = match one.status {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    };
    Sent {
        trace_id: one.trace_id.0.to_vec(),
        span_id: one.span_id.0.to_vec(),
        parent_span_id: one.parent.map(|id| id.0.to_vec()).unwrap_or_default(),
        name: one.name.to_string(),
        kind: kind.into(),
        start_time_unix_nano: u64::try_from(one.start.0).unwrap(),
        end_time_unix_nano: u64::try_from(one.end.0).unwrap(),
        attributes: attributes(&one.attributes),
        status: Some(Status { code, message: one.message.to_string() }),
        links: one
            .links
            .iter()
            .map(|link| span::Link {
                trace_id: link.trace_id.0.to_vec(),
                span_id: link.span_id.0.to_vec(),
                ..span::Link::default()
            })
            .collect(),
        ..Sent::default()
    }
}

pub(super) fn attributes(attributes: &Attributes) -> Vec<KeyValue> {
    attributes
        .iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Bool(value) => any_value::Value::BoolValue(*value),
                Value::Int(value) => any_value::Value::IntValue(*value),
                Value::Double(value) => any_value::Value::DoubleValue(*value),
                other => any_value::Value::StringValue(other.render()),
            };
            KeyValue {
                key: key.to_string(),
                value: Some(AnyValue { value: Some(value) }),
                ..KeyValue::default()
            }
        })
        .collect()
}
