//! Traces of every odd kind: broken ones, repeated spans, children beyond their parents, ties, queues, and all that the
//! attributes of a call may say or not.

use std::sync::Arc;

use telemetry::signal::{Attributes, SpanLink};
use telemetry::{Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};
use testkit::dice::Dice;

/// What a call may say about its other side.
const SAID: &[&[(&str, &str)]] = &[
    &[],
    &[
        ("db.system.name", "postgresql"),
        ("db.namespace", "shop"),
        ("db.query.text", "SELECT a FROM \"Orders\" o JOIN x"),
    ],
    &[
        ("db.system", "mysql"),
        ("db.statement", "update t set a = 'it''s from x' where b = 1"),
        ("db.name", "shop"),
    ],
    &[
        ("db.system.name", "redis"),
        ("db.namespace", "0"),
        ("server.address", "cache"),
        ("db.query.text", "GET a"),
    ],
    &[
        ("db.system.name", "postgresql"),
        ("db.query.text", "with q as (select 1 from (values (1)) v) select * from q"),
    ],
    &[("db.system.name", "postgresql"), ("db.query.summary", "SELECT told"), ("db.query.text", "SELECT 1")],
    &[("db.query.text", "INSERT INTO `a`.`b` (c) VALUES ('open")],
    &[("server.address", "10.0.0.7"), ("server.port", "8080")],
    &[("server.address", "orders"), ("server.port", "8080")],
    &[("net.peer.name", "::1"), ("net.peer.port", "9")],
    &[("url.full", "https://user@pay.example:444/a?b#c")],
    &[("http.url", "http://127.0.0.1:81/x")],
    &[("http.url", "http://localhost/x")],
    &[("peer.service", "named"), ("server.address", "orders")],
    &[("service.peer.name", "it's"), ("http.request.resend_count", "2")],
    &[("http.request.resend_count", "none")],
    &[("messaging.destination.name", "jobs")],
];
const NAMES: [&str; 4] = ["GET /a", "GET /b", "work", "send's"];
const SECOND: i64 = 1_000_000_000;

/// So many traces that begin within a minute of `from`, and some before and after it.
pub(super) fn traces(seed: u64, count: usize, from: UnixNanos) -> Vec<Span> {
    let mut dice = Dice::new(seed);
    let mut spans = Vec::new();
    let mut senders: Vec<(TraceId, SpanId)> = Vec::new();
    for _ in 0..count {
        let trace = trace(&mut dice, from, &senders);
        senders.extend(
            trace.iter().filter(|one| one.kind == SpanKind::Producer).map(|one| (one.trace_id, one.span_id)),
        );
        spans.extend(trace);
    }
    spans
}

fn below(dice: &mut Dice, most: i64) -> i64 {
    i64::try_from(dice.below(usize::try_from(most).unwrap())).unwrap()
}

fn one_of<'a, T>(dice: &mut Dice, all: &'a [T]) -> &'a T {
    &all[dice.below(all.len())]
}

fn id<const N: usize>(dice: &mut Dice) -> [u8; N] {
    std::array::from_fn(|_| 1 + u8::try_from(dice.below(254)).unwrap())
}

fn trace(dice: &mut Dice, from: UnixNanos, senders: &[(TraceId, SpanId)]) -> Vec<Span> {
    let trace_id = TraceId(id(dice));
    let start = from.0 - 5 * SECOND + below(dice, 70 * SECOND);
    let mut spans: Vec<Span> = Vec::new();
    for place in 0..=below(dice, 12) {
        let parent = (place > 0).then(|| one_of(dice, &spans).clone());
        // Few different moments, so that many are the same; some children begin before their parents or end after them.
        let begin =
            parent.as_ref().map_or(start, |parent| parent.start.0) + below(dice, 6) * 1_000_000 - 1_000_000;
        let length = below(dice, 9) * 1_000_000;
        spans.push(span(dice, trace_id, parent.as_ref(), (begin, begin + length), senders));
    }
    match below(dice, 14) {
        0 => spans.iter_mut().take(1).for_each(|root| root.parent = Some(SpanId([9; 8]))),
        1 => spans.iter_mut().skip(2).take(1).for_each(|one| one.parent = None),
        2 => spans.iter_mut().skip(1).take(1).for_each(|one| one.parent = Some(one.span_id)),
        3 => spans.extend(spans.clone()),
        4 => spans.iter_mut().skip(1).take(1).for_each(|one| one.parent = Some(SpanId([9; 8]))),
        5 | 6 => spans.extend(repeated(dice, &spans[0])),
        _ => {}
    }
    spans
}

/// Calls of one name one after the other, of which some fail.
fn repeated(dice: &mut Dice, parent: &Span) -> Vec<Span> {
    let call = |place: i64| {
        let begin = parent.start.0 + place * 2_000_000;
        let status = *one_of(dice, &[StatusCode::Unset, StatusCode::Error]);
        let times = (UnixNanos(begin), UnixNanos(begin + 1_000_000));
        Span {
            span_id: SpanId(id(dice)),
            parent: Some(parent.span_id),
            name: Arc::from("again"),
            kind: SpanKind::Client,
            start: times.0,
            end: times.1,
            status,
            attributes: vec![text("server.address", "flaky")],
            links: Vec::new(),
            ..parent.clone()
        }
    };
    (0..5).map(call).collect()
}

fn span(
    dice: &mut Dice,
    trace_id: TraceId,
    parent: Option<&Span>,
    (start, end): (i64, i64),
    senders: &[(TraceId, SpanId)],
) -> Span {
    use SpanKind::{Client, Consumer, Internal, Producer, Server, Unspecified};
    let kind =
        *one_of(dice, &[Client, Client, Client, Server, Server, Internal, Producer, Consumer, Unspecified]);
    let mut attributes: Attributes = one_of(dice, SAID).iter().map(|(key, value)| text(key, value)).collect();
    if kind == Consumer && dice.happens(0.3) {
        attributes
            .push(text("messaging.operation.type", if dice.happens(0.5) { "receive" } else { "process" }));
    }
    let is_linked = kind == Consumer && !senders.is_empty() && dice.happens(0.8);
    let links = is_linked.then(|| one_of(dice, senders)).into_iter().map(|(trace_id, span_id)| SpanLink {
        trace_id: *trace_id,
        span_id: *span_id,
        attributes: Attributes::new(),
    });
    let links = links.collect();
    // Half of the children are of their parent's process.
    let resource = parent.filter(|_| dice.happens(0.5)).map(|parent| Arc::clone(&parent.resource));
    Span {
        trace_id,
        span_id: SpanId(id(dice)),
        parent: parent.map(|parent| parent.span_id),
        name: Arc::from(*one_of(dice, &NAMES)),
        kind,
        start: UnixNanos(start),
        end: UnixNanos(end),
        status: *one_of(dice, &[StatusCode::Unset, StatusCode::Ok, StatusCode::Unset, StatusCode::Error]),
        message: Arc::from(""),
        attributes,
        events: Vec::new(),
        links,
        resource: resource.unwrap_or_else(|| self::resource(dice)),
    }
}

fn text(key: &str, value: &str) -> (Arc<str>, Value) {
    (Arc::from(key), Value::Text(Arc::from(value)))
}

fn resource(dice: &mut Dice) -> Arc<Resource> {
    let service = *one_of(dice, &["web", "orders", "pay's"]);
    let instance = *one_of(dice, &["", "a", "b"]);
    let version = *one_of(dice, &["", "1.0", "1.1"]);
    let told = [("service.name", service), ("service.instance.id", instance), ("service.version", version)];
    let told = told.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| text(key, value));
    Arc::new(Resource::of(told.collect()))
}
