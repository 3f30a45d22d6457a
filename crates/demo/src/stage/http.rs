//! The routes of the stage: the page, its figures, and the one choice.
//! It deliberately answers requests to a loopback name only, and takes a choice from its own page only: another page
//! in the same browser can neither read what is shown nor break anything.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::seal::surprise;
use super::{NotTaken, Outcome, Round, Seal, Stage, page};
use crate::clock;
use crate::fault::{Fault, STRENGTH};
use crate::load::Figures;

/// The value that leaves the choice to chance.
const SURPRISE: &str = "surprise";

pub(super) fn router(stage: Arc<Stage>) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/stage.css", get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE)))
        .route(
            "/stage.js",
            get(async || ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], page::SCRIPT)),
        )
        .route("/state.json", get(state))
        .route("/break", post(choose))
        .layer(middleware::from_fn(guard))
        .with_state(stage)
}

/// Where the round is. Before the verdict it holds nothing of the choice but the commitment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Shown {
    pub(super) phase: Phase,
    pub(super) warm_in_s: u64,
    pub(super) live: Option<Figures>,
    pub(super) commitment: Option<String>,
    pub(super) since_choice_s: Option<u64>,
    pub(super) trouble: Option<String>,
    pub(super) seal: Option<Seal>,
    pub(super) outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Waiting,
    Sealed,
    Revealed,
}

impl Shown {
    fn of(stage: &Stage) -> Self {
        let (warm_in, live) = (stage.warm_in(), stage.figures());
        let round = stage.round().clone();
        let phase = match &round {
            None => Phase::Waiting,
            Some(Round { outcome: None, .. }) => Phase::Sealed,
            Some(_) => Phase::Revealed,
        };
        let since = |round: &Round| clock::monotonic().saturating_duration_since(round.chosen_at);
        let open = round.as_ref().filter(|_| phase == Phase::Revealed);
        Self {
            phase,
            warm_in_s: (warm_in + Duration::from_millis(999)).as_secs(),
            live,
            commitment: round.as_ref().map(|round| round.seal.commitment.clone()),
            since_choice_s: round.as_ref().map(|round| since(round).as_secs()),
            // What went wrong names services, and so the choice: it waits for the verdict too.
            trouble: open.and_then(|round| round.trouble.clone()),
            seal: open.map(|round| round.seal.clone()),
            outcome: open.and_then(|round| round.outcome.clone()),
        }
    }
}

async fn show(State(stage): State<Arc<Stage>>) -> Html<String> {
    Html(page::page(&Shown::of(&stage)))
}

async fn state(State(stage): State<Arc<Stage>>) -> Json<Shown> {
    Json(Shown::of(&stage))
}

#[derive(Debug, Deserialize)]
struct Wish {
    fault: String,
    strength: f64,
}

async fn choose(State(stage): State<Arc<Stage>>, Form(wish): Form<Wish>) -> Response {
    let refuse = |status: StatusCode, why: String| (status, why).into_response();
    if !STRENGTH.contains(&wish.strength) {
        return refuse(StatusCode::BAD_REQUEST, "the strength is from 0.5 to 2\n".to_owned());
    }
    let fault = if wish.fault == SURPRISE {
        surprise().map_err(|error| error.to_string())
    } else {
        wish.fault.parse::<Fault>()
    };
    let fault = match fault {
        Ok(fault) => fault,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    match stage.choose(fault, wish.strength) {
        Ok(()) => Redirect::to("/").into_response(),
        Err(NotTaken::Chosen) => refuse(
            StatusCode::CONFLICT,
            "something is chosen already; hint: start the demo again\n".to_owned(),
        ),
        Err(NotTaken::Seal(error)) => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot seal the choice: {error}\n"))
        }
    }
}

async fn guard(request: Request, next: Next) -> Response {
    if !is_ours(request.headers()) {
        return (StatusCode::FORBIDDEN, "not from here; hint: open the address that the demo printed\n")
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, page::policy()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "same-origin".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ] {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

/// The name asked for is a loopback one (a rebound name is not), and a request that says where it comes from comes
/// from there.
fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let Some(host) = text(header::HOST) else { return false };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_loopback = ["127.0.0.1", "localhost", "[::1]"].contains(&name);
    is_loopback && text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_page_and_a_rebound_name_are_refused() {
        let ours = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_ours(&headers)
        };
        assert!(ours("127.0.0.1:9000", None) && ours("localhost:9000", Some("http://localhost:9000")));
        assert!(!ours("evil.example:9000", None) && !ours("127.0.0.1:9000", Some("http://evil.example")));
    }
}
