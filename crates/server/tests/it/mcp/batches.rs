//! Arrays of messages: answered where they are legal, refused where they ended.

use server::mcp::Settings;

use super::{initialize, mounted, plain, post, session};

const CALLS: &str = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who"}},
    {"jsonrpc":"2.0","method":"notifications/anything"},
    {"jsonrpc":"2.0","id":"two","method":"ping"},
    {"jsonrpc":"2.0","id":3,"method":"no/such"}]"#;

#[tokio::test]
async fn a_session_of_2025_03_26_gets_every_answer_of_an_array_in_one_stream() {
    let address = mounted(Settings::default()).await;
    for version in ["2024-11-05", "2025-03-26"] {
        let id = session(address, version, &[]).await;
        let answer = post(address, &[("mcp-session-id", &id)], CALLS).await;
        answer.check(200, &format!(r#""text":"nobody in {version}""#));
        answer.check(200, r#""id":"two","result":{}"#);
        answer.check(200, r#""id":3,"error":{"code":-32601"#);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.text.matches(r#""jsonrpc":"2.0""#).count(), 3, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_client_without_streams_gets_an_array_of_answers() {
    let address = mounted(Settings::default()).await;
    let answer = plain(address, CALLS).await;
    let body = answer.text.rsplit("\r\n\r\n").next().expect("it has a body");
    let answers: Vec<serde_json::Value> = serde_json::from_str(body).expect("an array");
    let ids: Vec<&serde_json::Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&serde_json::json!(1), &serde_json::json!("two"), &serde_json::json!(3)]);
    answer.check(200, "nobody in 2024-11-05");
}

#[tokio::test]
async fn an_array_of_notifications_is_accepted_without_a_body() {
    let address = mounted(Settings::default()).await;
    let id = session(address, "2025-03-26", &[]).await;
    let only =
        r#"[{"jsonrpc":"2.0","method":"notifications/one"},{"jsonrpc":"2.0","method":"notifications/two"}]"#;
    for answer in [post(address, &[("mcp-session-id", &id)], only).await, plain(address, only).await] {
        assert!(answer.status == 202 && answer.text.ends_with("\r\n\r\n"), "{}", answer.text);
    }
}

#[tokio::test]
async fn arrays_ended_with_2025_06_18() {
    let address = mounted(Settings::default()).await;
    for version in ["2025-06-18", "2025-11-25"] {
        let id = session(address, version, &[]).await;
        let refused = post(address, &[("mcp-session-id", &id)], CALLS).await;
        refused.check(400, "arrays of messages ended with 2025-06-18");
    }
    let old = session(address, "2025-03-26", &[]).await;
    for version in ["2025-06-18", "2025-11-25", "2026-07-28", "2099-01-01"] {
        let headers = [("mcp-session-id", old.as_str()), ("mcp-protocol-version", version)];
        post(address, &headers, CALLS).await.check(400, "-32600");
        post(address, &[("mcp-protocol-version", version)], CALLS).await.check(400, "-32600");
    }
}

#[tokio::test]
async fn an_array_is_refused_whole_when_a_part_of_it_is_no_message_or_there_are_too_many() {
    let mut settings = Settings::default();
    settings.batch_max = 3;
    let address = mounted(settings).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let array = |parts: &[&str]| format!("[{}]", parts.join(","));
    plain(address, &array(&[ping; 3])).await.check(200, r#""result":{}"#);
    plain(address, &array(&[ping; 4])).await.check(400, "more messages");
    plain(address, &array(&[ping, "7"])).await.check(400, "no JSON-RPC");
    plain(address, &array(&[ping, &array(&[ping])])).await.check(400, "no JSON-RPC");
    plain(address, &array(&[&initialize("2024-11-05")])).await.check(400, "comes alone");
    plain(address, "[]").await.check(400, "-32600");
}
