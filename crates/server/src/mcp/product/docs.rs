//! A page for people about the tools that agents see: names, descriptions, arguments.
//!
//! The same list that the protocol gives; nothing can be called from here.

use maud::{DOCTYPE, html};
use serde_json::Value;
use std::sync::Arc;
use tools::Tool;

/// The page.
#[must_use]
pub fn page(tools: &[Arc<dyn Tool>]) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Tools of Firstcause" }
                style { "body{font:16px/1.5 sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap}" }
            }
            body {
                h1 { (tools.len()) " tools" }
                p { "Agents reach them with the Model Context Protocol at " code { "POST /mcp" } "." }
                @for tool in tools {
                    h2 { (tool.about().name) }
                    pre { (tool.about().description) }
                    ul {
                        @for (name, what) in arguments(&**tool) {
                            li { code { (name) } @if let Some(what) = what { ": " (what) } }
                        }
                    }
                }
            }
        }
    };
    markup.into_string()
}

fn arguments(tool: &dyn Tool) -> Vec<(String, Option<String>)> {
    let schema = tool.input_schema();
    let Some(Value::Object(properties)) = schema.get("properties") else { return Vec::new() };
    let what = |property: &Value| property.get("description").and_then(Value::as_str).map(str::to_owned);
    properties.iter().map(|(name, property)| (name.clone(), what(property))).collect()
}
