//! One question, one answer: the typed question as JSON, the typed table as JSON.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use telemetry::{AskError, Cancel, Limits, Question};

use super::{Api, json, problem, unread};
use crate::body;
use crate::serve::Body;

pub(super) async fn answer(api: Api, request: Request<Incoming>) -> Response<Body> {
    let known = match api.identity.known(request.headers()) {
        Ok(known) => known,
        Err(refusal) => return super::refused(&refusal),
    };
    let body = match body::read(request).await {
        Ok(body) => body,
        Err(why) => return unread(why),
    };
    let question: Question = match serde_json::from_slice(&body) {
        Ok(question) => question,
        Err(error) => {
            return problem(StatusCode::BAD_REQUEST, "FC-0005", &format!("not a question: {error}"));
        }
    };
    match known.within(question.space.as_str()) {
        Ok(admitted) if admitted.reads() => {}
        Ok(_) => {
            let why = "the key may call tools only, not ask questions";
            return problem(StatusCode::FORBIDDEN, "FC-0042", why);
        }
        Err(refusal) => return super::refused(&refusal),
    }
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
