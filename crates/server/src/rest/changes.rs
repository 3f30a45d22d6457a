//! `POST /api/v1/changes`: a change that somebody tells, kept for investigations to see.
//!
//! What there is to read is the view of the same name. A key may tell when it may write notes for others.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tools::changes::Told;

use super::tools::entered;
use super::{Api, json, problem, unread};
use crate::body;
use crate::serve::Body;

/// Keeps it, and gives it back as it is kept.
pub(super) async fn post(api: Api, request: Request<Incoming>) -> Response<Body> {
    let (toolbox, admitted) = match entered(&api, &request) {
        Ok(entered) => entered,
        Err(refused) => return *refused,
    };
    if !admitted.notes() {
        let why = "telling of a change needs the permission `diagnose`, beside tools; hint: `firstcause key new --role diagnostician`";
        return problem(StatusCode::FORBIDDEN, "FC-0052", why);
    }
    let bytes = match body::read(request).await {
        Ok(bytes) => bytes,
        Err(why) => return unread(why),
    };
    let change = match serde_json::from_slice::<Told>(&bytes) {
        Ok(told) => told.change((api.now)()),
        Err(error) => Err(format!("not a change: {error}")),
    };
    let change = match change {
        Ok(change) => change,
        Err(why) => return problem(StatusCode::BAD_REQUEST, "FC-0056", &why),
    };
    match toolbox.installation().record(&change) {
        Ok(()) => json(&serde_json::to_value(&change).unwrap_or_default()),
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, "FC-0054", &error.to_string()),
    }
}
