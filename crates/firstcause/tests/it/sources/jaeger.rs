//! Every question that Jaeger is asked, over generated traces, against the tables that were sent.

use telemetry::recorded::Tables;
use telemetry::{Ask, AskError, Scope, Window};

use super::conformance::{agrees, scene};
use super::servers::{free_port, jaeger};
use super::{ask, open, sent};
use crate::alone;

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
    agrees(&source, &spans, scene.onset, &server.url);
    let window = Window::new(scene.onset, scene.onset.plus_seconds(10));
    let logs = Ask::LogTemplates { window, scope: Scope::all() };
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
