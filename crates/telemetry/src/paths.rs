//! What happens within spans: which log statements are reached and which child spans begin, in which order, by
//! service, operation and the services that the request came through. Sources call it to answer `paths`.
//!
//! Spans of one trace that go the same way repeat each other: the first of them counts, so that counts can be compared
//! as independent. Only spans that began and ended within the window count: of one that is cut, the end is not seen. What a missing
//! event means is said in `evidence`.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::{Answer, PathEvent, PathEventKind, PathPair, PathRow, PathTable, Table, Tally};
use crate::ids::{SpanId, TraceId};
use crate::question::Scope;
use crate::signal::{LogRecord, Span};
use crate::template;
use crate::time::{SECOND_NS, UnixNanos, Window};

/// Shortest block that spans are counted in: a few requests of an operation that is asked every few seconds.
const BLOCK_SECONDS: i64 = 10;
/// Most blocks of a window.
const BLOCKS_MAX: i64 = 360;
/// Most events of a row, the most frequent ones.
pub const EVENTS_MAX: usize = 64;
/// Most rows, those with most spans.
pub const ROWS_MAX: usize = 4096;
/// Most parents that are followed to tell the way.
const DEPTH_MAX: usize = 64;

type Key = (TraceId, SpanId);
type Event<'a> = (PathEventKind, &'a str, u8);
type Blocks = BTreeMap<UnixNanos, u64>;

/// One row while it is counted.
#[derive(Debug, Default)]
struct Counted<'a> {
    /// The traces that have been counted.
    traces: BTreeSet<TraceId>,
    spans: Blocks,
    /// Of each span its block and its events, each once, in the order of their first occurrence.
    seen: Vec<(UnixNanos, Vec<Event<'a>>)>,
}

/// Answers `paths` from `spans` and the `logs` written in them. Callers outside the window are followed, too, when they
/// are among `spans`.
#[must_use]
pub fn of(spans: &[Span], logs: &[LogRecord], window: Window, scope: &Scope) -> Answer {
    let block_ns = block_ns(window);
    let by_id: BTreeMap<Key, &Span> =
        spans.iter().map(|span| ((span.trace_id, span.span_id), span)).collect();
    let is_asked = |span: &Span| {
        window.contains(span.start)
            && scope.admits(&span.resource.service, &span.name, &span.resource.instance)
    };
    let left_out = by_id.values().filter(|span| is_asked(span) && span.end > window.to).count();
    let templates: Vec<String> = logs.iter().map(|log| template::of(&log.body.render())).collect();
    let mut happened: BTreeMap<Key, Vec<(UnixNanos, Event<'_>)>> = BTreeMap::new();
    for span in by_id.values() {
        if let Some(parent) = span.parent {
            let event = (PathEventKind::Call, &*span.name, 0);
            happened.entry((span.trace_id, parent)).or_default().push((span.start, event));
        }
    }
    for (log, name) in logs.iter().zip(&templates) {
        if let (Some(trace), Some(span)) = (log.trace_id, log.span_id) {
            let severity = u8::try_from(log.severity.clamp(0, 24)).unwrap_or(0);
            happened.entry((trace, span)).or_default().push((log.at, (PathEventKind::Log, name, severity)));
        }
    }
    let mut rows: BTreeMap<(&str, &str, Vec<&str>), Counted<'_>> = BTreeMap::new();
    let mut asked: Vec<(&Key, &&Span)> =
        by_id.iter().filter(|(_, span)| is_asked(span) && span.end <= window.to).collect();
    asked.sort_by_key(|(key, span)| (span.start, **key));
    for (key, span) in asked {
        let row = rows.entry((&span.resource.service, &span.name, callers(span, &by_id))).or_default();
        if !row.traces.insert(span.trace_id) {
            continue;
        }
        let block = UnixNanos(span.start.0.div_euclid(block_ns) * block_ns);
        *row.spans.entry(block).or_default() += 1;
        row.seen.push((block, in_order(happened.remove(key).unwrap_or_default())));
    }
    let (rows, truncated) = finished(rows);
    let table = PathTable { block_ns, rows };
    Answer { left_out: left_out as u64, truncated, ..Answer::exact(Table::Paths(table)) }
}

/// Whole tens of seconds, so that a window has at most [`BLOCKS_MAX`] blocks.
fn block_ns(window: Window) -> i64 {
    let length = window.to.since(window.from).max(0);
    let unit = BLOCK_SECONDS * SECOND_NS;
    (length / BLOCKS_MAX / unit + 1) * unit
}

/// The services that the request came through, the nearest first; neighbours are never equal.
fn callers<'a>(span: &'a Span, by_id: &BTreeMap<Key, &'a Span>) -> Vec<&'a str> {
    let (mut way, mut at, mut last): (Vec<&str>, &Span, &str) = (Vec::new(), span, &span.resource.service);
    for _ in 0..DEPTH_MAX {
        let Some(parent) = at.parent.and_then(|parent| by_id.get(&(at.trace_id, parent))) else { break };
        if *parent.resource.service != *last {
            way.push(&parent.resource.service);
            last = &parent.resource.service;
        }
        at = parent;
    }
    way
}

/// Each event once, in the order of first occurrence.
fn in_order(mut events: Vec<(UnixNanos, Event<'_>)>) -> Vec<Event<'_>> {
    events.sort();
    let mut order: Vec<Event<'_>> = Vec::new();
    for (_, event) in events {
        if !order.contains(&event) {
            order.push(event);
        }
    }
    order
}

/// The rows as they are answered, sorted, and whether a limit cut them.
fn finished(counted: BTreeMap<(&str, &str, Vec<&str>), Counted<'_>>) -> (Vec<PathRow>, bool) {
    let mut truncated = counted.len() > ROWS_MAX;
    let mut ranked: Vec<_> = counted.into_iter().collect();
    ranked.sort_by(|(left_key, left), (right_key, right)| {
        right.seen.len().cmp(&left.seen.len()).then_with(|| left_key.cmp(right_key))
    });
    ranked.truncate(ROWS_MAX);
    ranked.sort_by(|(left, _), (right, _)| left.cmp(right));
    let mut rows = Vec::new();
    for ((service, operation, callers), row) in ranked {
        let (events, pairs, is_cut) = counts(&row);
        truncated |= is_cut;
        rows.push(PathRow {
            service: service.to_owned(),
            operation: operation.to_owned(),
            callers: callers.into_iter().map(str::to_owned).collect(),
            spans: tallies(&row.spans),
            events,
            pairs,
        });
    }
    (rows, truncated)
}

/// The events and pairs of one row, and whether there were more events than a row may have.
fn counts(row: &Counted<'_>) -> (Vec<PathEvent>, Vec<PathPair>, bool) {
    let mut by_event: BTreeMap<Event<'_>, Blocks> = BTreeMap::new();
    for (block, events) in &row.seen {
        for event in events {
            *by_event.entry(*event).or_default().entry(*block).or_default() += 1;
        }
    }
    let mut ranked: Vec<(Event<'_>, Blocks)> = by_event.into_iter().collect();
    let is_cut = ranked.len() > EVENTS_MAX;
    let total = |blocks: &Blocks| blocks.values().sum::<u64>();
    ranked.sort_by(|(left_event, left), (right_event, right)| {
        total(right).cmp(&total(left)).then_with(|| left_event.cmp(right_event))
    });
    ranked.truncate(EVENTS_MAX);
    ranked.sort_by(|left, right| left.0.cmp(&right.0));
    let places: BTreeMap<Event<'_>, u32> = ranked.iter().map(|(event, _)| *event).zip(0..).collect();
    let mut by_pair: BTreeMap<(u32, u32), Blocks> = BTreeMap::new();
    for (block, events) in &row.seen {
        let known: Vec<u32> = events.iter().filter_map(|event| places.get(event).copied()).collect();
        for (at, first) in known.iter().enumerate() {
            for then in known.iter().skip(at + 1) {
                *by_pair.entry((*first, *then)).or_default().entry(*block).or_default() += 1;
            }
        }
    }
    let events = ranked
        .iter()
        .map(|((kind, name, severity), blocks)| PathEvent {
            kind: *kind,
            name: (*name).to_owned(),
            severity: *severity,
            spans: tallies(blocks),
        })
        .collect();
    let pairs = by_pair
        .iter()
        .map(|((first, then), blocks)| PathPair { first: *first, then: *then, spans: tallies(blocks) })
        .collect();
    (events, pairs, is_cut)
}

fn tallies(blocks: &Blocks) -> Vec<Tally> {
    blocks.iter().map(|(at, count)| Tally { at: *at, count: *count }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::signal::{Resource, SpanKind, StatusCode, Value};

    fn span(id: u8, parent: Option<u8>, service: &str, name: &str, start_s: i64) -> Span {
        Span {
            trace_id: TraceId([1; 16]),
            span_id: SpanId([id; 8]),
            parent: parent.map(|id| SpanId([id; 8])),
            name: Arc::from(name),
            kind: SpanKind::Internal,
            start: UnixNanos(start_s * SECOND_NS),
            end: UnixNanos(start_s * SECOND_NS + 5),
            status: StatusCode::Unset,
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::new(Resource { service: Arc::from(service), ..Resource::default() }),
        }
    }

    fn log(span: u8, at_ns: i64, severity: i32, text: &str) -> LogRecord {
        LogRecord {
            at: UnixNanos(at_ns),
            trace_id: Some(TraceId([1; 16])),
            span_id: Some(SpanId([span; 8])),
            severity,
            body: Value::Text(Arc::from(text)),
            attributes: Vec::new(),
            resource: Arc::new(Resource::default()),
        }
    }

    fn table(answer: &Answer) -> &PathTable {
        match &answer.table {
            Table::Paths(table) => table,
            other => panic!("not paths: {other:?}"),
        }
    }

    #[test]
    fn events_are_counted_once_a_span_and_ordered_by_their_first_occurrence() {
        let spans = [
            span(1, None, "front", "GET /", 20),
            span(2, Some(1), "back", "work", 21),
            span(3, Some(2), "back", "SELECT", 21),
            span(4, Some(1), "back", "work", 22),
        ];
        let second = 21 * SECOND_NS;
        let logs = [
            log(2, second - 3, 9, "begin 1"),
            log(2, second - 2, 9, "begin 2"),
            log(2, second + 1, 17, "failed"),
            log(9, second, 9, "of a span that is not here"),
        ];
        let window = Window::new(UnixNanos(0), UnixNanos(60 * SECOND_NS));
        let answer = of(&spans, &logs, window, &Scope::service("back"));
        let rows = &table(&answer).rows;
        assert_eq!(rows.len(), 2);
        let work = rows.iter().find(|row| row.operation == "work").unwrap();
        assert_eq!(work.callers, ["front"]);
        assert_eq!(work.spans, [Tally { at: UnixNanos(20 * SECOND_NS), count: 1 }]);
        let names: Vec<_> = work.events.iter().map(|event| (event.name.as_str(), event.severity)).collect();
        assert_eq!(names, [("begin <*>", 9), ("failed", 17), ("SELECT", 0)]);
        let order: Vec<_> = work.pairs.iter().map(|pair| (pair.first, pair.then)).collect();
        assert_eq!(order, [(0, 1), (0, 2), (2, 1)], "begin, then SELECT, then failed");
        assert!(!answer.truncated && answer.left_out == 0);
    }

    #[test]
    fn a_span_that_the_window_cuts_is_left_out_and_counted() {
        let spans = [
            span(1, None, "a", "x", 59),
            Span { end: UnixNanos(61 * SECOND_NS), ..span(2, None, "a", "x", 59) },
        ];
        let answer = of(&spans, &[], Window::new(UnixNanos(0), UnixNanos(60 * SECOND_NS)), &Scope::all());
        assert_eq!(answer.left_out, 1);
        assert_eq!(table(&answer).rows[0].spans[0].count, 1);
        assert!(table(&of(&[], &[], Window::new(UnixNanos(0), UnixNanos(0)), &Scope::all())).rows.is_empty());
    }

    #[test]
    fn a_limit_that_is_reached_is_visible() {
        let words =
            |count: usize| (0..count).map(|at| format!("w{}", "x".repeat(at + 1))).collect::<Vec<_>>();
        let spans = [span(1, None, "a", "x", 1)];
        let logs: Vec<LogRecord> =
            words(EVENTS_MAX + 1).iter().map(|text| log(1, SECOND_NS, 9, text)).collect();
        let answer = of(&spans, &logs, Window::new(UnixNanos(0), UnixNanos(60 * SECOND_NS)), &Scope::all());
        assert!(answer.truncated);
        assert_eq!(table(&answer).rows[0].events.len(), EVENTS_MAX);
    }

    #[test]
    fn a_long_window_has_long_blocks() {
        let hours = |count: i64| Window::new(UnixNanos(0), UnixNanos(count * 3600 * SECOND_NS));
        assert_eq!(block_ns(hours(0)), 10 * SECOND_NS);
        assert!(block_ns(hours(24)) * BLOCKS_MAX >= 24 * 3600 * SECOND_NS);
    }
}
