//! Tools that end a round by naming what they need, as the revision without sessions asks back.
//!
//! The state that travels with the client is sealed with a key of this process: what comes back changed is refused.

#![allow(deprecated, reason = "sampling and roots are deprecated, and still part of the revision")]

use std::hash::BuildHasher;

use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use crate::asked_back;
use crate::handler::Fixture;
use crate::tools::text;

type Called = Result<CallToolResponse, ErrorData>;

/// Calls one of these tools.
pub(crate) fn call(
    fixture: &Fixture,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Called {
    let given = |key: &str| request.input_responses.as_ref()?.get(key).filter(|one| one.is_object());
    let name = request.name.strip_prefix("test_input_required_result_").unwrap_or_default();
    match name {
        "elicitation" => match given("user_name") {
            Some(answer) => done(&format!("Hello, {}!", said(answer, "/content/name"))),
            None => one("user_name", "What is your name?").map(Into::into),
        },
        "sampling" => match given("capital_question") {
            Some(answer) => done(&said(answer, "/content/text")),
            None => needed([("capital_question", sampling("What is the capital of France?"))], None),
        },
        "list_roots" => match given("client_roots") {
            Some(answer) => done(&said(answer, "/roots/0/uri")),
            None => needed([("client_roots", roots())], None),
        },
        "request_state" | "tampered_state" => match opened(fixture, request)? {
            Some(_) => done("state-ok"),
            None => needed([("confirm", asked("Please confirm")?)], Some(sealed(fixture, "confirm"))),
        },
        "multiple_inputs" => {
            let state = opened(fixture, request)?;
            if state.is_some()
                && ["user_name", "greeting", "client_roots"].iter().all(|key| given(key).is_some())
            {
                return done("All inputs received");
            }
            let all = [
                ("user_name", asked("What is your name?")?),
                ("greeting", sampling("Generate a greeting")),
                ("client_roots", roots()),
            ];
            needed(all, Some(sealed(fixture, "gather")))
        }
        "multi_round" => match opened(fixture, request)?.as_deref() {
            None => needed([("step1", asked("Your name?")?)], Some(sealed(fixture, "one"))),
            Some("one") => needed([("step2", asked("Your colour?")?)], Some(sealed(fixture, "two"))),
            Some(_) => done("Both rounds are over"),
        },
        "capabilities" => capable(request, context),
        _ => Err(ErrorData::invalid_params(format!("no tool is called `{}`", request.name), None)),
    }
}

/// Asks only for what the client said that it can give.
fn capable(request: &CallToolRequestParams, context: &RequestContext<RoleServer>) -> Called {
    if request.input_responses.is_some() {
        return done("Enough is known");
    }
    let client = context.client_capabilities().unwrap_or_default();
    let mut requests = InputRequests::new();
    if client.elicitation.is_some() {
        requests.insert("user_name".to_owned(), asked("What is your name?")?);
    }
    if client.sampling.is_some() {
        requests.insert("greeting".to_owned(), sampling("Generate a greeting"));
    }
    if client.roots.is_some() {
        requests.insert("client_roots".to_owned(), roots());
    }
    if requests.is_empty() {
        return done("This client can be asked nothing");
    }
    Ok(InputRequiredResult::from_input_requests(requests).into())
}

/// One question to the user.
pub(crate) fn one(key: &str, message: &str) -> Result<InputRequiredResult, ErrorData> {
    let requests = InputRequests::from_iter([(key.to_owned(), asked(message)?)]);
    Ok(InputRequiredResult::from_input_requests(requests))
}

fn needed<const N: usize>(requests: [(&str, InputRequest); N], state: Option<String>) -> Called {
    let requests = requests.into_iter().map(|(key, request)| (key.to_owned(), request)).collect();
    Ok(InputRequiredResult::new(Some(requests), state).into())
}

fn done(what: &str) -> Called {
    Ok(CallToolResult::success(text(what)).into())
}

fn said(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or("nothing").to_owned()
}

fn asked(message: &str) -> Result<InputRequest, ErrorData> {
    let schema = json!({
        "type": "object",
        "properties": { "name": { "type": "string" }, "context": { "type": "string" } },
    });
    Ok(InputRequest::Elicitation(asked_back::elicitation(message.to_owned(), schema)?))
}

fn sampling(prompt: &str) -> InputRequest {
    let question = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    InputRequest::CreateMessage(CreateMessageRequest::new(question))
}

fn roots() -> InputRequest {
    InputRequest::ListRoots(ListRootsRequest::default())
}

fn sealed(fixture: &Fixture, stage: &str) -> String {
    format!("{stage}.{:016x}", fixture.shared.seal.hash_one(stage))
}

/// The stage that the client carried back, if it carried one and left it as it was.
fn opened(fixture: &Fixture, request: &CallToolRequestParams) -> Result<Option<String>, ErrorData> {
    let Some(state) = &request.request_state else { return Ok(None) };
    match state.split_once('.') {
        Some((stage, _)) if sealed(fixture, stage) == *state => Ok(Some(stage.to_owned())),
        _ => Err(ErrorData::invalid_params("this state was not written here", None)),
    }
}
