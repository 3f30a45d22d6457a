//! Tools that ask the client while they run, which only the revisions with sessions know.

#![allow(deprecated, reason = "the older revisions have what the newest took away")]

use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::tools::text;

type Told = Result<Vec<ContentBlock>, ErrorData>;

/// Asks the client's model.
pub(crate) async fn sample(context: &RequestContext<RoleServer>, prompt: String) -> Told {
    if context.client_capabilities().is_none_or(|client| client.sampling.is_none()) {
        return Err(ErrorData::invalid_request("this client has no model to ask", None));
    }
    let question = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    let answered = context.peer.create_message(question).await.map_err(failed)?;
    let said = answered.message.content.first().and_then(|one| one.as_text()).map(|one| one.text.clone());
    Ok(text(&format!("LLM response: {}", said.unwrap_or_default())))
}

/// Asks the user for two texts.
pub(crate) async fn elicit(context: &RequestContext<RoleServer>, message: String) -> Told {
    let properties = json!({
        "username": { "type": "string", "description": "The user's name" },
        "email": { "type": "string", "description": "The user's address" },
    });
    ask(
        context,
        message,
        json!({ "type": "object", "properties": properties, "required": ["username", "email"] }),
    )
    .await
}

/// Asks for one value of each kind, each with a default.
pub(crate) async fn defaults(context: &RequestContext<RoleServer>) -> Told {
    let properties = json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
        "verified": { "type": "boolean", "default": true },
    });
    ask(context, "All have defaults".to_owned(), json!({ "type": "object", "properties": properties })).await
}

/// Asks for a choice in each of the five forms.
pub(crate) async fn choices(context: &RequestContext<RoleServer>) -> Told {
    let titled = json!([
        { "const": "value1", "title": "First Option" },
        { "const": "value2", "title": "Second Option" },
        { "const": "value3", "title": "Third Option" },
    ]);
    let plain = json!(["option1", "option2", "option3"]);
    let properties = json!({
        "untitledSingle": { "type": "string", "enum": plain },
        "titledSingle": { "type": "string", "oneOf": titled },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
        "titledMulti": { "type": "array", "items": { "anyOf": titled } },
    });
    ask(context, "Choose".to_owned(), json!({ "type": "object", "properties": properties })).await
}

async fn ask(context: &RequestContext<RoleServer>, message: String, schema: Value) -> Told {
    // Who did not say that it has a user to ask is not asked.
    if context.client_capabilities().is_none_or(|client| client.elicitation.is_none()) {
        return Err(ErrorData::invalid_request("this client has nobody to ask", None));
    }
    let request = elicitation(message, schema)?;
    let answered = context.peer.send_request(ServerRequest::ElicitRequest(request)).await.map_err(failed)?;
    let ClientResult::ElicitResult(result) = answered else {
        return Err(ErrorData::internal_error("the client answered something else", None));
    };
    let (action, content) = (json!(result.action), json!(result.content));
    Ok(text(&format!("Elicitation completed: action={action}, content={content}")))
}

/// A question to the user, with the schema of its answer.
pub(crate) fn elicitation(message: String, schema: Value) -> Result<ElicitRequest, ErrorData> {
    let requested_schema = serde_json::from_value(schema)
        .map_err(|error| ErrorData::internal_error(format!("no schema: {error}"), None))?;
    Ok(ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema,
    }))
}

fn failed(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(format!("the client was asked in vain: {error}"), None)
}
