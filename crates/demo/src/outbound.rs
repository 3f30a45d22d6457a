//! The HTTP client that every part of the demo uses: keep-alive, plain text, addresses only.
//! It deliberately resolves no names and speaks no TLS: everything the demo calls has a literal address.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::{Request, Response, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// Answers of the demo are a few kilobytes; a mebibyte means that something else is listening there.
const BODY_LIMIT: usize = 1 << 20;

/// A pooling client.
pub(crate) type Client = legacy::Client<Connector, Full<Bytes>>;

/// Creates a client with its own connection pool.
pub(crate) fn client() -> Client {
    legacy::Client::builder(TokioExecutor::new()).build(Connector)
}

/// Why an answer was not read in full.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Reads the whole body of an answer.
pub(crate) async fn read_body(response: Response<Incoming>) -> Result<Bytes, BodyError> {
    Ok(Limited::new(response.into_body(), BODY_LIMIT).collect().await?.to_bytes())
}

/// Whether the service at `address` says that it is healthy.
pub(crate) async fn is_healthy(client: &Client, address: SocketAddr) -> bool {
    let request = Request::get(format!("http://{address}/healthz")).body(Full::default());
    match request {
        Ok(request) => client.request(request).await.is_ok_and(|answer| answer.status() == StatusCode::OK),
        Err(_) => false,
    }
}

/// Connects to literal addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connector;

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let address = uri.authority().and_then(|authority| authority.as_str().parse::<SocketAddr>().ok());
        Box::pin(async move {
            let address = address.ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("`{uri}` has no literal address and port"),
                )
            })?;
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        })
    }
}
