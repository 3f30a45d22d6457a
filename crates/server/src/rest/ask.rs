//! One question, one answer: the typed question as JSON, the typed table as JSON.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use telemetry::{AskError, Cancel, Limits, Question};

use super::{Api, json, problem};
use crate::serve::Body;

/// Longest question that is read; the longest honest one has three names in it.
const QUESTION_BYTES_MAX: usize = 64 * 1024;
/// How long a client may take to send its question.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn answer(api: Api, request: Request<Incoming>) -> Response<Body> {
    let body = Limited::new(request.into_body(), QUESTION_BYTES_MAX).collect();
    let body = match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "FC-0003", "the question is too long or was cut");
        }
        Err(_) => {
            return problem(StatusCode::REQUEST_TIMEOUT, "FC-0004", "the question did not arrive in time");
        }
    };
    let question: Question = match serde_json::from_slice(&body) {
        Ok(question) => question,
        Err(error) => {
            return problem(StatusCode::BAD_REQUEST, "FC-0005", &format!("not a question: {error}"));
        }
    };
    let cancel = Cancel::default();
    let (seconds, stop) = (Limits::default().seconds_max, cancel.clone());
    let working =
        tokio::task::spawn_blocking(move || api.answerer.answer(&question, &Limits::default(), &cancel));
    match tokio::time::timeout(Duration::from_secs(seconds), working).await {
        Ok(Ok(Ok(answer))) => match serde_json::to_value(&answer) {
            Ok(value) => json(&value),
            Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "FC-0070", &error.to_string()),
        },
        Ok(Ok(Err(error))) => refused(&error),
        Ok(Err(error)) => problem(StatusCode::INTERNAL_SERVER_ERROR, "FC-0070", &error.to_string()),
        Err(_) => {
            stop.cancel();
            refused(&AskError::TimedOut(seconds))
        }
    }
}

fn refused(error: &AskError) -> Response<Body> {
    let (status, code) = match error {
        AskError::Unsupported(_) => (StatusCode::NOT_IMPLEMENTED, "FC-0010"),
        AskError::Unavailable(_) | AskError::Cancelled => (StatusCode::SERVICE_UNAVAILABLE, "FC-0011"),
        AskError::TimedOut(_) => (StatusCode::GATEWAY_TIMEOUT, "FC-0012"),
        AskError::LimitReached(_) => (StatusCode::UNPROCESSABLE_ENTITY, "FC-0013"),
    };
    problem(status, code, &error.to_string())
}
