//! Checks the key that a request brings along, against its stored hash, with PBKDF2 (RFC 8018): the higher the
//! cost, the harder the hash is to guess, and the more every single request pays.
//! It deliberately caches no check: that would be the fix, and not everybody has it.

use std::num::NonZeroU32;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};

use super::failure::Failure;

/// The header with the key; a request without one comes from a visitor.
const HEADER: &str = "x-access-key";
const VISITOR: &str = "visitor";
const SALT: &[u8] = b"demo access keys";

/// The stored hash of the only key that there is, and what a check costs.
#[derive(Clone, Debug)]
pub(super) struct AccessKey {
    iterations: NonZeroU32,
    stored: [u8; 32],
}

impl AccessKey {
    pub(super) fn new(cost: u32) -> Self {
        let iterations = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        let mut stored = [0; 32];
        pbkdf2::derive(PBKDF2_HMAC_SHA256, iterations, SALT, VISITOR.as_bytes(), &mut stored);
        Self { iterations, stored }
    }

    fn is_valid(&self, headers: &HeaderMap) -> bool {
        let key = headers.get(HEADER).map_or(VISITOR.as_bytes(), |key| key.as_bytes());
        pbkdf2::verify(PBKDF2_HMAC_SHA256, self.iterations, SALT, key, &self.stored).is_ok()
    }
}

/// The middleware: the work is done on the thread that serves the request, as most services do it.
pub(super) async fn check(State(key): State<AccessKey>, request: Request, next: Next) -> Response {
    if key.is_valid(request.headers()) {
        next.run(request).await
    } else {
        Failure::Unauthorized.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_visitor_is_let_in_and_a_wrong_key_is_not() {
        let key = AccessKey::new(10);
        assert!(key.is_valid(&HeaderMap::new()));
        let wrong = HeaderMap::from_iter([(HEADER.parse().unwrap(), "guessed".parse().unwrap())]);
        assert!(!key.is_valid(&wrong));
    }

    #[test]
    fn a_higher_cost_takes_as_much_longer() {
        let time = |cost| {
            let key = AccessKey::new(cost);
            let started = clock::monotonic();
            assert!(key.is_valid(&HeaderMap::new()));
            started.elapsed()
        };
        time(1_000);
        let (cheap, dear) = (time(1_000), time(50_000));
        eprintln!("1,000 iterations take {cheap:?}, 50,000 take {dear:?}");
        assert!(dear > cheap * 10, "{cheap:?} {dear:?}");
    }
}
