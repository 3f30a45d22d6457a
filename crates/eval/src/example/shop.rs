//! The shop of the examples: `web` calls `orders`, which asks a database and calls `payments`. Written as OTLP/JSON,
//! a request a line, as the Collector's file exporter does.

use platform::{Chance, SeededChance};
use serde_json::{Value as Json, json};
use telemetry::UnixNanos;
use telemetry::time::SECOND_NS;

/// Nanoseconds of a millisecond.
const MS: i64 = 1_000_000;
/// Seconds between two exports of metrics.
const METRICS_EVERY: i64 = 10;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// `orders` 1.5.0 asks its database without an index.
    SlowQuery,
    /// `payments` refuses every other request.
    FailingPayments,
    /// Nothing does.
    Nothing,
}

/// A shop at work.
pub(super) struct Shop {
    chance: SeededChance,
    began: UnixNanos,
    wrong: Wrong,
    ids: u64,
    spans: Vec<(&'static str, Json)>,
    logs: Vec<(&'static str, Json)>,
    /// Whether it has gone wrong.
    is_wrong: bool,
    lines: [String; 3],
}

/// One span before it is written.
struct Span<'a> {
    trace: &'a str,
    parent: &'a str,
    id: &'a str,
    name: &'static str,
    /// Kind of OTLP: 2 server, 3 client.
    kind: u8,
    from: i64,
    to: i64,
    error: &'static str,
    attributes: Json,
}

impl Shop {
    pub(super) fn new(began: UnixNanos, wrong: Wrong, seed: u64) -> Self {
        let (spans, logs) = (Vec::new(), Vec::new());
        let lines = [String::new(), String::new(), String::new()];
        Self { chance: SeededChance::new(seed), began, wrong, ids: 0, spans, logs, is_wrong: false, lines }
    }

    /// One second of work, so many after it went wrong.
    pub(super) fn second(&mut self, second: i64) {
        self.is_wrong = second >= 0;
        let begun = self.began.plus_seconds(second).0;
        for _ in 0..2 {
            let at = begun + self.below(900) * MS;
            self.request(at);
        }
        let spans = self.grouped(true);
        let line = json!({ "resourceSpans": spans }).to_string();
        push(&mut self.lines, 0, &line);
        let logs = self.grouped(false);
        if !logs.is_empty() {
            push(&mut self.lines, 1, &json!({ "resourceLogs": logs }).to_string());
        }
        if second % METRICS_EVERY == 0 {
            let line = self.metrics(begun + SECOND_NS);
            push(&mut self.lines, 2, &line);
        }
    }

    /// The lines of traces, logs and metrics.
    pub(super) fn into_lines(self) -> [String; 3] {
        self.lines
    }

    fn below(&mut self, bound: u64) -> i64 {
        i64::try_from(self.chance.below(bound)).unwrap_or_default()
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("{:016x}", self.ids)
    }

    fn request(&mut self, at: i64) {
        let trace =
            format!("{:032x}", (u128::from(self.began.0.unsigned_abs()) << 40) | u128::from(self.ids + 1));
        let (web, call, orders, query, pay, payments) =
            (self.id(), self.id(), self.id(), self.id(), self.id(), self.id());
        let is_slow = self.is_wrong && self.wrong == Wrong::SlowQuery;
        let fails = self.is_wrong && self.wrong == Wrong::FailingPayments && self.below(2) == 0;
        let query_ms = if is_slow { 60 + self.below(20) } else { 2 + self.below(3) };
        let pay_ms = 5 + self.below(4);
        // From the inside out: when each began and ended.
        let asked = (at + 3 * MS, at + (3 + query_ms) * MS);
        let paid = (asked.1 + MS, asked.1 + MS + pay_ms * MS);
        let ordered = (at + 2 * MS, paid.1 + MS);
        let whole = (at, ordered.1 + (1 + self.below(2)) * MS);
        let ids = [&web, &call, &orders, &query, &pay, &payments].map(String::as_str);
        for (service, one) in spans_of(&trace, ids, [whole, ordered, asked, paid], fails) {
            self.spans.push((service, span(&one)));
        }
        self.log(("orders", 9, "order taken"), paid.0, (&trace, &orders));
        if fails {
            self.log(("payments", 17, "bank refused: certificate has expired"), paid.1, (&trace, &pay));
        }
    }

    fn log(
        &mut self,
        (service, severity, text): (&'static str, u8, &str),
        at: i64,
        (trace, span): (&str, &str),
    ) {
        let record = json!({
            "timeUnixNano": at.to_string(),
            "severityNumber": severity,
            "body": { "stringValue": text },
            "traceId": trace,
            "spanId": span,
        });
        self.logs.push((service, record));
    }

    /// What one export holds, by service.
    fn grouped(&mut self, is_spans: bool) -> Vec<Json> {
        let items = std::mem::take(if is_spans { &mut self.spans } else { &mut self.logs });
        let (scopes, inner) = if is_spans { ("scopeSpans", "spans") } else { ("scopeLogs", "logRecords") };
        let mut groups = Vec::new();
        for service in ["orders", "payments", "web"] {
            let of: Vec<&Json> =
                items.iter().filter(|(name, _)| *name == service).map(|(_, item)| item).collect();
            if !of.is_empty() {
                groups.push(json!({ "resource": self.resource(service), scopes: [{ inner: of }] }));
            }
        }
        groups
    }

    fn resource(&self, service: &str) -> Json {
        let version = match service {
            "orders" if self.wrong == Wrong::SlowQuery && self.is_wrong => "1.5.0",
            "orders" if self.wrong == Wrong::SlowQuery => "1.4.0",
            "orders" => "1.5.2",
            "payments" => "3.0.4",
            _ => "7.2.1",
        };
        let instance = format!("{service}-1");
        json!({ "attributes": attributes(&json!({
            "service.name": service, "service.instance.id": instance, "service.version": version,
        })) })
    }

    fn metrics(&mut self, at: i64) -> String {
        let mut resources = Vec::new();
        for service in ["orders", "payments", "web"] {
            let value = 0.1 + self.below(50) as f64 / 1_000.0;
            let point = json!({ "timeUnixNano": at.to_string(), "asDouble": value });
            let metric =
                json!({ "name": "process.cpu.utilization", "unit": "1", "gauge": { "dataPoints": [point] } });
            resources.push(
                json!({ "resource": self.resource(service), "scopeMetrics": [{ "metrics": [metric] }] }),
            );
        }
        json!({ "resourceMetrics": resources }).to_string()
    }
}

/// The spans of one request: from when to when the whole, the order, the query and the payment took.
fn spans_of<'a>(
    trace: &'a str,
    [web, call, orders, query, pay, payments]: [&'a str; 6],
    [whole, ordered, asked, paid]: [(i64, i64); 4],
    fails: bool,
) -> [(&'static str, Span<'a>); 6] {
    let error = |text| if fails { text } else { "" };
    let around = |(from, to): (i64, i64)| (from - MS / 2, to + MS / 2);
    let http = || json!({ "http.request.method": "POST" });
    let sql = json!({ "db.system.name": "postgresql", "db.query.summary": "SELECT orders" });
    let one = |(id, parent), (name, kind), (from, to), error, attributes| Span {
        trace,
        parent,
        id,
        name,
        kind,
        from,
        to,
        error,
        attributes,
    };
    [
        ("web", one((web, ""), ("POST /buy", 2), whole, error("cannot pay"), http())),
        ("web", one((call, web), ("POST", 3), around(ordered), error("500"), http())),
        ("orders", one((orders, call), ("POST /orders", 2), ordered, error("payment refused"), http())),
        ("orders", one((query, orders), ("SELECT orders", 3), asked, "", sql)),
        ("orders", one((pay, orders), ("POST", 3), around(paid), error("502"), http())),
        (
            "payments",
            one(
                (payments, pay),
                ("POST /pay", 2),
                paid,
                error("certificate of the bank has expired"),
                http(),
            ),
        ),
    ]
}

fn push(lines: &mut [String; 3], place: usize, line: &str) {
    if let Some(text) = lines.get_mut(place) {
        text.push_str(line);
        text.push('\n');
    }
}

fn span(span: &Span<'_>) -> Json {
    let status = if span.error.is_empty() { json!({}) } else { json!({ "code": 2, "message": span.error }) };
    json!({
        "traceId": span.trace,
        "spanId": span.id,
        "parentSpanId": span.parent,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": span.from.to_string(),
        "endTimeUnixNano": span.to.to_string(),
        "attributes": attributes(&span.attributes),
        "status": status,
    })
}

fn attributes(of: &Json) -> Vec<Json> {
    let entries = of.as_object().into_iter().flatten();
    entries.map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}
