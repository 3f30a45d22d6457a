//! A running `firstcause serve` and what may be asked of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::BINARY;

/// A server; killed when dropped.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) otlp: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    _stdout: BufReader<ChildStdout>,
}

impl Serving {
    /// Starts a server on free ports.
    pub(crate) fn start(data_dir: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.arg("serve").args(more);
        Self::of(command, data_dir)
    }

    /// Starts a server by `command`, which still lacks its addresses and folder.
    pub(crate) fn of(command: Command, data_dir: &Path) -> Self {
        Self::at(command, data_dir, "127.0.0.1:0")
    }

    /// The same, receiving at `otlp`.
    pub(crate) fn at(command: Command, data_dir: &Path, otlp: &str) -> Self {
        Self::telling(command, data_dir, otlp, Stdio::null())
    }

    /// The same, with standard error going to `told`.
    pub(crate) fn telling(mut command: Command, data_dir: &Path, otlp: &str, told: Stdio) -> Self {
        command.arg("--data-dir").arg(data_dir);
        let any = "127.0.0.1:0";
        command.args(["--otlp-http", otlp, "--http", any, "--otlp-grpc", any]);
        let mut child = command.stdout(Stdio::piped()).stderr(told).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut address = || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let (_, address) = line.trim().rsplit_once("http://").expect("the server says where it listens");
            address.parse().unwrap()
        };
        let (otlp, http, grpc) = (address(), address(), address());
        Self { child, otlp, http, grpc, _stdout: stdout }
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The counts of `/stats`.
    pub(crate) fn stats(&self) -> serde_json::Value {
        let (status, body) = exchange(self.http, "GET /stats", "text/plain", &[]).unwrap();
        assert_eq!(status, 200);
        serde_json::from_slice(&body).unwrap()
    }

    /// How many spans of a trace are there.
    pub(crate) fn spans_of(&self, trace_id: &str) -> usize {
        let question = serde_json::json!({
            "id": "q0001", "space": "default", "not_before": 0,
            "ask": { "question": "trace", "trace_id": trace_id },
        });
        let body = question.to_string();
        let (status, answer) =
            exchange(self.http, "POST /api/v1/ask", "application/json", body.as_bytes()).unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        answer["table"]["rows"].as_array().unwrap().len()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One HTTP request on a connection of its own: status and body.
pub(crate) fn exchange(
    address: SocketAddr,
    method_and_path: &str,
    content_type: &str,
    body: &[u8],
) -> std::io::Result<(u16, Vec<u8>)> {
    exchange_with(address, method_and_path, &[("content-type", content_type)], body)
}

/// The same with headers of its own.
pub(crate) fn exchange_with(
    address: SocketAddr,
    method_and_path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<(u16, Vec<u8>)> {
    told(address, method_and_path, headers, body).map(|(status, _, body)| (status, body))
}

/// The same, with the head of the answer.
pub(crate) fn told(
    address: SocketAddr,
    method_and_path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<(u16, String, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method_and_path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let end = response.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(cut)?;
    let status =
        std::str::from_utf8(&response[9..12]).ok().and_then(|text| text.parse().ok()).ok_or_else(cut)?;
    let head = String::from_utf8_lossy(&response[..end]).into_owned();
    Ok((status, head, response[end + 4..].to_vec()))
}
