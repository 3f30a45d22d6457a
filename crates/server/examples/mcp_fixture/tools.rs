//! The tools that answer at once, and those that tell something on the way.

#![allow(deprecated, reason = "the older revisions have what the newest took away")]

use std::time::Duration;

use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::json;

use crate::asked_back;
use crate::handler::Fixture;
use crate::input_required;

/// One red pixel.
pub(crate) const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";
/// A sound of no length.
const AUDIO: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";
/// Between two lines on the way.
const PAUSE: Duration = Duration::from_millis(50);

/// Calls a tool by its name.
pub(crate) async fn call(
    fixture: &Fixture,
    request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let name = request.name.as_ref();
    let argument = |name: &str| {
        let arguments = request.arguments.as_ref()?;
        arguments.get(name)?.as_str().map(str::to_owned)
    };
    let given = |name: &str| {
        argument(name).ok_or_else(|| ErrorData::invalid_params(format!("`{name}` must be a text"), None))
    };
    let content = match name {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => vec![ContentBlock::image(IMAGE, "image/png")],
        "test_audio_content" => vec![ContentBlock::audio(AUDIO, "audio/wav")],
        "test_embedded_resource" => {
            vec![embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]
        }
        "test_multiple_content_types" => vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(IMAGE, "image/png"),
            embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ],
        "test_error_handling" => {
            let why = text("This tool intentionally returns an error for testing");
            return Ok(CallToolResult::error(why).into());
        }
        "test_tool_with_logging" => lines(&context).await,
        "test_tool_with_progress" => progress(&context).await,
        "test_logging_tool" => line_on_request(&context).await,
        "test_reconnection" => {
            tokio::time::sleep(2 * PAUSE).await;
            text("Reconnection test completed")
        }
        "test_custom_header" => text(&given("value")?),
        "json_schema_2020_12_tool" => text(&argument("name").unwrap_or_default()),
        "test_sampling" => asked_back::sample(&context, given("prompt")?).await?,
        "test_elicitation" => asked_back::elicit(&context, given("message")?).await?,
        "test_elicitation_sep1034_defaults" => asked_back::defaults(&context).await?,
        "test_elicitation_sep1330_enums" => asked_back::choices(&context).await?,
        "test_trigger_tool_change" => {
            for listener in fixture.listeners() {
                drop(listener.notify_tool_list_changed().await);
            }
            text("told")
        }
        "test_trigger_prompt_change" => {
            for listener in fixture.listeners() {
                drop(listener.notify_prompt_list_changed().await);
            }
            text("told")
        }
        "test_missing_capability" => {
            if context.client_capabilities().is_none_or(|client| client.sampling.is_none()) {
                let needed = ClientCapabilities::builder().enable_sampling().build();
                return Err(ErrorData::missing_required_client_capability(needed));
            }
            text("The client can sample")
        }
        "test_streaming_elicitation" => return input_required::one("value", "Say a value").map(Into::into),
        _ => return Err(ErrorData::invalid_params(format!("no tool is called `{name}`"), None)),
    };
    Ok(CallToolResult::success(content).into())
}

pub(crate) fn text(text: &str) -> Vec<ContentBlock> {
    vec![ContentBlock::text(text)]
}

fn embedded(uri: &str, kind: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(kind))
}

async fn lines(context: &RequestContext<RoleServer>) -> Vec<ContentBlock> {
    for line in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        let line = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(line));
        drop(context.peer.notify_logging_message(line).await);
        tokio::time::sleep(PAUSE).await;
    }
    text("Logging test completed")
}

async fn line_on_request(context: &RequestContext<RoleServer>) -> Vec<ContentBlock> {
    if let Some(level) = context.meta.log_level() {
        let line = LoggingMessageNotificationParam::new(level, json!("asked for"));
        drop(context.peer.notify_logging_message(line).await);
    }
    text("Logging tool completed")
}

async fn progress(context: &RequestContext<RoleServer>) -> Vec<ContentBlock> {
    for step in [0.0, 50.0, 100.0] {
        if let Some(token) = context.meta.get_progress_token() {
            let step = ProgressNotificationParam::new(token, step).with_total(100.0);
            drop(context.peer.notify_progress(step).await);
        }
        tokio::time::sleep(PAUSE).await;
    }
    text("Progress test completed")
}
