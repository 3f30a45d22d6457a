//! What a handler says to a request that the library could not read as one of the protocol's.

use rmcp::ErrorData;
use rmcp::model::{CustomRequest, ErrorCode};

/// The methods of the protocol that a client may call, in every revision and with the extensions that are served.
const KNOWN: [&str; 15] = [
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
];

/// The error of such a request: a method that exists came with the wrong parameters, any other is unknown.
///
/// For the handler's `on_custom_request`, where the library leaves both.
#[must_use]
pub fn unread(request: &CustomRequest) -> ErrorData {
    let method = request.method.as_str();
    if KNOWN.contains(&method) {
        return ErrorData::invalid_params(format!("these are no parameters of `{method}`"), None);
    }
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("no method is called `{method}`"), None)
}
