//! Requests as an OpenTelemetry exporter would make them.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::json;

/// A small generator; the same seed gives the same requests.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}

/// A request with one trace: its id in hex, its number of spans, its bytes.
pub(crate) struct TraceRequest {
    pub(crate) trace_id: String,
    pub(crate) spans: usize,
    pub(crate) bytes: Vec<u8>,
}

impl TraceRequest {
    /// The same in the JSON of OTLP.
    pub(crate) fn json(&self) -> String {
        let request = ExportTraceServiceRequest::decode(&self.bytes[..]).unwrap();
        let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let group = &request.resource_spans[0];
        let texts = |attribute: &KeyValue| match &attribute.value {
            Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }) => {
                json!({ "key": attribute.key, "value": { "stringValue": text } })
            }
            other => panic!("{other:?}"),
        };
        let span = |span: &Span| {
            json!({
                "traceId": hex(&span.trace_id), "spanId": hex(&span.span_id),
                "parentSpanId": hex(&span.parent_span_id), "name": span.name, "kind": span.kind,
                "startTimeUnixNano": span.start_time_unix_nano.to_string(),
                "endTimeUnixNano": span.end_time_unix_nano.to_string(),
            })
        };
        let attributes: Vec<_> = group.resource.iter().flat_map(|of| &of.attributes).map(texts).collect();
        let spans: Vec<_> = group.scope_spans.iter().flat_map(|scope| &scope.spans).map(span).collect();
        let group = json!({ "resource": { "attributes": attributes }, "scopeSpans": [{ "spans": spans }] });
        json!({ "resourceSpans": [group] }).to_string()
    }
}

/// Requests of more spans than this have something in each that no other has.
const SMALL: usize = 6;

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) }),
        ..KeyValue::default()
    }
}

/// The next request of `seeded`: one to six spans of one trace.
pub(crate) fn trace_request(seeded: &mut Seeded, now_unix_nanos: u64) -> TraceRequest {
    let count = seeded.between(1, 6) as usize;
    trace_request_of(count, seeded, now_unix_nanos)
}

/// The next request of `seeded`: `count` spans of one trace.
pub(crate) fn trace_request_of(count: usize, seeded: &mut Seeded, now_unix_nanos: u64) -> TraceRequest {
    let trace_id: Vec<u8> =
        [seeded.next(), seeded.next() | 1].iter().flat_map(|half| half.to_be_bytes()).collect();
    let ids: Vec<Vec<u8>> = (0..count).map(|_| (seeded.next() | 1).to_be_bytes().to_vec()).collect();
    let spans = ids
        .iter()
        .enumerate()
        .map(|(place, id)| Span {
            trace_id: trace_id.clone(),
            span_id: id.clone(),
            parent_span_id: if place == 0 { Vec::new() } else { ids[0].clone() },
            name: format!("GET /things/{place}"),
            kind: if place == 0 { 2 } else { 3 },
            start_time_unix_nano: now_unix_nanos,
            end_time_unix_nano: now_unix_nanos + 1_000_000 * (place as u64 + 1),
            attributes: if count > SMALL {
                vec![text("request.id", &format!("{:016x}", seeded.next()))]
            } else {
                Vec::new()
            },
            ..Span::default()
        })
        .collect();
    let resource = Resource {
        attributes: vec![text("service.name", "things"), text("service.instance.id", "things-1")],
        ..Resource::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    };
    let hex = trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
    TraceRequest { trace_id: hex, spans: count, bytes: request.encode_to_vec() }
}

/// Nanoseconds since the Unix epoch.
pub(crate) fn now_unix_nanos() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}
