//! The paths of HolmesGPT and OpenSRE over a real socket: who is let in, what is refused, what an answer is made of.
//!
//! That the shapes are theirs is shown by their own packages, in `firstcause`'s tests.

use serde_json::{Value, json};

use super::identity::oracle::Scope;
use super::identity::world;
use super::rig::Rig;
use super::story::INCIDENT;
use super::tools_over_http::{ALL, bearer, exchange, raw};

const ISSUE: &str = r#"{"source":"prometheus","title":"slow","description":"gateway is slow","subject":{"name":"gateway"},"context":{},"include_tool_calls":true}"#;

fn api_key(key: &str) -> String {
    format!("x-api-key: {key}\r\n")
}

#[tokio::test]
async fn an_alert_is_explained_and_its_parts_are_those_of_the_report() {
    let rig = Rig::closed().await;
    let (status, _, told) =
        exchange(&rig, "POST /investigate", "", r#"{"raw_alert":{"service":"gateway"}}"#).await;
    assert_eq!((status, &told["id"], &told["is_noise"]), (200, &json!(INCIDENT), &json!(false)), "{told}");
    let (_, _, reply) =
        exchange(&rig, "POST /api/v1/tools/report", "", &json!({ "incident": INCIDENT }).to_string()).await;
    assert_eq!(told["root_cause"], reply["structured"]["statement"]);
    let report = told["report"].as_str().expect("a text");
    for part in
        ["# Incident\n", "## Problem", "Looked at: service gateway.", "## Conclusion", "- Confidence: "]
    {
        assert!(report.contains(part), "{part}: {report}");
    }
    let (status, _, told) = exchange(&rig, "POST /api/investigate", "", ISSUE).await;
    assert_eq!((status, &told["metadata"]["incident"]), (200, &json!(INCIDENT)), "{told}");
    assert_eq!(told["tool_calls"][0]["result"]["data"], Value::Null, "what tools said was not asked for");
    // A browser gets the page, a caller of OpenSRE the text.
    let place = format!("GET /investigations/{INCIDENT}");
    assert!(raw(&rig, &place, "", "").await.contains("text/html"));
    assert!(raw(&rig, &place, "accept: text/markdown\r\n", "").await.contains("text/markdown"));
    rig.end().await;
}

#[tokio::test]
async fn keys_hold_there_too_in_either_header() {
    let rig = Rig::closed().await;
    let key = |seed, role, scope| world::make(&rig.disk, seed, world::order(role, scope));
    let (observer, able) = (key(1, "observer", ALL), key(2, "diagnostician", ALL));
    let narrow = key(3, "diagnostician", Scope { tools: &["logs"], ..ALL });
    let alert = r#"{"raw_alert":{}}"#;
    for (more, expected) in [
        (String::new(), 401),
        (api_key("fc_nothing"), 401),
        (api_key(&observer), 403),
        (api_key(&narrow), 403),
        (api_key(&able), 200),
        (bearer(&able), 200),
        (format!("{}{}", bearer(&observer), api_key(&able)), 403),
        (format!("{}origin: http://evil.example\r\n", bearer(&able)), 403),
    ] {
        for (head, body) in [("POST /investigate", alert), ("POST /api/investigate", ISSUE)] {
            let (status, _, answer) = exchange(&rig, head, &more, body).await;
            assert_eq!(status, expected, "{head} {more}: {answer}");
            assert!(status == 200 || answer["detail"].is_string(), "{answer}");
        }
    }
    let chat = r#"{"ask":"How is the system?"}"#;
    for (head, more, body, expected) in [
        ("GET /investigations", bearer(&narrow), "", 403),
        ("GET /investigations", api_key(&observer), "", 200),
        ("POST /api/chat", bearer(&narrow), chat, 403),
        ("POST /api/chat", bearer(&observer), chat, 200),
        ("GET /ok", String::new(), "", 200),
        ("GET /investigate", bearer(&able), "", 405),
        ("GET /api/chat", bearer(&able), "", 405),
        ("GET /investigations/inc_nothing", api_key(&able), "", 404),
    ] {
        let (status, _, answer) = exchange(&rig, head, &more, body).await;
        assert_eq!(status, expected, "{head} {more}: {answer}");
    }
    rig.end().await;
}

#[tokio::test]
async fn what_a_caller_says_approves_nothing_and_what_it_says_wrong_is_told() {
    let rig = Rig::closed().await;
    let approved = r#"{"ask":"go","tool_decisions":[{"tool_call_id":"1","approved":true}]}"#;
    let denied = r#"{"ask":"how is gateway?","tool_decisions":[{"tool_call_id":"1","approved":false}]}"#;
    assert_eq!(exchange(&rig, "POST /api/chat", "", approved).await.0, 403);
    assert_eq!(exchange(&rig, "POST /api/chat", "", denied).await.0, 200);
    for (head, body) in [
        ("POST /api/chat", "{}"),
        ("POST /investigate", "{\"raw_alert\":[]}"),
        ("POST /api/investigate", "{"),
    ] {
        let (status, _, answer) = exchange(&rig, head, "", body).await;
        assert_eq!((status, &answer["detail"][0]["loc"]), (422, &json!(["body"])), "{head}: {answer}");
    }
    let long = format!(r#"{{"ask":"{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(exchange(&rig, "POST /api/chat", "", &long).await.0, 413);
    rig.end().await;
}

// covers: EL-54
#[tokio::test]
async fn kibanas_address_of_the_protocol_answers_one_request_without_a_session() {
    let rig = Rig::closed().await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let post = "POST /api/agent_builder/mcp";
    const JSON: &str = "content-type: application/json\r\n";
    let (status, head, all) = exchange(&rig, post, JSON, list).await;
    let tools = |answer: &Value| answer["result"]["tools"].as_array().map_or(0, Vec::len);
    assert_eq!((status, tools(&all)), (200, 25), "{all}");
    assert!(!head.contains("mcp-session-id"), "{head}");
    let (_, _, some) =
        exchange(&rig, "POST /api/agent_builder/mcp?namespace=platform.core,x", JSON, list).await;
    assert!(tools(&some) > 0 && tools(&some) < 25, "{some}");
    let call = |name: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"{name}"}}}}"#)
    };
    for name in ["get_services", "observability_get_services"] {
        let newer = format!("{JSON}mcp-protocol-version: 2025-06-18\r\n");
        let (_, _, called) = exchange(&rig, post, &newer, &call(name)).await;
        assert_eq!(called["result"]["structuredContent"]["total"], 2, "{name}: {called}");
    }
    let other =
        exchange(&rig, "POST /api/agent_builder/mcp?namespace=x", JSON, &call("get_services")).await.2;
    assert!(other["error"].is_object() || other["result"]["isError"] == true, "{other}");
    assert_eq!(exchange(&rig, "GET /api/agent_builder/mcp", "", "").await.0, 405);
    let evil = format!("{JSON}origin: http://evil.example\r\n");
    assert_eq!(exchange(&rig, post, &evil, list).await.0, 403);
    world::make(&rig.disk, 7, world::order("observer", ALL));
    assert_eq!(exchange(&rig, post, JSON, list).await.0, 401, "keys hold here, too");
    rig.end().await;
}
