//! What a tool is called with: the settings' arguments, with the window and the service filled in.
//!
//! Text is filled in as a value, which nothing can get out of. Inside a longer text, such as a query, only a service whose name
//! means nothing in any language is filled in; of others the question is not answered.

use serde_json::{Map, Value as Json};
use telemetry::{AskError, Scope, Window};

use crate::settings::Tool;

/// The arguments, or why there are none.
pub(super) fn of(tool: &Tool, window: Window, scope: &Scope) -> Result<Json, AskError> {
    let mut arguments = Map::new();
    for (name, value) in &tool.arguments {
        if let Some(value) = filled(value, window, scope)? {
            arguments.insert(name.clone(), value);
        }
    }
    Ok(Json::Object(arguments))
}

/// The value with its places filled; nothing when it is the service alone and none is asked about.
fn filled(value: &Json, window: Window, scope: &Scope) -> Result<Option<Json>, AskError> {
    let service = scope.service.as_deref();
    match value {
        Json::String(text) if text == "{service}" => Ok(service.map(Json::from)),
        Json::String(text) => {
            for (name, number) in moments(window) {
                if *text == format!("{{{name}}}") {
                    return Ok(Some(Json::from(number)));
                }
            }
            let mut text =
                text.replace("{from}", &window.from.rfc3339()).replace("{to}", &window.to.rfc3339());
            for (name, number) in moments(window) {
                text = text.replace(&format!("{{{name}}}"), &number.to_string());
            }
            if text.contains("{service}") {
                let name = service.unwrap_or("*");
                let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
                if !name.chars().all(is_plain) {
                    return Err(AskError::Unsupported(format!(
                        "about a service called `{name}`, inside a query"
                    )));
                }
                text = text.replace("{service}", name);
            }
            Ok(Some(Json::from(text)))
        }
        Json::Array(all) => {
            let mut list = Vec::new();
            for one in all {
                list.extend(filled(one, window, scope)?);
            }
            Ok(Some(Json::Array(list)))
        }
        Json::Object(all) => {
            let mut object = Map::new();
            for (name, one) in all {
                if let Some(one) = filled(one, window, scope)? {
                    object.insert(name.clone(), one);
                }
            }
            Ok(Some(Json::Object(object)))
        }
        other => Ok(Some(other.clone())),
    }
}

/// The window's ends as numbers.
fn moments(window: Window) -> [(&'static str, i64); 4] {
    let (from, to) = (window.from.0, window.to.0);
    let (milli, second) = (1_000_000, telemetry::time::SECOND_NS);
    [
        ("from_ms", from.div_euclid(milli)),
        ("to_ms", to.div_euclid(milli)),
        ("from_s", from.div_euclid(second)),
        ("to_s", to.div_euclid(second)),
    ]
}
