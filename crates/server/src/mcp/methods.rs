//! What a handler says to a request that the library could not read as one of the protocol's.

use rmcp::model::{CustomRequest, ErrorCode, ProtocolVersion};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

/// The methods that a client may call, whatever the revision.
const LASTING: [&str; 8] = [
    "completion/complete",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "tools/call",
    "tools/list",
];
/// The methods that ended with the sessions, in 2026-07-28.
const ENDED: [&str; 5] =
    ["initialize", "logging/setLevel", "ping", "resources/subscribe", "resources/unsubscribe"];
/// The methods that came then.
const NEW: [&str; 2] = ["server/discover", "subscriptions/listen"];

/// The error of such a request: a method that exists came with the wrong parameters, any other is unknown.
///
/// For the handler's `on_custom_request`, where the library leaves both.
#[must_use]
pub fn unread(request: &CustomRequest, context: &RequestContext<RoleServer>) -> ErrorData {
    let method = request.method.as_str();
    let has_sessions = context.protocol_version().as_ref().is_none_or(ProtocolVersion::has_initialize);
    let of_revision: &[&str] = if has_sessions { &ENDED } else { &NEW };
    if LASTING.contains(&method) || of_revision.contains(&method) {
        return ErrorData::invalid_params(format!("these are no parameters of `{method}`"), None);
    }
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("no method is called `{method}`"), None)
}
