//! A small world of all three signals, odd values included, for tests that hold two stores against each other.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use otlp::Signal;
use prost::Message;

use super::build::{CLIENT, MS, Rig, SERVER, T0, attribute, export, failed, group, span, trace_id};
use super::metrics::{CUMULATIVE, gauge, histogram, histogram_point, number, of, offer, send, sum};

/// Requests with spans, and with logs.
pub(super) const REQUESTS: u64 = 60;

fn value(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn keyed(key: &str, of: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value(of)), ..KeyValue::default() }
}

/// One attribute of every kind of value.
pub(super) fn odd(nth: u64) -> Vec<KeyValue> {
    let nested = Value::KvlistValue(KeyValueList {
        values: vec![
            keyed(
                "list",
                Value::ArrayValue(ArrayValue {
                    values: vec![value(Value::IntValue(-1)), AnyValue::default()],
                }),
            ),
            keyed("not a number", Value::DoubleValue(f64::from_bits(0x7ff8_0000_0000_0001))),
            keyed("bytes", Value::BytesValue(vec![0, 255])),
        ],
    });
    vec![
        keyed("int", Value::IntValue(i64::MIN + nth as i64)),
        keyed("double", Value::DoubleValue(0.1 + nth as f64)),
        keyed("negative zero", Value::DoubleValue(-0.0)),
        keyed("not a number", Value::DoubleValue(f64::from_bits(0xfff8_0000_0000_0002))),
        keyed("infinite", Value::DoubleValue(f64::INFINITY)),
        keyed("bool", Value::BoolValue(nth.is_multiple_of(2))),
        keyed("bytes", Value::BytesValue(vec![1, 2, nth as u8])),
        keyed("nested", nested),
        keyed("empty text", Value::StringValue(String::new())),
        KeyValue { key: "empty".to_owned(), ..KeyValue::default() },
        attribute("user.id", &format!("u{nth} \u{e4}\u{4e2d} \"'\\")),
    ]
}

/// A front that calls a back, in the `nth / 4`th second, the back in `version`.
fn spans(nth: u64, version: &str) -> Vec<u8> {
    let start = (nth / 4) as i64 * 1_000 * MS;
    let mut entry = span(nth, 1, 0, "GET /", SERVER, (start, start + (5 + nth as i64) * MS));
    entry.attributes = odd(nth);
    entry.events = (0..nth % 3)
        .map(|index| Event {
            time_unix_nano: (T0 + start + index as i64) as u64,
            name: format!("retry {index}"),
            attributes: if index == 0 { Vec::new() } else { odd(nth) },
            ..Event::default()
        })
        .collect();
    entry.links = (0..nth % 2)
        .map(|index| Link {
            trace_id: trace_id(1_000 + index).0.to_vec(),
            span_id: vec![9; 8],
            attributes: vec![attribute("why", "batch")],
            ..Link::default()
        })
        .collect();
    let call = span(nth, 2, 1, "POST /", CLIENT, (start + MS, start + 3 * MS));
    let mut taken = span(nth, 3, 2, "POST /", SERVER, (start + MS, start + 2 * MS));
    if nth.is_multiple_of(7) {
        taken = failed(taken);
    }
    export(vec![
        group(["front", "f1", "1"], &[("process.pid", "7")], vec![entry, call]),
        group(["back", "b1", version], &[], vec![taken]),
    ])
}

fn log(nth: u64) -> Vec<u8> {
    let record = LogRecord {
        time_unix_nano: (T0 + (nth / 4) as i64 * 1_000 * MS) as u64,
        severity_number: 9 + (nth % 3) as i32 * 4,
        trace_id: if nth.is_multiple_of(2) { trace_id(nth).0.to_vec() } else { Vec::new() },
        span_id: if nth.is_multiple_of(2) { vec![3; 8] } else { Vec::new() },
        body: Some(match nth % 5 {
            0 => value(Value::KvlistValue(KeyValueList { values: odd(nth) })),
            _ => value(Value::StringValue(format!("order {nth} lost"))),
        }),
        attributes: odd(nth),
        ..LogRecord::default()
    };
    let resource_logs = vec![ResourceLogs {
        resource: Some(Resource {
            attributes: vec![attribute("service.name", "back")],
            ..Resource::default()
        }),
        scope_logs: vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }],
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

fn points(rig: &Rig, nth: u64) {
    let at = (nth / 4) as i64;
    let metrics = vec![
        gauge("pool.used", vec![number(-1, at, nth as f64)]),
        sum("requests", CUMULATIVE, true, vec![number(0, at, nth as f64 * 3.0)]),
        histogram(
            "http.server.request.duration",
            CUMULATIVE,
            vec![histogram_point(0, at, nth, nth as f64 * 0.2)],
        ),
    ];
    send(rig, vec![of("silent", "s1", "1", metrics)]);
}

/// Sends all of it to `rig`, a request of metrics every second, and lets it settle.
pub(super) fn fill(rig: &Rig) {
    for nth in 1..=REQUESTS {
        offer(rig, Signal::Traces, spans(nth, if nth < 30 { "1" } else { "2" }));
        offer(rig, Signal::Logs, log(nth));
        if nth.is_multiple_of(4) {
            points(rig, nth);
        }
    }
    rig.clock.advance(Duration::from_secs(10));
}
