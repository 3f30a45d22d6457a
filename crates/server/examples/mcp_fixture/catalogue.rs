//! The tools that the suite's scenarios name, in a fixed order.

use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

/// The tool whose argument travels in a header too.
pub(crate) const HEADER: &str = "test_custom_header";

/// Tools without arguments.
const PLAIN: &[(&str, &str)] = &[
    ("test_simple_text", "Answers with one text"),
    ("test_image_content", "Answers with one image"),
    ("test_audio_content", "Answers with one sound"),
    ("test_embedded_resource", "Answers with one embedded resource"),
    ("test_multiple_content_types", "Answers with a text, an image and a resource"),
    ("test_tool_with_logging", "Tells three lines before it answers"),
    ("test_error_handling", "Fails, as a tool fails"),
    ("test_tool_with_progress", "Tells how far it is before it answers"),
    ("test_elicitation_sep1034_defaults", "Asks the user for values that have defaults"),
    ("test_elicitation_sep1330_enums", "Asks the user to choose"),
    ("test_reconnection", "Takes a moment"),
    ("test_trigger_tool_change", "Says to listeners that the tools changed"),
    ("test_trigger_prompt_change", "Says to listeners that the prompts changed"),
    ("test_missing_capability", "Needs a client that can sample"),
    ("test_streaming_elicitation", "Needs an input before it answers"),
    ("test_logging_tool", "Tells a line where the request asks for lines"),
    ("test_input_required_result_elicitation", "Needs a name"),
    ("test_input_required_result_sampling", "Needs a sample"),
    ("test_input_required_result_list_roots", "Needs the roots"),
    ("test_input_required_result_request_state", "Needs a word, and its own state back"),
    ("test_input_required_result_multiple_inputs", "Needs three inputs at once"),
    ("test_input_required_result_multi_round", "Needs two inputs, one after the other"),
    ("test_input_required_result_tampered_state", "Refuses a state that it did not write"),
    ("test_input_required_result_capabilities", "Needs what the client can give"),
];

/// Every tool.
pub(crate) fn tools() -> Vec<Tool> {
    let none = json!({ "type": "object", "properties": {} });
    let mut tools: Vec<Tool> =
        PLAIN.iter().map(|(name, what)| Tool::new(*name, *what, object(none.clone()))).collect();
    for (name, what, argument) in [
        ("test_sampling", "Asks the client's model", "prompt"),
        ("test_elicitation", "Asks the user", "message"),
    ] {
        tools.push(Tool::new(
            name,
            what,
            object(json!({
                "type": "object",
                "properties": { argument: { "type": "string", "description": "What is asked" } },
                "required": [argument],
            })),
        ));
    }
    tools.push(Tool::new(
        HEADER,
        "Takes its argument from the body, and checks it against the header",
        object(json!({
            "type": "object",
            "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
            "required": ["value"],
        })),
    ));
    tools.push(Tool::new("json_schema_2020_12_tool", "Has a rich schema", object(rich())));
    tools
}

/// The schema that the scenario `json-schema-2020-12` wants to read back unchanged.
fn rich() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}
