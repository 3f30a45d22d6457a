//! Takes connections, plain or encrypted on the same port: the first byte tells which. Services call each other
//! encrypted; probes and visitors from outside come in plain.
//! It deliberately accepts no encrypted connection from a caller without a certificate of this system.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// The content type of a TLS record that carries a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;
/// What a caller may take to say the first byte, or to finish its handshake.
const GREETING_LIMIT: Duration = Duration::from_secs(5);
/// Connections that have greeted and wait to be served.
const BACKLOG: usize = 256;

/// A connection that has been taken.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A listener whose connections greet side by side: one that is slow keeps no other waiting.
#[derive(Debug)]
pub(super) struct Greeter {
    address: SocketAddr,
    greeted: mpsc::Receiver<(Stream, SocketAddr)>,
}

impl Greeter {
    pub(super) fn start(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, greeted) = mpsc::channel(BACKLOG);
        tokio::spawn(accept(listener, tls.map(TlsAcceptor::from), sender));
        Ok(Self { address, greeted })
    }
}

async fn accept(
    mut listener: TcpListener,
    tls: Option<TlsAcceptor>,
    sender: mpsc::Sender<(Stream, SocketAddr)>,
) {
    loop {
        // The trait's own `accept` outlasts a shortage of descriptors.
        let accepted = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = sender.closed() => return,
        };
        let (stream, peer) = accepted;
        let (tls, sender) = (tls.clone(), sender.clone());
        tokio::spawn(async move {
            // A caller that does not finish its greeting is nobody's request.
            if let Ok(Ok(stream)) = timeout(GREETING_LIMIT, greet(stream, tls)).await {
                drop(sender.send((stream, peer)).await);
            }
        });
    }
}

async fn greet(stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<Stream> {
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Stream::Plain(stream)) };
    let mut first = [0];
    stream.peek(&mut first).await?;
    if first == [HANDSHAKE] {
        Ok(Stream::Tls(Box::new(tls.accept(stream).await?)))
    } else {
        Ok(Stream::Plain(stream))
    }
}

impl Listener for Greeter {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.greeted.recv().await {
            Some(greeted) => greeted,
            // Only when the runtime ends, and then nobody waits for this any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
