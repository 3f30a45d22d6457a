//! How many sessions and streams there may be, and what becomes of those that end.

use server::mcp::Settings;
use tokio::io::AsyncReadExt;

use super::{LIMIT, initialize, mounted, parsed, post, raw, send, session};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who"}}"#;

#[tokio::test]
async fn one_session_more_than_allowed_is_refused_until_one_ends() {
    let mut settings = Settings::default();
    settings.sessions_max = 2;
    let address = mounted(settings).await;
    let first = session(address, "2025-11-25", &[]).await;
    let second = session(address, "2025-03-26", &[]).await;
    let refused = post(address, &[], &initialize("2025-06-18")).await;
    refused.check(503, "too many sessions");
    assert_eq!(refused.header("retry-after"), Some("5"));
    post(address, &[("mcp-session-id", &second)], CALL).await.check(200, "in 2025-03-26");
    let end = [("host", "localhost"), ("mcp-session-id", first.as_str())];
    raw(address, "DELETE", "/mcp", &end, "").await.check(200, "");
    post(address, &[("mcp-session-id", &first)], CALL).await.check(404, "");
    session(address, "2025-06-18", &[]).await;
}

#[tokio::test]
async fn many_who_come_at_once_get_no_more_sessions_than_allowed() {
    let mut settings = Settings::default();
    settings.sessions_max = 5;
    let address = mounted(settings).await;
    let opening =
        (0..20).map(|_| tokio::spawn(async move { post(address, &[], &initialize("2025-11-25")).await }));
    let mut opened = 0;
    for one in opening.collect::<Vec<_>>() {
        let answer = one.await.expect("it does not panic");
        assert!(matches!(answer.status, 200 | 503), "{}", answer.text);
        opened += usize::from(answer.status == 200);
    }
    assert_eq!(opened, 5);
}

#[tokio::test]
async fn a_session_that_never_was_is_not_found() {
    let address = mounted(Settings::default()).await;
    for id in ["", "no-such-session", "00000000-0000-0000-0000-000000000000"] {
        post(address, &[("mcp-session-id", id)], CALL).await.check(404, "");
    }
    post(address, &[], CALL).await.check(400, "Session ID is required");
}

#[tokio::test]
async fn one_stream_more_than_allowed_is_refused_while_calls_go_on() {
    let mut settings = Settings::default();
    settings.streams_max = 1;
    let address = mounted(settings).await;
    let (one, other) = (session(address, "2025-11-25", &[]).await, session(address, "2025-11-25", &[]).await);
    let listen = |id: &str| {
        let headers = [("host", "localhost"), ("accept", "text/event-stream"), ("mcp-session-id", id)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        async move {
            let headers = headers.each_ref().map(|(name, value)| (name.as_str(), value.as_str()));
            let mut stream = send(address, "GET", "/mcp", &headers, "").await;
            let mut bytes = [0; 2000];
            let read =
                tokio::time::timeout(LIMIT, stream.read(&mut bytes)).await.expect("it answers in time");
            (parsed(bytes.get(..read.expect("it can be read")).expect("as much as was read")), stream)
        }
    };
    let (listening, held) = listen(&one).await;
    listening.check(200, "text/event-stream");
    let (refused, _) = listen(&other).await;
    refused.check(503, "too many streams");
    post(address, &[("mcp-session-id", &one)], CALL).await.check(200, "in 2025-11-25");
    drop(held);
}

#[tokio::test]
async fn only_clients_since_2025_11_25_see_an_event_without_data() {
    let address = mounted(Settings::default()).await;
    for (version, is_primed) in
        [("2024-11-05", false), ("2025-03-26", false), ("2025-06-18", false), ("2025-11-25", true)]
    {
        let opened = post(address, &[], &initialize(version)).await;
        let id = session(address, version, &[]).await;
        for answer in [opened, post(address, &[("mcp-session-id", &id)], CALL).await] {
            assert_eq!(answer.text.contains("retry: "), is_primed, "{version}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_client_without_a_session_and_one_with_are_served_side_by_side() {
    let address = mounted(Settings::default()).await;
    let id = session(address, "2025-06-18", &[]).await;
    let stateless = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}"#;
    let newest = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "who")];
    for _ in 0..3 {
        let answer = post(address, &newest, stateless).await;
        answer.check(200, "nobody in 2026-07-28");
        assert_eq!(answer.header("mcp-session-id"), None);
        post(address, &[("mcp-session-id", &id)], CALL).await.check(200, "nobody in 2025-06-18");
    }
    let wrong = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "other")];
    post(address, &wrong, stateless).await.check(400, "-32020");
}
