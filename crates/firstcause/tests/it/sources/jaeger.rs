//! Every question that Jaeger is asked, over generated traces, against the tables that were sent.

use telemetry::recorded::{TableSource, Tables};
use telemetry::{Answer, Answerer, Ask, AskError, Cancel, Limits, Scope, Table, TraceId, UnixNanos, Window};
use testkit::system::{FaultKind, Scene, Shape};

use super::servers::{free_port, jaeger};
use super::{ask, open, question, sent};
use crate::alone;

/// A second system of the same seed would be the same.
const SEED: u64 = 3;

/// A generated system whose times are whole microseconds, as Jaeger keeps them.
fn scene(requests_per_second: f64) -> Scene {
    let shape = Shape { requests_per_second, ..Shape::of(12) };
    let mut scene = Scene::new(SEED, FaultKind::SlowWork, &shape).expect("the system has a place for it");
    for span in &mut scene.tables.spans {
        let whole = |at: UnixNanos| UnixNanos(at.0 / 1000 * 1000);
        (span.start, span.end) = (whole(span.start), whole(span.end));
    }
    scene
}

fn known(tables: &Tables, ask: Ask) -> Answer {
    let source = TableSource::new(tables.clone());
    source.answer(&question(ask), &Limits::default(), &Cancel::default()).unwrap()
}

/// The table in the order that the ledger brings every answer into.
fn sorted(answer: Answer) -> Table {
    let mut table = answer.table;
    table.sort();
    table
}

// covers: AW-26
#[test]
fn every_declared_question_is_answered_as_from_the_spans_themselves() {
    let _turn = alone();
    let scene = scene(8.0);
    let otlp = free_port();
    let server = jaeger(otlp, free_port());
    sent::send(&scene.tables.spans, otlp);
    let spans = Tables { spans: scene.tables.spans.clone(), ..Tables::default() };
    let source = open("jaeger", &server.url);
    let onset = scene.onset.floor_second();
    let (good, bad) = (
        Window::new(onset.plus_seconds(-40), onset),
        Window::new(onset.plus_seconds(2), onset.plus_seconds(30)),
    );
    let whole = Window::new(good.from, bad.to);
    let scope = Scope::all();
    let trace_id: TraceId = spans.spans[spans.spans.len() / 2].trace_id;
    let asks = [
        Ask::Onset { window: whole, scope: scope.clone() },
        Ask::SelfTime { window: good, scope: scope.clone() },
        Ask::SelfTime { window: bad, scope: scope.clone() },
        Ask::Edges { window: bad, scope: scope.clone() },
        Ask::Exemplars { window: bad, scope: scope.clone(), limit: 3 },
        Ask::Paths { window: bad, scope: scope.clone() },
        Ask::Compare { good, bad, scope: scope.clone() },
        Ask::Trace { trace_id },
    ];
    for one in asks {
        let name = one.name();
        let (told, expected) = (ask(&source, one.clone()).unwrap(), known(&spans, one));
        assert!(!told.table.is_empty() && !told.truncated, "{name}");
        assert!(!told.locators.is_empty() && told.locators[0].link.starts_with(&server.url), "{name}");
        assert_eq!(told.left_out, expected.left_out, "{name}");
        assert_eq!(sorted(told), sorted(expected), "{name}");
    }
    // Whom nobody has traced Jaeger does not know, and what it does not declare is refused.
    let unknown = Ask::Trace { trace_id: TraceId([9; 16]) };
    assert!(matches!(ask(&source, unknown), Err(AskError::Unavailable(_)) | Ok(_)));
    let logs = Ask::LogTemplates { window: bad, scope: scope.clone() };
    assert!(!source.can().answers("log_templates"));
    assert_eq!(ask(&source, logs), Err(AskError::Unsupported("log_templates".to_owned())));
}

#[test]
fn more_traces_than_are_fetched_are_no_count_and_say_that_they_are_cut() {
    let _turn = alone();
    let scene = scene(40.0);
    let otlp = free_port();
    let server = jaeger(otlp, free_port());
    sent::send(&scene.tables.spans, otlp);
    let source = open("jaeger", &server.url);
    let window = Window::new(scene.onset.plus_seconds(-50), scene.onset.plus_seconds(30));
    let refused = ask(&source, Ask::Onset { window, scope: Scope::all() });
    assert!(
        matches!(&refused, Err(AskError::LimitReached(why)) if why.contains("1500 traces")),
        "{refused:?}"
    );
    let cut = ask(&source, Ask::SelfTime { window, scope: Scope::all() }).unwrap();
    assert!(cut.truncated);
}
