//! Who asks: from a key to a principal and its role.
//!
//! Reading order: [`key`] (a key and its digest), [`records`] (what `control.journal` says of keys), [`ledger`] (making
//! and revoking them), [`control`] (the port to that journal), [`said`] (what a request tells of its agent),
//! [`admitted`] (who came in, and what for), [`refusal`].
//!
//! The key alone says who somebody is and what they may do at most. A header or an argument lowers a role and never
//! raises it. Decides nothing about actions: an approval is given elsewhere, by other means (I5).

pub mod admitted;
pub mod control;
pub mod key;
pub mod ledger;
pub mod records;
pub mod refusal;
pub mod said;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::header::{self, HeaderMap};
use telemetry::UnixNanos;
use tools::{Caller, Role};

pub use admitted::{Admitted, Known};
pub use control::Control;
pub use refusal::Refusal;

use control::Watched;
use said::Said;

/// The space that is asked when none is named.
pub const SPACE: &str = "default";

/// The role of the person at this machine while there is no key: may propose, and decides elsewhere.
pub const LOCAL_ROLE: Role = Role::Remediator;

/// Headers that a proxy adds: who sends one speaks for somebody else.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// From where a listener can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From this machine only.
    Loopback,
    /// From other machines, too.
    Beyond,
}

impl Reach {
    /// The reach of a listener at `address`.
    #[must_use]
    pub fn of(address: &SocketAddr) -> Self {
        if address.ip().to_canonical().is_loopback() { Self::Loopback } else { Self::Beyond }
    }
}

/// The door: finds out who sent a request. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    control: Arc<Watched>,
    reach: Reach,
    now: Arc<dyn Fn() -> UnixNanos + Send + Sync>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Identity {
    /// A door to what listens with `reach`, by the keys that `control` tells of.
    #[must_use]
    pub fn new(
        control: Arc<dyn Control>,
        reach: Reach,
        now: Arc<dyn Fn() -> UnixNanos + Send + Sync>,
    ) -> Self {
        Self { control: Arc::new(Watched::new(control)), reach, now }
    }

    /// Who sent a request, by its headers. What they may use is said by [`Known::within`].
    ///
    /// # Errors
    /// [`Refusal`]: no key where one is needed, a key that opens nothing, headers that cannot be read.
    pub fn known(&self, headers: &HeaderMap) -> Result<Known, Refusal> {
        let keys = self.control.keys().map_err(Refusal::Unavailable)?;
        // A key that is shown is looked at, needed or not: a wrong one is never taken for none.
        let known = match credential(headers)? {
            Some(text) => Known::by_key(keys.verify(text, (self.now)())?),
            None if keys.is_needed() => return Err(Refusal::NoKey),
            None if self.reach == Reach::Beyond => return Err(Refusal::NoKeyYet),
            None if FORWARDED.iter().any(|name| headers.contains_key(*name)) => {
                return Err(Refusal::Forwarded);
            }
            None => Known::local(Caller::local(LOCAL_ROLE)),
        };
        Ok(known.lowered(Said::of_headers(headers)?))
    }

    /// Who sent a request that asks about `space`.
    ///
    /// # Errors
    /// As [`Identity::known`] and [`Known::within`].
    pub fn admit(&self, headers: &HeaderMap, space: &str) -> Result<Admitted, Refusal> {
        self.known(headers)?.within(space)
    }
}

/// Longest value of `Authorization` that is read; a key has [`key::LENGTH`] characters.
const CREDENTIAL_MAX: usize = 256;

/// What a request shows: nothing, or the text after `Bearer` or `ApiKey` (RFC 6750, section 2.1).
pub(crate) fn credential(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::NotAKey("there are several `Authorization` headers"));
    }
    if value.len() > CREDENTIAL_MAX {
        return Err(Refusal::NotAKey("the `Authorization` header is too long"));
    }
    let Ok(text) = value.to_str() else {
        return Err(Refusal::NotAKey("the `Authorization` header is not ASCII"));
    };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !["bearer", "apikey"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(Refusal::NotAKey("the scheme is neither `Bearer` nor `ApiKey`"));
    }
    match token.trim_matches(' ') {
        "" => Err(Refusal::NotAKey("there is no key after the scheme")),
        token => Ok(Some(token)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, reach) in [
            ("127.0.0.1:80", Reach::Loopback),
            ("127.9.9.9:80", Reach::Loopback),
            ("[::1]:80", Reach::Loopback),
            ("[::ffff:127.0.0.1]:80", Reach::Loopback),
            ("0.0.0.0:80", Reach::Beyond),
            ("[::]:80", Reach::Beyond),
            ("10.0.0.1:80", Reach::Beyond),
            ("[::ffff:10.0.0.1]:80", Reach::Beyond),
        ] {
            assert_eq!(Reach::of(&text.parse().unwrap()), reach, "{text}");
        }
    }
}
