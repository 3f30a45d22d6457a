//! A server that answers as a contract says, writes down what it was asked, and can break.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// Decoded, in the order they came.
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status, further headers, body.
    Of(u16, Vec<(&'static str, String)>, String),
    /// Nothing, and the connection stays open.
    Silence,
    /// The connection is closed.
    Close,
    /// A body that ends before its length.
    Torn,
}

impl Reply {
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Of(200, vec![("Content-Type", "application/json".to_owned())], value.to_string())
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Of(status, Vec::new(), body.to_owned())
    }

    /// Every way in which a back end breaks: gone, slow, refusing for an hour, telling garbage, breaking off.
    pub(crate) fn broken() -> Vec<Self> {
        let later = vec![("Retry-After", "3600".to_owned())];
        vec![
            Self::Close,
            Self::Silence,
            Self::Of(429, later, "slow down".to_owned()),
            Self::status(500, "oh no"),
            Self::status(200, "{\"data\":["),
            Self::status(200, "<html>"),
            Self::Torn,
        ]
    }
}

type Seen = Arc<Mutex<Vec<Request>>>;

/// A running server; its thread ends with the test.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Seen,
}

impl Server {
    /// A server that answers with what `contract` says of a request.
    pub(crate) fn start(contract: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Seen::default();
        let (written, contract) = (Arc::clone(&seen), Arc::new(contract));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (written, contract) = (Arc::clone(&written), Arc::clone(&contract));
                std::thread::spawn(move || serve(stream, &written, &*contract));
            }
        });
        Self { url, seen }
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Request>>, contract: &dyn Fn(&Request) -> Reply) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let Some(request) = read(&mut reader) else { return };
    seen.lock().unwrap().push(request.clone());
    let mut stream = stream;
    match contract(&request) {
        Reply::Silence => std::thread::sleep(Duration::from_secs(60)),
        Reply::Close => {}
        Reply::Torn => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"only\":").ok();
        }
        Reply::Of(status, headers, body) => {
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!(
                "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).ok();
            stream.write_all(body.as_bytes()).ok();
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    });
    Some(Request {
        method,
        path: decoded(path),
        query: query.collect(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// Percent and plus undone.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a server answers to a request that is written out.
pub(crate) fn send(url: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    told
}

#[test]
fn what_came_is_read_and_what_the_contract_says_is_answered() {
    let server = Server::start(|request| Reply::json(&serde_json::json!({"told": request.parameter("q")})));
    let told = send(&server.url, "POST /a%20b?q=1+%7B HTTP/1.1\r\nX-Key: k\r\nContent-Length: 2\r\n\r\n{}");
    assert!(told.starts_with("HTTP/1.1 200") && told.ends_with("{\"told\":\"1 {\"}"), "{told}");
    let seen = server.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str(), seen[0].header("x-key")),
        ("POST", "/a b", Some("k"))
    );
    assert_eq!(seen[0].json(), serde_json::json!({}));
}
