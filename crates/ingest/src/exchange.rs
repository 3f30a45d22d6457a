//! One request over HTTP and its answer: route, headers, body, offer.
//!
//! Says nothing about connections and nothing about statuses. gRPC has its own way in and shares the offer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request, Response};
use otlp::json::{self, Dialect, JsonError};
use otlp::{Budget, Charge, Intake, Receipt, Signal};
use telemetry::Space;
use tokio::sync::Semaphore;
use tokio::time;

use crate::body::{self, Encoding, Read};
use crate::limits::Limits;
use crate::reply::{self, Form, Problem};

/// The header that names the space, optional.
const SPACE_HEADER: &str = "x-firstcause-space";
/// A sender that is told to stop may have sent this much already; reading it lets it see the answer.
const DISCARD_BYTES_MAX: usize = 32 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(1);

/// What all requests share, over whichever listener they come: the way to the store, the limits, the memory.
pub struct Exchange {
    intake: Arc<dyn Intake>,
    limits: Limits,
    bodies: Budget,
    offers: Arc<Semaphore>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Exchange {
    /// An exchange that offers to `intake`.
    #[must_use]
    pub fn new(intake: Arc<dyn Intake>, limits: Limits) -> Self {
        Self {
            intake,
            limits,
            bodies: Budget::new(limits.bodies_bytes_max),
            offers: Arc::new(Semaphore::new(limits.offers_max)),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The memory of all bodies.
    pub(crate) fn bodies(&self) -> &Budget {
        &self.bodies
    }

    /// Answers one request over HTTP.
    pub(crate) async fn answer(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        let form = Form::of(request.headers().get(CONTENT_TYPE));
        match self.take(&mut request, form).await {
            Ok((signal, receipt)) => reply::taken(form, signal, &receipt),
            Err(problem) => {
                discard(request.body_mut()).await;
                reply::refused(form, &problem)
            }
        }
    }

    async fn take(&self, request: &mut Request<Incoming>, form: Form) -> Result<(Signal, Receipt), Problem> {
        let signal = route(request.uri().path()).ok_or(Problem::NoPath)?;
        if request.method() != Method::POST {
            return Err(Problem::WrongMethod);
        }
        if form == Form::Other {
            let what = "the content type must be application/x-protobuf or application/json";
            return Err(Problem::WrongType(what));
        }
        let encoding = Encoding::of(request.headers(), CONTENT_ENCODING)?;
        let space = space(request.headers())?;
        let reading = body::read(request.body_mut(), encoding, &self.limits, &self.bodies);
        let read = time::timeout(self.limits.body_timeout, reading).await.map_err(|_| Problem::TooSlow)??;
        let receipt = match form {
            Form::Json => self.offer_json(space, signal, read).await?,
            Form::Protobuf | Form::Other => self.offer(space, signal, read).await?,
        };
        Ok((signal, receipt))
    }

    /// Offers on a thread that may compute: decoding a large request takes longer than a task should. What was read
    /// stays charged until the store has it, whether or not somebody still waits for the answer.
    pub(crate) async fn offer(&self, space: Space, signal: Signal, read: Read) -> Result<Receipt, Problem> {
        let Read { bytes, charges } = read;
        let request = otlp::Request { space, signal, bytes, received_at: None };
        self.offer_made(charges, move || Ok(request)).await
    }

    /// Like [`Self::offer`], of a document whose protobuf form is made first, in memory that is charged.
    async fn offer_json(&self, space: Space, signal: Signal, read: Read) -> Result<Receipt, Problem> {
        let Read { bytes, mut charges } = read;
        let grown = (bytes.len() as u64).saturating_mul(json::GROWTH_MAX);
        let room = grown.min(self.limits.body_bytes_max);
        charges.push(self.bodies.charge(room).ok_or(Problem::Busy)?);
        let make = move || {
            let made = json::to_protobuf_within(signal, &bytes, Dialect::Sent, room.max(64));
            let bytes = made.map_err(json_problem)?.into();
            Ok(otlp::Request { space, signal, bytes, received_at: None })
        };
        self.offer_made(charges, make).await
    }

    /// The thread cannot be called back: a request that nobody waits for any more is still offered, and its place and
    /// memory are given back by the thread, not by whoever waited.
    async fn offer_made(
        &self,
        charges: Vec<Charge>,
        make: impl FnOnce() -> Result<otlp::Request, Problem> + Send + 'static,
    ) -> Result<Receipt, Problem> {
        let permit = Arc::clone(&self.offers).acquire_owned().await.map_err(|_| Problem::Bug)?;
        let intake = Arc::clone(&self.intake);
        let offer = move || {
            let ticket = make().map(|request| intake.offer(request));
            drop((permit, charges));
            ticket
        };
        let ticket = tokio::task::spawn_blocking(offer).await;
        ticket.map_err(|_| Problem::Bug)??.await.map_err(Problem::Refused)
    }
}

fn route(path: &str) -> Option<Signal> {
    let name = path.strip_prefix("/v1/")?;
    Signal::ALL.into_iter().find(|signal| signal.name() == name)
}

fn json_problem(error: JsonError) -> Problem {
    match error {
        JsonError::TooLarge { max_bytes } => Problem::too_large("bytes, as protobuf", max_bytes),
        error => Problem::Malformed(error.to_string()),
    }
}

/// The space that the headers name.
pub(crate) fn space(headers: &HeaderMap) -> Result<Space, Problem> {
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
