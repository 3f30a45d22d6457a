//! JSON Schema of tools' types: as small as it can be, because whoever reads it pays for it.
//!
//! Draft 2020-12, made by `schemars`, without what says nothing to a caller: titles, the name of the draft, formats of
//! integers, and nulls as a default.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

/// The schema of arguments of type `T`, everything inlined.
#[must_use]
pub fn of_input<T: JsonSchema>() -> Map<String, Value> {
    of::<T>()
}

/// The schema of an answer of type `T`: of its parts only the kinds are said, and a description where it says a unit or
/// lists values. What a reader of one answer sees by itself is not paid for by every list of tools.
#[must_use]
pub fn of_output<T: JsonSchema>() -> Map<String, Value> {
    let mut object = of::<T>();
    object.remove("required");
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        // Every answer has it: `hint::Hint`.
        properties.insert("next".to_owned(), serde_json::json!({ "type": "array" }));
        properties.values_mut().for_each(shorten);
    }
    object
}

/// Takes away the parts of an answer that are null. Their schema says what they are when they are there, so that a client
/// that checks answers by it refuses a null.
pub fn without_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        Value::Object(object) => {
            object.retain(|_, part| !part.is_null());
            object.values_mut().for_each(without_nulls);
        }
        _ => {}
    }
}

/// Takes away what a part of an answer can do without.
fn shorten(value: &mut Value) {
    let Value::Object(object) = value else { return };
    object.remove("required");
    object.remove("minimum");
    if matches!(object.get("type"), Some(Value::String(kind)) if kind == "object" || kind == "array") {
        object.remove("description");
    }
    for key in ["items", "additionalProperties"] {
        object.get_mut(key).into_iter().for_each(shorten);
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(shorten);
    }
}

fn of<T: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    let mut value = schema.to_value();
    strip(&mut value);
    let Value::Object(mut object) = value else { return Map::new() };
    object.entry("type").or_insert_with(|| Value::from("object"));
    object.remove("description");
    object
}

/// What `telemetry::number::Num` says of itself: how it is rounded, which no caller needs.
const NUMBER: &str = "A finite number with nine significant digits; what is not finite becomes zero.";

/// Takes away what costs and says nothing.
fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(object) => {
            if is_schema(object) {
                object.remove("title");
                object.remove("format");
                if object.get("description").is_some_and(|text| *text == NUMBER) {
                    object.remove("description");
                }
                if object.get("default").is_some_and(Value::is_null) {
                    object.remove("default");
                }
                optional(object);
            }
            object.values_mut().for_each(strip);
        }
        _ => {}
    }
}

/// Whether this object says what a value is, and is not a list of properties.
fn is_schema(object: &Map<String, Value>) -> bool {
    ["type", "anyOf", "oneOf", "allOf", "enum", "const", "$ref"].iter().any(|key| object.contains_key(*key))
        && !object.get("type").is_some_and(Value::is_object)
}

/// `["string", "null"]` of an argument that may be left out is a string.
fn optional(object: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = object.get("type") else { return };
    if let [one, null] = types.as_slice()
        && null == "null"
    {
        let one = one.clone();
        object.insert("type".to_owned(), one);
        if let Some(Value::Array(values)) = object.get_mut("enum") {
            values.retain(|value| !value.is_null());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_no_part_that_is_null() {
        let mut answer =
            serde_json::json!({ "rows": [{ "before": null, "now": 1 }], "next": [], "at": null });
        without_nulls(&mut answer);
        assert_eq!(answer, serde_json::json!({ "rows": [{ "now": 1 }], "next": [] }));
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Input {
        /// Name of the service.
        service: Option<String>,
        limit: u32,
        title: String,
    }

    #[test]
    fn a_schema_says_what_a_caller_needs_and_no_more() {
        let schema = of_input::<Input>();
        assert_eq!(
            Value::Object(schema),
            serde_json::json!({
                "type": "object",
                "properties": {
                    "service": { "type": "string", "description": "Name of the service." },
                    "limit": { "type": "integer", "minimum": 0 },
                    "title": { "type": "string" },
                },
                "required": ["limit", "title"],
            })
        );
    }
}
