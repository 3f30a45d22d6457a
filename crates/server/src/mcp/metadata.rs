//! What a client reads to find out how to get a key: the metadata of a protected resource (RFC 9728).
//!
//! Issues no key and knows no issuer but those that the operator names.

use hyper::body::Bytes;
use hyper::header::{self, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::json;

use super::settings::Settings;
use super::{PATH, refusal, text};
use crate::serve::{Body, reply};

/// Where the metadata lie (RFC 9728, section 3.1: the path of the resource comes after the well-known one).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

pub(super) fn is_path(path: &str) -> bool {
    path.strip_prefix(WELL_KNOWN).is_some_and(|rest| rest.is_empty() || rest == PATH)
}

/// The address of the metadata, as the client reaches it.
pub(super) fn address(headers: &HeaderMap, settings: &Settings) -> String {
    format!("{}{WELL_KNOWN}{PATH}", base(headers, settings))
}

fn base(headers: &HeaderMap, settings: &Settings) -> String {
    match &settings.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        // The name was checked before: it is an address, `localhost` or one that the operator allowed.
        None => format!("http://{}", text(headers, header::HOST.as_str()).unwrap_or("localhost")),
    }
}

pub(super) fn answer(head: &Parts, settings: &Settings) -> Response<Body> {
    if !matches!(head.method, Method::GET | Method::HEAD) {
        return refusal::method();
    }
    if settings.bearer.is_none() {
        return refusal::text(StatusCode::NOT_FOUND, "no key is needed here\n");
    }
    let mut metadata = json!({
        "resource": format!("{}{PATH}", base(&head.headers, settings)),
        "resource_name": "Firstcause",
        "bearer_methods_supported": ["header"],
    });
    if let (Some(object), false) = (metadata.as_object_mut(), settings.authorization_servers.is_empty()) {
        object.insert("authorization_servers".to_owned(), json!(settings.authorization_servers));
    }
    reply(StatusCode::OK, "application/json", Bytes::from(metadata.to_string()))
}
