//! The questions that a case is asked, on a few spans, against what is known of them.

use std::sync::Arc;

use crate::{
    Question, QuestionId, Resource, Scope, Space, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value,
    Window,
};

use super::tables::{Call, Change};
use super::*;

fn resource(service: &str) -> Arc<Resource> {
    let text = |text: &str| Value::Text(Arc::from(text));
    let names = [("service.name", text(service)), ("service.version", text("1"))];
    Arc::new(Resource::of(names.map(|(key, value)| (Arc::from(key), value)).into()))
}

fn span(trace: u8, id: u8, parent: u8, service: &str, kind: SpanKind, from: i64, to: i64) -> crate::Span {
    crate::Span {
        trace_id: TraceId([trace; 16]),
        span_id: SpanId([id; 8]),
        parent: (parent > 0).then_some(SpanId([parent; 8])),
        name: Arc::from("work"),
        kind,
        start: UnixNanos(from),
        end: UnixNanos(to),
        status: StatusCode::Unset,
        message: Arc::from(""),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: resource(service),
    }
}

fn source() -> TableSource {
    let spans = vec![
        span(1, 1, 0, "a", SpanKind::Server, 0, 100),
        span(1, 2, 1, "a", SpanKind::Client, 10, 90),
        span(1, 3, 2, "b", SpanKind::Server, 30, 70),
        span(2, 4, 9, "b", SpanKind::Server, 30, 70),
    ];
    let diff = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old\n+new\n";
    let change = Change {
        at: UnixNanos(5),
        kind: "commit".to_owned(),
        id: "abc".to_owned(),
        files: vec!["x.py".to_owned()],
        diff: diff.to_owned(),
        ..Change::default()
    };
    let calls = vec![Call { caller: "a".to_owned(), callee: "b".to_owned() }];
    TableSource::new(Tables { spans, calls, changes: vec![change], ..Tables::default() })
}

fn ask(ask: Ask) -> Result<Answer, AskError> {
    let source = source();
    assert!(source.can().answers(ask.name()), "{} is declared", ask.name());
    let question = Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask,
        not_before: UnixNanos::default(),
    };
    source.answer(&question, &Limits::default(), &Cancel::default())
}

fn window() -> Window {
    Window::new(UnixNanos(0), UnixNanos(1_000))
}

#[test]
fn exclusive_times_and_edges_are_those_of_whole_traces() {
    let answer = ask(Ask::SelfTime { window: window(), scope: Scope::all() }).unwrap();
    let Table::SelfTime(table) = &answer.table else { panic!("another table") };
    let sums: Vec<i64> = table.rows.iter().map(|row| row.sum_ns).collect();
    assert_eq!((table.traces, answer.left_out, sums), (1, 1, vec![20, 0, 40]));
    let answer = ask(Ask::Edges { window: window(), scope: Scope::all() }).unwrap();
    let Table::Edges(rows) = &answer.table else { panic!("another table") };
    assert_eq!((rows[0].caller.as_str(), rows[0].callee.as_str(), rows[0].delay_p50_ns), ("a", "b", 40));
    let answer = ask(Ask::Trace { trace_id: TraceId([1; 16]) }).unwrap();
    assert_eq!(answer.table.len(), 3);
    let answer = ask(Ask::Exemplars { window: window(), scope: Scope::service("b"), limit: 1 }).unwrap();
    assert_eq!(answer.table.len(), 2, "the worst and the typical one");
}

#[test]
fn entries_count_in_the_second_of_their_end() {
    let answer = ask(Ask::Onset { window: window(), scope: Scope::all() }).unwrap();
    let Table::Onset(rows) = &answer.table else { panic!("another table") };
    let counts: Vec<(&str, u64)> = rows.iter().map(|row| (row.subject.service.as_str(), row.count)).collect();
    assert_eq!(counts, [("a", 1), ("b", 2)]);
}

#[test]
fn a_change_says_what_it_touches_and_calls_are_a_graph() {
    let answer = ask(Ask::Changes { window: window(), scope: Scope::all() }).unwrap();
    let Table::Changes(rows) = &answer.table else { panic!("another table") };
    let detail = rows[0].detail.as_ref().unwrap();
    assert_eq!((detail.commit.as_str(), detail.diffs[0].path.as_str()), ("abc", "x.py"));
    assert_eq!(detail.diffs[0].lines, ["@@ -1 +1 @@", "-old", "+new"]);
    let answer = ask(Ask::Topology { window: window() }).unwrap();
    let Table::Topology(table) = &answer.table else { panic!("another table") };
    assert_eq!((table.services.len(), table.calls.len()), (2, 1));
    let none = ask(Ask::Paths { window: window(), scope: Scope::all() }).unwrap();
    assert!(!none.table.is_empty());
}

// covers: EL-17
#[test]
fn bad_requests_are_compared_with_good_ones_over_spans_and_logs() {
    let flagged = |trace: u8| crate::LogRecord {
        at: UnixNanos(i64::from(trace) * 1_000),
        trace_id: Some(TraceId([trace; 16])),
        span_id: None,
        severity: 9,
        body: crate::signal::Value::Empty,
        attributes: vec![(Arc::from("flag"), crate::signal::Value::Bool(trace > 11))],
        resource: resource("a"),
    };
    let request = |trace: u8| {
        let from = i64::from(trace) * 1_000;
        span(trace, 1, 0, "a", SpanKind::Server, from, from + if trace > 11 { 900 } else { 100 })
    };
    let spans = (1..15).map(request).collect();
    let logs = (1..15).map(flagged).collect();
    let source = TableSource::new(Tables { spans, logs, ..Tables::default() });
    let window = |from, to| Window::new(UnixNanos(from), UnixNanos(to));
    let question = Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask: Ask::Compare {
            good: window(0, 10_000),
            bad: window(10_000, 20_000),
            scope: Scope::service("a"),
        },
        not_before: UnixNanos::default(),
    };
    let answer = source.answer(&question, &Limits::default(), &Cancel::default()).unwrap();
    let Table::Compare(table) = &answer.table else { panic!("another table") };
    assert_eq!((table.good.all(), table.blocks[0].fine, table.blocks[0].bad), (9, 2, 3));
    let flag = table.attributes.iter().find(|one| one.key == "flag").unwrap();
    let counts: Vec<(&str, u64, u64)> =
        flag.values.iter().map(|one| (one.value.as_str(), one.blocks[0].fine, one.blocks[0].bad)).collect();
    assert_eq!(counts, [("false", 2, 0), ("true", 0, 3)]);
}
