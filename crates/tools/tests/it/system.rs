//! A small system made by hand, whose every figure is known: a gateway that calls orders, which asks a database.

use std::sync::Arc;

use telemetry::recorded::Tables;
use telemetry::{LogRecord, Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

/// What the two services do in one request.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    /// When it begins, in milliseconds after the system's first moment.
    pub(crate) at_ms: i64,
    /// How long the database takes.
    pub(crate) query_ms: i64,
    /// Whether orders fails.
    pub(crate) fails: bool,
}

/// The first moment of all systems here.
pub(crate) const BEGIN: UnixNanos = UnixNanos(1_750_000_000_000_000_000);

/// What is sent for these requests.
pub(crate) fn tables(requests: &[Request]) -> Tables {
    let mut tables = Tables::default();
    let (gateway, orders) = (resource("gateway", "gateway-1"), resource("orders", "orders-1"));
    for (place, request) in requests.iter().enumerate() {
        let trace = TraceId(((place + 1) as u128).to_be_bytes());
        let at = |ms: i64| UnixNanos(BEGIN.0 + (request.at_ms + ms) * 1_000_000);
        let whole = request.query_ms + 10;
        let status = if request.fails { StatusCode::Error } else { StatusCode::Unset };
        let mut add = |number: u8, parent: u8, kind, name: &str, times: (i64, i64), who: &Arc<Resource>| {
            tables.spans.push(Span {
                trace_id: trace,
                span_id: span_id(place, number),
                parent: (parent > 0).then(|| span_id(place, parent)),
                name: Arc::from(name),
                kind,
                start: at(times.0),
                end: at(times.1),
                status,
                message: Arc::from(""),
                attributes: attributes(kind, name),
                events: Vec::new(),
                links: Vec::new(),
                resource: Arc::clone(who),
            });
        };
        add(1, 0, SpanKind::Server, "GET /checkout", (0, whole), &gateway);
        add(2, 1, SpanKind::Client, "GET", (2, whole - 1), &gateway);
        add(3, 2, SpanKind::Server, "GET /orders", (3, whole - 2), &orders);
        add(4, 3, SpanKind::Client, "SELECT orders", (4, 4 + request.query_ms), &orders);
        if request.fails {
            tables.logs.push(LogRecord {
                at: at(5),
                trace_id: Some(trace),
                span_id: Some(span_id(place, 3)),
                severity: 17,
                body: Value::Text(Arc::from(format!("order {place} refused: duplicate key"))),
                attributes: attributes(SpanKind::Internal, "log"),
                resource: Arc::clone(&orders),
            });
        }
    }
    tables
}

fn span_id(place: usize, number: u8) -> SpanId {
    SpanId((((place as u64 + 1) << 8) | u64::from(number)).to_be_bytes())
}

fn resource(service: &str, instance: &str) -> Arc<Resource> {
    let text = |key: &str, value: &str| (Arc::from(key), Value::Text(Arc::from(value)));
    let attributes = vec![text("service.name", service), text("service.instance.id", instance)];
    Arc::new(Resource::of(attributes.into_iter().collect()))
}

fn attributes(kind: SpanKind, name: &str) -> telemetry::signal::Attributes {
    let text = |key: &str, value: &str| (Arc::<str>::from(key), Value::Text(Arc::from(value)));
    let pairs = match (kind, name) {
        (SpanKind::Client, "GET") => vec![text("server.address", "orders")],
        (SpanKind::Client, _) => vec![text("db.system.name", "sqlite"), text("db.query.summary", name)],
        _ => Vec::new(),
    };
    pairs.into_iter().collect()
}
