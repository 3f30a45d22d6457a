//! Serving one page over a real socket: what is answered, with which headers, and that it stops when told.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const PAGE: &str = "<!DOCTYPE html><title>p</title>";
/// Far more than anything here takes; a limit for when it hangs.
const LIMIT: Duration = Duration::from_secs(30);

struct Served {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

async fn served() -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let until = async { drop(stopped.await) };
    let ended = tokio::spawn(server::serve::page(listener, PAGE.to_owned(), until));
    Served { address, stop, ended }
}

/// Sends a request that asks for the connection to be closed, and reads all of the answer.
async fn answer(served: &Served, head: &str) -> String {
    let mut stream = TcpStream::connect(served.address).await.expect("it accepts");
    let request = format!("{head} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut text = String::new();
    let read = stream.read_to_string(&mut text);
    tokio::time::timeout(LIMIT, read).await.expect("it answers in time").expect("it answers in text");
    text
}

async fn stop(served: Served) {
    served.stop.send(()).expect("it still runs");
    let ended = tokio::time::timeout(LIMIT, served.ended).await.expect("it stops in time");
    ended.expect("it does not panic").expect("it ends well");
}

#[tokio::test]
async fn the_page_comes_with_its_length_and_may_not_be_kept_or_guessed_at() {
    let served = served().await;
    let text = answer(&served, "GET /").await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.ends_with(&format!("\r\n\r\n{PAGE}")), "{text}");
    for header in [
        format!("content-length: {}", PAGE.len()).as_str(),
        "content-type: text/html; charset=utf-8",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none';",
    ] {
        assert!(text.contains(header), "no `{header}` in {text}");
    }
    stop(served).await;
}

#[tokio::test]
async fn head_gives_the_head_of_get() {
    let served = served().await;
    let text = answer(&served, "HEAD /").await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains(&format!("content-length: {}\r\n", PAGE.len())), "{text}");
    assert!(text.ends_with("\r\n\r\n"), "{text}");
    stop(served).await;
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let served = served().await;
    for path in ["/favicon.ico", "//", "/../etc/passwd", "/%2e"] {
        let text = answer(&served, &format!("GET {path}")).await;
        assert!(text.starts_with("HTTP/1.1 404 "), "{path}: {text}");
    }
    for method in ["POST", "DELETE", "OPTIONS"] {
        let text = answer(&served, &format!("{method} /")).await;
        assert!(text.starts_with("HTTP/1.1 405 "), "{method}: {text}");
        assert!(text.contains("allow: GET, HEAD\r\n"), "{text}");
    }
    stop(served).await;
}

#[tokio::test]
async fn it_stops_with_a_kept_and_a_half_asked_connection_open() {
    let served = served().await;
    let mut kept = TcpStream::connect(served.address).await.expect("it accepts");
    kept.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("it reads");
    let mut text = Vec::new();
    while !text.ends_with(PAGE.as_bytes()) {
        let read = tokio::time::timeout(LIMIT, kept.read_buf(&mut text)).await.expect("it answers in time");
        assert_ne!(read.expect("it answers"), 0, "the connection is kept");
    }
    let mut half = TcpStream::connect(served.address).await.expect("it accepts");
    half.write_all(b"GET / HT").await.expect("it reads");
    let address = served.address;
    stop(served).await;
    assert_eq!(kept.read(&mut [0; 8]).await.expect("it is closed"), 0);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
