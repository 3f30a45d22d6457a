//! The tools for programs that speak no MCP: the list, and a call.
//!
//! What a tool says of itself stands in the list and in the OpenAPI document; who may call it is asked at the door.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use tools::{InstallationError, Reply, ToolError};

use super::{Api, json as answer, problem, refused, unread};
use crate::body;
use crate::guard;
use crate::identity::{Admitted, SPACE};
use crate::serve::Body;
use crate::toolbox::{CallError, Toolbox};

/// A refusal is large and rare.
pub(super) type Refused = Box<Response<Body>>;

/// Who asks, and with what; or why not.
pub(super) fn entered<B>(api: &Api, request: &Request<B>) -> Result<(Toolbox, Admitted), Refused> {
    if !guard::origin(request.headers()) {
        let why = "the request comes from a page of another site";
        return Err(Box::new(problem(StatusCode::FORBIDDEN, "FC-0045", why)));
    }
    let admitted =
        api.identity.admit(request.headers(), SPACE).map_err(|refusal| Box::new(refused(&refusal)))?;
    Ok((api.toolbox.clone(), admitted))
}

/// `GET /api/v1/tools`: the tools that the key may call.
pub(super) fn list(api: &Api, request: &Request<Incoming>) -> Response<Body> {
    let (toolbox, admitted) = match entered(api, request) {
        Ok(entered) => entered,
        Err(refused) => return *refused,
    };
    let rows: Vec<Value> = toolbox
        .shown(&admitted)
        .iter()
        .map(|tool| {
            let about = tool.about();
            json!({
                "name": about.name,
                "description": about.description,
                "permission": about.permission,
                "is_read_only": about.is_read_only,
                "tokens_max": about.budget.tokens,
                "input_schema": tool.input_schema(),
                "output_schema": tool.output_schema(),
            })
        })
        .collect();
    answer(&json!({ "dialect": toolbox.registry().dialect().name, "total": rows.len(), "tools": rows }))
}

/// `POST /api/v1/tools/{name}`: the arguments as JSON, the reply as JSON.
pub(super) async fn call(api: Api, name: &str, request: Request<Incoming>) -> Response<Body> {
    let (toolbox, admitted) = match entered(&api, &request) {
        Ok(entered) => entered,
        Err(refused) => return *refused,
    };
    let bytes = match body::read(request).await {
        Ok(bytes) => bytes,
        Err(why) => return unread(why),
    };
    let arguments = match arguments(&bytes) {
        Ok(arguments) => arguments,
        Err(why) => return problem(StatusCode::BAD_REQUEST, "FC-0051", &why),
    };
    match replied(&toolbox, &admitted, name, arguments).await {
        Ok(reply) => answer(&json!({
            "text": reply.text,
            "structured": reply.structured,
            "truncated": reply.is_truncated,
            "next": reply.next,
        })),
        Err(refused) => *refused,
    }
}

/// The reply of a tool.
pub(super) async fn replied(
    toolbox: &Toolbox,
    admitted: &Admitted,
    name: &str,
    arguments: Value,
) -> Result<Reply, Refused> {
    toolbox.call(admitted, name, arguments).await.map_err(|error| Box::new(failed(&error)))
}

fn arguments(bytes: &[u8]) -> Result<Value, String> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(bytes) {
        Ok(value @ (Value::Object(_) | Value::Null)) => Ok(value),
        Ok(_) => Err("the arguments are no JSON object".to_owned()),
        Err(error) => Err(format!("the arguments are no JSON: {error}")),
    }
}

fn failed(error: &CallError) -> Response<Body> {
    let (status, code) = match error {
        CallError::Refused(refusal) => return refused(refusal),
        CallError::UnknownTool(_) => (StatusCode::NOT_FOUND, "FC-0050"),
        CallError::Busy => (StatusCode::SERVICE_UNAVAILABLE, "FC-0055"),
        CallError::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "FC-0012"),
        CallError::Tool(ToolError::Input(_)) => (StatusCode::BAD_REQUEST, "FC-0051"),
        CallError::Tool(ToolError::NotAllowed { .. }) => (StatusCode::FORBIDDEN, "FC-0052"),
        CallError::Tool(ToolError::Installation(InstallationError::UnknownIncident { .. })) => {
            (StatusCode::NOT_FOUND, "FC-0053")
        }
        CallError::Tool(ToolError::Installation(InstallationError::Failed(_))) => {
            (StatusCode::SERVICE_UNAVAILABLE, "FC-0054")
        }
    };
    problem(status, code, &error.to_string())
}
