//! The product's own tools, reports, journals and prompts, through the official clients of every revision.
// covers: AG-01

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::Client::{Node, Python, PythonOld};
use super::{Client, Target};
use crate::BINARY;
use crate::otlp_client::{Seeded, now_unix_nanos, trace_request};
use crate::serving::{Serving, exchange};

/// The default dialect, in the order in which it is listed.
const TOOLS: [&str; 10] = [
    "status",
    "incidents",
    "investigate",
    "report",
    "evidence",
    "compare",
    "trace",
    "logs",
    "changes",
    "propose_action",
];

/// The documents for agents that come with the program, and the operator's own one.
const SKILLS: [&str; 4] = [
    "firstcause://skills/investigate-an-alert",
    "firstcause://skills/our-queue",
    "firstcause://skills/propose-a-fix",
    "firstcause://skills/review-an-incident",
];

/// One client of each revision, and the two languages for the newest.
const CLIENTS: [(Client, &str); 7] = [
    (PythonOld("1.8.1"), "2024-11-05"),
    (PythonOld("1.9.4"), "2025-03-26"),
    (PythonOld("1.11.0"), "2025-06-18"),
    (Python("legacy"), "2025-11-25"),
    (Python("auto"), "2026-07-28"),
    (Node("sdk"), "2025-11-25"),
    (Node("client"), "2026-07-28"),
];

/// A server that was sent twenty traces; the last one's id, and its number of spans.
fn served(folder: &Path) -> (Serving, String, usize) {
    for (name, text) in
        [("our-queue", "---\nname: our-queue\ndescription: When it grows.\n---\n"), ("wrong", "text")]
    {
        std::fs::create_dir_all(folder.join("skills").join(name)).unwrap();
        std::fs::write(folder.join("skills").join(name).join("SKILL.md"), text).unwrap();
    }
    let serving = Serving::start(folder, &[]);
    let mut seeded = Seeded(6);
    let mut last = (String::new(), 0);
    for _ in 0..20 {
        let request = trace_request(&mut seeded, now_unix_nanos() - 60_000_000_000);
        let sent =
            exchange(serving.otlp, "POST /v1/traces", "application/x-protobuf", &request.bytes).unwrap();
        assert_eq!(sent.0, 200);
        last = (request.trace_id, request.spans);
    }
    assert_eq!(serving.spans_of(&last.0), last.1);
    (serving, last.0, last.1)
}

fn check_told(client: Client, revision: &str, told: &Value, spans: usize) {
    assert_eq!(told["revision"], revision, "{client:?}");
    let tools = told["tools"].as_object().unwrap();
    assert_eq!(tools.len(), TOOLS.len(), "{client:?}");
    for name in TOOLS {
        let result = &tools[name];
        assert_eq!(result["is_error"], false, "{client:?} {name}: {result:#}");
        assert_eq!(result["content"], json!(["text"]), "{client:?} {name}");
        let is_structured = revision >= "2025-06-18";
        assert_eq!(result["structured"].is_object(), is_structured, "{client:?} {name}: {result:#}");
    }
    if revision >= "2025-06-18" {
        let rows = &tools["status"]["structured"]["rows"];
        assert!(rows.to_string().contains("things"), "{client:?}: {rows}");
        let trace = &tools["trace"]["structured"];
        assert_eq!(trace["total"], spans, "{client:?}: {trace:#}");
        assert!(tools["report"]["structured"]["incident"].is_string(), "{client:?}");
    }
    let prompts = json!(["explain_symptom", "review_incident", "hand_over"]);
    assert_eq!(told["prompts"], prompts, "{client:?}");
    // Listed after `investigate` was called: its report and its journal are there, behind the skills.
    let resources: Vec<&str> =
        told["resources"].as_array().unwrap().iter().map(|uri| uri.as_str().unwrap()).collect();
    let (skills, others) = resources.split_at(SKILLS.len());
    assert_eq!(skills, SKILLS, "{client:?}");
    assert!(others.len() >= 2 && others.len().is_multiple_of(2), "{client:?}: {others:?}");
}

#[test]
fn the_official_clients_list_and_call_every_tool_of_the_product() {
    let folder = tempfile::tempdir().unwrap();
    let (serving, trace_id, spans) = served(folder.path());
    let address = format!("http://{}/mcp", serving.http);
    // What is asked about now is waited for, for a minute: what follows a symptom counts.
    let arguments =
        json!({ "trace": { "trace_id": trace_id }, "investigate": { "start": "now-7m", "end": "now-2m" } });
    for (client, revision) in CLIENTS {
        check_told(client, revision, &client.told(&Target::Http(&address), &arguments), spans);
    }
    serving.kill();
    // What was kept is there for an agent that starts the program itself.
    let data_dir = folder.path().to_str().unwrap();
    let words = [BINARY, "mcp", "--data-dir", data_dir];
    for (client, revision) in [(PythonOld("1.2.0"), "2024-11-05"), (Python("auto"), "2026-07-28")] {
        check_told(client, revision, &client.told(&Target::Stdio(&words), &arguments), spans);
    }
}

#[test]
fn wrong_arguments_are_the_tools_error_since_2025_11_25_and_the_protocols_before() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let address = format!("http://{}/mcp", serving.http);
    let settled = json!({ "start": "now-7m", "end": "now-2m" });
    let wrong = json!({ "status": { "no_such_argument": 1 }, "investigate": settled });
    for (client, is_tools) in [(PythonOld("1.11.0"), false), (Python("legacy"), true), (Python("auto"), true)]
    {
        let told = client.told(&Target::Http(&address), &wrong);
        let result = &told["tools"]["status"];
        assert_eq!(result["is_error"] == true, is_tools, "{client:?}: {result}");
        assert_eq!(
            result["refused"].to_string().contains("no_such_argument"),
            !is_tools,
            "{client:?}: {result}"
        );
    }
}

#[test]
fn the_tools_are_listed_in_one_order_with_hints_and_can_be_read_by_people() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let get = |path: &str| {
        let (status, body) = exchange(serving.http, path, "application/json", &[]).unwrap();
        (status, String::from_utf8(body).unwrap())
    };
    let list = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let (status, listed) = exchange(serving.http, "POST /mcp", "application/json", list).unwrap();
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!((status, names), (200, TOOLS.to_vec()));
    for tool in tools {
        let hints = &tool["annotations"];
        assert_eq!(hints["destructiveHint"], false, "{tool}");
        let changes = ["investigate", "propose_action"].contains(&tool["name"].as_str().unwrap());
        assert!(changes || hints["readOnlyHint"] == true, "{tool}");
        assert!(tool["inputSchema"].is_object() && tool["outputSchema"].is_object(), "{tool}");
    }
    assert_eq!(get("GET /health"), (200, r#"{"status":"ok","tools":10}"#.to_owned()));
    let (status, page) = get("GET /mcp/docs");
    assert!(status == 200 && TOOLS.iter().all(|tool| page.contains(&format!("<h2>{tool}</h2>"))), "{page}");
    assert_eq!(get("GET /mcp").0, 405);
}

#[test]
fn a_data_folder_that_is_held_is_left_alone_and_the_way_in_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let _serving = Serving::start(folder.path(), &[]);
    let mut command = Command::new(BINARY);
    let ended = command.arg("mcp").arg("--data-dir").arg(folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && ended.stdout.is_empty(), "{told}");
    assert!(told.contains("hint: a running `serve` answers agents itself"), "{told}");
}
