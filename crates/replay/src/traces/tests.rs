//! What is written is read back; every accepted form gives the same spans.

use std::sync::Arc;

use telemetry::answer::{Subject, TraceRow};
use telemetry::signal::{SpanEvent, SpanLink};
use telemetry::{
    Answer, LogRecord, Resource, Span, SpanId, SpanKind, StatusCode, Table, TraceId, UnixNanos, Value,
};

use super::{Traces, json, spans_of, to_otlp_json};

fn text(text: &str) -> Value {
    Value::Text(Arc::from(text))
}

fn span() -> Span {
    let key = |name: &str| Arc::<str>::from(name);
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        parent: Some(SpanId([3; 8])),
        name: key("GET /\"a\""),
        kind: SpanKind::Server,
        start: UnixNanos(1_700_000_000_123_456_789),
        end: UnixNanos(1_700_000_000_223_456_789),
        status: StatusCode::Error,
        message: key("no"),
        attributes: vec![
            (key("text"), text("t")),
            (key("bool"), Value::Bool(true)),
            (key("int"), Value::Int(i64::MIN)),
            (key("double"), Value::Double(0.1)),
            (key("bytes"), Value::Bytes(vec![1, 2, 3, 4])),
            (key("list"), Value::List(vec![Value::Int(1), text("x")])),
            (key("map"), Value::Map(vec![(key("k"), text("v"))])),
        ],
        events: vec![SpanEvent {
            at: UnixNanos(5),
            name: key("exception"),
            attributes: vec![(key("a"), text("b"))],
        }],
        links: vec![SpanLink { trace_id: TraceId([4; 16]), span_id: SpanId([5; 8]), attributes: Vec::new() }],
        resource: Arc::new(Resource::of(vec![(key("service.name"), text("shop"))])),
    }
}

#[test]
fn written_traces_are_read_back_the_same() {
    let span = span();
    let log = LogRecord {
        at: UnixNanos(7),
        trace_id: Some(span.trace_id),
        span_id: Some(span.span_id),
        severity: 17,
        body: text("deadlock detected"),
        attributes: Vec::new(),
        resource: Arc::clone(&span.resource),
    };
    let written = to_otlp_json(std::slice::from_ref(&span), std::slice::from_ref(&log));
    assert_eq!(written.lines().count(), 2);
    let read = json::read(written.as_bytes()).unwrap();
    assert_eq!(read, Traces { spans: vec![span], logs: vec![log], rejected: 0 });
}

#[test]
fn one_document_a_list_and_many_lines_are_alike() {
    let line = to_otlp_json(&[span()], &[]);
    let one = json::read(line.as_bytes()).unwrap();
    assert_eq!(json::read(format!("[{line}]").as_bytes()).unwrap(), one);
    assert_eq!(json::read(format!("{line}{line}").as_bytes()).unwrap().spans.len(), 2);
    assert_eq!(one.into_runs().len(), 1);
}

#[test]
fn an_answer_to_the_question_trace_is_a_trace_file() {
    let row = |id: u8, parent: Option<u8>| TraceRow {
        span_id: SpanId([id; 8]),
        parent: parent.map(|id| SpanId([id; 8])),
        subject: Subject {
            service: "shop".into(),
            operation: "GET /".into(),
            instance: "shop-1".into(),
            version: "1".into(),
        },
        kind: SpanKind::Server,
        start: UnixNanos(10),
        duration_ns: 5,
        exclusive_ns: 5,
        edge_delay_ns: None,
        status: StatusCode::Unset,
        attributes: vec![("k".into(), "v".into())],
    };
    let rows = vec![row(1, None), row(2, Some(1))];
    let answer = serde_json::to_string(&Answer::exact(Table::Trace(rows.clone()))).unwrap();
    let read = json::read(answer.as_bytes()).unwrap();
    assert_eq!(read.spans, spans_of(&rows));
    assert_eq!(read.spans[1].parent, Some(SpanId([1; 8])));
    assert_eq!(&*read.spans[0].resource.service, "shop");
    assert_eq!(read.into_runs().len(), 1);
}

#[test]
fn what_is_no_trace_is_refused_with_a_reason() {
    assert!(json::read(b"").unwrap_err().contains("empty"));
    assert!(json::read(b"{").unwrap_err().contains("EOF"));
    assert!(json::read(b"{\"spans\":[]}").unwrap_err().contains("resourceSpans"));
    let other = serde_json::to_string(&Answer::exact(Table::Health(Vec::new()))).unwrap();
    assert!(json::read(other.as_bytes()).unwrap_err().contains("another question"));
    let folder = tempfile::tempdir().unwrap();
    let disk = platform::real_disk::RealDisk;
    assert!(super::read_file(&disk, &folder.path().join("none.json")).is_err());
}
