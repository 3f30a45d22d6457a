//! Every answer holds by the schema that its tool lists: clients check it and throw away what does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tools::{Role, Tool};

use crate::dialects::least;
use crate::memory::{Memory, call, tools_of};
use crate::system::{self, Request};

/// Where `value` does not hold by `schema`; as much of JSON Schema as the tools' schemas use.
fn faults(schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_kind = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no kind `{other}`"),
    };
    let holds = match schema.get("type") {
        None => true,
        Some(Value::String(kind)) => is_kind(kind),
        Some(kinds) => {
            kinds.as_array().is_some_and(|kinds| kinds.iter().filter_map(Value::as_str).any(is_kind))
        }
    };
    if !holds || schema.get("enum").and_then(Value::as_array).is_some_and(|known| !known.contains(value)) {
        found.push(format!("{place}: {value} is not {schema}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{place}: no {name}"));
        }
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(part) = value.get(name) {
            found.extend(faults(inner, part, &format!("{place}/{name}")));
        }
    }
    if let Some(items) = schema.get("items") {
        for (number, part) in value.as_array().into_iter().flatten().enumerate() {
            found.extend(faults(items, part, &format!("{place}/{number}")));
        }
    }
    found
}

fn of_every_dialect() -> Vec<(&'static str, Arc<dyn Tool>)> {
    let of = |dialect: &'static tools::dialects::Dialect| {
        tools_of(dialect.name).into_iter().map(|tool| (dialect.name, tool))
    };
    tools::dialects::all().iter().flat_map(of).collect()
}

// covers: AG-10
#[tokio::test]
async fn every_answer_holds_by_the_schema_of_its_tool() {
    let requests: Vec<Request> =
        (0..200).map(|n| Request { at_ms: n * 50, query_ms: 5, fails: n % 9 == 0 }).collect();
    let full =
        Memory::new(system::tables(&requests), system::BEGIN.plus_seconds(10)).context(Role::Remediator);
    let empty = Memory::empty().context(Role::Remediator);
    let mut checked: BTreeMap<&str, usize> = BTreeMap::new();
    for context in [&full, &empty] {
        call(context, "default", "investigate", json!({ "service": "orders" })).await.ok();
        for (dialect, tool) in of_every_dialect() {
            let name = &tool.about().name;
            let takes = |argument: &str| {
                tool.input_schema().get("properties").is_some_and(|known| known.get(argument).is_some())
            };
            for argument in [None, Some("service"), Some("serviceName")] {
                let mut arguments = least(&*tool, "orders");
                if let Some(argument) = argument {
                    if !takes(argument) {
                        continue;
                    }
                    let arguments = arguments.as_object_mut().expect("an object");
                    arguments.insert(argument.to_owned(), json!("orders"));
                }
                // What is not there is an error with words, and has no schema.
                let Ok(reply) = tool.call(context, arguments).await else { continue };
                let schema = Value::Object(tool.output_schema());
                assert_eq!(faults(&schema, &reply.structured, name), Vec::<String>::new(), "{dialect}");
                *checked.entry(dialect).or_default() += 1;
            }
        }
    }
    for dialect in tools::dialects::all() {
        let count = checked.get(dialect.name).copied().unwrap_or(0);
        assert!(count >= tools_of(dialect.name).len(), "{}: {count} answers", dialect.name);
    }
    // Negative control: a null where a number is promised is found.
    let schema = json!({ "type": "object", "properties": { "p95_ms": { "type": "number" } } });
    assert_eq!(faults(&schema, &json!({ "p95_ms": null }), "").len(), 1);
}
