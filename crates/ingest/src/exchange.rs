//! One request and its answer: route, headers, body, offer.
//!
//! Says nothing about connections and nothing about statuses.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, Response};
use otlp::{Budget, Intake, Receipt, Signal};
use telemetry::Space;
use tokio::sync::Semaphore;
use tokio::time;

use crate::body::{self, Encoding};
use crate::limits::Limits;
use crate::reply::{self, Form, Problem};

/// The header that names the space, optional.
const SPACE_HEADER: &str = "x-firstcause-space";
/// A sender that is told to stop may have sent this much already; reading it lets it see the answer.
const DISCARD_BYTES_MAX: usize = 32 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(1);

/// What all exchanges of a listener share.
pub(crate) struct Exchange {
    intake: Arc<dyn Intake>,
    limits: Limits,
    bodies: Budget,
    offers: Arc<Semaphore>,
}

impl Exchange {
    pub(crate) fn new(intake: Arc<dyn Intake>, limits: Limits) -> Self {
        Self {
            intake,
            limits,
            bodies: Budget::new(limits.bodies_bytes_max),
            offers: Arc::new(Semaphore::new(limits.offers_max)),
        }
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        let form = Form::of(request.headers().get(CONTENT_TYPE));
        match self.take(&mut request, form).await {
            Ok(receipt) => reply::taken(&receipt),
            Err(problem) => {
                discard(request.body_mut()).await;
                reply::refused(form, &problem)
            }
        }
    }

    async fn take(&self, request: &mut Request<Incoming>, form: Form) -> Result<Receipt, Problem> {
        let signal = route(request.uri().path()).ok_or(Problem::NotFound)?;
        if request.method() != Method::POST {
            return Err(Problem::WrongMethod);
        }
        match form {
            Form::Protobuf => {}
            Form::Json => {
                return Err(Problem::WrongType(
                    "OTLP/JSON is not answered yet; hint: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
                ));
            }
            Form::Other => {
                return Err(Problem::WrongType("the content type must be application/x-protobuf"));
            }
        }
        let encoding = encoding(request.headers())?;
        let space = space(request.headers())?;
        let reading = body::read(request.body_mut(), encoding, &self.limits, &self.bodies);
        let read = time::timeout(self.limits.body_timeout, reading).await.map_err(|_| Problem::TooSlow)??;
        let offered = otlp::Request { space, signal, bytes: read.bytes.clone(), received_at: None };
        self.offer(offered).await
    }

    /// Offers on a thread that may compute: decoding a large request takes longer than a task should.
    async fn offer(&self, request: otlp::Request) -> Result<Receipt, Problem> {
        let permit = self.offers.acquire().await.map_err(|_| Problem::Bug)?;
        let intake = Arc::clone(&self.intake);
        let ticket = tokio::task::spawn_blocking(move || intake.offer(request)).await;
        drop(permit);
        ticket.map_err(|_| Problem::Bug)?.await.map_err(Problem::Refused)
    }
}

fn route(path: &str) -> Option<Signal> {
    let name = path.strip_prefix("/v1/")?;
    Signal::ALL.into_iter().find(|signal| signal.name() == name)
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let mut named = headers.get_all(CONTENT_ENCODING).iter();
    let (first, second) = (named.next(), named.next());
    let text = match first.map(|value| value.to_str()) {
        None => "identity",
        Some(Ok(text)) => text.trim(),
        Some(Err(_)) => "not text",
    };
    match (text.to_ascii_lowercase().as_str(), second) {
        ("identity" | "", None) => Ok(Encoding::Identity),
        ("gzip" | "x-gzip", None) => Ok(Encoding::Gzip),
        _ => Err(Problem::WrongType("the content encoding must be gzip or identity, once")),
    }
}

fn space(headers: &HeaderMap) -> Result<Space, Problem> {
    let Some(value) = headers.get(SPACE_HEADER) else {
        return Ok(Space::default());
    };
    let text = value.to_str().unwrap_or("");
    text.parse().map_err(|error| Problem::Malformed(format!("header `{SPACE_HEADER}`: {error}")))
}

/// Reads on for a moment, so that closing does not reset the connection before the sender has read its answer.
async fn discard(body: &mut Incoming) {
    let reading = async {
        let mut left = DISCARD_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let len = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(len) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    let _outcome = time::timeout(DISCARD_TIME_MAX, reading).await;
}
