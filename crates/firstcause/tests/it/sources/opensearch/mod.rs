//! Every question that OpenSearch is asked, over generated traces and lines as each exporter writes them.

mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use telemetry::answer::OnsetRow;
use telemetry::recorded::{TableSource, Tables};
use telemetry::signal::SpanLink;
use telemetry::{
    Answerer, Ask, AskError, Cancel, Limits, Resource, Scope, Source, SpanKind, StatusCode, Table, UnixNanos,
    Value, Window,
};
use testkit::dice::Dice;
use testkit::system::{FaultKind, Scene, Shape};

use super::ask;
use super::clickhouse::logs;
use super::conformance::{agrees, same, scene};
use super::servers::{Running, elasticsearch, opensearch};
use crate::alone;
use written::{Writer, templates, write};

/// A source over the indices of one writer alone.
fn over(server: &Running, kind: &str, writer: Writer) -> Arc<dyn Source> {
    let (traces, logs) = writer.indices();
    let tables = [("traces", traces), ("logs", logs)].map(|(role, name)| (role.to_owned(), name.to_owned()));
    let settings = sources::Settings {
        kind: kind.to_owned(),
        url: server.url.clone(),
        tables: tables.into(),
        ..sources::Settings::default()
    };
    sources::open(kind, &settings).unwrap()
}

// covers: AW-26, AW-42, EL-35, C-08
#[test]
fn every_declared_question_is_answered_as_from_the_documents_of_each_writer() {
    let _turn = alone();
    all_agree(&opensearch(), "opensearch", &Writer::ALL);
}

#[test]
fn elasticsearch_answers_the_same() {
    let _turn = alone();
    all_agree(&elasticsearch(), "elasticsearch", &[Writer::Otel, Writer::Apm]);
}

fn all_agree(server: &Running, kind: &str, writers: &[Writer]) {
    templates(server);
    let scene = scene(8.0);
    let spans = scene.tables.spans.clone();
    let tables = Tables { logs: logs(&spans), spans, ..Tables::default() };
    let onset = scene.onset.floor_second();
    for writer in writers.iter().copied() {
        write(server, writer, &tables);
        let source = over(server, kind, writer);
        agrees(&source, &tables, scene.onset, &server.url);
        let window = Window::new(onset.plus_seconds(-20), onset.plus_seconds(20));
        same(&source, &tables, Ask::LogTemplates { window, scope: Scope::all() });
        let window = Window::new(onset.plus_seconds(-50), onset.plus_seconds(30));
        let told = ask(&source, Ask::Changes { window, scope: Scope::all() }).unwrap();
        let Table::Changes(told) = told.table else { panic!("changes") };
        let known = scene.tables.changes.iter().filter(|change| window.contains(change.at.plus_seconds(10)));
        let known: BTreeSet<_> =
            known.map(|change| (change.service.as_str(), change.after.as_str())).collect();
        let told: BTreeSet<_> =
            told.iter().map(|change| (change.service.as_str(), change.after.as_str())).collect();
        assert!(!told.is_empty() && told.is_subset(&known), "{writer:?}: {told:?} of {known:?}");
        let unknown =
            Ask::SeriesChange { good: window, bad: window, scope: Scope::all(), metrics: Vec::new() };
        assert_eq!(ask(&source, unknown), Err(AskError::Unsupported("series_change".to_owned())));
    }
}

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
        span.attributes.push(text("flag", ["on", "off", "ä 'b'"][dice.below(3)]));
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
        Ask::SelfTime { window: whole, scope: scope() },
        Ask::Edges { window: whole, scope: scope() },
        Ask::Exemplars { window: whole, scope: scope(), limit: 3 },
        Ask::Paths { window: whole, scope: scope() },
        Ask::Compare { good, bad, scope: scope() },
        Ask::LogTemplates { window: whole, scope: scope() },
        Ask::Changes { window: whole, scope: scope() },
        Ask::Trace { trace_id },
    ]
}

// covers: EL-35
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
    let (mut questions, mut rows, began) = (0, 0, Instant::now());
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
            rows += otel.table.len();
            questions += 1;
        }
        let whole = asked(one).remove(0);
        same(&forms[0], &one.tables, whole);
    }
    let each = began.elapsed().as_millis() / (questions * 2);
    println!(
        "{} spans, {questions} questions of each form, {rows} rows, {each} ms an answer",
        all.spans.len()
    );
    assert!(questions == 900 && rows > 10_000, "{questions} questions, {rows} rows");
}

/// As many requests as are counted there and not fetched, and spans of more traces than are fetched.
const CROWDED: f64 = 45.0;

#[test]
fn too_many_spans_to_fetch_are_counted_there_and_traces_are_a_share_that_is_told() {
    let _turn = alone();
    let server = opensearch();
    templates(&server);
    let scene = scene(CROWDED);
    let entries = scene.tables.spans.iter().filter(|span| span.is_entry()).count();
    assert!(
        entries > 21_000 && scene.tables.spans.len() > 31_000,
        "{entries} of {}",
        scene.tables.spans.len()
    );
    let onset = scene.onset.floor_second();
    let window = Window::new(onset.plus_seconds(-60), onset.plus_seconds(45));
    for writer in [Writer::Otel, Writer::Apm, Writer::V1] {
        write(&server, writer, &Tables { spans: scene.tables.spans.clone(), ..Tables::default() });
        let source = over(&server, "opensearch", writer);
        let asked = Ask::Onset { window, scope: Scope::all() };
        let told = ask(&source, asked.clone()).unwrap();
        assert!(told.locators[0].link.contains("aggs"), "{writer:?}: counted there");
        counted(&told, &known(&scene, asked), writer);
        let share = ask(&source, Ask::SelfTime { window, scope: Scope::all() }).unwrap();
        let Table::SelfTime(table) = &share.table else { panic!("times") };
        let all = scene.tables.spans.iter().filter(|span| span.parent.is_none()).count() as u64;
        assert!(share.truncated && share.left_out == 0, "{writer:?}: a share of whole traces");
        assert!(table.traces > all / 8 && table.traces < all, "{writer:?}: {} of {all}", table.traces);
    }
}

/// The rows of the tables themselves.
fn known(scene: &Scene, asked: Ask) -> telemetry::Answer {
    let source = TableSource::new(Tables { spans: scene.tables.spans.clone(), ..Tables::default() });
    let limits = Limits { rows_max: usize::MAX, ..Limits::default() };
    source.answer(&super::question(asked), &limits, &Cancel::default()).unwrap()
}

/// Counts are exact, and quantiles within what is told.
fn counted(told: &telemetry::Answer, known: &telemetry::Answer, writer: Writer) {
    let (Table::Onset(rows), Table::Onset(expected)) = (&told.table, &known.table) else { panic!("rows") };
    let error = told.quantile_error.get();
    assert!(told.truncated == (expected.len() > rows.len()) && error > 0.0, "{writer:?}");
    assert!(rows.len() > 3_000, "{writer:?}: {}", rows.len());
    let of: BTreeMap<_, _> = expected.iter().map(|row| ((row.subject.clone(), row.second), row)).collect();
    for row in rows {
        let expected = of[&(row.subject.clone(), row.second)];
        let exact = |row: &OnsetRow| (row.count, row.errors, row.sum_ns, row.is_message);
        assert_eq!(exact(row), exact(expected), "{writer:?}");
        for (told, known) in [(row.p50_ns, expected.p50_ns), (row.p95_ns, expected.p95_ns)] {
            let apart = (told - known).abs() as f64 / known as f64;
            assert!(apart <= error, "{writer:?}: {told} ns for {known} ns");
        }
    }
}
