//! The shape that all tools of a dialect of other systems have in common: how a tool is declared, how its answer reads as
//! text, and how it is shortened.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::access::Permission;
use crate::budget::{Budget, clip};
use crate::tool::About;

/// A tool that reads and costs a page.
pub(crate) fn about(name: &str, description: &str) -> About {
    About {
        name: name.to_owned(),
        description: description.to_owned(),
        permission: Permission::Read,
        budget: Budget::PAGE,
        is_read_only: true,
    }
}

/// Declares a tool that is a function from an input to an answer.
macro_rules! reads {
    ($tool:ident, $name:literal, $input:ty => $answer:ty, $function:path, $description:expr) => {
        #[doc = concat!("The tool `", $name, "`.")]
        #[derive(Debug)]
        pub(crate) struct $tool;

        impl $crate::tool::Typed for $tool {
            type Input = $input;
            type Answer = $answer;

            fn about() -> $crate::tool::About {
                $crate::dialects::reading::shape::about($name, $description)
            }

            async fn call(
                context: &$crate::tool::Context,
                input: $input,
            ) -> Result<$crate::tool::Found<$answer>, $crate::tool::ToolError> {
                $function(context, input).await
            }
        }
    };
}
pub(crate) use reads;

/// Says that an answer is shortened from the end of these lists, the first of them first.
macro_rules! shortened {
    ($answer:ty, $title:literal, [$($list:ident),*]) => {
        impl $crate::budget::Shorten for $answer {
            fn text(&self) -> String {
                $crate::dialects::reading::shape::text($title, self)
            }

            fn shorten(&mut self) -> bool {
                $(
                    if self.$list.len() > 1 {
                        let kept = self.$list.len() - (self.$list.len() / 16).max(1);
                        self.$list.truncate(kept);
                        return true;
                    }
                )*
                false
            }
        }
    };
}
pub(crate) use shortened;

/// Characters of one text.
const TEXT: usize = 500;

/// An answer as lines: its plain values, then a line for each object of its lists. What is null or empty is not said.
pub(crate) fn text(title: &str, answer: &impl Serialize) -> String {
    let Ok(Value::Object(object)) = serde_json::to_value(answer) else { return title.to_owned() };
    let mut text = title.to_owned();
    text.push_str(&plain(&object));
    below(&object, 0, &mut text);
    text
}

fn below(object: &Map<String, Value>, depth: usize, text: &mut String) {
    for (name, value) in object {
        let Value::Array(items) = value else { continue };
        if !items.iter().any(Value::is_object) {
            continue;
        }
        let indent = "  ".repeat(depth);
        text.push_str(&format!("\n{indent}{name}:"));
        for item in items {
            let Value::Object(item) = item else { continue };
            text.push_str(&format!("\n{indent}-{}", plain(item)));
            if depth < 4 {
                below(item, depth + 1, text);
            }
        }
    }
}

/// The values that fit into one line.
fn plain(object: &Map<String, Value>) -> String {
    let said = object.iter().filter_map(|(name, value)| Some(format!(" {name}={}", one(value)?)));
    said.collect()
}

fn one(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(clip(text, TEXT)),
        Value::Array(items) if items.is_empty() || items.iter().any(Value::is_object) => None,
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(one).collect();
            Some(format!("[{}]", items.join("; ")))
        }
        Value::Object(object) => {
            Some(format!("{{{}}}", plain(object).trim_start())).filter(|text| text.len() > 2)
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    #[test]
    fn an_answer_reads_as_lines_without_what_is_not_there() {
        let answer = json!({
            "total": 2, "none": null, "empty": [], "gaps": ["a", "b"], "at": { "x": 1, "y": null },
            "rows": [{ "name": "one", "of": [{ "n": 1 }] }, { "name": "two" }],
        });
        assert_eq!(
            text("ROWS", &answer),
            "ROWS at={x=1} gaps=[a; b] total=2\nrows:\n- name=one\n  of:\n  - n=1\n- name=two"
        );
    }
}
