//! What is written is read again, and nothing else is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::answer::SeriesKind;
use telemetry::{LogRecord, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

use super::attributes::Shared;
use super::*;
use telemetry::recorded::{Change, Series, SeriesKey, State};

fn case() -> Case {
    let mut shared = Shared::default();
    let resource = shared.resource("a", "a-1", "");
    let attribute = (Arc::from("k"), Value::Text(Arc::from("comma, \"quote\"\nline")));
    let span = Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        parent: Some(SpanId([3; 8])),
        name: Arc::from("GET /"),
        kind: SpanKind::Server,
        start: UnixNanos(5),
        end: UnixNanos(9),
        status: StatusCode::Error,
        message: Arc::from("no"),
        attributes: vec![attribute.clone()],
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::clone(&resource),
    };
    let log = LogRecord {
        at: UnixNanos(7),
        trace_id: Some(TraceId([1; 16])),
        span_id: None,
        severity: 17,
        body: Value::Text(Arc::from("a body, with \"all\"\nof it")),
        attributes: vec![attribute],
        resource,
    };
    let key = |metric: &str| SeriesKey {
        service: "a".to_owned(),
        instance: String::new(),
        metric: metric.to_owned(),
        unit: "1".to_owned(),
        attributes: BTreeMap::from([("statistic".to_owned(), "p95".to_owned())]),
        kind: SeriesKind::Rate,
    };
    let points = vec![(UnixNanos(1), 0.1 + 0.2), (UnixNanos(2), -1e-9)];
    let tables = Tables {
        spans: vec![span],
        logs: vec![log],
        series: vec![Series { key: key("m"), points: points.clone() }, Series { key: key("n"), points }],
        calls: vec![Call { caller: "a".to_owned(), callee: "b".to_owned() }],
        changes: vec![Change { kind: "deploy".to_owned(), files: vec!["x".to_owned()], ..Change::default() }],
        states: vec![State { figures: BTreeMap::from([("v".to_owned(), 0.5)]), ..State::default() }],
    };
    Case { file: CaseFile::new(UnixNanos(100), UnixNanos(0)), tables }
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let whole = case();
    write(folder.path(), &whole).unwrap();
    assert_eq!(read(folder.path()).unwrap(), whole);
    let names = files::list(folder.path()).unwrap();
    assert_eq!(names, NAMES, "every table has its file");
    let empty = Case { tables: Tables::default(), ..whole };
    let bare = folder.path().join("bare");
    write(&bare, &empty).unwrap();
    assert_eq!(files::list(&bare).unwrap(), ["case.json"]);
}

#[test]
fn a_folder_with_anything_else_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &case()).unwrap();
    assert!(read(folder.path()).is_ok());
    files::write_json(&folder.path().join("answers.json"), &1).unwrap();
    let refused = read(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("answers.json"), "{refused}");
}

#[test]
fn a_field_in_case_json_that_is_not_known_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"schema":"firstcause.case/1","at":1,"history_from":0,"root":"a"}"#;
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    files::write_json(&folder.path().join("case.json"), &value).unwrap();
    assert!(read(folder.path()).is_err());
}
