//! Arguments that many tools share, each with its limit (EL-43): a longer one is refused before anything is asked.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use telemetry::{Scope, UnixNanos, Window};

use crate::tool::{Context, ToolError};
use crate::when;

/// Characters of a short text, of a list of indices, of a filter.
const SHORT: usize = 1024;
const INDEX: usize = 4096;
const FILTER: usize = 4096;

/// A text of an argument with a limit and, in the schema, what it means.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $limit:expr, $says:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(pub(crate) String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let count = text.chars().count();
                if count > $limit {
                    return Err(format!("a text of {count} characters where {} are allowed", $limit));
                }
                Ok(Self(text))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let says: Option<&str> = $says;
                match says {
                    Some(says) => json_schema!({ "type": "string", "maxLength": $limit, "description": says }),
                    None => json_schema!({ "type": "string", "maxLength": $limit }),
                }
            }
        }
    };
}

bounded!(
    /// A name or another short text.
    Short,
    SHORT,
    None
);
bounded!(
    /// A time.
    When,
    SHORT,
    Some("`now-1h`, `now-1d/d`, `2026-03-25||-5m` or RFC 3339")
);
bounded!(
    /// Names or patterns of indices.
    Index,
    INDEX,
    Some("`logs*`, `traces*`, `metrics*`, separated by commas")
);
bounded!(
    /// A filter.
    Kql,
    FILTER,
    Some("KQL; ECS and OpenTelemetry names alike")
);

/// The window that two arguments say, `back` seconds before its end when no start is given.
///
/// # Errors
/// When one of them is no time, or the window is empty.
pub(crate) fn window(
    context: &Context,
    (start, end): (&Option<When>, &Option<When>),
    back: i64,
) -> Result<Window, ToolError> {
    let text = |when: &Option<When>| when.as_ref().map(|when| when.0.clone());
    when::window(text(start).as_deref(), text(end).as_deref(), context.installation.now(), back)
        .map_err(ToolError::Input)
}

/// The arguments of a hint, together with the window that was asked about: without it the next answer would be about the
/// last hour.
pub(crate) fn within(window: Window, mut arguments: Value) -> Value {
    if let Some(arguments) = arguments.as_object_mut() {
        arguments.insert("start".to_owned(), window.from.rfc3339().into());
        arguments.insert("end".to_owned(), window.to.rfc3339().into());
    }
    arguments
}

/// The window before, as long.
pub(crate) fn before(window: Window) -> Window {
    let length = window.to.since(window.from);
    Window::new(UnixNanos(window.from.0.saturating_sub(length)), window.from)
}

/// How many are wanted.
///
/// # Errors
/// When none or more than `most` are.
pub(crate) fn limit(asked: Option<u32>, usual: usize, most: usize) -> Result<usize, ToolError> {
    let asked = asked.map_or(usual, |asked| asked as usize);
    if (1..=most).contains(&asked) {
        return Ok(asked);
    }
    Err(ToolError::Input(format!("a limit is 1 to {most}, not {asked}")))
}

/// A service, or all of them.
pub(crate) fn scope(service: &Option<Short>) -> Scope {
    service.as_ref().map_or_else(Scope::all, |name| Scope::service(&name.0))
}

/// The text of an argument.
pub(crate) fn text(of: &Option<Short>) -> Option<&str> {
    of.as_ref().map(|text| text.0.as_str())
}
