//! From where the protocol may be asked: no page of another site, under whatever name it reaches us.
//!
//! The house's rule ([`crate::guard`]) and the names that the operator adds. A refusal is 403, as the protocol says
//! since 2025-11-25. Keys are another matter.

use hyper::StatusCode;
use hyper::header::{self, HeaderMap};

use super::body::Refused;
use super::settings::Settings;
use super::{refusal, text};
use crate::guard;

/// Whether the `Host` and the `Origin` of a request are known here.
pub(super) fn check(headers: &HeaderMap, settings: &Settings) -> Result<(), Refused> {
    let refused = |why| Err(Box::new(refusal::text(StatusCode::FORBIDDEN, why)));
    if !guard::host_among(headers, &settings.allowed_hosts) {
        return refused(
            "asked for under a name that is not allowed here; ask under an address or `localhost`\n",
        );
    }
    if !is_origin(headers, settings) {
        return refused("pages of this origin may not ask here\n");
    }
    Ok(())
}

/// A program sends no `Origin`. A page does, unless it only reads: then `Sec-Fetch-Site` tells where it lies.
fn is_origin(headers: &HeaderMap, settings: &Settings) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (_, Some(_)) => false,
        (None, None) => guard::origin(headers),
        (Some(origin), None) => {
            let Ok(origin) = origin.to_str() else { return false };
            let host = text(headers, header::HOST.as_str()).unwrap_or_default();
            // Scheme and host have no case; a page of our own has our name, and no more is ours.
            origin.eq_ignore_ascii_case(&format!("http://{host}"))
                || settings.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
        }
    }
}
