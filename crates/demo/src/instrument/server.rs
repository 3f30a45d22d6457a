//! The server side of a request: its span, its duration, and a record when it failed.
//! It deliberately does not see `/healthz`, which is routed around it: probes are not traffic.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::trace::{FutureExt as _, SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::{Telemetry, fail_span};
use crate::clock;

/// What the middleware needs to know about the server it observes.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    /// Where spans, durations and records go.
    pub(crate) telemetry: Arc<Telemetry>,
    /// `server.port`.
    pub(crate) port: u16,
    /// `url.scheme`.
    pub(crate) scheme: &'static str,
}

/// Why a handler failed; it travels with the response to the record of the failure.
#[derive(Clone, Debug)]
pub(crate) struct FailureMessage(pub(crate) String);

/// The middleware around every route.
pub(crate) async fn observe(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let parent = observer.telemetry.extract(request.headers());
    let mut attributes = vec![
        KeyValue::new("http.request.method", method.clone()),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new("url.scheme", observer.scheme),
        KeyValue::new("server.address", "127.0.0.1"),
        KeyValue::new("server.port", i64::from(observer.port)),
    ];
    let mut labels = vec![
        KeyValue::new("http.request.method", method.clone()),
        KeyValue::new("url.scheme", observer.scheme),
    ];
    // A request that fits no route has no name but its method: its path could be anything.
    let mut name = method;
    if !route.is_empty() {
        name = format!("{name} {route}");
        attributes.push(KeyValue::new("http.route", route.clone()));
        labels.push(KeyValue::new("http.route", route));
    }
    let context = observer.telemetry.start_span(name, SpanKind::Server, attributes, &parent);

    let started = clock::monotonic();
    let response = next.run(request).with_context(context.clone()).await;
    observer.finish(&context, &response, started.elapsed(), labels);
    response
}

impl Observer {
    fn finish(&self, context: &Context, response: &Response, elapsed: Duration, mut labels: Vec<KeyValue>) {
        let status = response.status();
        let status_code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
        context.span().set_attribute(status_code.clone());
        labels.push(status_code);
        if status.is_server_error() {
            let error_type = status.as_str().to_owned();
            let message = response
                .extensions()
                .get::<FailureMessage>()
                .map_or_else(|| status.to_string(), |failure| failure.0.clone());
            labels.push(KeyValue::new("error.type", error_type.clone()));
            let attached = context.clone().attach();
            self.telemetry.error(message.clone(), error_type.clone());
            drop(attached);
            fail_span(context, error_type, message);
        }
        self.telemetry.instruments.server_duration.record(elapsed.as_secs_f64(), &labels);
        context.span().end();
    }
}
