//! The tools of the Agent Builder: running one, and keeping those of one's own.
//!
//! A tool of one's own is of the type `question`: its configuration names one of the questions. ES|QL is not run here.

use hyper::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tools::dialects::elastic::names;
use tools::{Confirmation, Definition, Tool, ToolError};

use super::{AgentBuilder, json_answer, keeps, refused};
use crate::identity::Admitted;
use crate::serve::Body;
use crate::toolbox::CallError;

/// What runs a tool.
#[derive(Debug, Deserialize)]
struct Execution {
    tool_id: String,
    #[serde(default)]
    tool_params: Map<String, Value>,
}

/// What makes a tool, or changes it.
#[derive(Debug, Deserialize)]
struct Sent {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "type")]
    kind: String,
    description: String,
    configuration: Configuration,
    #[serde(default)]
    confirmation: Confirming,
}

/// Whether a person is asked before a conversation runs it.
#[derive(Debug, Default, Deserialize)]
struct Confirming {
    #[serde(default, rename = "askUser")]
    ask_user: Confirmation,
}

/// Of a tool of one's own.
#[derive(Debug, Deserialize)]
struct Configuration {
    #[serde(default)]
    question: String,
    #[serde(default)]
    with: BTreeMap<String, String>,
    #[serde(default)]
    params: BTreeMap<String, Param>,
}

/// A parameter, always a text.
#[derive(Debug, Deserialize)]
struct Param {
    #[serde(default)]
    description: String,
}

impl AgentBuilder {
    /// Runs a tool: `{"results": [{type, tool_result_id, data}]}`.
    pub(super) async fn executed(&self, admitted: &Admitted, sent: &Value) -> Response<Body> {
        let Ok(execution) = Execution::deserialize(sent) else {
            return refused(
                StatusCode::BAD_REQUEST,
                "[request body.tool_id]: expected value of type [string]",
            );
        };
        let arguments = Value::Object(execution.tool_params);
        let called = match names::canonical(&execution.tool_id) {
            Some(name) => self.named.call(admitted, name, arguments).await,
            None => self.shown.call(admitted, &execution.tool_id, arguments).await,
        };
        let id = (self.fresh)();
        let result = match called {
            Ok(reply) => json!({ "type": "other", "tool_result_id": id, "data": reply.structured }),
            Err(CallError::UnknownTool(why)) => return refused(StatusCode::NOT_FOUND, &why),
            Err(CallError::Refused(refusal)) => return refused(refusal.status(), &refusal.to_string()),
            Err(CallError::Tool(error @ ToolError::NotAllowed { .. })) => {
                return refused(StatusCode::FORBIDDEN, &error.to_string());
            }
            Err(error @ (CallError::Busy | CallError::TimedOut)) => {
                return refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
            }
            Err(CallError::Tool(error)) => {
                json!({ "type": "error", "tool_result_id": id, "data": { "message": error.to_string() } })
            }
        };
        json_answer(StatusCode::OK, &json!({ "results": [result] }))
    }

    /// The list: those of this dialect by their dotted names, then the operator's own.
    pub(super) fn tools(&self, admitted: &Admitted) -> Response<Body> {
        let named = self.named.shown(admitted);
        let own = self.own(admitted);
        let rows: Vec<Value> =
            named.iter().map(|tool| built_in(&**tool)).chain(own.iter().map(|tool| custom(tool))).collect();
        json_answer(StatusCode::OK, &json!({ "results": rows }))
    }

    /// The operator's own, as far as the key shows them.
    pub(super) fn own(&self, admitted: &Admitted) -> Vec<Arc<tools::Custom>> {
        let dialect = self.shown.registry().dialect().name;
        let mut own = self.shown.registry().custom();
        own.retain(|tool| admitted.shows(dialect, &tool.about().name));
        own
    }

    /// One of them.
    pub(super) fn tool(&self, admitted: &Admitted, id: &str) -> Response<Body> {
        let named = self.named.shown(admitted);
        let name = names::canonical(id);
        let found =
            named.iter().find(|tool| Some(tool.about().name.as_str()) == name).map(|tool| built_in(&**tool));
        let own = self.own(admitted);
        let found =
            found.or_else(|| own.iter().find(|tool| tool.about().name == id).map(|tool| custom(tool)));
        match found {
            Some(tool) => json_answer(StatusCode::OK, &tool),
            None => refused(StatusCode::NOT_FOUND, &format!("Tool {id} not found")),
        }
    }

    /// Makes a tool of one's own, which is listed at once, here and wherever this server shows its tools.
    pub(super) fn made(&self, admitted: &Admitted, sent: &Value) -> Response<Body> {
        let id = sent.get("id").and_then(Value::as_str).unwrap_or_default();
        if names::canonical(id).is_some() || self.shown.registry().get(id).is_some() {
            return refused(StatusCode::BAD_REQUEST, &format!("Tool with id {id} already exists"));
        }
        self.kept(admitted, id, sent)
    }

    /// Changes one.
    pub(super) fn changed(&self, admitted: &Admitted, id: &str, sent: &Value) -> Response<Body> {
        if !self.shown.registry().custom().iter().any(|tool| tool.about().name == id) {
            return refused(StatusCode::NOT_FOUND, &format!("Tool {id} not found"));
        }
        self.kept(admitted, id, sent)
    }

    /// Removes one. Nobody else holds on to a tool, so that `force` changes nothing.
    pub(super) fn removed(&self, admitted: &Admitted, (id, _is_forced): (&str, bool)) -> Response<Body> {
        if let Some(refused) = self.may_not_keep(admitted) {
            return refused;
        }
        if names::canonical(id).is_some() {
            return refused(StatusCode::BAD_REQUEST, &format!("Tool {id} is read-only and can't be deleted"));
        }
        if !self.shown.registry().custom().iter().any(|tool| tool.about().name == id) {
            return refused(StatusCode::NOT_FOUND, &format!("Tool {id} not found"));
        }
        if let Err(error) = self.shown.installation().keep_tool(id, None) {
            return refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
        }
        self.shown.registry().remove(id);
        json_answer(StatusCode::OK, &json!({ "success": true }))
    }

    fn may_not_keep(&self, admitted: &Admitted) -> Option<Response<Body>> {
        let why = "keeping tools takes the role `admin`: `firstcause key new --role admin`";
        (!keeps(admitted, self.shown.registry().dialect().name)).then(|| refused(StatusCode::FORBIDDEN, why))
    }

    fn kept(&self, admitted: &Admitted, id: &str, sent: &Value) -> Response<Body> {
        if let Some(refused) = self.may_not_keep(admitted) {
            return refused;
        }
        let sent = match Sent::deserialize(sent) {
            Ok(sent) => sent,
            Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("[request body]: {error}")),
        };
        if !matches!(sent.kind.as_str(), "question" | "") || (!sent.id.is_empty() && sent.id != id) {
            let why =
                "the type of a tool here is `question`, with `configuration.question`; ES|QL is not run";
            return refused(StatusCode::BAD_REQUEST, why);
        }
        let parameters = sent.configuration.params.into_iter().map(|(name, param)| (name, param.description));
        let definition = Definition {
            description: sent.description,
            question: sent.configuration.question,
            with: sent.configuration.with,
            parameters: parameters.collect(),
            confirmation: sent.confirmation.ask_user,
        };
        let registry = self.shown.registry();
        let before = registry.custom().into_iter().find(|tool| tool.about().name == id);
        if let Err(error) = registry.add(id, definition.clone()) {
            return refused(StatusCode::BAD_REQUEST, &error.to_string());
        }
        // What would be forgotten is not made.
        if let Err(error) = self.shown.installation().keep_tool(id, Some(&definition)) {
            registry.remove(id);
            drop(before.map(|before| registry.add(id, before.definition().clone())));
            return refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
        }
        self.tool(admitted, id)
    }
}

fn built_in(tool: &dyn Tool) -> Value {
    let name = tool.about().name.as_str();
    let dotted = names::NAMES.iter().find(|row| row.name == name).map_or(name, |row| row.dotted);
    json!({
        "id": dotted,
        "type": "builtin",
        "description": tool.about().description,
        "tags": [],
        "configuration": {},
        "readonly": true,
        "schema": tool.input_schema(),
    })
}

fn custom(tool: &tools::Custom) -> Value {
    let definition = tool.definition();
    let param =
        |(name, what): (&String, &String)| (name.clone(), json!({ "type": "string", "description": what }));
    let params: Map<String, Value> = definition.parameters.iter().map(param).collect();
    json!({
        "id": tool.about().name,
        "type": "question",
        "description": definition.description,
        "tags": [],
        "configuration": { "question": definition.question, "with": definition.with, "params": params },
        "confirmation": { "askUser": definition.confirmation },
        "readonly": false,
        "schema": tool.input_schema(),
    })
}
