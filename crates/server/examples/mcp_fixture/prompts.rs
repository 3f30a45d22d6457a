//! Five prompts; the last needs an input first.

use rmcp::ErrorData;
use rmcp::model::*;
use serde_json::Value;

use crate::handler::TTL_MS;
use crate::input_required;
use crate::tools::IMAGE;

/// Every prompt.
pub(crate) fn list() -> ListPromptsResult {
    let argument = |name: &str| PromptArgument::new(name).with_description("A text").with_required(true);
    let with_arguments = vec![argument("arg1"), argument("arg2")];
    let prompts = [
        ("test_simple_prompt", None),
        ("test_prompt_with_arguments", Some(with_arguments)),
        ("test_prompt_with_embedded_resource", Some(vec![argument("resourceUri")])),
        ("test_prompt_with_image", None),
        ("test_input_required_result_prompt", None),
    ];
    let prompts =
        prompts.into_iter().map(|(name, arguments)| Prompt::new(name, Some("A prompt"), arguments)).collect();
    let listed = ListPromptsResult { prompts, ..Default::default() };
    listed.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Public)
}

/// Fills one in.
pub(crate) fn get(request: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let argument = |name: &str| {
        let arguments = request.arguments.as_ref();
        let text = arguments.and_then(|all| all.get(name)).and_then(Value::as_str);
        text.ok_or_else(|| ErrorData::invalid_params(format!("`{name}` must be a text"), None))
    };
    let say = |text: String| PromptMessage::new_text(Role::User, text);
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![say("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => {
            vec![say(format!(
                "Prompt with arguments: arg1='{}', arg2='{}'",
                argument("arg1")?,
                argument("arg2")?
            ))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource =
                ResourceContents::text("Embedded resource content for testing.", argument("resourceUri")?);
            let block = ContentBlock::resource(resource.with_mime_type("text/plain"));
            vec![
                PromptMessage::new(Role::User, block),
                say("Please process the embedded resource above.".to_owned()),
            ]
        }
        "test_prompt_with_image" => vec![
            PromptMessage::new(Role::User, ContentBlock::image(IMAGE, "image/png")),
            say("Please analyze the image above.".to_owned()),
        ],
        "test_input_required_result_prompt" => {
            let responses = request.input_responses.as_ref();
            let Some(answer) = responses.and_then(|all| all.get("user_context")) else {
                return input_required::one("user_context", "Which context?").map(Into::into);
            };
            let context = answer.pointer("/content/context").and_then(Value::as_str).unwrap_or("nothing");
            vec![say(format!("In this context: {context}"))]
        }
        other => return Err(ErrorData::invalid_params(format!("no prompt is called `{other}`"), None)),
    };
    Ok(GetPromptResult::new(messages).into())
}
