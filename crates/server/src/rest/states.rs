//! `GET /api/v1/events`: what changes in the health of the system, as server-sent events, while somebody listens.
//!
//! Whoever listens has the health layer looked at, every thirty seconds or as often as `every` says; nobody else pays for
//! it. Nothing is kept: who was away asks the tools how things are. A look that finds no change sends a comment, so that
//! the connection is not taken for dead.

use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;
use tools::Context;
use tools::dialects::agenttel::events::{Looked, look};

use super::tools::entered;
use super::{Api, problem};
use crate::query::Query;
use crate::serve::{self, Body};

/// Seconds between two looks, where nothing is said; and the bounds of what may be said.
const EVERY: u64 = 30;
const EVERY_BOUNDS: std::ops::RangeInclusive<u64> = 5..=300;
/// Events that wait for a slow reader.
const WAITING_MAX: usize = 16;

/// Starts a stream.
pub(super) fn stream(api: &Api, request: &Request<Incoming>) -> Response<Body> {
    let (toolbox, admitted) = match entered(api, request) {
        Ok(entered) => entered,
        Err(refused) => return *refused,
    };
    if !admitted.reads() {
        let why = "a key for some tools only hears no events; hint: use one without a list of tools";
        return problem(StatusCode::FORBIDDEN, "FC-0042", why);
    }
    let query = Query::read(request.uri().query().unwrap_or_default());
    let every = query.get("every").map_or(Some(EVERY), |text| text.trim_end_matches('s').parse().ok());
    let Some(every) = every.filter(|every| EVERY_BOUNDS.contains(every)) else {
        let why = format!("`every` is {} to {} seconds", EVERY_BOUNDS.start(), EVERY_BOUNDS.end());
        return problem(StatusCode::BAD_REQUEST, "FC-0051", &why);
    };
    let caller = match admitted.caller("agenttel", "", &mut Value::Null) {
        Ok(caller) => caller,
        Err(refusal) => return super::refused(&refusal),
    };
    let Ok(permit) = std::sync::Arc::clone(&api.streams).try_acquire_owned() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "FC-0023", "too many streams are open");
    };
    let context = Context { installation: toolbox.installation().clone(), caller };
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    tokio::spawn(async move {
        let _held = permit;
        send(&context, Duration::from_secs(every), &sender).await;
    });
    serve::events(receiver)
}

/// Looks and sends until nobody reads any more.
async fn send(context: &Context, every: Duration, sender: &mpsc::Sender<Bytes>) {
    let mut before: Option<Looked> = None;
    loop {
        let looked = look(context, before.as_ref()).await;
        let (events, now) = looked.since(before.as_ref().unwrap_or(&Looked::default()));
        let mut text = format!(": looked, {} could not be seen\n\n", now.gaps.len());
        for event in &events {
            let data = serde_json::to_string(event).unwrap_or_default();
            text.push_str(&serve::event(event.name, &data));
        }
        before = Some(now);
        if sender.send(Bytes::from(text)).await.is_err() {
            return;
        }
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}
