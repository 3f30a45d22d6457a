//! Every question that Jaeger is asked, over generated traces, against the tables that were sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::recorded::Tables;
use telemetry::{Ask, AskError, Scope, Span, Window};

use super::conformance::{agrees, same, scene};
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

/// Leaves the spans of the three services with the most of them: enough to count, and soon told.
fn only_busiest(spans: &mut Vec<Span>) {
    let mut counts: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for span in spans.iter() {
        *counts.entry(Arc::clone(&span.resource.service)).or_default() += 1;
    }
    let mut most: Vec<(usize, Arc<str>)> =
        counts.into_iter().map(|(service, count)| (count, service)).collect();
    most.sort();
    let kept: Vec<Arc<str>> = most.into_iter().rev().take(3).map(|(_, service)| service).collect();
    spans.retain(|span| kept.contains(&span.resource.service));
}

#[test]
fn more_traces_than_are_fetched_at_once_are_counted_in_parts_and_the_other_answers_are_cut() {
    let _turn = alone();
    let mut scene = scene(25.0);
    only_busiest(&mut scene.tables.spans);
    let otlp = free_port();
    let server = jaeger(otlp, free_port());
    sent::send(&scene.tables.spans, otlp);
    let source = open("jaeger", &server.url);
    let window = Window::new(scene.onset.plus_seconds(-50), scene.onset.plus_seconds(30));
    let spans = Tables { spans: scene.tables.spans.clone(), ..Tables::default() };
    let began = std::time::Instant::now();
    same(&source, &spans, Ask::Onset { window, scope: Scope::all() });
    println!("{} spans counted in {:?}", spans.spans.len(), began.elapsed());
    let cut = ask(&source, Ask::SelfTime { window, scope: Scope::all() }).unwrap();
    assert!(cut.truncated);
    // What an operator allows is not widened: a part is no count.
    let budget = sources::settings::Budget { bytes: Some(8 << 20), ..Default::default() };
    let kind = "jaeger".to_owned();
    let settings =
        sources::Settings { kind, url: server.url.clone(), budget, ..sources::Settings::default() };
    let source = sources::open("jaeger", &settings).unwrap();
    let refused = ask(&source, Ask::Onset { window, scope: Scope::all() });
    assert!(matches!(&refused, Err(AskError::LimitReached(_))), "{refused:?}");
}
