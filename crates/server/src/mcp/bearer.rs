//! The key of a request: who checks it, who came, and how a refusal reads (RFC 6750, RFC 9728).
//!
//! Knows no key itself: the check is given. The handler finds the [`Principal`] among the extensions of the request.

use std::any::Any;
use std::sync::Arc;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::settings::Settings;
use super::{metadata, refusal};
use crate::identity::refusal::challenge;
use crate::serve::Body;

/// Who asks, as the check of the key found out.
#[derive(Clone)]
pub struct Principal {
    name: String,
    known: Arc<dyn Any + Send + Sync>,
}

impl std::fmt::Debug for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Principal").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Principal {
    /// The one called `name`, of whom the check knows `known` besides: only who knows its type can read it.
    pub fn new(name: impl Into<String>, known: impl Any + Send + Sync) -> Self {
        Self { name: name.into(), known: Arc::new(known) }
    }

    /// The name; sessions belong to it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the check knows besides, when it is a `T`.
    #[must_use]
    pub fn known<T: Any>(&self) -> Option<&T> {
        self.known.downcast_ref()
    }
}

/// Why a request is turned away, and how that reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: StatusCode,
    /// The code of RFC 6750, section 3.1, where a key was shown.
    pub error: Option<&'static str>,
    /// What to do, in a sentence.
    pub text: String,
}

impl Refusal {
    /// There is no key.
    pub fn missing() -> Self {
        let text = "this needs a key: `Authorization: Bearer KEY`".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, error: None, text }
    }

    /// There is a key that opens nothing: unknown, ended or revoked.
    pub fn invalid() -> Self {
        let text = "this key opens nothing here".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, error: Some("invalid_token"), text }
    }

    /// The key is good, but not for this.
    pub fn insufficient() -> Self {
        let text = "this key does not go so far".to_owned();
        Self { status: StatusCode::FORBIDDEN, error: Some("insufficient_scope"), text }
    }
}

/// The check of a key: the headers of a request, and who sent it.
#[derive(Clone)]
pub struct Bearer(Arc<Check>);

type Check = dyn Fn(&HeaderMap) -> Result<Principal, Refusal> + Send + Sync;

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer")
    }
}

impl Bearer {
    /// Checks with `check`.
    pub fn new(check: impl Fn(&HeaderMap) -> Result<Principal, Refusal> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    pub(super) fn principal(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        (self.0)(headers)
    }
}

/// The token of a request, where there is exactly one `Authorization: Bearer` header.
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (only, further) = (values.next()?, values.next());
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    (further.is_none() && scheme.eq_ignore_ascii_case("bearer")).then_some(token.trim())
}

impl Refusal {
    /// The answer, which says where to read about keys.
    pub(super) fn answer(self, headers: &HeaderMap, settings: &Settings) -> Response<Body> {
        let mut response = refusal::told(self.status, format!("{}\n", self.text));
        if !matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return response;
        }
        let challenge = challenge(self.error, Some(&metadata::address(headers, settings)));
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_one_bearer_header_and_from_nothing_else() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            token(&headers).map(str::to_owned)
        };
        assert_eq!(read(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["Basic abc"]), None);
        assert_eq!(read(&["Bearer"]), None);
        assert_eq!(read(&["Bearer abc", "Bearer def"]), None);
        assert_eq!(read(&[]), None);
    }
}
