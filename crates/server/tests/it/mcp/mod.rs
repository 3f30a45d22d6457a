//! The door of the protocol over a real socket: from where, with which key, how much, and what is no message.
//!
//! What the protocol itself asks is judged by the official suite and the official clients in `firstcause`'s tests.

mod batches;
mod errors;
mod keys;
mod places;
mod product;
mod sessions;
mod stdio;

use std::net::SocketAddr;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult,
    JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use server::mcp::bearer::Principal;
use server::mcp::{Mcp, Settings, methods};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Far more than anything here takes; a limit for when it hangs.
const LIMIT: Duration = Duration::from_secs(30);
/// What a client of the revisions with streams says that it takes.
const STREAMS: &str = "application/json, text/event-stream";

/// Has one tool, which tells who called it in which revision.
struct Who;

impl ServerHandler for Who {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = vec![Tool::new("who", "Tells who called", JsonObject::new())];
        Ok(ListToolsResult { tools, ..ListToolsResult::default() })
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = context.extensions.get::<hyper::http::request::Parts>();
        let caller = parts.and_then(|parts| parts.extensions.get::<Principal>());
        let name = caller.map_or("nobody", Principal::name);
        let version = context.protocol_version().map(|version| version.as_str().to_owned());
        let text = format!("{name} in {}", version.unwrap_or_default());
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(methods::unread(&request, &context))
    }
}

/// Serves [`Who`] for the rest of the test.
async fn mounted(settings: Settings) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(Mcp::new(|| Who, settings).serve(listener, std::future::pending()));
    address
}

/// An answer as it came over the socket.
#[derive(Debug)]
struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().expect("an answer has a head");
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    #[track_caller]
    fn check(&self, status: u16, part: &str) {
        assert!(
            self.status == status && self.text.contains(part),
            "not {status} with `{part}`: {}",
            self.text
        );
    }
}

/// Sends `method` with exactly the headers given, and a body where there is one.
async fn raw(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = send(address, method, path, headers, body).await;
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    tokio::time::timeout(LIMIT, read).await.expect("it answers in time").expect("it can be read");
    parsed(&bytes)
}

fn parsed(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    Answer { status: status.unwrap_or_else(|| panic!("no answer: {text}")), text }
}

async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> TcpStream {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(address).await.expect("it accepts");
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.expect("it reads");
    stream
}

/// Posts `body` as a client with streams does, with `more` headers.
async fn post(address: SocketAddr, more: &[(&str, &str)], body: &str) -> Answer {
    let mut headers = vec![("host", "localhost"), ("content-type", "application/json"), ("accept", STREAMS)];
    headers.extend_from_slice(more);
    raw(address, "POST", "/mcp", &headers, body).await
}

/// Posts `body` as a client of before streams does.
async fn plain(address: SocketAddr, body: &str) -> Answer {
    raw(address, "POST", "/mcp", &[("host", "localhost"), ("content-type", "application/json")], body).await
}

fn initialize(version: &str) -> String {
    let client = r#"{"name":"test","version":"1"}"#;
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{client}}}}}"#
    )
}

/// Opens a session of `version`, and gives its id.
async fn session(address: SocketAddr, version: &str, more: &[(&str, &str)]) -> String {
    let answer = post(address, more, &initialize(version)).await;
    answer.check(200, &format!(r#""protocolVersion":"{version}""#));
    let id = answer.header("mcp-session-id").expect("a session has an id").to_owned();
    let mut headers = vec![("mcp-session-id", id.as_str())];
    headers.extend_from_slice(more);
    post(address, &headers, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await.check(202, "");
    id
}
