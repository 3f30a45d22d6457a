//! The key: asked for, found out, handed on, and never shared between sessions.
// covers: AW-20

use server::mcp::Settings;
use server::mcp::bearer::{Bearer, Principal, Refusal, token};

use super::{initialize, mounted, plain, post, raw, session};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who"}}"#;

fn keyed() -> Settings {
    let mut settings = Settings::default();
    settings.authorization_servers = vec!["https://issuer.example".to_owned()];
    settings.bearer = Some(Bearer::new(|headers| match token(headers) {
        None => Err(Refusal::missing()),
        Some(name @ ("alice" | "bob")) => Ok(Principal::new(name, 7_u32)),
        Some("carol") => Err(Refusal::insufficient()),
        Some(_) => Err(Refusal::invalid()),
    }));
    settings
}

#[tokio::test]
async fn without_a_key_the_answer_says_where_to_read_about_keys() {
    let address = mounted(keyed()).await;
    let refused = plain(address, CALL).await;
    refused.check(401, "");
    let challenge = refused.header("www-authenticate").expect("a challenge").to_owned();
    let link = "http://localhost/.well-known/oauth-protected-resource/mcp";
    assert_eq!(challenge, format!("Bearer realm=\"firstcause\", resource_metadata=\"{link}\""));
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
        let metadata = raw(address, "GET", path, &[("host", "localhost")], "").await;
        metadata.check(200, r#""resource":"http://localhost/mcp""#);
        metadata.check(200, r#""authorization_servers":["https://issuer.example"]"#);
        raw(address, "POST", path, &[("host", "localhost")], "").await.check(405, "");
    }
}

#[tokio::test]
async fn each_fault_of_a_key_is_told_apart() {
    let address = mounted(keyed()).await;
    for (key, status, error) in [
        ("Bearer mallory", 401, "error=\"invalid_token\""),
        ("Bearer ", 401, "resource_metadata"),
        ("Basic alice", 401, "resource_metadata"),
        ("Bearer carol", 403, "error=\"insufficient_scope\""),
        ("Bearer alice", 400, "Session ID is required"),
    ] {
        post(address, &[("authorization", key)], CALL).await.check(status, error);
    }
    let twice = [("authorization", "Bearer alice"), ("authorization", "Bearer bob")];
    post(address, &twice, CALL).await.check(401, "");
}

#[tokio::test]
async fn the_handler_learns_who_asks() {
    let address = mounted(keyed()).await;
    for name in ["alice", "bob"] {
        let key = format!("Bearer {name}");
        let id = session(address, "2025-11-25", &[("authorization", &key)]).await;
        let headers = [("authorization", key.as_str()), ("mcp-session-id", id.as_str())];
        post(address, &headers, CALL).await.check(200, &format!("{name} in 2025-11-25"));
    }
}

#[tokio::test]
async fn the_session_of_another_is_as_good_as_none() {
    let address = mounted(keyed()).await;
    let alice = ("authorization", "Bearer alice");
    let id = session(address, "2025-06-18", &[alice]).await;
    let id = ("mcp-session-id", id.as_str());
    post(address, &[("authorization", "Bearer bob"), id], CALL).await.check(404, "");
    raw(address, "DELETE", "/mcp", &[("host", "localhost"), ("authorization", "Bearer bob"), id], "")
        .await
        .check(404, "");
    post(address, &[alice, id], CALL).await.check(200, "alice in 2025-06-18");
}

#[tokio::test]
async fn where_no_key_is_needed_there_is_nothing_to_read_about_keys() {
    let address = mounted(Settings::default()).await;
    let path = "/.well-known/oauth-protected-resource/mcp";
    raw(address, "GET", path, &[("host", "localhost")], "").await.check(404, "");
    plain(address, &initialize("2024-11-05")).await.check(200, "");
}

#[tokio::test]
async fn the_address_of_the_world_is_the_one_that_the_operator_names() {
    let mut settings = keyed();
    settings.public_url = Some("https://tools.example/".to_owned());
    let address = mounted(settings).await;
    let link = "https://tools.example/.well-known/oauth-protected-resource/mcp";
    plain(address, CALL).await.check(401, link);
}
