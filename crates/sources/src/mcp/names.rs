//! Which of the offered tools is meant, and whether it may be called.
//!
//! Kibana's Agent Builder offers `platform.core.search` as `platform_core_search`, and a second one of the same name as
//! `.._1`: from a name there is no way back to its id, so what may mean two is refused.

use serde_json::Value as Json;

use crate::json::text;

/// The name of the tool that is meant.
pub(super) fn found<'a>(wanted: &str, tools: &'a [Json]) -> Result<&'a str, String> {
    let name = |tool: &'a Json| text(tool, "/name");
    let tool = match tools.iter().find(|tool| name(tool) == wanted) {
        Some(tool) => tool,
        None => {
            let made = wanted.replace('.', "_");
            let Some(tool) = tools.iter().find(|tool| name(tool) == made) else {
                let mut all: Vec<&str> = tools.iter().map(name).collect();
                all.sort_unstable();
                all.truncate(40);
                return Err(format!("there is no tool `{wanted}`; hint: one of {}", all.join(", ")));
            };
            let second = format!("{made}_1");
            if tools.iter().any(|tool| name(tool) == second) {
                return Err(format!(
                    "`{wanted}` may be `{made}` or `{second}`; hint: give the one that is meant"
                ));
            }
            tool
        }
    };
    let hint = |key: &str| tool.pointer("/annotations").and_then(|all| all.get(key)).and_then(Json::as_bool);
    if hint("destructiveHint") == Some(true) || hint("readOnlyHint") == Some(false) {
        return Err(format!(
            "the tool `{}` says itself that it changes something, and is not called; hint: name one that only reads",
            name(tool)
        ));
    }
    Ok(name(tool))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // covers: AT-15
    #[test]
    fn an_id_finds_its_name_and_what_may_be_two_is_refused() {
        let tools: Vec<Json> =
            ["platform_core_search", "a_b_c", "a_b_c_1"].map(|name| json!({"name": name})).into();
        assert_eq!(found("platform.core.search", &tools), Ok("platform_core_search"));
        assert_eq!((found("a_b_c", &tools), found("a_b_c_1", &tools)), (Ok("a_b_c"), Ok("a_b_c_1")));
        assert!(found("a.b_c", &tools).unwrap_err().contains("may be `a_b_c` or `a_b_c_1`; hint: "));
        let none = found("platform.core.serach", &tools).unwrap_err();
        assert!(none.contains("hint: one of a_b_c, a_b_c_1, platform_core_search"), "{none}");
    }

    #[test]
    fn a_tool_that_says_that_it_changes_something_is_refused() {
        let tool = |annotations: Json| vec![json!({"name": "t", "annotations": annotations})];
        for wrong in [
            json!({"readOnlyHint": false}),
            json!({"destructiveHint": true}),
            json!({"readOnlyHint": true, "destructiveHint": true}),
        ] {
            assert!(
                found("t", &tool(wrong.clone())).unwrap_err().contains("is not called; hint: "),
                "{wrong}"
            );
        }
        for right in [json!({"readOnlyHint": true}), json!({"destructiveHint": false}), json!({}), Json::Null]
        {
            assert_eq!(found("t", &tool(right)), Ok("t"));
        }
    }
}
