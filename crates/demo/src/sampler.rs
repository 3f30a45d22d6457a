//! Tail sampling between the services and whoever receives their telemetry: the spans of a trace are held for a
//! moment, then the whole trace goes on if something in it failed, and one in ten of the others does.
//! It deliberately passes metrics and logs on as they come.

mod traces;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Request, StatusCode, Uri, header};
use axum::routing::post;
use http_body_util::Full;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::interval;

use crate::clock;
use crate::lifetime::Lifetime;
use crate::outbound::{self, Client};
use traces::Traces;

/// How often the traces that were held long enough go on.
const INTERVAL: Duration = Duration::from_millis(200);
/// No batch of a demo service is near this long.
const BODY_LIMIT: usize = 16 << 20;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the services send to.
    pub listen: SocketAddr,
    /// Where it goes on to.
    pub forward: SocketAddr,
}

/// Why nothing is sampled.
#[derive(Debug, Error)]
pub enum SampleError {
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The address is not free.
    #[error("cannot listen on {address}; hint: run the demo again, another process took the port")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server failed while serving.
    #[error("the sampler failed")]
    Serve(#[source] io::Error),
}

#[derive(Clone, Debug)]
struct Sampler {
    traces: Arc<Mutex<Traces>>,
    client: Client,
    forward: SocketAddr,
}

/// Samples until told to stop or standard input ends.
pub async fn run(options: Options) -> Result<(), SampleError> {
    let mut lifetime = Lifetime::watch(true).map_err(SampleError::Signal)?;
    let address = options.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| SampleError::Bind { address, source })?;
    let sampler = Sampler { traces: Arc::default(), client: outbound::client(), forward: options.forward };
    let router = Router::new()
        .route("/v1/traces", post(hold))
        .route("/v1/metrics", post(pass_on))
        .route("/v1/logs", post(pass_on))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(sampler.clone());
    tokio::select! {
        served = axum::serve(listener, router).into_future() => served.map_err(SampleError::Serve),
        () = sampler.release() => Ok(()),
        () = lifetime.ended() => Ok(()),
    }
}

async fn hold(State(sampler): State<Sampler>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    sampler.traces.lock().unwrap_or_else(PoisonError::into_inner).hold(request, clock::monotonic());
    StatusCode::OK
}

async fn pass_on(State(sampler): State<Sampler>, uri: Uri, body: Bytes) -> StatusCode {
    sampler.send(uri.path(), body).await
}

impl Sampler {
    async fn release(&self) {
        let mut ticks = interval(INTERVAL);
        loop {
            ticks.tick().await;
            let now = clock::monotonic();
            let due = self.traces.lock().unwrap_or_else(PoisonError::into_inner).release(now);
            if !due.resource_spans.is_empty() {
                // As with the services' own exporters: a lost batch of a demo is not sent again.
                self.send("/v1/traces", due.encode_to_vec().into()).await;
            }
        }
    }

    async fn send(&self, path: &str, body: Bytes) -> StatusCode {
        let request = Request::post(format!("http://{}{path}", self.forward))
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .body(Full::new(body));
        let Ok(request) = request else { return StatusCode::INTERNAL_SERVER_ERROR };
        match self.client.request(request).await {
            Ok(answer) => answer.status(),
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
