//! Kibana's Agent Builder, as its callers know it: run a tool, keep tools, converse.
//!
//! Below `/api/agent_builder`; headers as there: what changes something carries `kbn-xsrf`. Tools go by their dotted
//! names. A conversation is answered by the deterministic engine. Not here: agents of one's own, connectors, attachments.
//! Source: EL-50 to EL-55b of the specification.

mod converse;
mod mcp;
mod tools_api;

use std::sync::Arc;

use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tools::Permission;
use tools::converse::Conversations;
use tools::dialects;

use super::desk::Desk;
use crate::body;
use crate::guard;
use crate::identity::Admitted;
use crate::investigations::Investigations;
use crate::mcp::Settings;
use crate::serve::{Body, reply};
use crate::toolbox::Toolbox;

/// The one agent: the deterministic engine.
const AGENT: &str = "observability.agent";
/// The other name that callers send when they name none of their own.
const AGENT_DEFAULT: &str = "elastic-ai-agent";

/// What is answered here. Cheap to clone.
#[derive(Clone)]
pub(super) struct AgentBuilder {
    desk: Desk,
    /// The tools by the names that callers know.
    named: Toolbox,
    /// The tools that this server shows, the operator's own among them.
    shown: Toolbox,
    investigations: Investigations,
    /// The door of the agents' protocol.
    door: Settings,
    conversations: Arc<Conversations>,
    fresh: Arc<dyn Fn() -> String + Send + Sync>,
}

impl std::fmt::Debug for AgentBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentBuilder").finish_non_exhaustive()
    }
}

/// A refusal, large and rare.
type Refused = Box<Response<Body>>;

impl AgentBuilder {
    /// Answers with the tools of `shown`, to whom `desk` admits; `fresh` gives an id that nobody can guess.
    pub(super) fn new(
        desk: Desk,
        shown: Toolbox,
        (investigations, door): (Investigations, Settings),
        fresh: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Self {
        let elastic = dialects::named("elastic").unwrap_or_else(dialects::default);
        Self {
            desk,
            named: shown.speaking(elastic),
            investigations,
            door,
            conversations: Arc::default(),
            shown,
            fresh,
        }
    }

    /// Answers what was asked below `/api/agent_builder`.
    pub(super) async fn answer(&self, parts: &[&str], request: Request<Incoming>) -> Response<Body> {
        if parts == ["mcp"] {
            return mcp::answer(self, request).await;
        }
        let admitted = match self.entered(&request) {
            Ok(admitted) => admitted,
            Err(refused) => return *refused,
        };
        let (method, is_forced) =
            (request.method().clone(), request.uri().query().is_some_and(|query| query.contains("force")));
        let sent = match sent(request).await {
            Ok(sent) => sent,
            Err(refused) => return *refused,
        };
        match (&method, parts) {
            (&Method::GET, ["tools"]) => self.tools(&admitted),
            (&Method::POST, ["tools"]) => self.made(&admitted, &sent),
            (&Method::POST, ["tools", "_execute"]) => self.executed(&admitted, &sent).await,
            (&Method::GET, ["tools", id]) => self.tool(&admitted, id),
            (&Method::PUT, ["tools", id]) => self.changed(&admitted, id, &sent),
            (&Method::DELETE, ["tools", id]) => self.removed(&admitted, (id, is_forced)),
            (&Method::GET, ["agents"]) => json_answer(StatusCode::OK, &json!({ "results": [agent()] })),
            (&Method::GET, ["agents", AGENT | AGENT_DEFAULT]) => json_answer(StatusCode::OK, &agent()),
            (&Method::POST, ["converse"]) => self.conversed(&admitted, &sent).await,
            (&Method::POST, ["converse", "async"]) => self.streamed(&admitted, &sent).await,
            (&Method::GET, ["conversations", id]) => self.conversation(&admitted, id),
            _ => refused(StatusCode::NOT_FOUND, "Not Found"),
        }
    }

    fn entered(&self, request: &Request<Incoming>) -> Result<Admitted, Refused> {
        let headers = request.headers();
        if !guard::origin(headers) {
            return Err(Box::new(refused(
                StatusCode::FORBIDDEN,
                "The request comes from a page of another site.",
            )));
        }
        if request.method() != Method::GET && !headers.contains_key("kbn-xsrf") {
            return Err(Box::new(refused(
                StatusCode::BAD_REQUEST,
                "Request must contain a kbn-xsrf header.",
            )));
        }
        self.desk.admitted(headers).map_err(|(status, why)| Box::new(refused(status, &why)))
    }
}

/// Whether somebody may keep tools.
fn keeps(admitted: &Admitted, dialect: &str) -> bool {
    let caller = admitted.caller(dialect, "", &mut Value::Null);
    caller.is_ok_and(|caller| caller.role.may(Permission::Administer))
}

async fn sent(request: Request<Incoming>) -> Result<Value, Refused> {
    let long =
        |_| Box::new(refused(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long or did not arrive."));
    let bytes = body::read(request).await.map_err(long)?;
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    let wrong = |error| Box::new(refused(StatusCode::BAD_REQUEST, &format!("The body is no JSON: {error}")));
    serde_json::from_slice(&bytes).map_err(wrong)
}

fn agent() -> Value {
    json!({
        "id": AGENT,
        "type": "chat",
        "name": "Firstcause",
        "description": "The deterministic engine: no model. It chooses tools by the words of a question.",
        "readonly": true,
    })
}

fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    reply(status, "application/json", Bytes::from(value.to_string()))
}

/// An error as Kibana words them; no stack leaves.
fn refused(status: StatusCode, message: &str) -> Response<Body> {
    let error = status.canonical_reason().unwrap_or_default();
    json_answer(status, &json!({ "statusCode": status.as_u16(), "error": error, "message": message }))
}
