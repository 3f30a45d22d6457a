//! The one door that writes: to Kibana's tools and agents and to indices of ours, and to nothing else.
//!
//! No source holds one. What it may be sent to is checked here, whatever the plan says.

use reqwest::{Method, Url};
use serde_json::Value;

use crate::http::{self, Prepared};
use crate::settings::{Settings, SettingsError};

/// Bytes of an answer that are read.
const BYTES_MAX: usize = 4 << 20;

/// A server that is written to.
pub(super) struct Door {
    prepared: Prepared,
    name: String,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Door {
    pub(super) fn new(name: &str, settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self { prepared: http::prepare(name, settings)?, name: name.to_owned() })
    }

    /// Status and body of what `path` answers; a body that is no JSON is null.
    ///
    /// # Errors
    /// When the path is none that may be reached so, or nobody answers.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), String> {
        if !may(&method, path) {
            return Err(format!("{method} {path} is not allowed here; hint: our bug, report it"));
        }
        self.exchange(method, path, "", body).await
    }

    /// What `path` with the parameters `query` answers.
    pub(super) async fn read(&self, path: &str, query: &str) -> Result<(u16, Value), String> {
        self.exchange(Method::GET, path, query, None).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        query: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), String> {
        let mut url: Url = self.prepared.base.clone();
        url.set_path(&format!("{}{path}", url.path()));
        url.set_query((!query.is_empty()).then_some(query));
        let mut request = self.prepared.client.request(method, url).header("kbn-xsrf", "true");
        if let Some((user, password)) = &self.prepared.login {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        // Kibana's MCP server answers with either.
        let request = request.header("Accept", "application/json, text/event-stream");
        let response = request.send().await.map_err(|error| {
            let mut what = format!("`{}` could not be asked", self.name);
            let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
            while let Some(behind) = cause {
                what = format!("{what}: {behind}");
                cause = behind.source();
            }
            format!("{what}; hint: is it running at its address?")
        })?;
        let status = response.status().as_u16();
        let bytes =
            http::body(response, BYTES_MAX).await.map_err(|error| format!("`{}`: {error}", self.name))?;
        Ok((status, json(&bytes)))
    }
}

/// The JSON of a body, which may come as one event.
fn json(bytes: &[u8]) -> Value {
    let text = String::from_utf8_lossy(bytes);
    let event = text.lines().find_map(|line| line.strip_prefix("data:"));
    serde_json::from_str(event.unwrap_or(&text)).unwrap_or_default()
}

/// Whether this may be sent there. Names of indices have one segment of lower-case letters, digits and hyphens.
fn may(method: &Method, path: &str) -> bool {
    let is_index = !path.is_empty()
        && path.starts_with(|c: char| c.is_ascii_lowercase())
        && path.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let lists = ["api/agent_builder/tools", "api/agent_builder/agents"];
    let is_one = lists.iter().any(|list| path.strip_prefix(list).is_some_and(is_segment));
    match *method {
        Method::GET => true,
        Method::POST => lists.contains(&path) || path == "api/agent_builder/mcp",
        Method::PUT | Method::DELETE => is_one || is_index,
        _ => false,
    }
}

/// Whether the text is `/ID`.
fn is_segment(text: &str) -> bool {
    let id = text.strip_prefix('/').unwrap_or_default();
    !id.is_empty()
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !id.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tools_agents_and_single_indices_can_be_written() {
        for (method, path, is_allowed) in [
            (Method::POST, "api/agent_builder/tools", true),
            (Method::PUT, "api/agent_builder/tools/a.b_c", true),
            (Method::DELETE, "api/agent_builder/agents/a.b", true),
            (Method::PUT, "firstcause-findings", true),
            (Method::POST, "api/agent_builder/mcp", true),
            (Method::PUT, "api/agent_builder/tools", false),
            (Method::PUT, "api/agent_builder/tools/..", false),
            (Method::DELETE, "api/agent_builder/tools/a/b", false),
            (Method::DELETE, "*", false),
            (Method::DELETE, "_all", false),
            (Method::PUT, "a,b", false),
            (Method::DELETE, "", false),
            (Method::POST, "firstcause-findings/_delete_by_query", false),
            (Method::POST, "api/agent_builder/toolsx", false),
            (Method::PATCH, "api/agent_builder/tools/a", false),
        ] {
            assert_eq!(may(&method, path), is_allowed, "{method} {path}");
        }
    }

    #[test]
    fn an_answer_may_come_as_an_event() {
        assert_eq!(json(b"event: message\ndata: {\"a\":1}\n\n")["a"], 1);
        assert_eq!(json(b"{\"a\":1}")["a"], 1);
        assert!(json(b"<html>").is_null());
    }
}
