//! What every source of traces must do: each question that it declares is answered as from the traces themselves.

use std::sync::Arc;

use telemetry::recorded::{TableSource, Tables};
use telemetry::{Answer, Answerer, Ask, Cancel, Limits, Scope, Source, Table, TraceId, UnixNanos, Window};
use testkit::system::{FaultKind, Scene, Shape};

use super::{ask, question};

/// A second system of the same seed would be the same.
const SEED: u64 = 3;

/// A generated system whose times are whole microseconds: not every back end keeps more.
pub(super) fn scene(requests_per_second: f64) -> Scene {
    let shape = Shape { requests_per_second, ..Shape::of(12) };
    let mut scene = Scene::new(SEED, FaultKind::SlowWork, &shape).expect("the system has a place for it");
    for span in &mut scene.tables.spans {
        let whole = |at: UnixNanos| UnixNanos(at.0 / 1000 * 1000);
        (span.start, span.end) = (whole(span.start), whole(span.end));
    }
    scene
}

/// Asserts that the source answers as the tables do. Quantiles, counts, ids and order alike.
pub(super) fn same(source: &Arc<dyn Source>, tables: &Tables, asked: Ask) -> Answer {
    let name = asked.name();
    assert!(source.can().answers(name), "{name}");
    let told = ask(source, asked.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let known = TableSource::new(tables.clone());
    let expected = known.answer(&question(asked), &Limits::default(), &Cancel::default()).unwrap();
    assert!(
        !told.table.is_empty() && !told.truncated,
        "{name}: {} rows of {:?}",
        told.table.len(),
        told.locators
    );
    assert_eq!(told.left_out, expected.left_out, "{name}");
    if let Some(difference) = difference(&sorted(&told), &sorted(&expected)) {
        panic!("{name}: {difference}");
    }
    told
}

/// Where two tables begin to differ, with some lines before: whole ones are too long to read.
fn difference(told: &Table, expected: &Table) -> Option<String> {
    if told == expected {
        return None;
    }
    let (told, expected) = (format!("{told:#?}"), format!("{expected:#?}"));
    let same = told.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| -> String {
        let lines = text.lines().skip(same.saturating_sub(40)).take(80);
        lines.map(|line| format!("{line}\n")).collect()
    };
    Some(format!("told\n{}\nexpected\n{}", from(&told), from(&expected)))
}

/// The table in the order that the engine brings every answer into.
fn sorted(answer: &Answer) -> Table {
    let mut table = answer.table.clone();
    table.sort();
    table
}

/// Asserts it for every question about traces.
pub(super) fn agrees(source: &Arc<dyn Source>, tables: &Tables, onset: UnixNanos, url: &str) {
    let onset = onset.floor_second();
    let (good, bad) = (
        Window::new(onset.plus_seconds(-40), onset),
        Window::new(onset.plus_seconds(2), onset.plus_seconds(30)),
    );
    let whole = Window::new(good.from, bad.to);
    let trace_id: TraceId = tables.spans[tables.spans.len() / 2].trace_id;
    let service = tables.spans.iter().find(|span| span.is_entry()).unwrap().resource.service.to_string();
    let scope = Scope::all;
    for asked in [
        Ask::Onset { window: whole, scope: scope() },
        Ask::Onset { window: whole, scope: Scope::service(&service) },
        Ask::SelfTime { window: good, scope: scope() },
        Ask::SelfTime { window: bad, scope: scope() },
        Ask::Edges { window: bad, scope: scope() },
        Ask::Exemplars { window: bad, scope: scope(), limit: 3 },
        Ask::Paths { window: bad, scope: scope() },
        Ask::Compare { good, bad, scope: scope() },
        Ask::Trace { trace_id },
    ] {
        let name = asked.name();
        let told = same(source, tables, asked);
        assert!(!told.locators.is_empty() && told.locators[0].link.starts_with(url), "{name}");
    }
}
