//! The interface as a document: OpenAPI 3.1, made from the code that answers.
//!
//! Tools come from the dialect with their own schemas, views from their list; the other paths stand in one table here,
//! and a test asks a running server for each. The document of the default dialect is committed.

use hyper::Response;
use serde_json::{Map, Value, json};
use tools::{Registry, Tool};

use super::{Api, json as answer, views};
use crate::serve::Body;

/// A path that is neither a tool nor a view.
struct Path {
    method: &'static str,
    path: &'static str,
    what: &'static str,
    /// Parameters of the query, with what they mean.
    query: &'static [(&'static str, &'static str)],
    /// The schema of the body that is sent, by name; none when empty.
    sent: &'static str,
    /// The media type of the answer.
    media: &'static str,
    /// Whether a key is asked for, where there are keys.
    is_keyed: bool,
}

const PAGE: &[(&str, &str)] = &[
    ("limit", "1 to 100, 25 when not given"),
    ("order", "`asc` or `desc`"),
    ("nextToken", "`nextToken` of the page before"),
];

/// Sorted by path.
const PATHS: &[Path] = &[
    Path {
        method: "post",
        path: "/api/v1/ask",
        what: "Ask one question; the answer is a typed table",
        query: &[],
        sent: "Question",
        media: JSON,
        is_keyed: true,
    },
    Path {
        method: "post",
        path: "/api/v1/changes",
        what: "Tell of a change that telemetry does not show; investigations see it",
        query: &[],
        sent: "Change",
        media: JSON,
        is_keyed: true,
    },
    Path {
        method: "get",
        path: "/api/v1/events",
        what: "What changes in the health of the system, as server-sent events, from now on",
        query: &[("every", "Seconds between two looks, 5 to 300, 30 when not given")],
        sent: "",
        media: "text/event-stream",
        is_keyed: true,
    },
    Path {
        method: "get",
        path: "/api/v1/investigations",
        what: "Investigations, newest first",
        query: PAGE,
        sent: "",
        media: JSON,
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/api/v1/investigations/{id}",
        what: "The report of one investigation",
        query: &[],
        sent: "",
        media: JSON,
        is_keyed: false,
    },
    Path {
        method: "post",
        path: "/api/v1/investigations/{id}/approvals",
        what: "A person's word about an action; needs the token of the terminal, or an approver's key",
        query: &[],
        sent: "Word",
        media: JSON,
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/api/v1/investigations/{id}/events",
        what: "The records as they become durable, as server-sent events",
        query: &[],
        sent: "",
        media: "text/event-stream",
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/api/v1/investigations/{id}/records",
        what: "The records of one investigation",
        query: PAGE,
        sent: "",
        media: JSON,
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/api/v1/investigations/{id}/summary",
        what: "Symptoms, findings and gaps with what they cite",
        query: &[],
        sent: "",
        media: JSON,
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/api/v1/metrics",
        what: "How metric series moved between a window and the one before it, by source",
        query: METRICS,
        sent: "",
        media: JSON,
        is_keyed: true,
    },
    Path {
        method: "get",
        path: "/api/v1/openapi.json",
        what: "This document",
        query: &[],
        sent: "",
        media: JSON,
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/api/v1/tools",
        what: "The tools that the key may call, with their schemas",
        query: &[],
        sent: "",
        media: JSON,
        is_keyed: true,
    },
    Path {
        method: "get",
        path: "/health",
        what: "Whether it lives, and how many tools there are",
        query: &[],
        sent: "",
        media: JSON,
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/healthz",
        what: "Whether it lives",
        query: &[],
        sent: "",
        media: "text/plain",
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/mcp/docs",
        what: "The tools, for people to read; agents speak MCP at `/mcp`",
        query: &[],
        sent: "",
        media: "text/html",
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/metrics",
        what: "What was received, kept and lost, for Prometheus",
        query: &[],
        sent: "",
        media: "text/plain",
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/ready",
        what: "Whether requests are taken: 503 while they are refused",
        query: &[],
        sent: "",
        media: JSON,
        is_keyed: false,
    },
    Path {
        method: "get",
        path: "/stats",
        what: "What was received, kept and lost",
        query: &[],
        sent: "",
        media: JSON,
        is_keyed: false,
    },
];

const METRICS: &[(&str, &str)] = &[
    ("service", "Only this service"),
    ("metric", "Only the metric of this exact name"),
    ("start", "`now-15m` when not given, or RFC 3339"),
    ("end", "`now` when not given, or RFC 3339"),
];

const JSON: &str = "application/json";

/// `GET /api/v1/openapi.json`.
pub(super) fn get(api: &Api) -> Response<Body> {
    answer(&document(api.toolbox.registry()))
}

/// The document of a server whose tools are those of `registry`.
#[must_use]
pub fn document(registry: &Registry) -> Value {
    let mut paths = Map::new();
    let mut put = |path: String, method: &str, operation: Value| {
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(method.to_owned(), operation);
        }
    };
    for path in PATHS {
        put(path.path.to_owned(), path.method, operation(path));
    }
    let default = (tools::dialects::default().tools)();
    for view in &views::ALL {
        if let Some(tool) = default.iter().find(|tool| tool.about().name == view.tool) {
            let place = view.in_path.map(|name| format!("/{{{name}}}")).unwrap_or_default();
            put(format!("/api/v1/{}{place}", view.noun), "get", of_view(view, tool.as_ref()));
        }
    }
    for tool in registry.list() {
        put(format!("/api/v1/tools/{}", tool.about().name), "post", of_tool(tool.as_ref()));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Firstcause",
            "version": env!("CARGO_PKG_VERSION"),
            "description": format!("Why production broke, with evidence. Tools of the dialect `{}`.", registry.dialect().name),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8080" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "`firstcause key new --role ROLE`" },
            },
            "schemas": schemas(),
        },
    })
}

fn operation(path: &Path) -> Value {
    let mut parameters: Vec<Value> = path.query.iter().map(|(name, what)| query(name, what)).collect();
    if path.path.contains("{id}") {
        parameters.insert(0, in_path("id", "The incident's id"));
    }
    let name = match path.path {
        // `/api/v1/metrics` has the plain name.
        "/metrics" => "_metrics_text".to_owned(),
        path => path.trim_start_matches("/api/v1").replace(['/', '{', '}', '.'], "_"),
    };
    let mut operation = json!({
        "operationId": format!("{}{}", path.method, name.trim_end_matches('_').replace("__", "_")),
        "summary": path.what,
        "responses": responses(path.media, if path.media == JSON { json!({ "type": "object" }) } else { json!({ "type": "string" }) }),
        "security": security(path.is_keyed),
    });
    if let Some(operation) = operation.as_object_mut() {
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), Value::from(parameters));
        }
        if !path.sent.is_empty() {
            let schema = json!({ "$ref": format!("#/components/schemas/{}", path.sent) });
            operation.insert("requestBody".to_owned(), body(&schema));
        }
    }
    operation
}

fn of_view(view: &views::View, tool: &dyn Tool) -> Value {
    let input = tool.input_schema();
    let arguments = input.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut parameters: Vec<Value> = view.in_path.iter().map(|name| in_path(name, "Which one")).collect();
    let others = arguments.iter().filter(|(name, _)| Some(name.as_str()) != view.in_path);
    parameters.extend(others.map(|(name, schema)| {
        let what = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        query(name, what)
    }));
    json!({
        "operationId": format!("get_{}", view.noun),
        "summary": view.what,
        "description": format!("What the tool `{}` answers.", view.tool),
        "parameters": parameters,
        "responses": responses(JSON, Value::Object(tool.output_schema())),
        "security": security(true),
    })
}

fn of_tool(tool: &dyn Tool) -> Value {
    let about = tool.about();
    let reply = json!({
        "type": "object",
        "properties": {
            "text": { "type": "string", "description": format!("At most {} tokens.", about.budget.tokens) },
            "structured": tool.output_schema(),
            "truncated": { "type": "boolean", "description": "Whether something was left out." },
            "next": { "type": "array", "items": { "$ref": "#/components/schemas/Hint" } },
        },
        "required": ["text", "structured", "truncated", "next"],
    });
    json!({
        "operationId": format!("call_{}", about.name),
        "summary": about.description.lines().next().unwrap_or_default(),
        "description": about.description,
        "requestBody": body(&Value::Object(tool.input_schema())),
        "responses": responses(JSON, reply),
        "security": security(true),
        "x-permission": about.permission,
        "x-read-only": about.is_read_only,
    })
}

fn query(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "query", "description": what, "schema": { "type": "string" } })
}

fn in_path(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": what, "schema": { "type": "string" } })
}

fn body(schema: &Value) -> Value {
    json!({ "required": true, "content": { JSON: { "schema": schema } } })
}

fn responses(media: &str, schema: Value) -> Value {
    let problem = json!({
        "description": "Why not",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    json!({ "200": { "description": "As asked", "content": { media: { "schema": schema } } }, "default": problem })
}

/// Without a key the person at this machine is served, so a key is one of two ways.
fn security(is_keyed: bool) -> Value {
    if is_keyed { json!([{ "key": [] }, {}]) } else { json!([]) }
}

fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    json!({
        "Change": {
            "type": "object",
            "properties": {
                "service": text(),
                "kind": { "enum": ["deploy", "flag", "commit"], "description": "`deploy` when not given" },
                "after": { "type": "string", "description": "What is now: version, commit, position of the switch" },
                "before": text(),
                "instance": { "type": "string", "description": "All when not given" },
                "at": { "type": "string", "description": "`now` when not given, RFC 3339, or `now-5m`" },
                "commit": text(),
                "author": text(),
                "message": text(),
            },
            "required": ["service", "after"],
            "additionalProperties": false,
        },
        "Hint": {
            "type": "object",
            "description": "What to ask next.",
            "properties": { "tool": text(), "arguments": { "type": "object" }, "why": text() },
            "required": ["tool", "arguments", "why"],
        },
        "Problem": {
            "type": "object",
            "description": "A problem document (RFC 9457) with a stable code.",
            "properties": {
                "type": text(), "title": text(), "status": { "type": "integer" }, "code": text(), "detail": text(),
            },
            "required": ["type", "title", "status", "code", "detail"],
        },
        "Question": {
            "type": "object",
            "properties": {
                "id": text(),
                "space": text(),
                "not_before": { "type": "integer", "description": "Unix nanoseconds" },
                "ask": {
                    "type": "object",
                    "properties": { "question": { "enum": telemetry::question::NAMES } },
                    "required": ["question"],
                },
            },
            "required": ["id", "space", "not_before", "ask"],
        },
        "Word": {
            "type": "object",
            "properties": {
                "digest": { "type": "string", "description": "Of the action that was shown" },
                "decision": { "enum": ["approve", "reject", "comment"] },
                "comment": text(),
                "name": text(),
            },
            "required": ["digest", "decision"],
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    found.push(reference.clone());
                }
                object.values().for_each(|value| all(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| all(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_of_every_dialect_leads_somewhere_and_no_operation_has_two_places() {
        for dialect in tools::dialects::all() {
            let document = document(&Registry::new(dialect));
            let mut references = Vec::new();
            all(&document, &mut references);
            assert!(!references.is_empty());
            for reference in references {
                assert!(document.pointer(&reference[1..]).is_some(), "{}: {reference}", dialect.name);
            }
            let paths = document["paths"].as_object().unwrap();
            let operations = paths.values().flat_map(|methods| methods.as_object().unwrap().values());
            let ids: Vec<&str> = operations.map(|one| one["operationId"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{ids:?}");
            assert_eq!(ids.len(), PATHS.len() + views::ALL.len() + (dialect.tools)().len());
        }
    }
}
