//! What is no message, is too large, or comes by a method that takes none.
// covers: AG-02

use server::mcp::Settings;

use super::{initialize, mounted, plain, post, raw, session};

#[tokio::test]
async fn each_kind_of_wrong_message_has_its_code() {
    let address = mounted(Settings::default()).await;
    for (body, status, code) in [
        ("{", 400, -32700),
        ("", 400, -32700),
        ("7", 400, -32600),
        (r#"{"id":1,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#, 200, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#, 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":null}"#, 200, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":[]}"#, 400, -32600),
    ] {
        plain(address, body).await.check(status, &format!(r#""code":{code}"#));
        if status == 200 {
            let id = session(address, "2025-11-25", &[]).await;
            post(address, &[("mcp-session-id", &id)], body).await.check(status, &format!(r#""code":{code}"#));
        }
    }
}

#[tokio::test]
async fn an_id_comes_back_as_it_was_sent() {
    let address = mounted(Settings::default()).await;
    for id in ["1", r#""1""#, r#""a-b""#, "-7", "9007199254740993"] {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        plain(address, &ping).await.check(200, &format!(r#""id":{id},"#));
    }
}

#[tokio::test]
async fn a_client_of_2024_11_05_needs_no_session_and_no_stream() {
    let address = mounted(Settings::default()).await;
    let opened = plain(address, &initialize("2024-11-05")).await;
    opened.check(200, r#""protocolVersion":"2024-11-05""#);
    assert_eq!(opened.header("content-type"), Some("application/json"));
    assert_eq!(opened.header("mcp-session-id"), None);
    plain(address, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await.check(202, "");
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"who"}}"#;
    plain(address, call).await.check(200, "nobody in 2024-11-05");
    // Later revisions must take streams, and say so.
    plain(address, &initialize("2025-06-18")).await.check(406, "");
}

#[tokio::test]
async fn what_is_not_posted_is_not_taken() {
    let address = mounted(Settings::default()).await;
    for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD"] {
        let answer = raw(address, method, "/mcp", &[("host", "localhost")], "").await;
        answer.check(405, "");
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
    }
    raw(address, "POST", "/elsewhere", &[("host", "localhost")], "{}").await.check(404, "");
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_and_not_beyond() {
    let mut settings = Settings::default();
    settings.body_max_bytes = 1000;
    let address = mounted(settings).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    plain(address, &format!("{ping:<1000}")).await.check(200, "result");
    plain(address, &format!("{ping:<1001}")).await.check(413, "");
}

#[tokio::test]
async fn an_unknown_revision_is_refused() {
    let address = mounted(Settings::default()).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let id = session(address, "2025-06-18", &[]).await;
    for version in ["2099-01-01", "1", "latest"] {
        let headers = [("mcp-session-id", id.as_str()), ("mcp-protocol-version", version)];
        post(address, &headers, ping).await.check(400, "Unsupported");
        post(address, &[("mcp-protocol-version", version)], ping).await.check(400, "");
    }
    post(address, &[("mcp-session-id", &id), ("mcp-protocol-version", "2025-06-18")], ping)
        .await
        .check(200, "{}");
}
