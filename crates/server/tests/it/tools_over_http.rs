//! Tools and views over a real socket: what is answered, to whom, and that the document tells the truth.

use serde_json::{Value, json};
use server::identity::key::id_of;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::identity::oracle::Scope;
use super::identity::world;
use super::rig::Rig;

pub(crate) const ALL: Scope = Scope { spaces: &[], dialects: &[], tools: &[] };

/// An answer as it comes.
pub(crate) async fn raw(rig: &Rig, head: &str, more: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(rig.address).await.expect("it accepts");
    let text = format!(
        "{head} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n{more}\r\n{body}",
        rig.address,
        body.len()
    );
    stream.write_all(text.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    answer
}

/// Status, head and body of an answer; `more` are further lines of the head.
pub(crate) async fn exchange(rig: &Rig, head: &str, more: &str, body: &str) -> (u16, String, Value) {
    let answer = raw(rig, head, more, body).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.get(9..12).and_then(|text| text.parse().ok()).expect("a status");
    (status, head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
}

pub(crate) fn bearer(key: &str) -> String {
    format!("authorization: Bearer {key}\r\n")
}

#[tokio::test]
async fn a_tool_is_called_with_its_arguments_and_answers_in_text_and_in_json() {
    let rig = Rig::start().await;
    let (status, _, list) = exchange(&rig, "GET /api/v1/tools", "", "").await;
    assert_eq!((status, list["dialect"].as_str()), (200, Some("default")));
    let names: Vec<&str> =
        list["tools"].as_array().expect("tools").iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert!(names.contains(&"status") && names.contains(&"propose_action"), "{names:?}");
    let (status, _, reply) = exchange(&rig, "POST /api/v1/tools/status", "", "").await;
    assert_eq!(status, 200, "{reply}");
    assert!(reply["text"].as_str().is_some_and(|text| text.contains("gateway")), "{reply}");
    assert_eq!((reply["structured"]["total"].as_u64(), reply["truncated"].as_bool()), (Some(2), Some(false)));
    assert!(reply["next"].is_array());
    let (_, _, view) = exchange(&rig, "GET /api/v1/services", "", "").await;
    assert_eq!(view, reply["structured"], "a view is what its tool answers");
    for (head, body, expected, code) in [
        ("POST /api/v1/tools/statsu", "{}", 404, "FC-0050"),
        ("POST /api/v1/tools/status", "{\"servcie\": \"x\"}", 400, "FC-0051"),
        ("POST /api/v1/tools/status", "[]", 400, "FC-0051"),
        ("POST /api/v1/tools/status", "{", 400, "FC-0051"),
        ("POST /api/v1/tools/report", "{\"incident\": \"inc_1\"}", 404, "FC-0053"),
        ("POST /api/v1/tools/investigate", "{\"service\": \"gateway\"}", 503, "FC-0054"),
        ("GET /api/v1/services?sevice=x", "", 400, "FC-0051"),
        ("GET /api/v1/metrics?sevice=x", "", 400, "FC-0051"),
        ("GET /api/v1/traces/nothex", "", 400, "FC-0051"),
        ("POST /api/v1/services", "", 405, "FC-0002"),
        ("DELETE /api/v1/tools/status", "", 405, "FC-0002"),
        ("GET /api/v1/traces", "", 404, "FC-0001"),
        ("GET /api/v1/services/x", "", 404, "FC-0001"),
    ] {
        let (status, _, problem) = exchange(&rig, head, "", body).await;
        assert_eq!((status, problem["code"].as_str()), (expected, Some(code)), "{head} {body}: {problem}");
    }
    rig.end().await;
}

// covers: AG-03, AG-04, AW-15, AW-20
#[tokio::test]
async fn keys_decide_over_http_as_soon_as_there_is_one() {
    let rig = Rig::start().await;
    let list = "GET /api/v1/tools";
    assert_eq!(exchange(&rig, list, "", "").await.0, 200, "the person at this machine");
    assert_eq!(exchange(&rig, list, "origin: http://evil.example\r\n", "").await.0, 403);
    assert_eq!(exchange(&rig, list, "sec-fetch-site: cross-site\r\n", "").await.0, 403);
    let observer = world::make(&rig.disk, 1, world::order("observer", ALL));
    let narrow = Scope { tools: &["logs"], ..ALL };
    let narrowed = world::make(&rig.disk, 2, world::order("remediator", narrow));
    let elsewhere = Scope { spaces: &["staging"], ..ALL };
    let elsewhere = world::make(&rig.disk, 3, world::order("remediator", elsewhere));
    let (status, head, problem) = exchange(&rig, list, "", "").await;
    assert_eq!((status, problem["code"].as_str()), (401, Some("FC-0040")));
    assert!(head.contains("www-authenticate: Bearer realm=\"firstcause\"\r\n"), "{head}");
    let (status, head, _) = exchange(&rig, list, &bearer("fck_x"), "").await;
    assert!(status == 401 && head.contains("error=\"invalid_token\""), "{head}");
    let question = json!({
        "id": "q0001", "space": "default", "not_before": 0,
        "ask": { "question": "health", "window": { "from": 0, "to": 1 }, "scope": {} },
    });
    let (call, question) = ("POST /api/v1/tools", question.to_string());
    for (key, head, body, expected) in [
        (&observer, "GET /api/v1/services".to_owned(), "", 200),
        (&observer, "POST /api/v1/ask".to_owned(), question.as_str(), 200),
        (&observer, format!("{call}/investigate"), "{\"service\":\"gateway\"}", 403),
        (
            &observer,
            format!("{call}/investigate"),
            "{\"service\":\"gateway\",\"_agent_role\":\"admin\"}",
            403,
        ),
        (&narrowed, format!("{call}/logs"), "{}", 200),
        (&narrowed, format!("{call}/status"), "{}", 403),
        (&narrowed, format!("{call}/none"), "{}", 403),
        (&narrowed, "GET /api/v1/services".to_owned(), "", 403),
        (&narrowed, "GET /api/v1/metrics".to_owned(), "", 403),
        (&narrowed, "POST /api/v1/ask".to_owned(), &question, 403),
        (&elsewhere, "GET /api/v1/services".to_owned(), "", 403),
        (&elsewhere, "POST /api/v1/ask".to_owned(), &question, 403),
    ] {
        let (status, _, answer) = exchange(&rig, &head, &bearer(key), body).await;
        assert_eq!(status, expected, "{} {head} {body}: {answer}", id_of(key));
    }
    assert_eq!(exchange(&rig, "POST /api/v1/ask", "", &question).await.0, 401);
    let (_, _, shown) = exchange(&rig, list, &bearer(&narrowed), "").await;
    assert_eq!((shown["total"].as_u64(), shown["tools"][0]["name"].as_str()), (Some(1), Some("logs")));
    world::revoke(&rig.disk, &observer);
    let (status, _, problem) = exchange(&rig, list, &bearer(&observer), "").await;
    assert_eq!((status, problem["code"].as_str()), (401, Some("FC-0041")));
    // The page of people asks for no key of agents, and whether it lives is told to anybody.
    assert_eq!(exchange(&rig, "GET /healthz", "", "").await.0, 200);
    rig.end().await;
}

#[tokio::test]
async fn every_path_of_the_document_is_answered_and_every_keyed_one_asks_for_the_key() {
    let rig = Rig::start().await;
    let (status, _, document) = exchange(&rig, "GET /api/v1/openapi.json", "", "").await;
    assert_eq!((status, document["openapi"].as_str()), (200, Some("3.1.0")));
    let key = world::make(&rig.disk, 4, world::order("admin", ALL));
    let mut keyed = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        if path.ends_with("/events") {
            continue;
        }
        let concrete = path.replace("{id}", "inc_0").replace("{trace_id}", &"0".repeat(32));
        for (method, operation) in methods.as_object().expect("methods") {
            let head = format!("{} {concrete}", method.to_uppercase());
            let (status, _, answer) = exchange(&rig, &head, "", "{}").await;
            let is_keyed = operation["security"].as_array().is_some_and(|ways| !ways.is_empty());
            assert_eq!(status == 401, is_keyed, "{head}: {status} {answer}");
            keyed += usize::from(is_keyed);
            let (status, _, answer) = exchange(&rig, &head, &bearer(&key), "{}").await;
            let code = answer["code"].as_str().unwrap_or_default();
            assert!(status != 401 && status != 405 && code != "FC-0001", "{head}: {status} {answer}");
        }
    }
    assert!(keyed > 15, "{keyed}");
    rig.end().await;
}

// covers: AG-03, AG-04, AW-15, AW-20
#[tokio::test]
async fn keys_decide_over_mcp_as_over_rest() {
    let rig = Rig::start().await;
    let message = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    let names = |answer: &Value| -> Vec<String> {
        let tools = answer["result"]["tools"].as_array().expect("tools").iter();
        tools.filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    };
    let list = message("tools/list", json!({}));
    let post = async |more: &str, body: &str| {
        exchange(&rig, "POST /mcp", &format!("content-type: application/json\r\n{more}"), body).await
    };
    let (status, _, answer) = post("", &list).await;
    assert_eq!((status, names(&answer).len()), (200, 10), "the person at this machine: {answer}");
    let observer = bearer(&world::make(&rig.disk, 1, world::order("observer", ALL)));
    let narrow = Scope { tools: &["logs"], ..ALL };
    let narrowed = bearer(&world::make(&rig.disk, 2, world::order("remediator", narrow)));
    let elsewhere = Scope { spaces: &["staging"], ..ALL };
    let elsewhere = bearer(&world::make(&rig.disk, 3, world::order("remediator", elsewhere)));
    let (status, head, _) = post("", &list).await;
    assert!(
        status == 401
            && head.contains("www-authenticate: Bearer ")
            && head.contains("resource_metadata=\"http://"),
        "{head}"
    );
    assert_eq!(post(&bearer("fck_x"), &list).await.0, 401);
    assert_eq!(post(&elsewhere, &list).await.0, 403);
    assert_eq!(names(&post(&narrowed, &list).await.2), ["logs"]);
    for (key, tool, arguments, is_refused) in [
        (&observer, "status", json!({}), false),
        (&observer, "status", json!({ "_agent_id": "a", "_agent_role": "admin" }), false),
        (&observer, "investigate", json!({ "service": "gateway", "_agent_role": "admin" }), true),
        (&narrowed, "logs", json!({}), false),
        (&narrowed, "status", json!({}), true),
        (&narrowed, "none", json!({}), true),
    ] {
        let call = message("tools/call", json!({ "name": tool, "arguments": arguments }));
        let (status, _, answer) = post(key, &call).await;
        let is_error = answer["result"]["isError"] == json!(true) || answer.get("error").is_some();
        assert_eq!((status, is_error), (200, is_refused), "{tool} {arguments}: {answer}");
    }
    rig.end().await;
}

// covers: AG-58
#[tokio::test]
async fn who_may_write_notes_tells_of_a_change_and_what_cannot_be_meant_is_refused() {
    let rig = Rig::start().await;
    let place = "POST /api/v1/changes";
    let told = r#"{"service":"orders","kind":"flag","before":"off","after":"on","at":"now-5m","message":"new_prices"}"#;
    let (status, _, kept) = exchange(&rig, place, "", told).await;
    assert_eq!(
        (status, &kept["kind"], &kept["detail"]["message"]),
        (200, &json!("flag"), &json!("new_prices")),
        "{kept}"
    );
    for (body, part) in [
        ("{}", "missing field `service`"),
        (r#"{"service":" ","after":"2"}"#, "`service` is not said"),
        (r#"{"service":"a","after":""}"#, "`after` is not said"),
        (r#"{"service":"a","after":"2","at":"tomorrow"}"#, "`tomorrow` is no time"),
        (r#"{"service":"a","after":"2","at":"now+1h"}"#, "has not come yet"),
        (r#"{"service":"a","after":"2","kind":"restart"}"#, "starts are seen"),
        (r#"{"service":"a","after":"2","kind":"magic"}"#, "unknown variant"),
        (r#"{"service":"a","after":"2","versoin":"3"}"#, "unknown field"),
    ] {
        let (status, _, answer) = exchange(&rig, place, "", body).await;
        assert_eq!((status, answer["code"].as_str()), (400, Some("FC-0056")), "{body}: {answer}");
        assert!(answer["detail"].as_str().is_some_and(|text| text.contains(part)), "{body}: {answer}");
    }
    let (status, _, answer) = exchange(&rig, place, "", r#"{"service":"unkept","after":"2"}"#).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (503, Some("FC-0054")),
        "what is not durable is no success"
    );
    let made = |seed, role, scope| bearer(&world::make(&rig.disk, seed, world::order(role, scope)));
    let narrow = Scope { tools: &["changes"], ..ALL };
    for (key, expected) in [
        (made(1, "observer", ALL), 403),
        (made(2, "approver", ALL), 403),
        (made(3, "diagnostician", narrow), 403),
        (made(4, "diagnostician", ALL), 200),
        (String::new(), 401),
    ] {
        assert_eq!(exchange(&rig, place, &key, told).await.0, expected, "{key}");
    }
    rig.end().await;
}
