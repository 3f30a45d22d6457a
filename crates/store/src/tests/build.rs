//! Requests and stores for the tests.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use otlp::{Intake, Receipt, Refusal, Request, Signal};
use platform::{Disk, SimClock, SimDisk};
use prost::Message;
use telemetry::time::SECOND_NS;
use telemetry::{
    Answer, Answerer, Ask, AskError, Cancel, Limits, Question, QuestionId, Scope, Space, TraceId, UnixNanos,
    Window,
};

use crate::{Config, Store};

/// The start of all test data, on a whole second.
pub(super) const T0: i64 = 1_700_000_000 * SECOND_NS;
/// One millisecond in nanoseconds.
pub(super) const MS: i64 = 1_000_000;

pub(super) const INTERNAL: i32 = 1;
pub(super) const SERVER: i32 = 2;
pub(super) const CLIENT: i32 = 3;

/// A store on a simulated disk, with its clock a minute after [`T0`].
pub(super) struct Rig {
    pub(super) disk: SimDisk,
    pub(super) clock: Arc<SimClock>,
    pub(super) store: Store,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(SimDisk::new(), |_| {})
    }

    pub(super) fn with(disk: SimDisk, adjust: impl FnOnce(&mut Config)) -> Self {
        Self::try_with(disk, adjust).unwrap()
    }

    /// The same, when the disk lets it be opened.
    pub(super) fn try_with(disk: SimDisk, adjust: impl FnOnce(&mut Config)) -> Option<Self> {
        let mut config = Config::new("data");
        adjust(&mut config);
        let clock = Arc::new(SimClock::at(T0 + 60 * SECOND_NS));
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let store = Store::open(config, shared, clock.clone()).ok()?;
        Some(Self { disk, clock, store })
    }

    /// Closes the store and opens it again on the same disk.
    pub(super) fn reopen(self) -> Self {
        self.store.close();
        drop(self.store);
        Self::with(self.disk, |_| {})
    }

    pub(super) fn send(&self, bytes: Vec<u8>) -> Result<Receipt, Refusal> {
        let outcome = self.store.offer(request(bytes)).wait();
        // One after the other, so that a seed or a number always means the same.
        self.store.settle();
        outcome
    }

    pub(super) fn ask(&self, ask: Ask) -> Result<Answer, AskError> {
        self.ask_within(ask, &Limits::default())
    }

    pub(super) fn ask_within(&self, ask: Ask, limits: &Limits) -> Result<Answer, AskError> {
        let question =
            Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before: UnixNanos(0) };
        self.store.answer(&question, limits, &Cancel::default())
    }

    /// Whether the store has this trace.
    pub(super) fn has(&self, trace: u64) -> bool {
        let trace_id = trace_id(trace);
        !self.ask(Ask::Trace { trace_id }).unwrap().table.is_empty()
    }
}

pub(super) fn request(bytes: Vec<u8>) -> Request {
    Request { space: Space::default(), signal: Signal::Traces, bytes: Bytes::from(bytes), received_at: None }
}

pub(super) fn trace_id(trace: u64) -> TraceId {
    let mut bytes = [7; 16];
    bytes[8..].copy_from_slice(&trace.to_be_bytes());
    TraceId(bytes)
}

pub(super) fn attribute(key: &str, text: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) }),
        ..KeyValue::default()
    }
}

/// A span of trace `trace`; `from` and `to` in nanoseconds after [`T0`].
pub(super) fn span(trace: u64, id: u8, parent: u8, name: &str, kind: i32, times: (i64, i64)) -> Span {
    Span {
        trace_id: trace_id(trace).0.to_vec(),
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
        name: name.to_owned(),
        kind,
        start_time_unix_nano: (T0 + times.0) as u64,
        end_time_unix_nano: (T0 + times.1) as u64,
        ..Span::default()
    }
}

pub(super) fn failed(mut span: Span) -> Span {
    span.status = Some(Status { code: 2, ..Status::default() });
    span
}

/// Spans of one instance `service/instance` of version `version`, further attributes following.
pub(super) fn group(who: [&str; 3], more: &[(&str, &str)], spans: Vec<Span>) -> ResourceSpans {
    let names = ["service.name", "service.instance.id", "service.version"];
    let own = names.into_iter().zip(who).filter(|(_, text)| !text.is_empty());
    ResourceSpans {
        resource: Some(Resource {
            attributes: own.chain(more.iter().copied()).map(|(key, text)| attribute(key, text)).collect(),
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

pub(super) fn export(resource_spans: Vec<ResourceSpans>) -> Vec<u8> {
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// A trace of one server span, that starts `second` seconds after [`T0`] and takes `millis`.
pub(super) fn small(trace: u64, second: i64, millis: i64) -> Vec<u8> {
    let start = second * SECOND_NS;
    let span = span(trace, 1, 0, "GET /", SERVER, (start, start + millis * MS));
    export(vec![group(["shop", "a", "1"], &[], vec![span])])
}

/// Seconds `from` to `to` after [`T0`].
pub(super) fn window(from: i64, to: i64) -> Window {
    Window::new(UnixNanos(T0 + from * SECOND_NS), UnixNanos(T0 + to * SECOND_NS))
}

/// All questions about a window.
pub(super) fn questions(window: Window) -> Vec<Ask> {
    let scope = Scope::all();
    vec![
        Ask::Health { window, scope: scope.clone() },
        Ask::Onset { window, scope: scope.clone() },
        Ask::SelfTime { window, scope: scope.clone() },
        Ask::Exemplars { window, scope: scope.clone(), limit: 3 },
        Ask::Edges { window, scope: scope.clone() },
        Ask::Changes { window, scope: scope.clone() },
        Ask::Compare { good: window, bad: window, scope: scope.clone() },
        Ask::SeriesChange { good: window, bad: window, scope, metrics: Vec::new() },
        Ask::Coverage { window },
        Ask::Message { message_id: "m".to_owned() },
    ]
}
