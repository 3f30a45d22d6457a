//! The way out: OTLP over HTTP with protobuf, in small and frequent batches, so that an investigation sees a
//! change of the system within a second.
//! It deliberately does not retry: a lost batch of a demo is cheaper than a service that stops slowly.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_LENGTH;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, Protocol, RetryPolicy, SpanExporter,
    WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchConfigBuilder as LogBatch, BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder as SpanBatch, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use thiserror::Error;
use tokio::runtime::Handle;

use super::{Outlet, skew};
use crate::outbound;

/// Spans and records leave after at most this long.
const SCHEDULE_DELAY: Duration = Duration::from_millis(200);
/// Metrics leave this often.
const METRIC_INTERVAL: Duration = Duration::from_secs(1);
/// Minutes of the default load: nothing is dropped while a collector restarts.
const QUEUE_LENGTH: usize = 32_768;
/// One request to the collector, from the connection to the last byte of the answer.
const REQUEST_LIMIT: Duration = Duration::from_secs(2);

/// An exporter that cannot be built.
#[derive(Debug, Error)]
#[error(
    "cannot export telemetry to `{endpoint}`; hint: give OTEL_EXPORTER_OTLP_ENDPOINT as http://ADDRESS:PORT"
)]
pub struct ExportError {
    endpoint: String,
    #[source]
    source: ExporterBuildError,
}

/// One provider for each signal.
#[derive(Debug)]
pub(super) struct Providers {
    pub(super) traces: SdkTracerProvider,
    pub(super) metrics: SdkMeterProvider,
    pub(super) logs: SdkLoggerProvider,
}

/// Builds the providers; called within the runtime that is to carry the requests.
pub(super) fn providers(resource: &Resource, outlet: &Outlet) -> Result<Providers, ExportError> {
    let mut traces = SdkTracerProvider::builder().with_resource(resource.clone());
    let mut metrics = SdkMeterProvider::builder().with_resource(resource.clone());
    let mut logs = SdkLoggerProvider::builder().with_resource(resource.clone());
    if let Some(ratio) = outlet.ratio {
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
        traces = traces.with_sampler(sampler);
    }
    if let Some(endpoint) = outlet.endpoint.as_deref().filter(|_| !outlet.is_dark) {
        let fail = |source| ExportError { endpoint: endpoint.to_owned(), source };
        let exporters = exporters(endpoint, outlet.skew_ms).map_err(fail)?;
        let span_batch =
            SpanBatch::default().with_scheduled_delay(SCHEDULE_DELAY).with_max_queue_size(QUEUE_LENGTH);
        let log_batch =
            LogBatch::default().with_scheduled_delay(SCHEDULE_DELAY).with_max_queue_size(QUEUE_LENGTH);
        if outlet.with_traces {
            traces = traces.with_span_processor(
                BatchSpanProcessor::builder(exporters.spans).with_batch_config(span_batch.build()).build(),
            );
        }
        logs = logs.with_log_processor(
            BatchLogProcessor::builder(exporters.logs).with_batch_config(log_batch.build()).build(),
        );
        metrics = metrics
            .with_reader(PeriodicReader::builder(exporters.metrics).with_interval(METRIC_INTERVAL).build());
    }
    Ok(Providers { traces: traces.build(), metrics: metrics.build(), logs: logs.build() })
}

struct Exporters {
    spans: SpanExporter,
    metrics: MetricExporter,
    logs: LogExporter,
}

fn exporters(endpoint: &str, skew_ms: i64) -> Result<Exporters, ExporterBuildError> {
    let base = endpoint.trim_end_matches('/');
    let transport: Arc<dyn HttpClient> =
        Arc::new(Transport { client: outbound::client(), runtime: Handle::current(), skew_ms });
    let spans = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{base}/v1/traces"))
        .with_retry_policy(RetryPolicy::disabled())
        .with_shared_http_client(Arc::clone(&transport))
        .build()?;
    let metrics = MetricExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{base}/v1/metrics"))
        .with_retry_policy(RetryPolicy::disabled())
        .with_shared_http_client(Arc::clone(&transport))
        .build()?;
    let logs = LogExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{base}/v1/logs"))
        .with_retry_policy(RetryPolicy::disabled())
        .with_shared_http_client(transport)
        .build()?;
    Ok(Exporters { spans, metrics, logs })
}

/// Carries the SDK's requests on the service's own runtime: the SDK exports from plain threads.
#[derive(Debug)]
struct Transport {
    client: outbound::Client,
    runtime: Handle,
    /// How far the clock of this process is off.
    skew_ms: i64,
}

#[async_trait::async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let mut request = request;
        if self.skew_ms != 0 {
            let skew_nanos = self.skew_ms.saturating_mul(1_000_000);
            let body = skew::shifted(request.uri().path(), request.body(), skew_nanos);
            // The client states the length of what it sends.
            request.headers_mut().remove(CONTENT_LENGTH);
            *request.body_mut() = body;
        }
        let exchange = async move {
            let answer = client.request(request.map(Into::into)).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut whole = Response::new(outbound::read_body(answer).await?);
            *whole.status_mut() = status;
            *whole.headers_mut() = headers;
            Ok::<_, HttpError>(whole)
        };
        self.runtime.spawn(async move { tokio::time::timeout(REQUEST_LIMIT, exchange).await }).await??
    }
}
