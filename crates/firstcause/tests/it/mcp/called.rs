//! The official clients, from the first releases to the newest, list and call every tool of the fixture.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Client::{Node, Python, PythonOld};
use super::{Client, Fixture, Target, fixture};

const TOOLS: usize = 28;

/// Whether a client is tried over HTTP too, and the revision that it comes to.
const CLIENTS: [(Client, bool, &str); 8] = [
    // The first release knows no HTTP with one address.
    (PythonOld("1.2.0"), false, "2024-11-05"),
    (PythonOld("1.8.1"), true, "2024-11-05"),
    (PythonOld("1.9.4"), true, "2025-03-26"),
    (PythonOld("1.11.0"), true, "2025-06-18"),
    (Python("legacy"), true, "2025-11-25"),
    (Python("auto"), true, "2026-07-28"),
    (Node("sdk"), true, "2025-11-25"),
    (Node("client"), true, "2026-07-28"),
];

/// What a tool of the fixture comes to in `revision`: `ok`, `error` (the tool's) or `refused` (the protocol's).
fn expected(tool: &str, client: Client, revision: &str) -> &'static str {
    let is_newest = revision == "2026-07-28";
    match tool {
        "test_error_handling" => "error",
        // Asks for ever.
        "test_streaming_elicitation" => "refused",
        name if name.starts_with("test_input_required") && !is_newest => "refused",
        // The server may no longer ask by itself.
        name if is_asking(name) && is_newest => "refused",
        // There are users since 2025-06-18, and models since the second of these releases.
        name if is_asking(name) && name != "test_sampling" && revision < "2025-06-18" => "refused",
        "test_sampling" | "test_missing_capability" if client == PythonOld("1.2.0") => "refused",
        // Sound came with 2025-03-26.
        "test_audio_content" if revision == "2024-11-05" => "refused",
        _ => "ok",
    }
}

fn is_asking(tool: &str) -> bool {
    tool == "test_sampling" || tool.starts_with("test_elicitation")
}

fn check_told(client: Client, revision: &str, told: &Value) {
    assert_eq!(told["revision"], revision, "{client:?}");
    let tools = told["tools"].as_object().expect("tools");
    assert_eq!(tools.len(), TOOLS, "{client:?}");
    let came_to = |result: &Value| match &result["is_error"] {
        Value::Bool(false) => "ok",
        Value::Bool(true) => "error",
        _ => "refused",
    };
    let came: BTreeMap<&str, &str> =
        tools.iter().map(|(name, result)| (name.as_str(), came_to(result))).collect();
    let should = tools.keys().map(|name| (name.as_str(), expected(name, client, revision))).collect();
    assert_eq!(came, should, "{client:?}: {told:#}");
    let content = json!(["text", "image", "resource"]);
    assert_eq!(tools["test_multiple_content_types"]["content"], content, "{client:?}");
    assert_eq!(told["prompts"].as_array().map(Vec::len), Some(5), "{client:?}");
    assert_eq!(told["resources"], json!(["test://static-text", "test://static-binary"]), "{client:?}");
}

#[test]
fn the_clients_of_every_revision_list_and_call_every_tool_over_both_ways() {
    let served = Fixture::start();
    let program = fixture();
    let words = [program.to_str().unwrap(), "stdio"];
    for (client, is_http, revision) in CLIENTS {
        check_told(client, revision, &client.told(&Target::Stdio(&words), &json!({})));
        if is_http {
            check_told(client, revision, &client.told(&Target::Http(&served.address), &json!({})));
        }
    }
}
