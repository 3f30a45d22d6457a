//! One set of data in two forms, OpenTelemetry's and the Elastic Common Schema: the answers are the same, a hundred times.
//!
//! Every set holds what the two forms say differently: outcomes, kinds, queues, labels, numbers, links, resources.

use std::sync::Arc;
use std::time::Instant;

use telemetry::recorded::Tables;
use telemetry::signal::SpanLink;
use telemetry::{Ask, Resource, Scope, SpanKind, StatusCode, Table, UnixNanos, Value, Window};
use testkit::dice::Dice;
use testkit::system::{FaultKind, Scene, Shape};

use super::written::{Writer, templates, write};
use super::{ask, logs, opensearch, over, same};
use crate::alone;

/// Sets of data that are written in two forms.
const SETS: u64 = 100;
/// From one set to the next.
const APART_SECONDS: i64 = 400;

/// A small system with what spans may carry, in whole microseconds: the common schema has no more digits.
fn set(number: u64) -> Scene {
    let kinds = [FaultKind::SlowWork, FaultKind::Errors, FaultKind::SlowQuery, FaultKind::BadDeploy];
    let mut dice = Dice::part(77, number);
    let shape = Shape {
        services: 6 + dice.below(5),
        requests_per_second: dice.between(4.0, 8.0),
        seconds_before: 3,
        seconds_after: 3,
    };
    let place = dice.below(kinds.len());
    // Not every system has a place for every fault.
    let mut scene =
        (0..40).find_map(|t| Scene::new(number * 40 + t, kinds[(place + t as usize) % 4], &shape)).unwrap();
    let moved = i64::try_from(number).unwrap() * APART_SECONDS;
    scene.onset = scene.onset.plus_seconds(moved);
    let first = scene.tables.spans.first().map(|span| (span.trace_id, span.span_id));
    for span in &mut scene.tables.spans {
        let whole = |at: UnixNanos| UnixNanos(at.0 / 1000 * 1000).plus_seconds(moved);
        (span.start, span.end) = (whole(span.start), whole(span.end));
        vary(span, &mut dice);
        if let Some((trace_id, span_id)) = first.filter(|_| dice.happens(0.05)) {
            span.links.push(SpanLink { trace_id, span_id, attributes: Vec::new() });
        }
    }
    scene.tables.logs = logs(&scene.tables.spans);
    scene
}

fn vary(span: &mut telemetry::Span, dice: &mut Dice) {
    let text = |key: &str, text: &str| (Arc::from(key), Value::Text(Arc::from(text)));
    if span.status == StatusCode::Unset && dice.happens(0.3) {
        span.status = StatusCode::Ok;
    }
    match span.kind {
        SpanKind::Server if dice.happens(0.1) => {
            span.kind = SpanKind::Consumer;
            span.attributes.push(text("messaging.destination.name", "orders \"new\""));
            span.attributes.push(text("messaging.message.id", &format!("m-{}", dice.below(9))));
        }
        SpanKind::Server => {
            let status = if span.is_error() { 500 } else { 200 };
            span.attributes.push((Arc::from("http.response.status_code"), Value::Int(status)));
        }
        SpanKind::Client if span.attributes.is_empty() && dice.happens(0.1) => {
            span.kind = SpanKind::Producer;
            span.attributes.push(text("messaging.destination.name", "orders \"new\""));
            span.attributes.push(text("messaging.message.id", &format!("m-{}", dice.below(9))));
        }
        _ => {}
    }
    if dice.happens(0.3) {
        span.attributes.push(text("flag", ["on", "off", "\u{e4} 'b'"][dice.below(3)]));
    }
    let mut attributes = span.resource.attributes.clone();
    attributes.push(text("deployment.environment.name", "prod"));
    attributes.push(text("k8s.pod.name", &format!("{}-x", span.resource.instance)));
    span.resource = Arc::new(Resource::of(attributes));
}

/// What is asked of a set.
fn asked(scene: &Scene) -> Vec<Ask> {
    let onset = scene.onset.floor_second();
    let (good, bad) = (Window::new(onset.plus_seconds(-3), onset), Window::new(onset, onset.plus_seconds(4)));
    let (whole, scope) = (Window::new(good.from, bad.to), Scope::all);
    let trace_id = scene.tables.spans[scene.tables.spans.len() / 2].trace_id;
    vec![
        Ask::Onset { window: whole, scope: scope() },
        Ask::SelfTime { window: bad, scope: scope() },
        Ask::Edges { window: bad, scope: scope() },
        Ask::Exemplars { window: bad, scope: scope(), limit: 3 },
        Ask::Paths { window: bad, scope: scope() },
        Ask::Compare { good, bad, scope: scope() },
        Ask::LogTemplates { window: whole, scope: scope() },
        Ask::Changes { window: whole, scope: scope() },
        Ask::Trace { trace_id },
    ]
}

// covers: EL-20, EL-35
#[test]
fn one_set_of_data_in_two_forms_gives_the_same_answers_a_hundred_times() {
    let _turn = alone();
    let server = opensearch();
    templates(&server);
    let sets: Vec<Scene> = (0..SETS).map(set).collect();
    let mut all = Tables::default();
    for one in &sets {
        all.spans.extend(one.tables.spans.iter().cloned());
        all.logs.extend(one.tables.logs.iter().cloned());
    }
    let forms = [Writer::Otel, Writer::Apm].map(|writer| {
        write(&server, writer, &all);
        over(&server, "opensearch", writer)
    });
    let (mut questions, mut rows, mut back, began) = (0, 0, 0, Instant::now());
    for (number, one) in sets.iter().enumerate() {
        for asked in asked(one) {
            let name = asked.name();
            let [otel, ecs] = forms.each_ref().map(|source| {
                let mut answer =
                    ask(source, asked.clone()).unwrap_or_else(|error| panic!("{number}: {name}: {error}"));
                assert!(!answer.truncated, "{number}: {name}");
                answer.locators.clear();
                answer
            });
            assert_eq!(otel, ecs, "{number}: {name}");
            if let Table::Changes(changes) = &otel.table {
                back += changes.iter().filter(|one| (&*one.before, &*one.after) == ("2", "1")).count();
            }
            rows += otel.table.len();
            questions += 1;
        }
        let whole = asked(one).remove(0);
        same(&forms[0], &one.tables, whole);
    }
    // A set begins with the version that the one before it had left.
    assert!(back > 100, "{back} roll-backs");
    let each = began.elapsed().as_millis() / (questions * 2);
    println!(
        "{} spans, {questions} questions of each form, {rows} rows, {each} ms an answer",
        all.spans.len()
    );
    assert!(questions == 900 && rows > 10_000, "{questions} questions, {rows} rows");
}
