//! The toolbox as what the protocol offers, and the keys as its door.
//!
//! Who was let in is carried from the door to the call as it stands; the toolbox checks each call, as it does for REST.

use std::sync::Arc;

use hyper::header::HeaderMap;
use telemetry::source::BoxFuture;
use tools::{Reply, Tool};

use super::offered::{Call, CallError, Offered};
use crate::identity::{Admitted, Identity, SPACE};
use crate::mcp::bearer::{Bearer, Principal, Refusal};
use crate::toolbox::Toolbox;

/// Lets in whom `identity` admits.
#[must_use]
pub fn bearer(identity: Identity) -> Bearer {
    Bearer::new(move |headers: &HeaderMap| match identity.admit(headers, SPACE) {
        Ok(admitted) => Ok(Principal::new(admitted.principal().to_owned(), admitted)),
        Err(refusal) => {
            let (status, error) = (refusal.status(), refusal.error());
            Err(Refusal { status, error, text: refusal.to_string() })
        }
    })
}

fn admitted(who: Option<&Principal>) -> Option<&Admitted> {
    who.and_then(Principal::known::<Admitted>)
}

/// The toolbox for whoever came through [`bearer`]; nobody else is shown anything.
impl Offered for Toolbox {
    fn shown(&self, who: Option<&Principal>) -> Vec<Arc<dyn Tool>> {
        admitted(who).map(|admitted| Self::shown(self, admitted)).unwrap_or_default()
    }

    fn reads(&self, who: Option<&Principal>) -> bool {
        admitted(who).is_some_and(Admitted::reads)
    }

    fn call<'a>(&'a self, who: Option<&'a Principal>, call: Call) -> BoxFuture<'a, Result<Reply, CallError>> {
        Box::pin(async move {
            let Some(admitted) = admitted(who) else {
                return Err(CallError::Refused("nobody was let in".to_owned()));
            };
            Ok(Self::call(self, admitted, &call.name, call.arguments).await?)
        })
    }
}
