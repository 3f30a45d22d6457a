//! Standard input: arrays where they are legal, what is no message, and an end that leaves no answer behind.

use serde_json::{Value, json};
use server::mcp::stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::{LIMIT, Who, initialize};

/// Says `lines`, closes, and gives the lines that came back.
async fn conversation(lines: &[String]) -> Vec<Value> {
    let (mut client, input) = duplex(64 << 10);
    let (output, mut answers) = duplex(64 << 10);
    let served = tokio::spawn(stdio::serve(Who, input, output));
    let said: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let saying = tokio::spawn(async move {
        client.write_all(said.as_bytes()).await.expect("it is read");
        client.shutdown().await.expect("it can be closed");
    });
    let mut text = String::new();
    let read = tokio::time::timeout(LIMIT, answers.read_to_string(&mut text));
    read.await.expect("it ends in time").expect("it answers in text");
    saying.await.expect("all was said");
    served.await.expect("it does not panic").expect("it ends well");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn opened(version: &str) -> Vec<String> {
    vec![initialize(version), r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned()]
}

const PING: &str = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"who"}}"#;

#[tokio::test]
async fn an_array_of_an_older_revision_is_answered_by_one_array_in_its_order() {
    for version in ["2024-11-05", "2025-03-26"] {
        let note = r#"{"jsonrpc":"2.0","method":"notifications/anything"}"#;
        let mut lines = opened(version);
        lines.extend([format!("[{CALL},{note},{PING}]"), format!("[{note}]")]);
        let answers = conversation(&lines).await;
        assert_eq!(answers.len(), 2, "{answers:?}");
        assert_eq!(answers[0]["result"]["protocolVersion"], version);
        let array = answers[1].as_array().expect("an array");
        assert_eq!(array[0]["result"]["content"][0]["text"], format!("nobody in {version}"));
        assert_eq!((array.len(), &array[1]), (2, &json!({ "jsonrpc": "2.0", "id": "p", "result": {} })));
    }
}

#[tokio::test]
async fn an_array_of_a_later_revision_or_before_the_handshake_is_refused() {
    for version in ["2025-06-18", "2025-11-25"] {
        let mut lines = opened(version);
        lines.extend([format!("[{PING}]"), PING.to_owned()]);
        let answers = conversation(&lines).await;
        let codes = answers.iter().filter(|answer| answer["error"]["code"] == -32600).count();
        assert!(answers.len() == 3 && codes == 1, "{answers:?}");
        assert!(answers.contains(&json!({ "jsonrpc": "2.0", "id": "p", "result": {} })), "{answers:?}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_the_conversation_goes_on() {
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(1 << 20));
    let mut lines = opened("2025-03-26");
    let wrong = ["{", "7", "[]", "[7]", r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#];
    lines.extend(wrong.map(str::to_owned));
    lines.extend([long, String::new(), PING.to_owned()]);
    let answers = conversation(&lines).await;
    let mut codes: Vec<i64> = answers.iter().filter_map(|answer| answer["error"]["code"].as_i64()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [-32700, -32600, -32600, -32600, -32600, -32600], "{answers:?}");
    assert!(answers.contains(&json!({ "jsonrpc": "2.0", "id": "p", "result": {} })), "{answers:?}");
}

#[tokio::test]
async fn a_client_that_leaves_at_once_is_no_error() {
    assert_eq!(conversation(&[]).await, Vec::<Value>::new());
}
