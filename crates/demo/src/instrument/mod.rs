//! Traces, metrics and logs of a demo service, with the OpenTelemetry SDK and its stable semantic conventions.
//! It deliberately sets nothing global: a service passes its `Telemetry` to whoever records something.

mod export;
mod instruments;
mod process;
pub(crate) mod server;
mod skew;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, Severity};
use opentelemetry::metrics::Counter;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, logs::LoggerProvider as _, metrics::MeterProvider as _};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::clock;
pub(crate) use export::ExportError;
use instruments::Instruments;

/// The instrumentation scope of everything recorded here.
const SCOPE: &str = "demo";

/// How long the last spans and the last records may each take to leave at shutdown.
const FLUSH_LIMIT: Duration = Duration::from_millis(500);

/// Who is speaking: the resource attributes that differ between instances.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// `service.name`.
    pub(crate) service: String,
    /// `service.version`.
    pub(crate) version: String,
    /// `service.instance.id`.
    pub(crate) instance: String,
}

/// What leaves the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outlet {
    /// Where to; without it nothing leaves.
    pub(crate) endpoint: Option<String>,
    /// Whether the service is like one without instrumentation: nothing leaves, and no context is passed on.
    pub(crate) is_dark: bool,
    /// Whether spans leave.
    pub(crate) with_traces: bool,
    /// The part of the traces begun here that is recorded; all without it.
    pub(crate) ratio: Option<f64>,
    /// How far the clock is off.
    pub(crate) skew_ms: i64,
}

/// The three signals of one service instance.
#[derive(Debug)]
pub(crate) struct Telemetry {
    tracer: SdkTracer,
    logger: SdkLogger,
    /// The metrics.
    pub(crate) instruments: Instruments,
    is_dark: bool,
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    logs: SdkLoggerProvider,
}

impl Telemetry {
    /// Starts recording; without an endpoint everything is recorded and nothing leaves the process.
    pub(crate) fn start(identity: &Identity, outlet: &Outlet) -> Result<Arc<Self>, ExportError> {
        let resource = resource(identity, outlet.skew_ms);
        let export::Providers { traces, metrics, logs } = export::providers(&resource, outlet)?;
        let meter = metrics.meter(SCOPE);
        process::observe(&meter);
        Ok(Arc::new(Self {
            tracer: traces.tracer(SCOPE),
            logger: logs.logger(SCOPE),
            instruments: Instruments::new(&meter),
            is_dark: outlet.is_dark,
            traces,
            metrics,
            logs,
        }))
    }

    /// The context that a request brings along.
    pub(crate) fn extract(&self, headers: &HeaderMap) -> Context {
        if self.is_dark {
            return Context::new();
        }
        TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers))
    }

    /// Writes the trace context of `context` into the headers of an outgoing request.
    pub(crate) fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        if !self.is_dark {
            TraceContextPropagator::new().inject_context(context, &mut HeaderInjector(headers));
        }
    }

    /// Starts a span below `parent` and returns the context in which it is the current one.
    pub(crate) fn start_span(
        &self,
        name: String,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        parent: &Context,
    ) -> Context {
        let span = self
            .tracer
            .span_builder(name)
            .with_kind(kind)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, parent);
        debug_assert!(span.span_context().is_valid());
        parent.with_span(span)
    }

    /// Starts a trace of its own whose first span links to `origin`, and returns the context of that span.
    pub(crate) fn start_linked_root(
        &self,
        name: String,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        origin: SpanContext,
    ) -> Context {
        let span = self
            .tracer
            .span_builder(name)
            .with_kind(kind)
            .with_attributes(attributes)
            .with_links(vec![Link::with_context(origin)])
            .start_with_context(&self.tracer, &Context::new());
        Context::new().with_span(span)
    }

    /// A counter of this service.
    pub(crate) fn counter(
        &self,
        name: &'static str,
        description: &'static str,
        unit: &'static str,
    ) -> Counter<u64> {
        let meter = self.metrics.meter(SCOPE);
        meter.u64_counter(name).with_description(description).with_unit(unit).build()
    }

    /// Records a handled business action, correlated with the current span.
    pub(crate) fn info(&self, body: &'static str, attributes: Vec<(&'static str, AnyValue)>) {
        self.emit(Severity::Info, body.into(), attributes);
    }

    /// Records a failure, correlated with the current span.
    pub(crate) fn error(&self, body: String, error_type: String) {
        self.emit(Severity::Error, body.into(), vec![("error.type", error_type.into())]);
    }

    fn emit(&self, severity: Severity, body: AnyValue, attributes: Vec<(&'static str, AnyValue)>) {
        let mut record = self.logger.create_log_record();
        record.set_timestamp(clock::wall());
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        record.set_body(body);
        record.add_attributes(attributes);
        self.logger.emit(record);
    }

    /// Sends what is still queued, for a bounded time; blocks, so a runtime calls it off its workers.
    pub(crate) fn shutdown(&self) {
        // A collector that is gone must not keep a service from stopping: what cannot be sent is lost.
        drop(self.traces.shutdown_with_timeout(FLUSH_LIMIT));
        drop(self.logs.shutdown_with_timeout(FLUSH_LIMIT));
        drop(self.metrics.shutdown_with_timeout(FLUSH_LIMIT));
    }
}

/// Marks the span of `context` as failed.
pub(crate) fn fail_span(context: &Context, error_type: String, description: String) {
    let span = context.span();
    span.set_attribute(KeyValue::new("error.type", error_type));
    span.set_status(Status::error(description));
}

fn resource(identity: &Identity, skew_ms: i64) -> Resource {
    let skew = Duration::from_millis(skew_ms.unsigned_abs());
    let created = if skew_ms < 0 { clock::wall() - skew } else { clock::wall() + skew };
    Resource::builder()
        .with_attributes([
            KeyValue::new("service.name", identity.service.clone()),
            KeyValue::new("service.namespace", "demo"),
            KeyValue::new("service.version", identity.version.clone()),
            KeyValue::new("service.instance.id", identity.instance.clone()),
            KeyValue::new("process.pid", i64::from(std::process::id())),
            KeyValue::new("process.creation.time", clock::rfc3339(created)),
        ])
        .build()
}
