//! Bad requests against good ones over every attribute, made trace by trace.
//!
//! What follows from the failure itself (status, exception, durations) is no attribute to group by, nor is what
//! names the software and not the place it runs at. Attributes with more than [`VALUES_MAX`] values are ids and are
//! counted as left out. Everything kept is independent of the order in which traces come.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::{Carrier, CompareAttribute, CompareTable, CompareValue, Split};
use crate::question::Scope;
use crate::rows::{exact_quantile, is_entered};
use crate::signal::{Attributes, LogRecord, Span, Value};
use crate::time::{SECOND_NS, Window};
use crate::trace::AssembledTrace;

/// Values from which an attribute is an id rather than a group.
const VALUES_MAX: usize = 50;
/// Blocks of the bad window at most.
const BLOCKS_MAX: i64 = 24;
/// Characters of a value.
const VALUE_CHARS_MAX: usize = 100;
/// The share of the good window's requests that are not slow.
const FINE_SHARE: f64 = 0.95;

/// Beginnings of keys that tell how a request went, what a message said, or what the software is: their values follow
/// from a failure, or are the same on both sides (OpenTelemetry semantic conventions 1.27).
const NO_GROUPS: [&str; 17] = [
    "code.",
    "duration",
    "error",
    "exception",
    "http.response.",
    "http.status",
    "latency",
    "message",
    "otel.",
    "process.",
    "rpc.grpc.status",
    "service.name",
    "service.namespace",
    "telemetry.",
    "thread.",
    "http.request.resend_count",
    "status",
];

/// Keys that say where something runs: the spans of all services are looked at together, too.
#[must_use]
pub fn is_place(key: &str) -> bool {
    [
        "host.",
        "k8s.node.",
        "k8s.cluster.",
        "cloud.region",
        "cloud.availability_zone",
        "cloud.account.",
        "region",
    ]
    .iter()
    .any(|start| key.starts_with(start))
}

type Key = (String, String, Carrier);

/// A trace as it is compared: when it began, how its worst entry went, and what it carries.
#[derive(Debug)]
struct Request {
    is_good_window: bool,
    block: usize,
    duration_ns: i64,
    is_failed: bool,
    carried: BTreeSet<(usize, usize)>,
}

/// Requests, taken in trace by trace.
#[derive(Debug)]
pub struct Comparison {
    windows: (Window, Window),
    keys: BTreeMap<Key, (usize, BTreeMap<String, usize>)>,
    requests: Vec<Request>,
}

impl Comparison {
    /// Of the good and the bad window.
    #[must_use]
    pub fn new(good: Window, bad: Window) -> Self {
        Self { windows: (good, bad), keys: BTreeMap::new(), requests: Vec::new() }
    }

    /// Takes in a complete trace with the log records written in it. A trace without an entry span of `scope` in one
    /// of the windows says nothing.
    pub fn take<'a>(
        &mut self,
        trace: &AssembledTrace<'_>,
        logs: impl IntoIterator<Item = &'a LogRecord>,
        scope: &Scope,
    ) {
        let (good, bad) = self.windows;
        let spans = || trace.nodes.iter().map(|node| node.span);
        let entries = |window| spans().filter(move |span| is_entered(span, window, scope));
        let is_good_window = entries(bad).next().is_none();
        let window = if is_good_window { good } else { bad };
        let Some(first) = entries(window).map(|span| span.start).min() else { return };
        let mut carried = BTreeSet::new();
        for span in spans() {
            self.carry_span(span, &mut carried);
        }
        for log in logs {
            self.carry(&log.resource.service, Carrier::Log, &log.attributes, &mut carried);
        }
        self.requests.push(Request {
            is_good_window,
            block: block(window, first.since(window.from)),
            duration_ns: entries(window).map(Span::duration_ns).max().unwrap_or(0),
            is_failed: entries(window).any(Span::is_error),
            carried,
        });
    }

    fn carry_span(&mut self, span: &Span, carried: &mut BTreeSet<(usize, usize)>) {
        let resource = &span.resource;
        self.carry(&resource.service, Carrier::Resource, &resource.attributes, carried);
        self.carry(&resource.service, Carrier::Span, &span.attributes, carried);
        for (key, value) in resource.attributes.iter().filter(|(key, _)| is_place(key)) {
            self.note((key.to_string(), String::new(), Carrier::Resource), value, carried);
        }
        let of_resource = |name: &str| resource.attributes.iter().any(|(key, _)| &**key == name);
        for (name, text) in
            [("service.instance.id", &resource.instance), ("service.version", &resource.version)]
        {
            if !text.is_empty() && !of_resource(name) {
                let key = (name.to_owned(), resource.service.to_string(), Carrier::Resource);
                self.note(key, &Value::Text(text.clone()), carried);
            }
        }
    }

    fn carry(
        &mut self,
        service: &str,
        carrier: Carrier,
        attributes: &Attributes,
        carried: &mut BTreeSet<(usize, usize)>,
    ) {
        for (key, value) in attributes {
            if !NO_GROUPS.iter().any(|start| key.starts_with(start)) {
                self.note((key.to_string(), service.to_owned(), carrier), value, carried);
            }
        }
    }

    /// Notes that the trace carries `value` under `key`. Of an attribute with too many values no further one is kept.
    fn note(&mut self, key: Key, value: &Value, carried: &mut BTreeSet<(usize, usize)>) {
        let text = match value {
            Value::Text(_) | Value::Bool(_) | Value::Int(_) => value.render(),
            _ => return,
        };
        let place = self.keys.len();
        let (key, values) = self.keys.entry(key).or_insert_with(|| (place, BTreeMap::new()));
        if values.len() > VALUES_MAX {
            return;
        }
        let next = values.len();
        let text: String = text.chars().take(VALUE_CHARS_MAX).collect();
        carried.insert((*key, *values.entry(text).or_insert(next)));
    }

    /// The table.
    #[must_use]
    pub fn finish(self) -> CompareTable {
        let mut durations: Vec<i64> =
            self.requests.iter().filter(|one| one.is_good_window).map(|one| one.duration_ns).collect();
        durations.sort_unstable();
        let slow_ns = (!durations.is_empty()).then(|| exact_quantile(&durations, FINE_SHARE));
        let is_bad =
            |one: &Request| one.is_failed || slow_ns.is_some_and(|slow_ns| one.duration_ns > slow_ns);
        let blocks = blocks(self.windows.1);
        let mut all = Counts::new(blocks);
        let mut of_key: BTreeMap<usize, Counts> = BTreeMap::new();
        let mut of_value: BTreeMap<(usize, usize), Counts> = BTreeMap::new();
        for one in &self.requests {
            all.count(one, is_bad(one));
            let keys: BTreeSet<usize> = one.carried.iter().map(|(key, _)| *key).collect();
            for key in keys {
                of_key.entry(key).or_insert_with(|| Counts::new(blocks)).count(one, is_bad(one));
            }
            for value in &one.carried {
                of_value.entry(*value).or_insert_with(|| Counts::new(blocks)).count(one, is_bad(one));
            }
        }
        let left_out = self.keys.values().filter(|(_, values)| values.len() > VALUES_MAX).count() as u64;
        let attributes = self.keys.into_iter().filter(|(_, (_, values))| values.len() <= VALUES_MAX);
        let attribute =
            |((key, service, carrier), (place, values)): (Key, (usize, BTreeMap<String, usize>))| {
                let whole = of_key.remove(&place)?;
                let values: Vec<CompareValue> = values
                    .into_iter()
                    .filter_map(|(value, at)| {
                        let counts = of_value.remove(&(place, at)).filter(|counts| *counts != whole)?;
                        Some(CompareValue { value, good: counts.good, blocks: counts.blocks })
                    })
                    .collect();
                (!values.is_empty()).then_some(CompareAttribute {
                    key,
                    service,
                    carrier,
                    good: whole.good,
                    blocks: whole.blocks,
                    values,
                })
            };
        let attributes = attributes.filter_map(attribute).collect();
        CompareTable { slow_ns, good: all.good, blocks: all.blocks, attributes, left_out }
    }
}

/// Traces by window and block.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    good: Split,
    blocks: Vec<Split>,
}

impl Counts {
    fn new(blocks: usize) -> Self {
        Self { good: Split::default(), blocks: vec![Split::default(); blocks] }
    }

    fn count(&mut self, one: &Request, is_bad: bool) {
        let split = if one.is_good_window { Some(&mut self.good) } else { self.blocks.get_mut(one.block) };
        if let Some(split) = split {
            split.count(is_bad);
        }
    }
}

/// Blocks of a window: a second at least.
fn blocks(window: Window) -> usize {
    let seconds = window.to.since(window.from) / SECOND_NS;
    usize::try_from(seconds.clamp(1, BLOCKS_MAX)).unwrap_or(1)
}

/// The block in which something lies that began `after_ns` into the window.
fn block(window: Window, after_ns: i64) -> usize {
    let blocks = blocks(window);
    let width = (window.to.since(window.from) / blocks as i64).max(1);
    usize::try_from(after_ns / width).unwrap_or(0).min(blocks - 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::{SpanId, TraceId};
    use crate::signal::{Resource, SpanKind, StatusCode};
    use crate::time::UnixNanos;
    use crate::trace::assemble;

    fn text(key: &str, value: &str) -> (Arc<str>, Value) {
        (Arc::from(key), Value::Text(Arc::from(value)))
    }

    fn span(trace: u16, start_s: i64, ms: i64, node: &str, customer: &str) -> Span {
        let resource = vec![text("service.name", "a"), text("k8s.node.name", node)];
        let mut id = [0; 16];
        id[..2].copy_from_slice(&trace.to_be_bytes());
        Span {
            trace_id: TraceId(id),
            span_id: SpanId([1; 8]),
            parent: None,
            name: Arc::from("GET /"),
            kind: SpanKind::Server,
            start: UnixNanos(0).plus_seconds(start_s),
            end: UnixNanos(start_s * SECOND_NS + ms * 1_000_000),
            status: StatusCode::Unset,
            message: Arc::from(""),
            attributes: vec![
                text("customer", customer),
                text("request.id", &format!("r{trace}")),
                text("error.type", "timeout"),
            ],
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::new(Resource::of(resource)),
        }
    }

    fn spans() -> Vec<Span> {
        (0..200_u16)
            .map(|at| {
                let node = if at % 4 == 0 { "n3" } else { "n1" };
                let is_slow = at >= 100 && node == "n3";
                let ms = if is_slow { 90 } else { 5 + i64::from(at % 10) };
                span(at, i64::from(at), ms, node, if at % 3 == 0 { "x" } else { "y" })
            })
            .collect()
    }

    fn table(spans: &[Span]) -> CompareTable {
        let at = |second| UnixNanos(0).plus_seconds(second);
        let mut comparison = Comparison::new(Window::new(at(0), at(100)), Window::new(at(100), at(200)));
        for one in spans {
            comparison.take(&assemble([one]), [], &Scope::service("a"));
        }
        comparison.finish()
    }

    // covers: EL-17
    #[test]
    fn traces_are_counted_by_value_and_ids_and_outcomes_are_left_out() {
        let table = table(&spans());
        assert_eq!((table.slow_ns, table.good.all()), (Some(14_000_000), 100));
        assert_eq!(table.blocks.len(), 24);
        assert_eq!(table.blocks.iter().map(|block| block.bad).sum::<u64>(), 25);
        let keys: Vec<(&str, &str)> =
            table.attributes.iter().map(|one| (one.key.as_str(), one.service.as_str())).collect();
        assert_eq!(keys, [("customer", "a"), ("k8s.node.name", ""), ("k8s.node.name", "a")]);
        assert_eq!(table.left_out, 1, "the id of the request");
        let n3 = table.attributes[1].values.iter().find(|value| value.value == "n3").unwrap();
        assert_eq!(
            n3.blocks.iter().map(|block| (block.fine, block.bad)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
            (0, 25)
        );
    }

    #[test]
    fn the_order_of_the_traces_does_not_matter() {
        let mut reversed = spans();
        reversed.reverse();
        assert_eq!(table(&spans()), table(&reversed));
    }

    #[test]
    fn without_requests_of_the_scope_there_is_nothing_to_compare() {
        let at = |second| UnixNanos(0).plus_seconds(second);
        let mut comparison = Comparison::new(Window::new(at(0), at(1)), Window::new(at(1), at(2)));
        comparison.take(&assemble(&spans()), [], &Scope::service("b"));
        let table = comparison.finish();
        assert_eq!((table.slow_ns, table.attributes.len(), table.blocks.len()), (None, 0, 1));
    }
}
