//! Kibana's Agent Builder as its callers use it: run a tool, keep tools, converse in one answer or in events.

use serde_json::{Value, json};

use super::identity::oracle::Scope;
use super::identity::world;
use super::rig::Rig;
use super::tools_over_http::{ALL, bearer, exchange};

const XSRF: &str = "kbn-xsrf: true\r\n";

async fn post(rig: &Rig, path: &str, more: &str, body: Value) -> (u16, Value) {
    let head = format!("POST /api/agent_builder/{path}");
    let (status, _, answer) = exchange(rig, &head, &format!("{XSRF}{more}"), &body.to_string()).await;
    (status, answer)
}

// covers: EL-42, EL-50, EL-55, W-19
#[tokio::test]
async fn a_tool_runs_by_any_of_its_names_and_an_error_is_a_result() {
    let rig = Rig::start().await;
    for name in ["observability.get_services", "get_services", "observability_get_services"] {
        let (status, answer) =
            post(&rig, "tools/_execute", "", json!({ "tool_id": name, "tool_params": {} })).await;
        assert_eq!((status, &answer["results"][0]["type"]), (200, &json!("other")), "{name}: {answer}");
        assert_eq!(answer["results"][0]["data"]["total"], 2, "{answer}");
    }
    let wrong = json!({ "tool_id": "observability.get_services", "tool_params": { "serviceNme": "x" } });
    let (status, answer) = post(&rig, "tools/_execute", "", wrong).await;
    assert_eq!((status, &answer["results"][0]["type"]), (200, &json!("error")), "{answer}");
    assert!(answer["results"][0]["data"].get("stack").is_none(), "no stack leaves");
    assert_eq!(post(&rig, "tools/_execute", "", json!({ "tool_id": "nothing" })).await.0, 404);
    let (status, _, answer) =
        exchange(&rig, "POST /api/agent_builder/tools/_execute", "", "{\"tool_id\": \"get_services\"}").await;
    assert_eq!((status, &answer["message"]), (400, &json!("Request must contain a kbn-xsrf header.")));
    rig.end().await;
}

// covers: EL-51, AG-57
#[tokio::test]
async fn who_administers_keeps_tools_of_their_own_which_are_listed_at_once() {
    let rig = Rig::start().await;
    let (admin, other) = (
        world::make(&rig.disk, 4, world::order("admin", ALL)),
        world::make(&rig.disk, 5, world::order("remediator", ALL)),
    );
    let (admin, other) = (bearer(&admin), bearer(&other));
    let tool = json!({
        "id": "callers", "type": "question",
        "description": "List who calls a service.\nWhen to use: for callers; for callees.\nWhen NOT to use: why (`investigate`).",
        "configuration": { "question": "edges", "with": { "service": "{service}" },
            "params": { "service": { "type": "string", "description": "Whose." } } },
    });
    assert_eq!(post(&rig, "tools", &other, tool.clone()).await.0, 403);
    let (status, made) = post(&rig, "tools", &admin, tool.clone()).await;
    assert_eq!((status, &made["id"], &made["readonly"]), (200, &json!("callers"), &json!(false)), "{made}");
    assert_eq!(post(&rig, "tools", &admin, tool.clone()).await.0, 400, "it exists");
    let mut unkept = tool.clone();
    unkept["id"] = json!("unkept");
    assert_eq!(post(&rig, "tools", &admin, unkept).await.0, 503, "what would be forgotten is not made");
    let (_, _, list) = exchange(&rig, "GET /api/v1/tools", &other, "").await;
    assert!(!list.to_string().contains("unkept"), "{list}");
    let (_, _, list) = exchange(&rig, "GET /api/v1/tools", &other, "").await;
    assert!(list["tools"].as_array().expect("tools").iter().any(|tool| tool["name"] == "callers"), "{list}");
    let scope = Scope { tools: &["logs"], ..ALL };
    let narrow = bearer(&world::make(&rig.disk, 9, world::order("admin", scope)));
    let (_, _, list) = exchange(&rig, "GET /api/agent_builder/tools", &narrow, "").await;
    assert!(!list.to_string().contains("callers"), "what a key may not call it is not shown: {list}");
    let run = json!({ "tool_id": "callers", "tool_params": { "service": "gateway" } });
    let (_, ran) = post(&rig, "tools/_execute", &other, run).await;
    assert!(ran["results"][0]["data"]["total"].as_u64().is_some_and(|total| total > 0), "{ran}");
    let esql =
        json!({ "id": "x", "type": "esql", "description": "y", "configuration": { "query": "FROM logs-*" } });
    let (status, answer) = post(&rig, "tools", &admin, esql).await;
    assert!(
        status == 400 && answer["message"].as_str().is_some_and(|text| text.contains("ES|QL is not run"))
    );
    for (path, expected) in [("callers", 200), ("callers", 404), ("observability.get_services", 400)] {
        let head = format!("DELETE /api/agent_builder/tools/{path}");
        let (status, _, answer) = exchange(&rig, &head, &format!("{XSRF}{admin}"), "").await;
        assert_eq!(status, expected, "{path}: {answer}");
    }
    rig.end().await;
}

// covers: EL-52, EL-55b
#[tokio::test]
async fn a_conversation_goes_on_for_who_began_it_and_for_nobody_else() {
    let rig = Rig::start().await;
    let (one, other) = (
        bearer(&world::make(&rig.disk, 6, world::order("diagnostician", ALL))),
        bearer(&world::make(&rig.disk, 7, world::order("diagnostician", ALL))),
    );
    let asked =
        json!({ "input": "What services are experiencing issues?", "agent_id": "observability.agent" });
    let (status, first) = post(&rig, "converse", &one, asked).await;
    assert_eq!((status, &first["steps"][1]["tool_id"]), (200, &json!("status")), "{first}");
    assert!(first["response"]["message"].as_str().is_some_and(|text| text.contains("gateway")), "{first}");
    let id = first["conversation_id"].as_str().expect("an id").to_owned();
    let next = json!({ "input": "What changed in gateway?", "conversation_id": id });
    let (status, second) = post(&rig, "converse", &one, next.clone()).await;
    assert_eq!((status, &second["conversation_id"]), (200, &json!(id)), "{second}");
    assert_ne!(first["round_id"], second["round_id"]);
    assert_eq!(post(&rig, "converse", &other, next).await.0, 404, "it belongs to somebody else");
    let kept = format!("GET /api/agent_builder/conversations/{id}");
    let (_, _, kept) = exchange(&rig, &kept, &one, "").await;
    assert_eq!(kept["rounds"].as_array().map(Vec::len), Some(2), "{kept}");
    let scope = Scope { tools: &["status", "converse"], ..ALL };
    let narrow = bearer(&world::make(&rig.disk, 8, world::order("remediator", scope)));
    let (status, answer) = post(&rig, "converse", &narrow, json!({ "input": "Why is gateway slow?" })).await;
    assert_eq!(status, 403, "a conversation would call what the key does not show: {answer}");
    assert_eq!(post(&rig, "converse", &one, json!({ "input": "" })).await.0, 400);
    assert_eq!(post(&rig, "converse", &one, json!({ "input": "x", "agent_id": "y" })).await.0, 404);
    rig.end().await;
}

// covers: EL-53
#[tokio::test]
async fn the_events_come_in_order_and_the_pieces_make_the_message() {
    let rig = Rig::start().await;
    let body = json!({ "input": "Why is it slow?" }).to_string();
    let (status, head, text) = text(&rig, "POST /api/agent_builder/converse/async", &body).await;
    assert!(status == 200 && head.contains("text/event-stream"), "{head}");
    let events: Vec<(String, Value)> =
        text.split("\n\n").filter(|block| !block.is_empty()).map(event).collect();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        (names.first(), names.last()),
        (Some(&"conversation_id_set"), Some(&"round_complete")),
        "{names:?}"
    );
    for (place, (_, result)) in events.iter().enumerate().filter(|(_, (name, _))| name == "tool_result") {
        let is_its_call = |(name, call): &(String, Value)| {
            name == "tool_call" && call["tool_call_id"] == result["tool_call_id"]
        };
        assert!(events.iter().take(place).any(is_its_call), "a result before its call");
    }
    let pieces = events.iter().filter(|(name, _)| name == "message_chunk");
    let message: String = pieces.filter_map(|(_, data)| data["text_chunk"].as_str()).collect();
    let whole = events.iter().find(|(name, _)| name == "message_complete").expect("a whole message");
    assert_eq!(whole.1["message_content"], json!(message));
    rig.end().await;
}

fn event(block: &str) -> (String, Value) {
    let line = |key: &str| block.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    (line("event: ").to_owned(), serde_json::from_str(line("data: ")).expect("JSON"))
}

async fn text(rig: &Rig, head: &str, body: &str) -> (u16, String, String) {
    let answer = super::tools_over_http::raw(rig, head, XSRF, body).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.get(9..12).and_then(|text| text.parse().ok()).expect("a status");
    (status, head.to_owned(), body.to_owned())
}

// covers: EL-51, EL-56
#[tokio::test]
async fn a_tool_that_asks_is_run_in_a_conversation_only_when_a_person_allows_it() {
    let rig = Rig::start().await;
    let admin = bearer(&world::make(&rig.disk, 4, world::order("admin", ALL)));
    let tool = |id: &str, ask: &str| {
        json!({
            "id": id, "type": "question",
            "description": "List who calls a service.\nWhen to use: for callers; for callees.\nWhen NOT to use: why (`investigate`).",
            "configuration": { "question": "edges", "with": { "service": "{service}" },
                "params": { "service": { "type": "string", "description": "Whose." } } },
            "confirmation": { "askUser": ask },
        })
    };
    for (id, ask) in [("callers_free", "never"), ("callers_once", "once"), ("callers_always", "always")] {
        let (status, made) = post(&rig, "tools", &admin, tool(id, ask)).await;
        assert_eq!((status, &made["confirmation"]["askUser"]), (200, &json!(ask)), "{made}");
    }
    assert_eq!(post(&rig, "tools", &admin, tool("callers_odd", "sometimes")).await.0, 400);
    let say = |input: &str, id: Option<&Value>, prompts: Value| {
        post_converse(&rig, &admin, json!({ "input": input, "conversation_id": id, "prompts": prompts }))
    };
    let none = || json!({});
    let ran = |round: &Value| {
        round["steps"][1]["results"][0]["data"]["total"].as_u64().is_some_and(|total| total > 0)
    };
    let free = say("run callers_free for gateway", None, none()).await;
    assert!(ran(&free) && free["response"]["prompt"].is_null(), "{free}");
    assert_eq!(free["steps"][1]["params"], json!({ "service": "gateway" }));
    for (tool, asks_again) in [("callers_once", false), ("callers_always", true)] {
        let question = format!("run {tool} for gateway");
        let asked = say(&question, None, none()).await;
        let (id, prompt) = (asked["conversation_id"].clone(), asked["response"]["prompt"].clone());
        assert!(asked["steps"] == json!([]) && prompt["tool_id"] == tool, "it was not run: {asked}");
        let answer = |allow: bool| json!({ prompt["id"].as_str().expect("an id"): { "allow": allow } });
        let refused = say("", Some(&id), answer(false)).await;
        assert!(refused["steps"] == json!([]) && !ran(&refused), "{refused}");
        // What was answered is over: it cannot be allowed afterwards.
        let late = json!({ "input": "", "conversation_id": id, "prompts": answer(true) });
        assert_eq!(post(&rig, "converse", &admin, late).await.0, 400);
        let asked = say(&question, Some(&id), none()).await;
        assert!(asked["response"]["prompt"].is_object(), "a refusal allows nothing: {asked}");
        let allowed = say("", Some(&id), answer(true)).await;
        assert!(ran(&allowed), "{allowed}");
        let again = say(&question, Some(&id), none()).await;
        assert_eq!(again["response"]["prompt"].is_object(), asks_again, "{tool}: {again}");
        assert_eq!(ran(&again), !asks_again, "{tool}: {again}");
    }
    rig.end().await;
}

async fn post_converse(rig: &Rig, key: &str, body: Value) -> Value {
    let (status, answer) = post(rig, "converse", key, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}
