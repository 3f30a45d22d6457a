//! What is cut, counted and refused at the limits of one item and of one request.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use telemetry::Value;

use super::{RECEIVED_AT, ours};
use crate::scan::{ITEMS_MAX, ScanError};
use crate::wire::put_bytes;
use crate::{Signal, scan};

fn traces(spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
    .encode_to_vec()
}

fn span() -> Span {
    Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "work".to_owned(),
        start_time_unix_nano: RECEIVED_AT.0 as u64 - 10,
        end_time_unix_nano: RECEIVED_AT.0 as u64,
        ..Span::default()
    }
}

fn text_attribute(key: &str, text: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) }),
        ..KeyValue::default()
    }
}

fn nested(levels: u32) -> Vec<u8> {
    let mut value = AnyValue { value: None };
    for _ in 1..levels {
        let values = vec![value];
        value = AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values })) };
    }
    let record = LogRecord { body: Some(value), ..LogRecord::default() };
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
        .encode_to_vec()
}

#[test]
fn unusable_ids_reject_the_item_and_the_others_stay() {
    let short = Span { trace_id: vec![1; 15], ..span() };
    let zero = Span { span_id: vec![0; 8], ..span() };
    let orphan = Span { parent_span_id: vec![1; 3], ..span() };
    let decoded = ours(Signal::Traces, &traces(vec![short, span(), zero, orphan])).unwrap();
    assert_eq!((decoded.spans.len(), decoded.receipt.accepted), (1, 1));
    let reasons: Vec<(&str, u64)> =
        decoded.receipt.rejected.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(reasons, [("invalid_parent_span_id", 1), ("invalid_span_id", 1), ("invalid_trace_id", 1)]);
}

#[test]
fn what_is_too_long_is_cut_between_characters_and_counted() {
    let long_key = "k".repeat(255) + "\u{e4}";
    let long_text = "t".repeat(65_535) + "\u{1f980}";
    let mut attributes = vec![text_attribute(&long_key, &long_text)];
    attributes.extend((0..130).map(|index| text_attribute(&format!("k{index}"), "v")));
    let span = Span { attributes, start_time_unix_nano: 0, ..span() };
    let decoded = ours(Signal::Traces, &traces(vec![span])).unwrap();
    let kept = &decoded.spans[0].attributes;
    assert_eq!((kept.len(), kept[0].0.len(), kept[0].1.as_text().map(str::len)), (128, 255, Some(65_535)));
    let repaired = &decoded.receipt.repaired;
    assert_eq!(
        (
            repaired["attribute_dropped"],
            repaired["key_cut"],
            repaired["value_cut"],
            repaired["start_time_missing"]
        ),
        (3, 1, 1, 1)
    );
    assert_eq!(decoded.spans[0].start, RECEIVED_AT);
}

#[test]
fn values_may_nest_32_deep_and_no_deeper() {
    assert!(ours(Signal::Logs, &nested(32)).is_ok());
    assert_eq!(scan(Signal::Logs, &nested(33)), Err(ScanError::TooDeep));
    // Far deeper than any stack: the scan stops at the limit.
    let mut bytes = Vec::new();
    for _ in 0..5_000 {
        let (mut list, mut any) = (Vec::new(), Vec::new());
        put_bytes(&mut list, 1, &bytes);
        put_bytes(&mut any, 5, &list);
        bytes = any;
    }
    for field in [5, 2, 2, 1] {
        let mut outer = Vec::new();
        put_bytes(&mut outer, field, &bytes);
        bytes = outer;
    }
    assert_eq!(scan(Signal::Logs, &bytes), Err(ScanError::TooDeep));
}

#[test]
fn a_request_of_tiny_items_is_refused_before_it_is_decoded() {
    let mut scope = Vec::new();
    for _ in 0..=ITEMS_MAX {
        put_bytes(&mut scope, 2, &[]);
    }
    let (mut group, mut request) = (Vec::new(), Vec::new());
    put_bytes(&mut group, 2, &scope);
    put_bytes(&mut request, 1, &group);
    assert_eq!(scan(Signal::Traces, &request), Err(ScanError::TooManyItems));
    let small = traces(vec![Span::default(); 100]);
    let extent = scan(Signal::Traces, &small).unwrap();
    assert_eq!(extent.items, 100);
    assert!(extent.decoded_bytes > 100 * size_of::<telemetry::Span>() as u64 / 2);
}

#[test]
fn text_that_is_not_utf8_refuses_the_request_with_the_path_of_the_field() {
    let mut bytes = traces(vec![span()]);
    let at = bytes.windows(4).position(|window| window == b"work").unwrap();
    bytes[at] = 0xFF;
    assert_eq!(
        ours(Signal::Traces, &bytes).unwrap_err(),
        "resource_spans.scope_spans.spans.name: invalid UTF-8"
    );
}

#[test]
fn a_resource_after_its_items_still_counts() {
    let (mut attribute, mut value, mut resource, mut group, mut request) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    put_bytes(&mut value, 1, b"shop");
    put_bytes(&mut attribute, 1, b"service.name");
    put_bytes(&mut attribute, 2, &value);
    put_bytes(&mut resource, 1, &attribute);
    let mut scope = Vec::new();
    put_bytes(&mut scope, 2, &span().encode_to_vec());
    put_bytes(&mut group, 2, &scope);
    put_bytes(&mut group, 1, &resource);
    put_bytes(&mut request, 1, &group);
    let decoded = ours(Signal::Traces, &request).unwrap();
    let resource = &decoded.spans[0].resource;
    assert_eq!(&*resource.service, "shop");
    assert_eq!(resource.attributes, [("service.name".into(), Value::Text("shop".into()))]);
}
