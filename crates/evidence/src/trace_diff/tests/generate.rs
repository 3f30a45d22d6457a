//! A generated system, and traces of it: one description, many sets of spans.

use std::sync::Arc;

use telemetry::signal::{Attributes, SpanLink};
use telemetry::{Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

/// SplitMix64 (Steele, Lea and Flood 2014).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One span to be: its own time is spread before, between and after its children.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) service: String,
    pub(super) name: String,
    pub(super) kind: SpanKind,
    pub(super) is_error: bool,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) own_ms: f64,
    pub(super) is_parallel: bool,
    /// Hangs below its parent by a span link, in a trace of its own.
    pub(super) is_linked: bool,
    pub(super) children: Vec<Spec>,
}

pub(super) fn span(service: &str, name: &str, kind: SpanKind, own_ms: f64) -> Spec {
    Spec {
        service: service.to_owned(),
        name: name.to_owned(),
        kind,
        is_error: false,
        attributes: Vec::new(),
        own_ms,
        is_parallel: false,
        is_linked: false,
        children: Vec::new(),
    }
}

pub(super) fn query(service: &str, database: &str, table: &str, own_ms: f64) -> Spec {
    let mut call = span(service, &format!("SELECT {table}"), SpanKind::Client, own_ms);
    call.attributes = vec![
        ("db.namespace".to_owned(), database.to_owned()),
        ("db.query.summary".to_owned(), format!("SELECT {table}")),
        ("db.system.name".to_owned(), "sqlite".to_owned()),
    ];
    call
}

/// A call from `caller` to `entry`, an entry span of another service.
pub(super) fn call(caller: &str, mut entry: Spec) -> Spec {
    let mut client = span(caller, &format!("GET {}", entry.name), SpanKind::Client, 0.0);
    let status = ("http.response.status_code".to_owned(), "200".to_owned());
    entry.attributes.push(status.clone());
    client.attributes = vec![status, ("server.address".to_owned(), "127.0.0.1".to_owned())];
    client.children.push(entry);
    client
}

/// A seeded system: gateway, checkout, orders, stock, a queue with a worker; fan-outs, loops and nested work.
pub(super) fn system(chance: &mut Chance) -> Spec {
    let ms = |chance: &mut Chance| 1.0 + chance.share() * 40.0;
    let mut orders = span("orders", "GET /orders", SpanKind::Server, ms(chance));
    let select = query("orders", "orders", "orders", ms(chance));
    orders.children = vec![select; 1 + chance.below(4)];
    let mut mail = span("orders", "publish mail", SpanKind::Producer, 1.0);
    mail.attributes.push(("messaging.destination.name".to_owned(), "mail".to_owned()));
    let mut worker = span("mailer", "process mail", SpanKind::Consumer, ms(chance));
    worker.is_linked = true;
    worker.children.push(span("mailer", "render", SpanKind::Internal, ms(chance)));
    mail.children.push(worker);
    orders.children.push(mail);
    let mut stock = span("stock", "GET /stock", SpanKind::Server, ms(chance));
    stock.is_parallel = chance.below(2) == 0;
    stock.children.push(span("stock", "reserve", SpanKind::Internal, ms(chance)));
    stock.children.push(query("stock", "stock", "items", ms(chance)));
    let mut checkout = span("checkout", "POST /checkout", SpanKind::Server, ms(chance));
    checkout.is_parallel = chance.below(2) == 0;
    checkout.children = vec![call("checkout", stock); 1 + chance.below(3)];
    let mut price = span("checkout", "price", SpanKind::Internal, ms(chance));
    price.children.push(span("checkout", "tax", SpanKind::Internal, ms(chance)));
    checkout.children.push(price);
    checkout.children.push(call("checkout", orders));
    let mut root = span("gateway", "POST /pay", SpanKind::Server, ms(chance));
    root.children.push(span("gateway", "authorise", SpanKind::Internal, ms(chance)));
    root.children.push(call("gateway", checkout));
    root.children.push(call("gateway", span("stock", "GET /level", SpanKind::Server, ms(chance))));
    root
}

struct Emitter<'c> {
    chance: &'c mut Chance,
    jitter: f64,
    spans: Vec<Span>,
}

/// The spans of `spec`, with ids, order and start of their own; each own time is stretched or shrunk by up to `jitter`.
pub(super) fn emit(spec: &Spec, chance: &mut Chance, jitter: f64) -> Vec<Span> {
    let start = 1_700_000_000_000_000_000 + (chance.next() % 1_000_000_000) as i64;
    let trace = TraceId([(chance.next() % 255) as u8 + 1; 16]);
    let mut emitter = Emitter { chance, jitter, spans: Vec::new() };
    emitter.place(spec, None, trace, start);
    let mut spans = emitter.spans;
    for at in (1..spans.len()).rev() {
        let other = chance.below(at + 1);
        spans.swap(at, other);
    }
    spans
}

impl Emitter<'_> {
    /// Lays `spec` out from `start` and returns its end.
    fn place(&mut self, spec: &Spec, parent: Option<SpanId>, trace: TraceId, start: i64) -> i64 {
        let id = SpanId((self.chance.next() | 1).to_be_bytes());
        let stretch = 1.0 / self.jitter + self.chance.share() * (self.jitter - 1.0 / self.jitter);
        let slice = (spec.own_ms * stretch * 1e6) as i64 / (spec.children.len() as i64 + 1);
        let (mut at, mut end) = (start + slice, start + slice);
        let mut order: Vec<usize> = (0..spec.children.len()).collect();
        if spec.is_parallel && order.len() > 1 {
            let (left, right) = (self.chance.below(order.len()), self.chance.below(order.len()));
            order.swap(left, right);
        }
        for child in order.into_iter().map(|place| &spec.children[place]) {
            if child.is_linked {
                let own = TraceId([(self.chance.next() % 255) as u8 + 1; 16]);
                self.place(child, Some(id), own, at + 50_000_000);
                let last = self.spans.len() - 1;
                let link = SpanLink { trace_id: trace, span_id: id, attributes: Vec::new() };
                self.spans[last].links.push(link);
                self.spans[last].parent = None;
                continue;
            }
            let ended = self.place(child, Some(id), trace, at);
            end = end.max(ended);
            if !spec.is_parallel {
                at = ended + slice;
            }
        }
        let rest = if spec.is_parallel { slice * spec.children.len() as i64 } else { slice };
        let end = if spec.children.is_empty() { start + slice } else { end.max(at - slice) + rest };
        self.spans.push(Span {
            trace_id: trace,
            span_id: id,
            parent,
            name: Arc::from(spec.name.as_str()),
            kind: spec.kind,
            start: UnixNanos(start),
            end: UnixNanos(end),
            status: if spec.is_error { StatusCode::Error } else { StatusCode::Unset },
            message: Arc::from(""),
            attributes: text(&spec.attributes),
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::new(Resource::of(text(&[("service.name".to_owned(), spec.service.clone())]))),
        });
        end
    }
}

fn text(pairs: &[(String, String)]) -> Attributes {
    pairs
        .iter()
        .map(|(key, value)| (Arc::from(key.as_str()), Value::Text(Arc::from(value.as_str()))))
        .collect()
}
