//! Whether this process is alive, and what it has received, kept and lost.

use hyper::body::Bytes;
use hyper::{Response, StatusCode};

use super::{Api, json};
use crate::serve::{Body, reply};

pub(super) fn alive() -> Response<Body> {
    reply(StatusCode::OK, "text/plain; charset=utf-8", Bytes::from_static(b"ok\n"))
}

pub(super) fn stats(api: &Api) -> Response<Body> {
    json(&(api.stats)())
}
