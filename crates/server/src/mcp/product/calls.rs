//! Tools as each revision lists and calls them.
//!
//! What is wrong with arguments is told as the tool's error since 2025-11-25, so that a model can correct itself, and as
//! the protocol's error before. The structured form came with 2025-06-18.

use std::sync::Arc;

use hyper::http::request::Parts;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult,
    ProtocolVersion, Tool as Listed, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;
use tools::{Reply, Tool, ToolError};

use super::offered::{Call, CallError, Offered};
use super::principal;
use crate::mcp::VERSION;

/// How long a client may keep the list, in milliseconds: it changes with the program and with a key.
const TTL_MS: u64 = 60_000;

/// The tools, as they are listed.
pub(super) fn list(shown: &[Arc<dyn Tool>]) -> ListToolsResult {
    let tools = shown.iter().map(|tool| listed(&**tool)).collect();
    let listed = ListToolsResult { tools, ..ListToolsResult::default() };
    listed.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Private)
}

fn listed(tool: &dyn Tool) -> Listed {
    let about = tool.about();
    // No tool destroys anything, and what changes nothing can be called again. The system that is asked about is not
    // the world at large, but what it says is written by others.
    let hints = ToolAnnotations::new()
        .read_only(about.is_read_only)
        .destructive(false)
        .idempotent(about.is_read_only)
        .open_world(true);
    Listed::new(about.name.clone(), about.description.clone(), tool.input_schema())
        .with_raw_output_schema(Arc::new(tool.output_schema()))
        .with_annotations(hints)
}

/// Calls a tool.
pub(super) async fn call(
    offered: &dyn Offered,
    request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let version =
        spoken(context).or_else(|| context.protocol_version()).unwrap_or(ProtocolVersion::V_2024_11_05);
    let call = Call {
        name: request.name.into_owned(),
        arguments: request.arguments.map_or(Value::Null, Value::Object),
        traceparent: context.meta.get_traceparent().filter(|text| is_traceparent(text)).map(str::to_owned),
    };
    match offered.call(principal(context), call).await {
        Ok(reply) => Ok(told(reply, &version).into()),
        Err(CallError::Unknown(text)) => Err(ErrorData::invalid_params(text, None)),
        Err(CallError::Tool(ToolError::Input(text))) if version.as_str() < CORRECTED => {
            Err(ErrorData::invalid_params(text, None))
        }
        Err(error) => Ok(CallToolResult::error(vec![ContentBlock::text(error.to_string())]).into()),
    }
}

/// The revision that a request says it is in: without a session the library knows none.
fn spoken(context: &RequestContext<RoleServer>) -> Option<ProtocolVersion> {
    let said = context.extensions.get::<Parts>()?.headers.get(VERSION)?.to_str().ok()?;
    serde_json::from_value(Value::from(said)).ok()
}

/// Since this revision a model is told what is wrong with its arguments.
const CORRECTED: &str = "2025-11-25";
/// Since this revision an answer has a form for programs.
const STRUCTURED: &str = "2025-06-18";

fn told(reply: Reply, version: &ProtocolVersion) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(reply.text)]);
    result.structured_content = (version.as_str() >= STRUCTURED).then_some(reply.structured);
    result
}

/// Whether a text has the form of W3C Trace Context, level 1, section 3.2: version, trace, parent, flags.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &&str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_set = |part: &str| part.bytes().any(|byte| byte != b'0');
    match parts.as_slice() {
        [version, trace, parent, flags, rest @ ..] => {
            is_hex(version, 2)
                && *version != "ff"
                && (rest.is_empty() || *version != "00")
                && is_hex(trace, 32)
                && is_set(trace)
                && is_hex(parent, 16)
                && is_set(parent)
                && is_hex(flags, 2)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_names_a_trace_and_a_parent_is_passed_on() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert!(is_traceparent(&format!("00-{trace}-{parent}-01")));
        assert!(is_traceparent(&format!("01-{trace}-{parent}-01-more")));
        for wrong in [
            String::new(),
            format!("00-{trace}-{parent}"),
            format!("00-{trace}-{parent}-01-more"),
            format!("ff-{trace}-{parent}-01"),
            format!("00-{}-{parent}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{parent}-01", trace.to_uppercase()),
            format!("00-{trace}-{parent}-1"),
        ] {
            assert!(!is_traceparent(&wrong), "{wrong}");
        }
    }
}
