//! JSON-RPC over Streamable HTTP: one request, one answer, as JSON or as a stream of events.
//!
//! Sends four methods and no others: `initialize`, `notifications/initialized`, `tools/list`, `tools/call`. Takes no requests of the
//! server: one that wants something back is not answered.

use serde_json::{Value as Json, json};
use telemetry::AskError;

use crate::http::{Asking, Http, Refusal};
use crate::json;

/// The revision that is asked for; the server may name an older one.
const VERSION: &str = "2025-11-25";
/// Who answers.
pub(super) const WHOSE: &str = "an MCP server";

/// What was agreed on, and which tools there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    id: Option<String>,
    version: String,
    /// The tools as they were listed.
    pub(super) tools: Vec<Json>,
}

/// The endpoint: a base, and the last part of its path.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) http: Http,
    pub(super) path: String,
}

impl Endpoint {
    /// Begins a session and lists the tools.
    pub(super) async fn begin(&self, asking: &Asking) -> Result<Session, Refusal> {
        let client = json!({"name": "firstcause", "version": env!("CARGO_PKG_VERSION")});
        let hello = json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client});
        let nobody = Session::default();
        let (told, id) = self.request("initialize", hello, &nobody, asking).await?;
        let version = json::text(&told, "/protocolVersion").to_owned();
        if version.is_empty() {
            return Err(json::foreign(WHOSE, "no `protocolVersion` was agreed on").into());
        }
        let mut session = Session { id, version, tools: Vec::new() };
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.http.search_with(&self.path, &[], &headers(&session), &ready, asking).await?;
        let mut cursor = Json::Null;
        loop {
            let more = if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) };
            let (told, _) = self.request("tools/list", more, &session, asking).await?;
            let found = json::list(&told, "/tools").to_vec();
            let is_empty = found.is_empty();
            session.tools.extend(found);
            cursor = told.get("nextCursor").cloned().unwrap_or_default();
            if cursor.is_null() || is_empty {
                return Ok(session);
            }
        }
    }

    /// What a tool answers.
    pub(super) async fn call(
        &self,
        name: &str,
        arguments: &Json,
        session: &Session,
        asking: &Asking,
    ) -> Result<Json, Refusal> {
        let what = json!({"name": name, "arguments": arguments});
        let (told, _) = self.request("tools/call", what, session, asking).await?;
        let words = json::list(&told, "/content").iter().map(|one| json::text(one, "/text"));
        if told.get("isError") == Some(&Json::Bool(true)) {
            let said: String = words.collect::<Vec<_>>().join(" ").chars().take(300).collect();
            return Err(AskError::Unavailable(format!("the tool `{name}` failed: {said}")).into());
        }
        if let Some(found) = told.get("structuredContent").filter(|found| !found.is_null()) {
            return Ok(found.clone());
        }
        let mut found = words.filter_map(|text| serde_json::from_str::<Json>(text).ok());
        found.find(|one| one.is_object() || one.is_array()).ok_or_else(|| {
            let why =
                format!("the tool `{name}` answered no JSON; hint: only tools that answer data can be read");
            AskError::Unavailable(why).into()
        })
    }

    /// The result of a request, and the session's id when the answer names one.
    async fn request(
        &self,
        method: &str,
        parameters: Json,
        session: &Session,
        asking: &Asking,
    ) -> Result<(Json, Option<String>), Refusal> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters});
        let reply = self.http.search_with(&self.path, &[], &headers(session), &request, asking).await?;
        let id = reply.header("mcp-session-id").map(str::to_owned);
        let is_stream =
            reply.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        let answer = if is_stream { event(&reply.body)? } else { json::parse(&reply.body, WHOSE)? };
        if let Some(error) = answer.get("error") {
            let why = format!("{method}: {} ({})", json::text(error, "/message"), error["code"]);
            return Err(AskError::Unavailable(format!("the server says: {why}")).into());
        }
        let result = answer.get("result").cloned();
        let result = result.ok_or_else(|| json::foreign(WHOSE, "neither a result nor an error"))?;
        Ok((result, id))
    }
}

fn headers(session: &Session) -> Vec<(&'static str, String)> {
    let mut headers = vec![("Accept", "application/json, text/event-stream".to_owned())];
    headers.extend(session.id.clone().map(|id| ("Mcp-Session-Id", id)));
    if !session.version.is_empty() {
        headers.push(("MCP-Protocol-Version", session.version.clone()));
    }
    headers
}

/// The answer among the events of a stream; what the server says in between is not heard.
fn event(body: &[u8]) -> Result<Json, AskError> {
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let data = |event: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    let mut messages = text.split("\n\n").filter_map(|event| serde_json::from_str::<Json>(&data(event)).ok());
    let is_answer = |one: &Json| one.get("id") == Some(&json!(1)) && one.get("method").is_none();
    messages.find(is_answer).ok_or_else(|| json::foreign(WHOSE, "a stream without the answer"))
}
