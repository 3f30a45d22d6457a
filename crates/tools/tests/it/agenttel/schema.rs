//! The JSON of every tool holds by the schema that the tool publishes, and the text asked for as JSON is that JSON.

use serde_json::{Map, Value, json};
use tools::Role;

use super::planted::{self, PAY, Planted};
use crate::memory::{call, tools_of};

/// Why `value` does not hold by `schema`. Stricter than a schema: a property that is not listed is wrong.
fn broken(schema: &Value, value: &Value, place: &str) -> Option<String> {
    let Value::Object(schema) = schema else {
        return (schema == &Value::Bool(false)).then(|| place.to_owned());
    };
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(ways)) = schema.get(key) {
            return ways
                .iter()
                .all(|way| broken(way, value, place).is_some())
                .then(|| format!("{place}: none of {key}"));
        }
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        return (!values.contains(value)).then(|| format!("{place}: {value} is not in the list"));
    }
    if let Some(kind) = schema.get("type") {
        let kinds = kind.as_array().cloned().unwrap_or_else(|| vec![kind.clone()]);
        if !kinds.iter().any(|kind| is_of(kind.as_str().unwrap_or_default(), value)) {
            return Some(format!("{place}: {value} is not of {kind}"));
        }
    }
    match value {
        Value::Array(items) => {
            let item = schema.get("items").unwrap_or(&Value::Bool(true));
            items.iter().enumerate().find_map(|(at, one)| broken(item, one, &format!("{place}[{at}]")))
        }
        Value::Object(object) => properties(schema, object, place),
        _ => None,
    }
}

fn properties(schema: &Map<String, Value>, object: &Map<String, Value>, place: &str) -> Option<String> {
    let known = schema.get("properties").and_then(Value::as_object);
    let free = schema.get("additionalProperties");
    object.iter().find_map(|(name, value)| {
        let place = format!("{place}.{name}");
        match (known.and_then(|known| known.get(name)), free) {
            (Some(schema), _) | (None, Some(schema)) => broken(schema, value, &place),
            (None, None) if known.is_none() => None,
            (None, None) => Some(format!("{place}: not listed")),
        }
    })
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

fn arguments(tool: &str) -> Value {
    match tool {
        "get_incident_context"
        | "get_trend_analysis"
        | "get_error_analysis"
        | "get_cross_stack_context"
        | "list_remediation_actions" => json!({ "operation_name": PAY }),
        "get_playbook" => json!({ "operation_name": PAY, "pattern": "memory_leak" }),
        "execute_remediation" => json!({ "action_name": "restart", "reason": "it leaks" }),
        "verify_remediation_effect" => json!({ "action_name": "restart" }),
        "create_session" => json!({ "incident_id": "inc_1" }),
        "add_session_entry" => {
            json!({ "session_id": "ses_6787c668_1", "type": "OBSERVATION", "content": "slow" })
        }
        "get_session" => json!({ "session_id": "ses_6787c668_1" }),
        _ => json!({}),
    }
}

fn scenes() -> Vec<Planted> {
    let mut all = vec![planted::with_browsers(), planted::objectives(), planted::ramp(), Planted::default()];
    for scene in &mut all {
        scene.actions = super::remediation::actions();
        scene.proposed = Some(super::remediation::proposed());
    }
    all
}

#[tokio::test]
async fn the_json_of_every_tool_holds_by_its_own_schema() {
    for scene in scenes() {
        let context = scene.context(Role::Admin);
        for tool in tools_of("agenttel") {
            let name = tool.about().name.clone();
            let reply = call(&context, "agenttel", &name, arguments(&name))
                .await
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            let schema = Value::Object(tool.output_schema());
            assert_eq!(broken(&schema, &reply.structured, &name), None);
            let Value::Object(mut altered) = reply.structured else { panic!("{name} is an object") };
            altered.insert("unheard_of".to_owned(), Value::Null);
            assert!(
                broken(&schema, &Value::Object(altered.clone()), &name).is_some(),
                "{name}: nothing is checked"
            );
            altered.remove("unheard_of");
            altered.insert("truncated".to_owned(), json!("no"));
            assert!(broken(&schema, &Value::Object(altered), &name).is_some(), "{name}: no kind is checked");
        }
    }
}

// covers: AG-23
#[tokio::test]
async fn the_text_is_the_json_itself_where_that_is_asked_for() {
    for tool in ["get_service_health", "get_slo_report", "get_executive_summary"] {
        let context = planted::trouble().context(Role::Observer);
        let reply = call(&context, "agenttel", tool, json!({ "format": "json" })).await.expect("an answer");
        let Value::Object(text) = serde_json::from_str(&reply.text).expect("JSON") else { panic!("{tool}") };
        for (key, value) in &text {
            assert_eq!(&reply.structured[key], value, "{tool} {key}");
        }
        let error =
            call(&context, "agenttel", tool, json!({ "format": "xml" })).await.expect_err("no format");
        assert!(error.to_string().contains("unknown variant"), "{error}");
    }
}
