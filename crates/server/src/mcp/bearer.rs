//! The key of a request: who checks it, who came, and how a refusal reads (RFC 6750, RFC 9728).
//!
//! Knows no key itself: the check is given. The handler finds the [`Principal`] among the extensions of the request.

use std::sync::Arc;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::settings::Settings;
use super::{metadata, refusal};
use crate::serve::Body;

/// Who asks, as the check of the key found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name that keys are given to.
    pub name: String,
    /// What the key allows at most.
    pub role: String,
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no key.
    Missing,
    /// There is one that opens nothing: unknown, ended or revoked.
    Invalid,
    /// The key is good, but not for this.
    Insufficient,
}

/// The check of a key: the headers of a request, and who sent it.
#[derive(Clone)]
pub struct Bearer(Arc<dyn Fn(&HeaderMap) -> Result<Principal, Refusal> + Send + Sync>);

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
        let (status, error) = match self {
            Self::Missing => (StatusCode::UNAUTHORIZED, ""),
            Self::Invalid => (StatusCode::UNAUTHORIZED, ", error=\"invalid_token\""),
            Self::Insufficient => (StatusCode::FORBIDDEN, ", error=\"insufficient_scope\""),
        };
        let mut response = refusal::text(status, "this needs a key: `Authorization: Bearer KEY`\n");
        let challenge =
            format!("Bearer resource_metadata=\"{}\"{error}", metadata::address(headers, settings));
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
