//! What can be seen of the tools for agents without speaking their protocol: that they are there, and a page for people.

use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use serde_json::json;

use super::{Api, json as answer};
use crate::mcp::product::docs;
use crate::serve::{Body, reply};

/// `/health`: alive, and how many tools there are.
pub(super) fn count(api: &Api) -> Response<Body> {
    answer(&json!({ "status": "ok", "tools": api.toolbox.registry().list().len() }))
}

/// `/mcp/docs`: the tools, to read.
pub(super) fn docs(api: &Api) -> Response<Body> {
    let page = docs::page(&api.toolbox.registry().list());
    reply(StatusCode::OK, "text/html; charset=utf-8", Bytes::from(page))
}
