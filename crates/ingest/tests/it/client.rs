//! Sends a request exactly as it is told to, over HTTP/1.1 or HTTP/2, and keeps its connections.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cases::Case;

const SOON: Duration = Duration::from_secs(30);

/// An answer; trailers stand among the headers.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) http: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// A client of one receiver.
pub(crate) struct Client {
    http: SocketAddr,
    grpc: SocketAddr,
    one: Option<TcpStream>,
    two: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(crate) fn new(http: SocketAddr, grpc: SocketAddr) -> Self {
        Self { http, grpc, one: None, two: None }
    }

    pub(crate) async fn send(&mut self, case: &Case) -> Answer {
        let sending =
            async { if case.transport == "grpc" { self.call(case).await } else { self.post(case).await } };
        timeout(SOON, sending).await.expect("an answer within 30 s")
    }

    async fn post(&mut self, case: &Case) -> Answer {
        let mut stream = match self.one.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.http).await.unwrap(),
        };
        let mut bytes = format!("{} {} HTTP/1.1\r\nhost: x\r\n", case.method, case.path).into_bytes();
        let is_chunked = case.headers.iter().any(|(name, _)| name == "transfer-encoding");
        for (name, value) in &case.headers {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        if is_chunked {
            bytes.extend(b"\r\n");
            for chunk in case.body.chunks(7) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(format!("content-length: {}\r\n\r\n", case.body.len()).into_bytes());
            bytes.extend_from_slice(&case.body);
        }
        // Who is refused early may find that nobody reads on.
        let _outcome = stream.write_all(&bytes).await;
        let answer = read(&mut stream, case.method == "HEAD").await;
        if answer.header("connection") != Some("close") {
            self.one = Some(stream);
        }
        answer
    }

    async fn call(&mut self, case: &Case) -> Answer {
        if self.two.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(self.grpc).await.unwrap();
            // Head and body are two writes; together with delayed acknowledgements each call would take 40 ms.
            stream.set_nodelay(true).unwrap();
            let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            self.two = Some(sender);
        }
        let sender = self.two.as_mut().unwrap();
        sender.ready().await.unwrap();
        let mut request =
            Request::builder().method(case.method.as_str()).uri(format!("http://x{}", case.path));
        for (name, value) in &case.headers {
            request = request.header(name, value);
        }
        let body = Full::from(case.body.clone());
        let request = request.header("te", "trailers").body(body).unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        let text =
            |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head.headers.iter().chain(&trailers);
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        Answer { http: head.status.as_u16(), headers, body: body.to_bytes().to_vec() }
    }
}

/// One answer with a `content-length`.
async fn read(stream: &mut TcpStream, is_head: bool) -> Answer {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut piece).await {
            Ok(len) if len > 0 => bytes.extend_from_slice(&piece[..len]),
            _ => return Answer::default(),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let http = status.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { http, headers, body: bytes[end + 4..].to_vec() };
    let len = answer.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while !is_head && answer.body.len() < len {
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 => answer.body.extend_from_slice(&piece[..read]),
            _ => break,
        }
    }
    answer
}
